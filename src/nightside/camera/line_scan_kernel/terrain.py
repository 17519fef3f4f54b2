"""Where a ray meets terrain, and how high terrain is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from nightside.camera.line_scan_kernel.compiled import compiled
from nightside.camera.line_scan_kernel.sphere import to_sphere

EQUIRECTANGULAR, NORTH_POLAR, SOUTH_POLAR = 1, 2, 3
"""Projections of a terrain."""

_TOLERANCE_M = 1e-4


@compiled()
def height_at(
    x: float, y: float, z: float, heights: NDArray[np.float32], place: NDArray[np.float64]
) -> float:
    """Return the terrain's height, bilinear between pixel centres, above the point (x, y, z); NaN off the terrain."""
    radius, kind = place[6], int(place[0])
    norm = math.sqrt(x * x + y * y + z * z)
    if kind == EQUIRECTANGULAR:
        turn = math.atan2(y, x) - place[5]
        turn -= 2.0 * math.pi * math.floor(turn / (2.0 * math.pi) + 0.5)
        east, north = radius * turn, radius * math.asin(z / norm)
    else:
        # Stereographic from the other pole; longitude counts from the central meridian.
        c, s = math.cos(place[5]), math.sin(place[5])
        ahead, aside = x * c + y * s, y * c - x * s
        if kind == NORTH_POLAR:
            factor = 2.0 * radius / (norm + z)
            east, north = factor * aside, -factor * ahead
        else:
            factor = 2.0 * radius / (norm - z)
            east, north = factor * aside, factor * ahead
    column, row = (east - place[1]) / place[2], (north - place[3]) / place[4]
    rows, columns = heights.shape
    whole_turn = place[7]
    if whole_turn > 0.0:
        column -= whole_turn * math.floor(column / whole_turn)
        row = min(max(row, 0.0), rows - 1.0)  # the last half pixel before a pole
    if not (-0.5 <= row <= rows - 0.5 and column >= -0.5):
        return math.nan
    if whole_turn == 0.0 and column > columns - 0.5:
        return math.nan
    top = min(max(math.floor(row), 0), max(rows - 2, 0))
    down = min(max(row - top, 0.0), 1.0)
    below = min(top + 1, rows - 1)
    if whole_turn > 0.0:
        left = math.floor(column)
        right = left + 1
        if right >= int(whole_turn):
            right -= int(whole_turn)
        if left >= columns or right >= columns:
            return math.nan
        over = column - math.floor(column)
    else:
        left = min(max(math.floor(column), 0), max(columns - 2, 0))
        right = min(left + 1, columns - 1)
        over = min(max(column - left, 0.0), 1.0)
    upper = heights[top, left] * (1.0 - over) + heights[top, right] * over
    lower = heights[below, left] * (1.0 - over) + heights[below, right] * over
    return float(upper * (1.0 - down) + lower * down)


@compiled(parallel=True)
def heights_at(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    heights: NDArray[np.float32],
    place: NDArray[np.float64],
    out: Any,
) -> None:
    """Fill ``out`` with the terrain's heights, in metres, at longitudes and latitudes in radians; NaN off it."""
    for i in prange(longitude.size):
        c = math.cos(latitude[i])
        out[i] = height_at(
            c * math.cos(longitude[i]), c * math.sin(longitude[i]), math.sin(latitude[i]), heights, place
        )


@compiled()
def clearance(
    pose: NDArray[np.float64],
    d0: float,
    d1: float,
    d2: float,
    s: float,
    heights: NDArray[np.float32],
    place: NDArray[np.float64],
) -> float:
    """Return the height above the terrain at distance s along a ray."""
    x, y, z = pose[0] + s * d0, pose[1] + s * d1, pose[2] + s * d2
    return float(math.sqrt(x * x + y * y + z * z) - place[6] - height_at(x, y, z, heights, place))


@compiled()
def to_terrain(
    pose: NDArray[np.float64],
    d0: float,
    d1: float,
    d2: float,
    heights: NDArray[np.float32],
    place: NDArray[np.float64],
    low: float,
    high: float,
    step: float,
) -> float:
    """Return the distance along a unit ray to the first terrain that it meets, NaN where it meets none.

    The ray is marched from above the highest terrain, half a pixel of it at a time, and the crossing then refined.
    """
    start = to_sphere(pose, d0, d1, d2, place[6] + high + 1.0)
    if math.isnan(start):
        return math.nan
    end = to_sphere(pose, d0, d1, d2, place[6] + low - 1.0)
    if math.isnan(end):  # over the limb: as far as the ray is close to the sphere
        end = 2.0 * -(pose[0] * d0 + pose[1] * d1 + pose[2] * d2) - start
    length = end - start
    level = math.sqrt(max(length * length - (high - low + 2.0) ** 2, 0.0))
    steps = int(level / step) + 1
    before, above_before = start, clearance(pose, d0, d1, d2, start, heights, place)
    for i in range(1, steps + 1):
        s = start + length * i / steps
        above = clearance(pose, d0, d1, d2, s, heights, place)
        if above <= 0.0:
            if not above_before >= 0.0:  # it came in from beyond the terrain's edge
                return math.nan
            # Regula falsi with the Illinois rule: the crossing stays enclosed.
            a, fa, b, fb = before, above_before, s, above
            for _ in range(100):
                if fb == 0.0 or b - a < _TOLERANCE_M:
                    return float(b)
                c = b - fb * (b - a) / (fb - fa)
                fc = clearance(pose, d0, d1, d2, c, heights, place)
                if math.isnan(fc):
                    return math.nan
                if abs(fc) < _TOLERANCE_M:
                    return float(c)
                if fc < 0.0:
                    b, fb, fa = c, fc, 0.5 * fa
                else:
                    a, fa, fb = c, fc, 0.5 * fb
            return float(b)
        before, above_before = s, above
    return math.nan
