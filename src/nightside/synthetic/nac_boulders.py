"""Boulders of metres: how many lie where, and their relief on a map.

Fresh craters wide enough to reach bedrock throw them out, most of them within two radii; few lie elsewhere. Their
number above a diameter falls as its power -3.5, between the slopes counted around lunar craters (Watkins et al. 2019,
JGR Planets 124, 2754: -3 to -6). A boulder is the upper part of an ellipsoid, bright because no dust stays on it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BOULDER = np.dtype([("x_m", "f4"), ("y_m", "f4"), ("diameter_m", "f4"), ("height_m", "f4")])
"""Centre east and south of the corner of the ground, mean diameter, and height above the ground."""

SMALLEST_M, LARGEST_M = 1.0, 10.0
_SLOPE = -3.5
_BEDROCK_CRATER_M = 15.0
_LEAST_FRESHNESS = 0.35


def draw_boulders(
    rng: np.random.Generator, extent_m: tuple[float, float], craters: NDArray[Any], abundance: float
) -> NDArray[Any]:
    """Draw boulders around fresh craters, and a few lone ones, as an array of ``BOULDER``.

    Args:
        rng: where chance comes from.
        extent_m: size of the ground in y and x.
        craters: as ``draw_craters`` returns them.
        abundance: the number of boulders above 1 m within the area of a just formed crater; 0 for none.
    """
    sources = craters[(craters["diameter_m"] > _BEDROCK_CRATER_M) & (craters["freshness"] > _LEAST_FRESHNESS)]
    share = (sources["freshness"] - _LEAST_FRESHNESS) / (1.0 - _LEAST_FRESHNESS)
    area = math.pi / 4.0 * sources["diameter_m"].astype(np.float64) ** 2
    numbers = rng.poisson(abundance * area * np.clip(share, 0.0, 1.0) ** 2 * rng.gamma(1.0, 1.0, share.size))
    owner = np.repeat(np.arange(sources.size), numbers)
    # Densest on the rim, thinning out as an exponential; a third lie on the floor and wall.
    inside = rng.random(owner.size) < 0.3
    outside = 1.0 + rng.exponential(0.6, owner.size)
    distance = np.where(inside, np.sqrt(rng.random(owner.size)), outside) * sources["diameter_m"][owner] / 2.0
    azimuth = rng.uniform(0.0, 2.0 * math.pi, owner.size)
    lone = int(rng.poisson(abundance * 1e-3 * extent_m[0] * extent_m[1]))
    boulders = np.zeros(owner.size + lone, BOULDER)
    lone_y, lone_x = (rng.random(lone) * side for side in extent_m)
    boulders["y_m"] = (
        np.concatenate([sources["y_m"][owner] + distance * np.sin(azimuth), lone_y]) % extent_m[0]
    )
    boulders["x_m"] = (
        np.concatenate([sources["x_m"][owner] + distance * np.cos(azimuth), lone_x]) % extent_m[1]
    )
    truncated = rng.uniform((LARGEST_M / SMALLEST_M) ** _SLOPE, 1.0, boulders.size)
    # No crater throws a block larger than a sixth of itself.
    limit = np.concatenate([sources["diameter_m"][owner] / 6.0, np.full(lone, LARGEST_M)])
    boulders["diameter_m"] = np.minimum(SMALLEST_M * truncated ** (1.0 / _SLOPE), limit)
    boulders["height_m"] = boulders["diameter_m"] * rng.uniform(0.35, 0.7, boulders.size)
    return boulders


def stamp_boulders(
    height_m: NDArray[np.float32],
    albedo: NDArray[np.float32],
    cell_m: float,
    boulders: NDArray[Any],
    rng: np.random.Generator,
) -> None:
    """Put boulders on heights and relative albedo (y, x), in place; the ground is a torus."""
    shape = np.stack(
        [
            boulders["y_m"] / cell_m - 0.5,
            boulders["x_m"] / cell_m - 0.5,
            boulders["diameter_m"] / (2.0 * cell_m),
            boulders["height_m"],
            rng.uniform(0.7, 1.0, boulders.size),
            rng.uniform(0.0, math.pi, boulders.size),
            rng.uniform(1.1, 1.5, boulders.size),
        ],
        axis=1,
    ).astype(np.float64)
    _stamp(height_m, albedo, shape)


@njit(cache=True, nogil=True)
def _stamp(height, albedo, shape):  # type: ignore[no-untyped-def]
    """Cover, of each cell, the part that the boulder's outline covers; a cell's edge softens the outline."""
    rows, columns = height.shape
    for n in range(shape.shape[0]):
        row, column, radius, top, flattening, turn, brightness = shape[n]
        cos, sin = math.cos(turn), math.sin(turn)
        long, short = radius / math.sqrt(flattening), radius * math.sqrt(flattening)
        reach = math.ceil(long + 1.0)
        middle_row, middle_column = round(row), round(column)
        for i in range(middle_row - reach, middle_row + reach + 1):
            for j in range(middle_column - reach, middle_column + reach + 1):
                dy, dx = i - row, j - column
                u, v = (cos * dx + sin * dy) / long, (-sin * dx + cos * dy) / short
                r = math.sqrt(u * u + v * v)
                cover = min(max((1.0 - r) * radius + 0.5, 0.0), 1.0) * min(1.0, 2.0 * radius)
                if cover <= 0.0:
                    continue
                y, x = i % rows, j % columns
                height[y, x] += cover * top * math.sqrt(max(1.0 - 0.8 * min(r, 1.0) ** 2, 0.2))
                albedo[y, x] *= 1.0 + cover * (brightness - 1.0)
