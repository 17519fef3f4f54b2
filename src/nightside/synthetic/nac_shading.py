"""How ground looks from above in the light of the Sun, and in light scattered by a sunlit crater rim.

A light is a band low in the sky: a Gaussian in azimuth, a strip in elevation. The Sun is a band half a degree wide.
A lit rim, seen from the shadowed floor, is tens of degrees wide and some degrees high, so its shadows are soft. Each
direction's light is cut by the horizon of the relief in that direction and reflected as by the Moon: a mixture of
Lommel-Seeliger and Lambert (McEwen 1991, Icarus 92, 298). A faint light comes from everywhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Float = NDArray[np.float32]

SUN_WIDTH_DEG = 0.53

_NODES = 9
"""Directions that stand for a wide light: odd, so that its middle is one of them."""

_LAMBERT = 0.6
"""The Lambert part; that of McEwen (1996, LPSC XXVII), as ISIS has it, is 0.58 at a phase angle of 60 degrees."""

_LONGEST_SHADOW_CELLS = 768


@dataclass(frozen=True)
class Light:
    """A band of light above the horizon.

    Attributes:
        azimuth_deg: its middle, clockwise from the top of the map.
        elevation_deg: its middle.
        azimuth_width_deg: full width at half its greatest brightness; 0 for the Sun.
        elevation_width_deg: height of the strip.
        ambient: share of the light on level ground that comes from everywhere.
    """

    azimuth_deg: float
    elevation_deg: float
    azimuth_width_deg: float = 0.0
    elevation_width_deg: float = SUN_WIDTH_DEG
    ambient: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a light that is no band above the horizon."""
        if not 0.0 < self.elevation_deg < 90.0 or self.elevation_width_deg <= 0.0:
            raise ValueError(
                f"a light {self.elevation_deg} degrees high and {self.elevation_width_deg} degrees thick; give an "
                "elevation between 0 and 90 and a thickness above 0"
            )
        if not 0.0 <= self.ambient < 1.0 or self.azimuth_width_deg < 0.0:
            raise ValueError("the ambient share lies in [0, 1), and a width is not negative")

    @property
    def strip(self) -> tuple[float, float]:
        """Tangents of the elevations of its lower and upper edge."""
        half = self.elevation_width_deg / 2.0
        edges = (self.elevation_deg - half, self.elevation_deg + half)
        low, high = (math.tan(math.radians(min(max(edge, 0.0), 89.0))) for edge in edges)
        return low, high

    def directions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return azimuths in degrees that stand for the band, and their shares of its light, which add to 1."""
        if self.azimuth_width_deg == 0.0:
            return np.array([self.azimuth_deg]), np.ones(1)
        sigma = self.azimuth_width_deg / 2.3548
        offset = np.linspace(-2.2, 2.2, _NODES)
        share = np.exp(-0.5 * offset**2)
        return self.azimuth_deg + sigma * offset, share / share.sum()


def sunlight(azimuth_deg: float, elevation_deg: float) -> Light:
    """Return the Sun, with the little light that sunlit ground throws into shadows."""
    return Light(azimuth_deg, elevation_deg, ambient=0.01)


def rim_light(azimuth_deg: float, elevation_deg: float, width_deg: float) -> Light:
    """Return the light of a sunlit rim: a strip as thick as it is high, and the fainter light of the other walls."""
    return Light(azimuth_deg, elevation_deg, width_deg, elevation_deg, ambient=0.25)


def radiance(
    height_m: NDArray[np.floating],
    albedo: NDArray[np.floating],
    cell_m: float,
    light: Light,
    tilt: tuple[float, float] = (0.0, 0.0),
    *,
    wrap: bool = True,
) -> Float:
    """Return the radiance seen from above, with mean 1, of the shape (y, x) of the heights.

    Args:
        height_m: (y, x), rows from north to south.
        albedo: (y, x), relative.
        cell_m: size of a cell.
        light: where the light comes from.
        tilt: rise per metre towards the south and towards the east of the plane on which the heights stand.
        wrap: whether the ground is a torus; if not, no shadow comes from beyond its edge.

    Raises:
        ValueError: no light reaches the ground.
    """
    heights = np.ascontiguousarray(height_m, np.float32)
    reflected = np.zeros(heights.shape, np.float32)
    for azimuth, share in zip(*light.directions(), strict=True):
        visible = horizon_share(heights, cell_m, float(azimuth), light, tilt, wrap=wrap)
        _add_reflected(
            reflected,
            heights,
            visible,
            cell_m,
            tilt,
            _toward(float(azimuth)),
            light.strip,
            float(share) * (1.0 - light.ambient),
        )
    # On level ground both kinds of light, shares of one, give the same unit.
    level = _reflectance(math.sin(math.radians(light.elevation_deg)), 1.0)
    _finish(reflected, heights, np.asarray(albedo, np.float32), cell_m, tilt, light.ambient * level)
    mean = float(reflected.mean(dtype=np.float64))
    if mean <= 0.0:
        raise ValueError("no light reaches this ground; raise the light's elevation or its ambient share")
    reflected /= np.float32(mean)
    return reflected


def horizon_share(
    height_m: Float,
    cell_m: float,
    azimuth_deg: float,
    light: Light,
    tilt: tuple[float, float] = (0.0, 0.0),
    *,
    wrap: bool = True,
) -> Float:
    """Return which share of a light's strip each cell (y, x) sees above the relief towards an azimuth."""
    toward_y, toward_x = _toward(azimuth_deg)
    # Heights stand on the tilted plane, so its rise is added to the slope of every line of sight.
    rise = tilt[0] * toward_y + tilt[1] * toward_x
    low, high = (slope - rise for slope in light.strip)
    steep = abs(toward_y) > abs(toward_x)
    grid = np.ascontiguousarray(height_m.T) if steep else height_m
    major, minor = (toward_y, toward_x) if steep else (toward_x, toward_y)
    # One cell along the major axis is so many metres of ground.
    step_m = cell_m / abs(major)
    warm_up = _LONGEST_SHADOW_CELLS if wrap else 0
    share = _sweep(grid, major > 0.0, minor / abs(major), step_m, low, high, warm_up)
    return np.ascontiguousarray(share.T) if steep else share


def _toward(azimuth_deg: float) -> tuple[float, float]:
    """Return the level unit vector towards an azimuth: down the map's rows, along its columns."""
    return -math.cos(math.radians(azimuth_deg)), math.sin(math.radians(azimuth_deg))


@njit(cache=True, nogil=True)
def _reflectance(cos_incidence, cos_emission):  # type: ignore[no-untyped-def]
    lommel_seeliger = 2.0 * cos_incidence / (cos_incidence + cos_emission)
    return _LAMBERT * cos_incidence + (1.0 - _LAMBERT) * lommel_seeliger


@njit(cache=True, parallel=True, nogil=True)
def _add_reflected(reflected, height, visible, cell, tilt, toward, strip, share):  # type: ignore[no-untyped-def]
    rows, columns = height.shape
    for i in prange(rows):
        above, below = (i - 1) % rows, (i + 1) % rows
        for j in range(columns):
            if visible[i, j] <= 0.0:
                continue
            # The light that is left comes from the middle of the part of the strip above the horizon.
            rise = strip[1] - 0.5 * visible[i, j] * (strip[1] - strip[0])
            left, right = j - 1 if j > 0 else columns - 1, j + 1 if j < columns - 1 else 0
            dy = (height[below, j] - height[above, j]) / (2.0 * cell) + tilt[0]
            dx = (height[i, right] - height[i, left]) / (2.0 * cell) + tilt[1]
            emission = 1.0 / math.sqrt(1.0 + dy * dy + dx * dx)
            incidence = (rise - dy * toward[0] - dx * toward[1]) * emission / math.sqrt(1.0 + rise * rise)
            if incidence > 0.0:
                reflected[i, j] += share * visible[i, j] * _reflectance(incidence, emission)


@njit(cache=True, parallel=True, nogil=True)
def _finish(reflected, height, albedo, cell, tilt, ambient):  # type: ignore[no-untyped-def]
    """Add the ambient light, of which a slope sees the part (1 + cos slope) / 2, and apply the albedo."""
    rows, columns = height.shape
    for i in prange(rows):
        above, below = (i - 1) % rows, (i + 1) % rows
        for j in range(columns):
            left, right = j - 1 if j > 0 else columns - 1, j + 1 if j < columns - 1 else 0
            dy = (height[below, j] - height[above, j]) / (2.0 * cell) + tilt[0]
            dx = (height[i, right] - height[i, left]) / (2.0 * cell) + tilt[1]
            sky = 0.5 + 0.5 / math.sqrt(1.0 + dy * dy + dx * dx)
            reflected[i, j] = (reflected[i, j] + ambient * sky) * albedo[i, j]


@njit(cache=True, parallel=True, nogil=True)
def _sweep(height, forward, drift, step_m, low, high, warm_up):  # type: ignore[no-untyped-def]
    """Return the share of a strip between two slopes that is seen along the columns, shape (y, x).

    Lines run away from the light, one through each cell of a column, and drift across the rows; the upper convex
    hull of the relief behind a point holds its horizon, so that every point costs the same however far shadows reach
    (Timonen & Westerholm 2010, Computer Graphics Forum 29, 2).
    """
    rows, columns = height.shape
    lines = np.zeros((rows, columns), np.float32)
    behind = min(warm_up, columns)
    for k in prange(rows):
        hull_at = np.empty(columns + behind, np.float32)
        hull_z = np.empty(columns + behind, np.float32)
        size = 0
        for n in range(-behind, columns):
            # Step n lies n cells away from the light, counted from the side that it comes from.
            x = (columns - 1 - n) if forward else n
            y = k - n * drift
            base = math.floor(y)
            part = y - base
            first = int(base) % rows
            second = first + 1 if first < rows - 1 else 0
            x = x % columns
            z = height[first, x] + part * (height[second, x] - height[first, x])
            at = n * step_m
            while size >= 2:
                nearest = (hull_z[size - 1] - z) * (at - hull_at[size - 2])
                if nearest <= (hull_z[size - 2] - z) * (at - hull_at[size - 1]):
                    size -= 1
                else:
                    break
            if n >= 0:
                horizon = (hull_z[size - 1] - z) / (at - hull_at[size - 1]) if size else -1e9
                lines[k, n] = min(max((high - horizon) / (high - low), 0.0), 1.0)
            hull_at[size], hull_z[size] = at, z
            size += 1
    share = np.empty((rows, columns), np.float32)
    for i in prange(rows):
        for n in range(columns):
            y = i + n * drift
            base = math.floor(y)
            part = y - base
            first = int(base) % rows
            second = first + 1 if first < rows - 1 else 0
            value = lines[first, n] + part * (lines[second, n] - lines[first, n])
            share[i, (columns - 1 - n) if forward else n] = value
    return share
