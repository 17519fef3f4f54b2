"""Compiled geometry of a line scanner: from pixels to the ground and back.

Vectors are in the Moon's body-fixed frame, in metres. A pose is what ``_pose`` fills in: the camera's place (0 to 2)
and the rows of the rotation that takes vectors of the camera's frame to the Moon's (3 to 11).
``lens`` is (focal length, y of sample 0, pitch of a sample, k1), in mm; see :mod:`nightside.camera.optics`.
``place`` of a terrain is (kind, x of the first pixel's centre, pixel along x, y, pixel along y, central meridian in
radians, radius in metres, columns of a whole turn or 0); see :mod:`nightside.camera.terrain`.

Every point is computed by itself from the same starting values, so that its result is the same to the last bit
whatever is computed beside it. Everything compiled is in this one file, because numba's cache looks for changes in
the caller's file only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

EQUIRECTANGULAR, NORTH_POLAR, SOUTH_POLAR = 1, 2, 3
"""Projections of a terrain."""

_TOLERANCE_LINES = 1e-8
_TOLERANCE_M = 1e-4


@njit(cache=True, error_model="numpy")
def _pose(
    line: float,
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    quaternion: NDArray[np.float64],
    pose: NDArray[np.float64],
) -> None:
    """Interpolate place (cubic Hermite) and attitude (normalised linear) between whole lines."""
    k = min(max(int(math.floor(line)), 0), position.shape[0] - 2)
    t = line - k
    u = 1.0 - t
    h00, h10 = (1.0 + 2.0 * t) * u * u, t * u * u
    h01, h11 = t * t * (3.0 - 2.0 * t), -t * t * u
    for i in range(3):
        pose[i] = (
            h00 * position[k, i]
            + h10 * velocity[k, i]
            + h01 * position[k + 1, i]
            + h11 * velocity[k + 1, i]
        )
    w = u * quaternion[k, 0] + t * quaternion[k + 1, 0]
    x = u * quaternion[k, 1] + t * quaternion[k + 1, 1]
    y = u * quaternion[k, 2] + t * quaternion[k + 1, 2]
    z = u * quaternion[k, 3] + t * quaternion[k + 1, 3]
    scale = 2.0 / (w * w + x * x + y * y + z * z)
    pose[3] = 1.0 - scale * (y * y + z * z)
    pose[4] = scale * (x * y - w * z)
    pose[5] = scale * (x * z + w * y)
    pose[6] = scale * (x * y + w * z)
    pose[7] = 1.0 - scale * (x * x + z * z)
    pose[8] = scale * (y * z - w * x)
    pose[9] = scale * (x * z - w * y)
    pose[10] = scale * (y * z + w * x)
    pose[11] = 1.0 - scale * (x * x + y * y)


@njit(cache=True, error_model="numpy")
def _height(x: float, y: float, z: float, heights: NDArray[np.float32], place: NDArray[np.float64]) -> float:
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
    if not (-0.5 <= row <= rows - 0.5 and -0.5 <= column):
        return math.nan
    if whole_turn == 0.0 and column > columns - 0.5:
        return math.nan
    top = min(max(int(math.floor(row)), 0), max(rows - 2, 0))
    down = min(max(row - top, 0.0), 1.0)
    below = min(top + 1, rows - 1)
    if whole_turn > 0.0:
        left = int(math.floor(column))
        right = left + 1
        if right >= int(whole_turn):
            right -= int(whole_turn)
        if left >= columns or right >= columns:
            return math.nan
        over = column - math.floor(column)
    else:
        left = min(max(int(math.floor(column)), 0), max(columns - 2, 0))
        right = min(left + 1, columns - 1)
        over = min(max(column - left, 0.0), 1.0)
    upper = heights[top, left] * (1.0 - over) + heights[top, right] * over
    lower = heights[below, left] * (1.0 - over) + heights[below, right] * over
    return float(upper * (1.0 - down) + lower * down)


@njit(cache=True, error_model="numpy")
def _to_sphere(pose: NDArray[np.float64], d0: float, d1: float, d2: float, radius: float) -> float:
    """Return the distance along a unit ray to a sphere about the origin, NaN where it misses."""
    along = pose[0] * d0 + pose[1] * d1 + pose[2] * d2
    below = along * along - (pose[0] * pose[0] + pose[1] * pose[1] + pose[2] * pose[2] - radius * radius)
    if below < 0.0:
        return math.nan
    return -along - math.sqrt(below)


@njit(cache=True, error_model="numpy")
def _above(
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
    return float(math.sqrt(x * x + y * y + z * z) - place[6] - _height(x, y, z, heights, place))


@njit(cache=True, error_model="numpy")
def _to_terrain(
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
    start = _to_sphere(pose, d0, d1, d2, place[6] + high + 1.0)
    if math.isnan(start):
        return math.nan
    end = _to_sphere(pose, d0, d1, d2, place[6] + low - 1.0)
    if math.isnan(end):  # over the limb: as far as the ray is close to the sphere
        end = 2.0 * -(pose[0] * d0 + pose[1] * d1 + pose[2] * d2) - start
    length = end - start
    level = math.sqrt(max(length * length - (high - low + 2.0) ** 2, 0.0))
    steps = int(level / step) + 1
    before, above_before = start, _above(pose, d0, d1, d2, start, heights, place)
    for i in range(1, steps + 1):
        s = start + length * i / steps
        above = _above(pose, d0, d1, d2, s, heights, place)
        if above <= 0.0:
            if not above_before >= 0.0:  # it came in from beyond the terrain's edge
                return math.nan
            # Regula falsi with the Illinois rule: the crossing stays enclosed.
            a, fa, b, fb = before, above_before, s, above
            for _ in range(100):
                if fb == 0.0 or b - a < _TOLERANCE_M:
                    return float(b)
                c = b - fb * (b - a) / (fb - fa)
                fc = _above(pose, d0, d1, d2, c, heights, place)
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


@njit(cache=True, error_model="numpy", parallel=True)
def ground_of(
    line: NDArray[np.float64],
    sample: NDArray[np.float64],
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    quaternion: NDArray[np.float64],
    lens: NDArray[np.float64],
    radius: float,
    heights: NDArray[np.float32],
    place: NDArray[np.float64],
    bounds: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill ``out`` (point, 3) with the ground that pixels see, body-fixed in metres; NaN off the Moon.

    ``bounds`` is (lowest height, highest height, step) of the terrain; ``place[0]`` is 0 where there is none.
    """
    for i in prange(line.size):
        pose = np.empty(12)
        _pose(line[i], position, velocity, quaternion, pose)
        y = lens[1] + lens[2] * sample[i]
        y = y / (1.0 + lens[3] * y * y)
        norm = math.sqrt(y * y + lens[0] * lens[0])
        y, z = y / norm, lens[0] / norm
        d0, d1, d2 = pose[4] * y + pose[5] * z, pose[7] * y + pose[8] * z, pose[10] * y + pose[11] * z
        if place[0] == 0.0:
            s = _to_sphere(pose, d0, d1, d2, radius)
        else:
            s = _to_terrain(pose, d0, d1, d2, heights, place, bounds[0], bounds[1], bounds[2])
        if not s > 0.0:
            s = math.nan
        out[i, 0], out[i, 1], out[i, 2] = pose[0] + s * d0, pose[1] + s * d1, pose[2] + s * d2


@njit(cache=True, error_model="numpy")
def _ahead(
    line: float,
    ground: NDArray[np.float64],
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    quaternion: NDArray[np.float64],
    slope: float,
    pose: NDArray[np.float64],
) -> float:
    """Return how far ground lies off the plane that the detector sees: x / z in the camera's frame.

    Beyond the image it goes on with ``slope``, its typical change from line to line.
    """
    near = min(max(line, -1.0), float(position.shape[0]))
    _pose(near, position, velocity, quaternion, pose)
    v0, v1, v2 = ground[0] - pose[0], ground[1] - pose[1], ground[2] - pose[2]
    x = pose[3] * v0 + pose[6] * v1 + pose[9] * v2
    z = pose[5] * v0 + pose[8] * v1 + pose[11] * v2
    return x / z + slope * (line - near)


@njit(cache=True, error_model="numpy")
def _guess(angle: float, angles: NDArray[np.float64], lines: NDArray[np.float64]) -> float:
    """Return the line at an angle along the track: linear between the table's entries, and beyond them."""
    low, high = 0, angles.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if angles[middle] <= angle:
            low = middle
        else:
            high = middle
    t = (angle - angles[low]) / (angles[high] - angles[low])
    return float(lines[low] + t * (lines[high] - lines[low]))


@njit(cache=True, error_model="numpy", parallel=True)
def image_of(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    height: NDArray[np.float64],
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    quaternion: NDArray[np.float64],
    lens: NDArray[np.float64],
    radius: float,
    slope: float,
    axes: NDArray[np.float64],
    angles: NDArray[np.float64],
    lines: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill ``out`` (point, 2) with the line and sample that see ground; beyond the image they are extrapolated.

    Longitude and latitude are in radians, height in metres. ``axes`` (2, 3) span the plane of the track; ``angles``
    and ``lines`` are the table from which the search begins. NaN where the ground faces away or lies behind.
    """
    for i in prange(longitude.size):
        out[i, 0] = out[i, 1] = math.nan
        if not math.isfinite(longitude[i] + latitude[i] + height[i]):
            continue
        ground, pose = np.empty(3), np.empty(12)
        c = math.cos(latitude[i])
        ground[0], ground[1] = c * math.cos(longitude[i]), c * math.sin(longitude[i])
        ground[2] = math.sin(latitude[i])
        first = axes[0, 0] * ground[0] + axes[0, 1] * ground[1] + axes[0, 2] * ground[2]
        second = axes[1, 0] * ground[0] + axes[1, 1] * ground[1] + axes[1, 2] * ground[2]
        line = _guess(math.atan2(second, first), angles, lines)
        for j in range(3):
            ground[j] *= radius + height[i]
        off = _ahead(line, ground, position, velocity, quaternion, slope, pose)
        change = -off / slope
        for _ in range(40):
            line_before, off_before = line, off
            line += change
            off = _ahead(line, ground, position, velocity, quaternion, slope, pose)
            if abs(change) < _TOLERANCE_LINES:
                break
            steepness = (off - off_before) / (line - line_before)
            # A step against the scan, or a wild one, is a sign of distance: then the typical slope leads back.
            if not 0.2 < steepness / slope < 5.0:
                steepness = slope
            change = -off / steepness
        if not abs(change) < 1e3 * _TOLERANCE_LINES:
            continue
        v0, v1, v2 = ground[0] - pose[0], ground[1] - pose[1], ground[2] - pose[2]
        if not v0 * ground[0] + v1 * ground[1] + v2 * ground[2] < 0.0:
            continue
        y = pose[4] * v0 + pose[7] * v1 + pose[10] * v2
        z = pose[5] * v0 + pose[8] * v1 + pose[11] * v2
        ideal = lens[0] * y / z
        if not (z > 0.0 and abs(ideal) <= 40.0):
            continue
        distorted = ideal
        for _ in range(50):
            before = distorted
            distorted = ideal * (1.0 + lens[3] * before * before)
            if abs(distorted - before) <= 1e-10:
                break
        out[i, 0], out[i, 1] = line, (distorted - lens[1]) / lens[2]


@njit(cache=True, error_model="numpy", parallel=True)
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
        out[i] = _height(
            c * math.cos(longitude[i]), c * math.sin(longitude[i]), math.sin(latitude[i]), heights, place
        )
