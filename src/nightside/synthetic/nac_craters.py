"""Craters of metres to hundreds of metres: how many there are, how worn each is, and their relief on a map.

**Number.** More than D metres across form as D**-3, and each fades by topographic diffusion in a time that grows as
D, so that of the small ones as many fade as form: in this equilibrium E D**-2 of them are seen in each square metre
(Trask 1966, in NASA TR 32-800: E = 0.079). Boxes drawn on real NAC scenes give 0.02 to 0.13. Above the diameter at
which the surface is too young for the equilibrium the slope is that of production.

**Shape.** A fresh crater is a parabola, a fifth as deep from its rim as it is wide, with a rim that falls as r**-3
(McGetchin et al. 1973, EPSL 20, 226). An old one is a fresh one after the diffusion dz/dt = k laplace(z) (Fassett &
Thomson 2014, JGR Planets 119, 2255): its form depends on k t / R**2 alone, which is what ``wear`` stands for.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

CRATER = np.dtype(
    [
        ("x_m", "f4"),
        ("y_m", "f4"),
        ("diameter_m", "f4"),
        ("depth_to_diameter", "f4"),
        ("freshness", "f4"),
        ("wear", "f4"),
        ("oval", "f4", (4,)),
    ]
)
"""Centre east and south of the corner of the ground, size, rim-to-floor depth over diameter, and freshness: 1 as it
formed, 0 when it is about to vanish. ``oval`` are the cosine and sine parts of its outline at 2 and 3 lobes."""

FRESH_DEPTH, WORN_DEPTH = 0.2, 0.02
"""Depth over diameter of a new crater, and of the shallowest that still counts as one."""

_RIM = 0.036
_REACH = 4.0
"""Where the ejecta end, in radii."""

_STEPS_PER_RADIUS = 20
_WEARS = 32
_OVAL = 0.035
_WEAR_POWER = 1.5
"""Of time: what hits a crater that has lost its rim is larger. About half of the craters are shallower than 0.06."""

_CELL_BLUR = 0.4
"""No relief is sharper than a Gaussian of this many cells, so that a rim does not break into steps."""

_ERASING_CELLS = 3.0
"""Radius from which a new crater erases what was there."""


@cache
def profiles() -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Return the relief of craters at all stages of wear.

    Returns:
        relief over diameter (wear, radius), radii in steps of 1/20 crater radius from the centre; the values of
        ``wear`` = k t / R**2; and depth over diameter at each, falling from 0.2 to 0.02.
    """
    half = round(_STEPS_PER_RADIUS * (_REACH + 1.0))
    axis = np.arange(-half, half + 1) / _STEPS_PER_RADIUS
    radius = np.hypot(axis[:, None], axis[None, :])
    fresh = _fresh(radius)

    def worn(wear: float) -> NDArray[np.float64]:
        filtered = gaussian_filter(fresh, math.sqrt(2.0 * wear) * _STEPS_PER_RADIUS, mode="constant")
        return np.asarray(filtered[half, half:], np.float64)

    low, high = 0.0, 4.0
    while high - low > 1e-3:
        middle = (low + high) / 2.0
        low, high = (middle, high) if _depth(worn(middle)) > WORN_DEPTH else (low, middle)
    # Evenly in the root: a crater changes fastest when it is new.
    wears = high * np.linspace(0.0, 1.0, _WEARS) ** 2
    relief = np.stack([worn(wear) for wear in wears])
    fade = np.clip((_REACH - axis[half:]) / 1.0, 0.0, 1.0)
    depths = np.array([_depth(row) for row in relief])
    return (relief * fade).astype(np.float32), wears, depths


def draw_craters(
    rng: np.random.Generator,
    extent_m: tuple[float, float],
    smallest_m: float,
    largest_m: float,
    *,
    density: float = 0.07,
    equilibrium_m: float = 120.0,
) -> NDArray[Any]:
    """Draw the craters of a ground, oldest first, as an array of ``CRATER``.

    Args:
        rng: where chance comes from.
        extent_m: size of the ground in y and x.
        smallest_m: diameter of the smallest.
        largest_m: diameter of the largest.
        density: E above: the number in equilibrium larger than D in each D**2; about 0.08 on old ground.
        equilibrium_m: the largest diameter in equilibrium; older ground has it larger.
    """
    area = extent_m[0] * extent_m[1]
    most, least = (_number_above(d, density, equilibrium_m) for d in (smallest_m, largest_m))
    count = int(rng.poisson(area * max(most - least, 0.0)))
    diameter = _diameter_of(rng.uniform(least, most, count), density, equilibrium_m)
    _, wears, depths = profiles()
    # Time since formation in the lifetimes of a crater at equilibrium_m, the age of the whole surface.
    age = rng.random(count) * np.minimum(diameter / equilibrium_m, 1.0)
    wear = wears[-1] * (age * equilibrium_m / diameter) ** _WEAR_POWER
    craters = np.zeros(count, CRATER)
    craters["y_m"], craters["x_m"] = (rng.random(count) * side for side in extent_m)
    craters["diameter_m"], craters["wear"] = diameter, wear
    craters["depth_to_diameter"] = np.interp(wear, wears, depths)
    craters["freshness"] = (craters["depth_to_diameter"] - WORN_DEPTH) / (FRESH_DEPTH - WORN_DEPTH)
    craters["oval"] = _OVAL * rng.standard_normal((count, 4))
    return craters[np.argsort(-age, kind="stable")]


def stamp_craters(
    height_m: NDArray[np.float32], albedo: NDArray[np.float32], cell_m: float, craters: NDArray[Any]
) -> None:
    """Add craters, in their order, to heights and relative albedo (y, x), in place; the ground is a torus.

    A new crater erases the relief on its place, and throws bright soil around it, which darkens as it wears.
    """
    relief, wears, _ = profiles()
    radius = craters["diameter_m"] / (2.0 * cell_m)
    blurred = np.maximum(craters["wear"], _CELL_BLUR**2 / (2.0 * radius**2))
    stage = np.sqrt(np.minimum(blurred / wears[-1], 1.0)) * (_WEARS - 1)
    brightness = 0.3 * np.clip(craters["freshness"], 0.0, 1.0) ** 3
    places = np.stack([craters["y_m"] / cell_m - 0.5, craters["x_m"] / cell_m - 0.5, radius], axis=1)
    _stamp(
        height_m,
        albedo,
        places.astype(np.float64),
        craters["oval"].astype(np.float64),
        stage.astype(np.float64),
        craters["diameter_m"].astype(np.float64),
        brightness.astype(np.float64),
        relief,
    )


def _fresh(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    outside = np.maximum(radius, 1.0)
    bowl = FRESH_DEPTH * radius**2 - (FRESH_DEPTH - _RIM)
    return np.where(radius < 1.0, bowl, _RIM * outside**-3.0)


def _depth(profile: NDArray[np.float64]) -> float:
    return float(profile.max() - profile[0])


def _number_above(diameter_m: float, density: float, equilibrium_m: float) -> float:
    """Return the number of craters larger than a diameter in a square metre."""
    young = 2.0 / 3.0 * density * equilibrium_m
    if diameter_m >= equilibrium_m:
        return young * diameter_m**-3
    return young * equilibrium_m**-3 + density * (diameter_m**-2 - equilibrium_m**-2)


def _diameter_of(number: NDArray[np.float64], density: float, equilibrium_m: float) -> NDArray[np.float64]:
    """Return the inverse of ``_number_above``."""
    young = 2.0 / 3.0 * density * equilibrium_m
    at_break = young * equilibrium_m**-3
    small = (np.maximum(number - at_break, 0.0) / density + equilibrium_m**-2) ** -0.5
    large = (np.minimum(number, at_break) / young) ** (-1.0 / 3.0)
    return np.where(number > at_break, small, large)


@njit(cache=True, nogil=True)
def _stamp(height, albedo, places, ovals, stages, diameters, brightness, relief):  # type: ignore[no-untyped-def]
    rows, columns = height.shape
    for n in range(places.shape[0]):
        row, column, radius = places[n]
        lower = min(int(stages[n]), relief.shape[0] - 2)
        part = stages[n] - lower
        if radius >= _ERASING_CELLS:
            _erase(height, row, column, radius)
        reach = min(math.ceil(radius * _REACH), min(rows, columns) // 2 - 1)
        middle_row, middle_column = round(row), round(column)
        for i in range(middle_row - reach, middle_row + reach + 1):
            dy = (i - row) / radius
            if abs(dy) >= _REACH:
                continue
            wide = int(min(math.sqrt(_REACH * _REACH - dy * dy) * radius + 1.0, reach))
            for j in range(middle_column - wide, middle_column + wide + 1):
                dx = (j - column) / radius
                r = math.sqrt(dx * dx + dy * dy)
                if r > 1e-6:
                    c, s = dx / r, dy / r
                    r *= (
                        1.0
                        + ovals[n, 0] * (c * c - s * s)
                        + ovals[n, 1] * 2.0 * c * s
                        + ovals[n, 2] * (4.0 * c * c * c - 3.0 * c)
                        + ovals[n, 3] * (3.0 * s - 4.0 * s * s * s)
                    )
                at = r * _STEPS_PER_RADIUS
                k = int(at)
                if k >= relief.shape[1] - 1:
                    continue
                f = at - k
                inner = relief[lower, k] + f * (relief[lower, k + 1] - relief[lower, k])
                outer = relief[lower + 1, k] + f * (relief[lower + 1, k + 1] - relief[lower + 1, k])
                y, x = i % rows, j % columns
                height[y, x] += diameters[n] * (inner + part * (outer - inner))
                if brightness[n] > 0.003 and r < 3.5:
                    halo = math.exp(-0.5 * r * r / 1.7) * (1.0 - r / 3.5)
                    albedo[y, x] *= 1.0 + brightness[n] * halo


@njit(cache=True, nogil=True)
def _erase(height, row, column, radius):  # type: ignore[no-untyped-def]
    """Replace the relief within a crater's rim by the plane that fits it, fading out to 1.4 radii."""
    rows, columns = height.shape
    reach = min(math.ceil(radius * 1.4), min(rows, columns) // 2 - 1)
    middle_row, middle_column = round(row), round(column)
    count, total, along_y, along_x, square = 0, 0.0, 0.0, 0.0, 0.0
    for i in range(middle_row - reach, middle_row + reach + 1):
        for j in range(middle_column - reach, middle_column + reach + 1):
            dy, dx = float(i - middle_row), float(j - middle_column)
            if dy * dy + dx * dx > (1.2 * radius) ** 2:
                continue
            z = float(height[i % rows, j % columns])
            count += 1
            total += z
            along_y += z * dy
            along_x += z * dx
            square += dx * dx
    mean, slope_y, slope_x = total / count, along_y / square, along_x / square
    for i in range(middle_row - reach, middle_row + reach + 1):
        for j in range(middle_column - reach, middle_column + reach + 1):
            dy, dx = float(i - middle_row), float(j - middle_column)
            r = math.sqrt(dy * dy + dx * dx) / radius
            if r >= 1.4:
                continue
            weight = 1.0 if r <= 0.8 else (1.4 - r) / 0.6
            y, x = i % rows, j % columns
            height[y, x] += weight * (mean + slope_y * dy + slope_x * dx - height[y, x])
