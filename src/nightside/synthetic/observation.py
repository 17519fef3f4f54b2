"""What the radiometer measures along a stretch of its track: the columns of an RDR table, as arrays.

The field of view is a point: it sees the truth of the cell that holds its centre (beyond the region, of the
nearest cell on the edge). The real one is some 300 m by 700 m and would blur neighbouring cells. All nine
channels look at the same point. Channels other than 7 see the same temperature: their radiance is Planck's
over a square band, so anisothermality between channels is not modelled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside import moon, physics
from nightside.config import SyntheticMoon
from nightside.formats.diviner import CHANNELS, DETECTORS, UNKNOWN
from nightside.store.grid import cell_index, central_meridian_deg, is_equirectangular
from nightside.synthetic.orbit import ALTITUDE_KM, RADIUS_KM, Orbit, sample_time_s, swath

Float = NDArray[np.float64]

ROWS_A_SAMPLE = CHANNELS * DETECTORS
NADIR, OFF_NADIR = 110, 210
TILT_DEG = 12.0
"""Forward tilt of an off-nadir stretch."""

_UNKNOWN_FRACTION = 0.001
_NEGATIVE_FRACTION = 0.0005
_RADIANCE_NOISE = {3: 0.02, 4: 0.02, 5: 0.02}
"""W m-2 sr-1: channels too noisy for a temperature at night, where radiances scatter about zero."""
_SOLAR_RADIANCE = {1: 430.0, 2: 4.3}
"""Radiance of a normally lit Lambert surface; the second channel sees the Sun through a grey filter."""
_BAD_FLAGS = ((1, 12, 0), (2, 12, 0), (0, 48, 0), (0, 192, 0), (0, 12, 16), (0, 12, 4))


@dataclass(frozen=True)
class Observation:
    """One table's values: ``samples`` by name, each (s,); ``rows`` by name, each (s, 9, 21) or broadcastable."""

    time_s: Float
    samples: dict[str, Float]
    rows: dict[str, Float]

    def after(self, earlier: Observation) -> Observation:
        """Return this observation with the last sample of an earlier one, unchanged, before its own."""
        parts = [(earlier.samples, self.samples), (earlier.rows, self.rows)]
        joined = [
            {
                name: own if name in ("c", "det") else np.concatenate([old[name][-1:], own])
                for name, own in new.items()
            }
            for old, new in parts
        ]
        return Observation(np.concatenate([earlier.time_s[-1:], self.time_s]), *joined)


class Surface:
    """The truth, looked up by place and local time."""

    def __init__(self, truth: xr.Dataset, geobox: GeoBox) -> None:
        self._geobox = geobox
        self._temperature = truth["temperature"].values.reshape(-1, truth.sizes["local_time"])
        self._albedo = truth["albedo"].values.ravel().astype(np.float64)
        self._equirectangular = is_equirectangular(geobox)

    def cells(self, longitude_deg: Float, latitude_deg: Float) -> NDArray[np.int64]:
        """Return the flat index of the nearest cell (outside a polar grid: of its first cell)."""
        inside = cell_index(self._geobox, longitude_deg, latitude_deg)
        if not self._equirectangular:
            return np.where(inside >= 0, inside, 0)
        rows, columns = self._geobox.shape
        degree = moon.metres_per_degree()
        a = self._geobox.affine
        west, width = central_meridian_deg(self._geobox) + a.c / degree, a.a / degree
        # Longitudes are taken on the side of the grid's centre, so that both edges are the nearest one.
        centre = west + 0.5 * columns * width
        lon = np.mod(longitude_deg - centre + 180.0, 360.0) - 180.0 + centre
        column = np.clip(np.floor((lon - west) / width), 0, columns - 1).astype(np.int64)
        row = np.clip(np.floor((latitude_deg * degree - a.f) / a.e), 0, rows - 1).astype(np.int64)
        return np.where(inside >= 0, inside, row * columns + column)

    def temperature_k(self, cell: NDArray[np.int64], local_time_h: Float) -> Float:
        """Return the temperature, linear between the 120 local times."""
        times = self._temperature.shape[1]
        position = local_time_h * (times / moon.HOURS_PER_DAY)
        before = np.floor(position).astype(np.int64)
        part = position - before
        before %= times
        after = (before + 1) % times
        early, late = self._temperature[cell, before], self._temperature[cell, after]
        return np.asarray((1.0 - part) * early + part * late, np.float64)

    def albedo(self, cell: NDArray[np.int64]) -> Float:
        """Return the albedo of cells."""
        return np.asarray(self._albedo[cell], np.float64)


def observe(
    orbit: Orbit,
    sample: NDArray[np.int64],
    surface: Surface,
    settings: SyntheticMoon,
    rng: np.random.Generator,
    *,
    tilted: bool = False,
) -> Observation:
    """Return what is measured at samples (s,); ``tilted`` looks forward, off nadir."""
    time = sample_time_s(sample)
    latitude, longitude = orbit.subspacecraft(time)
    sun = orbit.subsolar_longitude(time)
    ascending = orbit.ascending(time)
    forward = ALTITUDE_KM * np.tan(np.deg2rad(TILT_DEG)) if tilted else 0.0
    clat, clon = swath(latitude, longitude, ascending, np.full(time.size, forward))
    local_time = moon.local_time_h(clon, sun[:, None])
    cell = surface.cells(clon, clat)
    temperature = surface.temperature_k(cell, local_time)
    zenith, azimuth = _sun_angles(clat, local_time)
    values = _measure(temperature, surface.albedo(cell), zenith, settings.noise_k, rng)
    quality = _spoil(values, settings.flagged_fraction, rng)
    look = _look_vectors(latitude, longitude, clat, clon)
    emission = _emission_deg(look, clat, clon)
    right = np.where(ascending, 90.0, -90.0)
    constant = np.ones_like(time)
    samples = {
        "orbit": np.floor(orbit.argument_deg(time) / 360.0) + 1.0,
        "sundist": constant,
        "sunlat": 0.0 * constant,
        "sunlon": _below_360(sun),
        "sclat": latitude,
        "sclon": _below_360(longitude),
        "scrad": (RADIUS_KM + ALTITUDE_KM) * constant,
        "scalt": ALTITUDE_KM * constant,
        "el_cmd": (180.0 - (TILT_DEG if tilted else 0.0)) * constant,
        "az_cmd": 240.0 * constant,
        "af": float(OFF_NADIR if tilted else NADIR) * constant,
        "orientlat": 0.0 * constant,
        "orientlon": _below_360(np.mod(longitude + right, 360.0)),
    }
    every_channel: Callable[[Float], Float] = lambda field: field[:, None, :]  # noqa: E731
    rows = {
        "c": np.arange(1.0, CHANNELS + 1)[None, :, None],
        "det": np.arange(1.0, DETECTORS + 1)[None, None, :],
        "vlookx": every_channel(look[..., 0]),
        "vlooky": every_channel(look[..., 1]),
        "vlookz": every_channel(look[..., 2]),
        "radiance": values[0],
        "tb": values[1],
        "clat": every_channel(clat),
        "clon": every_channel(_below_360(clon)),
        "cemis": every_channel(emission),
        "csunzen": every_channel(zenith),
        "csunazi": every_channel(azimuth),
        "cloctime": every_channel(np.where(local_time >= 23.999995, 0.0, local_time)),
        "qca": quality[0],
        "qge": quality[1],
        "qmi": quality[2],
    }
    return Observation(time, samples, rows)


def _below_360(longitude_deg: Float) -> Float:
    # 359.999996 would be written as 360.00000.
    return np.where(longitude_deg >= 359.999995, 0.0, longitude_deg)


def _sun_angles(latitude_deg: Float, local_time_h: Float) -> tuple[Float, Float]:
    """Return zenith distance and azimuth (counter-clockwise from east) of a Sun over the equator."""
    hour_angle = np.deg2rad((local_time_h - 12.0) * 15.0)
    lat = np.deg2rad(latitude_deg)
    up = np.cos(lat) * np.cos(hour_angle)
    east, north = -np.sin(hour_angle), -np.sin(lat) * np.cos(hour_angle)
    return np.rad2deg(np.arccos(np.clip(up, -1, 1))), _below_360(
        np.mod(np.rad2deg(np.arctan2(north, east)), 360.0)
    )


def _unit_vectors(latitude_deg: Float, longitude_deg: Float) -> Float:
    lat, lon = np.deg2rad(latitude_deg), np.deg2rad(longitude_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _look_vectors(latitude: Float, longitude: Float, clat: Float, clon: Float) -> Float:
    """Return unit vectors (s, 21, 3) from the spacecraft to the ground, in the Moon's frame."""
    spacecraft = (RADIUS_KM + ALTITUDE_KM) * _unit_vectors(latitude, longitude)[:, None, :]
    line = RADIUS_KM * _unit_vectors(clat, clon) - spacecraft
    return np.asarray(line / np.linalg.norm(line, axis=-1, keepdims=True), np.float64)


def _emission_deg(look: Float, clat: Float, clon: Float) -> Float:
    cosine = -np.sum(look * _unit_vectors(clat, clon), axis=-1)
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))), np.float64)


def _measure(
    temperature: Float, albedo: Float, zenith: Float, noise_k: float, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Return radiance and tb, each (s, 9, 21)."""
    shape = (temperature.shape[0], CHANNELS, DETECTORS)
    radiance, tb = np.empty(shape), np.empty(shape)
    noise = rng.standard_normal(shape, dtype=np.float32)
    reflected = albedo * np.maximum(np.cos(np.deg2rad(zenith)), 0.0)
    for channel in range(1, CHANNELS + 1):
        k = channel - 1
        if channel in _SOLAR_RADIANCE:
            tb[:, k] = reflected + 0.0005 * noise[:, k]
            radiance[:, k] = _SOLAR_RADIANCE[channel] * tb[:, k]
            continue
        band = physics.DIVINER_BANDS[channel]
        if channel in _RADIANCE_NOISE:
            radiance[:, k] = physics.band_radiance(temperature, band) + _RADIANCE_NOISE[channel] * noise[:, k]
            tb[:, k] = physics.brightness_temperature(radiance[:, k], band)
        else:
            tb[:, k] = temperature + noise_k * noise[:, k]
            radiance[:, k] = physics.band_radiance(tb[:, k], band)
    return radiance, tb


def _spoil(values: tuple[Float, Float], flagged: float, rng: np.random.Generator) -> Float:
    """Make some rows wrong, in place, and return the quality flags (3, s, 9, 21) that say so.

    A few thermal rows with good flags are UNKNOWN, or negative: a reader must drop those by value.
    """
    radiance, tb = values
    draw = rng.random(tb.shape, dtype=np.float32)
    quality = np.empty((3, *tb.shape))
    quality[:] = np.array([0.0, 12.0, 0.0])[:, None, None, None]
    bad = np.nonzero(draw < flagged)
    kinds = np.array(_BAD_FLAGS, np.float64)[rng.integers(0, len(_BAD_FLAGS), bad[0].size)]
    for byte in range(3):
        quality[byte][bad] = kinds[:, byte]
    thermal = bad[1] >= 2
    error = rng.uniform(20.0, 80.0, bad[0].size) * rng.choice([-1.0, 1.0], bad[0].size)
    tb[bad] += np.where(thermal, error, 0.0)
    # Channels 1 and 2 hold reflectances, which never are missing here.
    rest = (draw >= flagged) & (np.arange(CHANNELS)[None, :, None] >= 2)
    unknown = rest & (draw < flagged + _UNKNOWN_FRACTION)
    negative = rest & ~unknown & (draw < flagged + _UNKNOWN_FRACTION + _NEGATIVE_FRACTION)
    for field in (radiance, tb):
        field[negative] = -np.abs(field[negative])
        field[unknown] = UNKNOWN
    return quality
