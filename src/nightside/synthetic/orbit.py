"""A polar orbit that stays in its plane while the Moon turns and the Sun moves round.

The orbit is circular, 50 km high. Its plane is fixed among the stars, so the ground below moves through it
once in a sidereal month, and the local time of the plane drifts by some two hours a month. Small slow
wobbles of node and phase, drawn from the seed, keep the coverage from repeating.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside import moon
from nightside.formats.diviner import DETECTORS, SAMPLE_S

Float = NDArray[np.float64]

ALTITUDE_KM = 50.0
RADIUS_KM = moon.RADIUS_M / 1000.0
GRAVITY_KM3_S2 = 4902.8
PERIOD_S = 2 * np.pi * np.sqrt((RADIUS_KM + ALTITUDE_KM) ** 3 / GRAVITY_KM3_S2)
"""Kepler's third law: 113 minutes."""

SIDEREAL_DAY_S = 27.321661 * 86_400.0
SWATH_KM = 3.4
DETECTOR_KM = SWATH_KM / DETECTORS

_WOBBLES = 5
_NODE_WOBBLE_DEG = 0.4
_PHASE_WOBBLE_DEG = 6.0
_COARSE_S = 60.0
_SAMPLE_PHASE_S = 0.0637
"""No whole number of milliseconds, so that some seconds round up to 60.000, as in the archive."""


@dataclass(frozen=True)
class Orbit:
    """Phases of the orbit and the Sun at time 0 (seconds since the start), in degrees, and the wobbles."""

    node_deg: float
    phase_deg: float
    subsolar_deg: float
    wobble_period_s: Float
    wobble_angle: Float

    @classmethod
    def from_seed(cls, seed: int) -> Orbit:
        """Return the orbit of a seed."""
        rng = np.random.default_rng([seed, 2])
        node, phase, subsolar = rng.uniform(0.0, 360.0, 3)
        return cls(
            float(node),
            float(phase),
            float(subsolar),
            rng.uniform(20.0, 200.0, _WOBBLES) * 86_400.0,
            rng.uniform(0.0, 2 * np.pi, _WOBBLES),
        )

    def _wobble(self, time_s: Float) -> Float:
        """Return the sum of the wobbles, of order 1; linear between full hours, for speed."""
        first, last = (time_s.min(), time_s.max()) if time_s.size else (0.0, 0.0)
        hours = np.arange(np.floor(first / 3600.0), np.floor(last / 3600.0) + 2.0) * 3600.0
        turns = hours[:, None] / self.wobble_period_s
        total = np.sin(2 * np.pi * turns + self.wobble_angle).sum(axis=1) / np.sqrt(_WOBBLES)
        return np.asarray(np.interp(time_s, hours, total), np.float64)

    def argument_deg(self, time_s: ArrayLike) -> Float:
        """Return the angle from the ascending node along the orbit; it is not wrapped."""
        time = np.asarray(time_s, np.float64)
        steady = self.phase_deg + 360.0 * time / PERIOD_S
        return np.asarray(steady + _PHASE_WOBBLE_DEG * self._wobble(0.7 * time), np.float64)

    def latitude_deg(self, time_s: ArrayLike) -> Float:
        """Return the latitude below the spacecraft, in degrees."""
        sine = np.sin(np.deg2rad(self.argument_deg(time_s)))
        return np.asarray(np.rad2deg(np.arcsin(sine)), np.float64)

    def subspacecraft(self, time_s: ArrayLike) -> tuple[Float, Float]:
        """Return latitude and east longitude [0, 360) below the spacecraft, in degrees."""
        time = np.asarray(time_s, np.float64)
        ascending = self.ascending(time)
        far_side = np.where(ascending, 0.0, 180.0)
        node = self.node_deg - 360.0 * time / SIDEREAL_DAY_S + _NODE_WOBBLE_DEG * self._wobble(time)
        return self.latitude_deg(time), moon.longitude_360(node + far_side)

    def subsolar_longitude(self, time_s: ArrayLike) -> Float:
        """Return the east longitude [0, 360) below the Sun, in degrees; its latitude is always 0."""
        time = np.asarray(time_s, np.float64)
        return moon.longitude_360(self.subsolar_deg - 360.0 * time / moon.SYNODIC_DAY_S)

    def local_time_h(self, time_s: ArrayLike) -> Float:
        """Return the local time below the spacecraft, in lunar hours."""
        return moon.local_time_h(self.subspacecraft(time_s)[1], self.subsolar_longitude(time_s))

    def ascending(self, time_s: ArrayLike) -> NDArray[np.bool_]:
        """Return whether the spacecraft flies north."""
        return np.asarray(np.cos(np.deg2rad(self.argument_deg(time_s))) > 0.0)


def offset_point(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, east_km: ArrayLike, north_km: ArrayLike
) -> tuple[Float, Float]:
    """Return latitude and longitude [0, 360), in degrees, of points a few km east and north on the sphere.

    The inputs broadcast. Exact on the tangent plane projected back to the sphere: fit for swaths, not more.
    """
    lat, lon = np.deg2rad(np.asarray(latitude_deg)), np.deg2rad(np.asarray(longitude_deg))
    east, north = np.asarray(east_km) / RADIUS_KM, np.asarray(north_km) / RADIUS_KM
    outward = np.cos(lat) - north * np.sin(lat)
    z = np.sin(lat) + north * np.cos(lat)
    latitude = np.rad2deg(np.arctan2(z, np.hypot(outward, east)))
    return latitude, moon.longitude_360(np.rad2deg(lon + np.arctan2(east, outward)))


def swath(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, ascending: ArrayLike, along_km: ArrayLike = 0.0
) -> tuple[Float, Float]:
    """Return the FOV centres of the 21 detectors across the track, two arrays of shape (n, 21), in degrees.

    Detector 1 is on the right of the flight. ``along_km`` moves the swath forward, as a tilted instrument does.
    """
    direction = np.where(np.asarray(ascending), 1.0, -1.0)[:, None]
    across = (np.arange(DETECTORS) - DETECTORS // 2) * -DETECTOR_KM
    along = np.broadcast_to(np.asarray(along_km, np.float64), direction.shape[:1])[:, None]
    return offset_point(
        np.asarray(latitude_deg)[:, None],
        np.asarray(longitude_deg)[:, None],
        direction * across,
        direction * along,
    )


def samples_near(
    orbit: Orbit, duration_s: float, longitude_deg: float, latitude_deg: float, reach_km: float
) -> NDArray[np.int64]:
    """Return the numbers of the samples, every 0.128 s, whose nadir is within ``reach_km`` of a place."""
    step_km = 2 * np.pi * RADIUS_KM / PERIOD_S * _COARSE_S
    found = []
    chunk = 1_000_000
    per_step = round(_COARSE_S / SAMPLE_S)
    spacing = per_step * SAMPLE_S
    count = int(np.ceil(duration_s / spacing)) + 1
    for first in range(0, count, chunk):
        index = np.arange(first, min(first + chunk, count))
        time = np.asarray(index * spacing, np.float64)
        # Latitude alone rules out nearly all, and costs half.
        off_km = RADIUS_KM * np.abs(np.deg2rad(orbit.latitude_deg(time) - latitude_deg))
        index, time = index[off_km <= reach_km + step_km], time[off_km <= reach_km + step_km]
        distance = _distance_km(orbit, time, longitude_deg, latitude_deg)
        found.append(index[distance <= reach_km + step_km])
    coarse = np.concatenate(found) if found else np.zeros(0, np.int64)
    if not coarse.size:
        return np.zeros(0, np.int64)
    half = per_step // 2 + 1
    fine = np.unique((coarse[:, None] * per_step + np.arange(-half, half + 1)).ravel())
    times = sample_time_s(fine)
    fine = fine[(times >= 0.0) & (times < duration_s)]
    near = _distance_km(orbit, sample_time_s(fine), longitude_deg, latitude_deg) <= reach_km
    return np.asarray(fine[near], np.int64)


def sample_time_s(sample: ArrayLike) -> Float:
    """Return the time of samples, in seconds since the start of the period."""
    return np.asarray(sample, np.float64) * SAMPLE_S + _SAMPLE_PHASE_S


def _distance_km(orbit: Orbit, time_s: Float, longitude_deg: float, latitude_deg: float) -> Float:
    lat, lon = orbit.subspacecraft(time_s)
    phi, phi0 = np.deg2rad(lat), np.deg2rad(latitude_deg)
    cosine = np.sin(phi) * np.sin(phi0) + np.cos(phi) * np.cos(phi0) * np.cos(np.deg2rad(lon - longitude_deg))
    return np.asarray(RADIUS_KM * np.arccos(np.clip(cosine, -1.0, 1.0)), np.float64)
