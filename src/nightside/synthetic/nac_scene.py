"""Small scenes by the hundred: windows of a few large grounds, each with a slope and a light of its own."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightside.synthetic.nac_ground import Ground, GroundStyle, make_ground
from nightside.synthetic.nac_sampling import sample_pixels
from nightside.synthetic.nac_shading import Light, radiance, rim_light, sunlight

Float = NDArray[np.float32]

SCENE_CRATER = np.dtype(
    [
        ("line", "f4"),
        ("sample", "f4"),
        ("diameter_px", "f4"),
        ("depth_to_diameter", "f4"),
        ("freshness", "f4"),
    ]
)
"""A crater of a scene: its centre, with whole numbers at the centres of pixels, its size and its state."""

STYLES = (
    GroundStyle(),
    GroundStyle(crater_density=0.04, equilibrium_m=60.0, swell_slope_deg=2.0, texture_slope_deg=5.0),
    GroundStyle(crater_density=0.09, equilibrium_m=250.0, swell_slope_deg=5.0, texture_slope_deg=7.0),
    GroundStyle(boulder_abundance=0.15, texture_slope_deg=5.0, albedo_spread=0.06),
)
"""The kinds of ground that scenes are cut from: usual, young, old and rocky."""

_GROUND_CELLS = 1536
_MARGIN_CELLS = 96
"""Relief around a window that may cast shadows into it."""

_SMALLEST_PX = 3.0


def draw_scene(
    rng: np.random.Generator, size: int, *, sunlit_share: float = 0.25, pool: int = 0
) -> tuple[Float, NDArray[Any]]:
    """Return a scene (line, sample) of mean 1, and its craters of 3 pixels and more.

    Grounds are made once for each process. A scene is a window of one of them at 0.7 to 1.4 cells to the pixel, turned
    by quarters or mirrored, on a slope of its own, in a light of its own: mostly a rim's, sometimes the Sun's.

    Args:
        rng: where chance comes from.
        size: lines and samples.
        sunlit_share: how often the Sun shines.
        pool: the seed of the grounds; scenes of different pools share no ground.

    Returns:
        the scene, and its craters as an array of ``SCENE_CRATER``.

    Raises:
        ValueError: the size is not between 16 and 1024.
    """
    if not 16 <= size <= 1024:
        raise ValueError(f"a scene of {size} pixels; give 16 to 1024")
    ground = _ground(pool, int(rng.integers(len(STYLES))))
    zoom = float(np.exp(rng.uniform(math.log(0.7), math.log(1.4))))
    cells = math.ceil(size * zoom) + 2
    corner = rng.integers(0, _GROUND_CELLS, 2)
    height, albedo = (_window(f, corner, cells + 2 * _MARGIN_CELLS) for f in (ground.height_m, ground.albedo))
    tilt = tuple(np.tan(np.deg2rad(np.clip(rng.normal(0.0, 5.0, 2), -15.0, 15.0))))
    light = draw_light(rng, sunlit_share)
    lit = radiance(height, albedo, ground.cell_m, light, (float(tilt[0]), float(tilt[1])), wrap=False)
    lattice = _turned(rng, _MARGIN_CELLS + 1.0, size * zoom)
    scene = sample_pixels(lit, lattice[0], lattice[1], (size, size), (size, size))
    # A window that lies all in shadow still has the ambient light.
    return scene / np.float32(scene.mean(dtype=np.float64)), _craters_of(ground, corner, lattice, size, zoom)


def draw_light(rng: np.random.Generator, sunlit_share: float) -> Light:
    """Return a light of a random place: a rim's 20 to 90 degrees wide and 5 to 25 high, or the Sun 8 to 45 high."""
    azimuth = float(rng.uniform(0.0, 360.0))
    if rng.random() < sunlit_share:
        return sunlight(azimuth, float(rng.uniform(8.0, 45.0)))
    return rim_light(azimuth, float(rng.uniform(5.0, 25.0)), float(rng.uniform(20.0, 90.0)))


@lru_cache(maxsize=2 * len(STYLES))
def _ground(pool: int, style: int) -> Ground:
    return make_ground([pool, 11, style], (_GROUND_CELLS, _GROUND_CELLS), 1.0, STYLES[style])


def _window(field: Float, corner: NDArray[np.int64], cells: int) -> Float:
    span = np.arange(-_MARGIN_CELLS, cells - _MARGIN_CELLS)
    rows, columns = ((span + first) % _GROUND_CELLS for first in corner)
    return field[np.ix_(rows, columns)]


def _turned(
    rng: np.random.Generator, first: float, extent: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rows and columns of a square's corners, turned by quarters and perhaps mirrored."""
    row, column = np.meshgrid([first, first + extent], [first, first + extent], indexing="ij")
    turn = int(rng.integers(4))
    row, column = np.rot90(row, turn), np.rot90(column, turn)
    return (row[:, ::-1], column[:, ::-1]) if rng.random() < 0.5 else (row, column)


def _craters_of(
    ground: Ground,
    corner: NDArray[np.int64],
    lattice: tuple[NDArray[np.float64], NDArray[np.float64]],
    size: int,
    zoom: float,
) -> NDArray[Any]:
    known = ground.craters
    # Position in the window, in cells with whole numbers at the centres of cells.
    row, column = (
        (known[axis] / ground.cell_m - 0.5 - first + _MARGIN_CELLS) % _GROUND_CELLS
        for axis, first in zip(("y_m", "x_m"), corner, strict=True)
    )
    origin = np.array([lattice[0][0, 0], lattice[1][0, 0]])
    down = np.array([lattice[0][1, 0], lattice[1][1, 0]]) - origin
    right = np.array([lattice[0][0, 1], lattice[1][0, 1]]) - origin
    offset = np.stack([row - origin[0], column - origin[1]], axis=-1)
    line, sample = (size * (offset @ side) / (side @ side) - 0.5 for side in (down, right))
    diameter = known["diameter_m"] / ground.cell_m / zoom
    inside = (np.abs(line - size / 2 + 0.5) < size / 2) & (np.abs(sample - size / 2 + 0.5) < size / 2)
    kept = inside & (diameter >= _SMALLEST_PX)
    craters = np.zeros(int(kept.sum()), SCENE_CRATER)
    craters["line"], craters["sample"], craters["diameter_px"] = line[kept], sample[kept], diameter[kept]
    craters["depth_to_diameter"] = known["depth_to_diameter"][kept]
    craters["freshness"] = known["freshness"][kept]
    return craters
