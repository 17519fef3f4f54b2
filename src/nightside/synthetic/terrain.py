"""Seeded relief and soil: fractal hills, craters, smooth albedo and H, and rocky hot craters.

Relief is Gaussian noise whose power falls with the wavenumber to the fourth (a surface as rough as the Moon's
at hundreds of metres), with bowl craters whose number above a diameter falls as its square. Soil fields are
made orthogonal to each other and to the slopes, so that the factors of truth are independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter

from nightside.config import SyntheticMoon
from nightside.physics import slope_angles_deg
from nightside.physics.bounds import H_PARAMETER
from nightside.store import lonlat
from nightside.store.grid import is_equirectangular

Float = NDArray[np.float64]

_SOIL_SCALE_CELLS = 2.5
_CRATERS_PER_CELL = 0.004
_LARGEST_HOT_CRATER_CELLS = 6.0
_EDGE_OF_CENTRE = 0.25
"""Rock fraction at the edge of a hot crater, as a part of that in its centre."""


@dataclass(frozen=True)
class Terrain:
    """Fields of shape (y, x): metres, degrees, and fractions."""

    elevation_m: Float
    slope_east_deg: Float
    slope_north_deg: Float
    albedo: Float
    h_parameter_m: Float
    rock_fraction: Float
    odd_patch: NDArray[np.bool_]


def make_terrain(
    geobox: GeoBox, moon: SyntheticMoon, rng: np.random.Generator, relief_m: Float | None = None
) -> Terrain:
    """Return the terrain of a grid; the same generator state gives the same terrain.

    Slopes face east and north where positive (the convention of ``physics.illumination``); the root mean
    square of the steepest slope is the configured one, before ``relief_m`` (y, x), in metres, is added.
    """
    shape = (int(geobox.shape[0]), int(geobox.shape[1]))
    elevation = _fractal(shape, rng) + _craters(shape, rng)
    east, north, elevation = _slopes(elevation, geobox, moon.slope_rms_deg)
    if relief_m is not None and min(shape) > 1:
        elevation = elevation + relief_m
        east, north = slope_angles_deg(*_gradient(elevation, geobox))
    albedo_field, h_field = _independent([_smooth(shape, rng), _smooth(shape, rng)], [east, north])
    return Terrain(
        elevation_m=elevation,
        slope_east_deg=east,
        slope_north_deg=north,
        albedo=np.clip(moon.albedo_mean + moon.albedo_std * albedo_field, 0.01, 0.6),
        h_parameter_m=np.clip(
            moon.h_parameter_m * np.exp(moon.h_parameter_spread * h_field),
            H_PARAMETER.least,
            H_PARAMETER.most,
        ),
        rock_fraction=(rock := _hot_craters(shape, moon, rng)),
        odd_patch=_odd_patches(rock, moon, rng),
    )


def _fractal(shape: tuple[int, int], rng: np.random.Generator) -> Float:
    # Twice the size, then cropped: the noise of a Fourier series is periodic.
    rows, columns = 2 * shape[0], 2 * shape[1]
    spectrum = np.fft.rfft2(rng.standard_normal((rows, columns)))
    wavenumber = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :])
    wavenumber[0, 0] = np.inf
    relief = np.fft.irfft2(spectrum * wavenumber**-2.0, s=(rows, columns))[: shape[0], : shape[1]]
    return np.asarray(relief / max(_gradient_rms(relief), 1e-12), np.float64)


def _gradient_rms(relief: Float) -> float:
    if min(relief.shape) < 2:
        return 1.0
    down, across = np.gradient(relief)
    return float(np.sqrt(np.mean(down**2 + across**2)))


def _craters(shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """Bowls of diameter 4 cells and more, depth a fifth of the diameter, worn to a fraction of it."""
    relief = np.zeros(shape)
    rows, columns = np.indices(shape)
    largest = max(min(shape) / 2.0, 4.0)
    for _ in range(rng.poisson(_CRATERS_PER_CELL * shape[0] * shape[1])):
        diameter = min(4.0 * (1.0 - rng.random()) ** -0.5, largest)
        row, column = rng.random() * shape[0], rng.random() * shape[1]
        reach = int(2 * diameter) + 1
        window = (
            slice(max(int(row) - reach, 0), int(row) + reach + 1),
            slice(max(int(column) - reach, 0), int(column) + reach + 1),
        )
        radius = np.hypot(rows[window] - row, columns[window] - column) / (diameter / 2)
        rim = 0.05 * diameter * np.exp(-(((radius - 1.0) / 0.3) ** 2))
        bowl = -0.2 * diameter * np.clip(1.0 - radius**2, 0.0, None)
        relief[window] += 4.0 * rng.random() * (bowl + rim)
    return relief


def _slopes(elevation: Float, geobox: GeoBox, rms_deg: float) -> tuple[Float, Float, Float]:
    """Return slopes to east and north in degrees, and the elevation in metres that has them."""
    if min(elevation.shape) < 2:
        return np.zeros_like(elevation), np.zeros_like(elevation), np.zeros_like(elevation)
    d_east, d_north = _gradient(elevation, geobox)
    rms = np.sqrt(np.mean(d_east**2 + d_north**2))
    scale = np.tan(np.deg2rad(rms_deg)) / max(rms, 1e-12)
    for _ in range(4):
        east, north = slope_angles_deg(scale * d_east, scale * d_north)
        steepest = np.rad2deg(np.arctan(scale * np.hypot(d_east, d_north)))
        scale *= rms_deg / max(float(np.sqrt(np.mean(steepest**2))), 1e-12)
    return east, north, scale * (elevation - elevation.mean())


def _gradient(elevation: Float, geobox: GeoBox) -> tuple[Float, Float]:
    """Return the rise of an elevation (y, x), in metres, per metre to the east and to the north."""
    pixel = abs(float(geobox.affine.a))
    lon, lat = lonlat(geobox)
    down, across = np.gradient(elevation, pixel)
    d_x, d_y = across, -down
    if is_equirectangular(geobox):
        return np.asarray(d_x / np.maximum(np.cos(np.deg2rad(lat)), 0.05)), np.asarray(d_y)
    sin, cos = np.sin(np.deg2rad(lon)), np.cos(np.deg2rad(lon))
    south = np.where(lat < 0, -1.0, 1.0)
    return np.asarray(cos * d_x + south * sin * d_y), np.asarray(-south * sin * d_x + cos * d_y)


def _smooth(shape: tuple[int, int], rng: np.random.Generator) -> Float:
    noise = rng.standard_normal(shape)
    return np.asarray(gaussian_filter(noise, _SOIL_SCALE_CELLS, mode="nearest"), np.float64)


def _independent(fields: list[Float], given: list[Float]) -> list[Float]:
    """Return the fields with mean 0 and deviation 1, each without its projection on those before it."""
    basis = [_unit(field) for field in given]
    result = []
    for field in fields:
        design = np.stack([np.ones(field.size), *(other.ravel() for other in basis)], axis=1)
        fit = design @ np.linalg.lstsq(design, field.ravel(), rcond=None)[0]
        result.append(_unit(field - fit.reshape(field.shape)))
        basis.append(result[-1])
    return result


def _unit(field: Float) -> Float:
    centred = field - field.mean()
    return np.asarray(centred / max(float(centred.std()), 1e-12), np.float64)


def _hot_craters(shape: tuple[int, int], moon: SyntheticMoon, rng: np.random.Generator) -> Float:
    rock = np.zeros(shape)
    rows, columns = np.indices(shape)
    for _ in range(moon.hot_craters):
        radius = _radius(shape, rng)
        centre_fraction = moon.rock_fraction_max * (0.5 + 0.5 * rng.random())
        row, column = _free_place(rock, radius, rng)
        squared = ((rows - row) ** 2 + (columns - column) ** 2) / radius**2
        patch = centre_fraction * (1.0 - (1.0 - _EDGE_OF_CENTRE) * squared)
        rock = np.where(squared <= 1.0, np.maximum(rock, patch), rock)
    return rock


def _odd_patches(rock: Float, moon: SyntheticMoon, rng: np.random.Generator) -> NDArray[np.bool_]:
    taken = rock > 0.0
    odd = np.zeros_like(taken)
    rows, columns = np.indices(rock.shape)
    for _ in range(moon.odd_patches):
        radius = _radius(rock.shape, rng)
        row, column = _free_place(taken | odd, radius, rng)
        odd |= np.hypot(rows - row, columns - column) <= radius
    return odd & ~taken


def _radius(shape: tuple[int, ...], rng: np.random.Generator) -> float:
    largest = min(max(min(shape) / 12.0, 2.0), _LARGEST_HOT_CRATER_CELLS)
    return 2.0 + rng.random() * (largest - 2.0)


def _free_place(taken: NDArray[Any], radius: float, rng: np.random.Generator) -> tuple[int, int]:
    """Return the cell of a new crater's centre, clear of the edges and of other craters where there is room."""
    reach = int(np.ceil(radius))
    row = column = 0
    for _ in range(200):
        row = int(rng.integers(min(reach, taken.shape[0] - 1), max(taken.shape[0] - reach, reach + 1)))
        column = int(rng.integers(min(reach, taken.shape[1] - 1), max(taken.shape[1] - reach, reach + 1)))
        row, column = min(row, taken.shape[0] - 1), min(column, taken.shape[1] - 1)
        around = taken[
            max(row - reach - 2, 0) : row + reach + 3, max(column - reach - 2, 0) : column + reach + 3
        ]
        if not around.any():
            break
    return row, column
