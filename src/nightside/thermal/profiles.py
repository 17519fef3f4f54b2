"""Profiles: each cell's brightness temperature through the lunar day, interpolated with its uncertainty."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from nightside.config.thermal import Profiles
from nightside.store import MAP_CHUNK
from nightside.thermal.periodic_gp import Process, posterior, ring_of, wrapped_variance

if TYPE_CHECKING:
    import xarray as xr

WARNING = "of the process with the configured noise: too large at night, too small at sunrise and sunset"
"""What who uses the standard deviations has to know (docs/profiles.md gives figures)."""

GOOD, NO_OBSERVATIONS, GAP_TOO_LONG = 0, 1, 2
"""Codes of ``quality``."""

_DAY_H = 24.0


class ProfileResult(NamedTuple):
    """Profiles of n cells at the local times i * 24 / m; NaN where ``quality`` is not 0."""

    temperature_k: NDArray[np.float32]
    temperature_std_k: NDArray[np.float32]
    quality: NDArray[np.uint8]
    longest_gap_h: NDArray[np.float32]


def interpolate_profiles(
    mean_k: NDArray[np.floating], count: NDArray[np.integer], config: Profiles
) -> ProfileResult:
    """Return the posterior of the periodic Gaussian process given a cell's bins.

    ``mean_k`` (n, bins) is the mean temperature of each bin, in kelvin (anything where ``count`` is 0), and
    ``count`` (n, bins) its number of observations; results are (n, local_times) and (n,), in kelvin and hours.
    The kernel is ``amplitude_k``^2 times ``periodic_gp.wrapped_matern32``; the noise variance of a bin is
    noise_k^2 / count + noise_floor_k^2; the prior mean is the cell's mean over the day, each bin weighted by half
    the time to its observed neighbours, so that often-seen hours do not pull it. The standard deviation is that of
    the noise-free profile. A bin counts as observed at its centre: within a bin that holds a sunrise the mean
    depends on when in the bin the cell was seen, which the noise floor has to cover.

    Raises ValueError if the shapes differ, or an observed bin's mean is not finite.
    """
    if mean_k.ndim != 2 or mean_k.shape != count.shape:
        raise ValueError(
            f"mean_k {mean_k.shape} and count {count.shape} must have the same shape (cells, bins)"
        )
    bins = mean_k.shape[1]
    mean_k, count = np.ascontiguousarray(mean_k), np.ascontiguousarray(count)
    longest, centre = _around_the_day(mean_k, count)
    if not np.isfinite(centre).all():  # a sum carries every NaN and infinity in it
        raise ValueError("an observed bin (count > 0) has a mean that is not finite; repair the cube")
    empty = longest == 0
    longest_gap_h = np.where(empty, _DAY_H, longest * (_DAY_H / bins))
    quality = np.where(longest_gap_h > config.gap_max_h, GAP_TOO_LONG, GOOD).astype(np.uint8)
    quality[empty] = NO_OBSERVATIONS

    temperature = np.empty((len(mean_k), config.local_times), dtype=np.float32)
    deviation = np.empty_like(temperature)
    temperature[quality != GOOD] = deviation[quality != GOOD] = np.nan
    process = Process(
        config.amplitude_k / math.sqrt(wrapped_variance(config.length_scale_h)),
        config.noise_k**2,
        config.noise_floor_k**2,
    )
    ring = ring_of(bins, config.local_times, config.length_scale_h)
    good = np.flatnonzero(quality == GOOD)
    posterior(mean_k, count, good, centre, process, ring, temperature, deviation)
    return ProfileResult(temperature, deviation, quality, longest_gap_h.astype(np.float32))


@njit(cache=True, parallel=True)
def _around_the_day(mean_k, count):  # type: ignore[no-untyped-def]
    """Return each cell's longest gap between neighbouring observed bins, in bins, and its mean over the day, in K.

    ``mean_k`` and ``count`` are (n, bins), the results (n,); both are 0 where nothing was observed. The mean is the
    trapezoidal rule: each bin has the weight of half the time to the observed bins before and after it.
    """
    cells, bins = mean_k.shape
    longest = np.zeros(cells, dtype=np.int64)
    centre = np.zeros(cells)
    for cell in prange(cells):
        before = -1  # a negative index is a bin of the day before: here the last that was observed
        while before >= -bins and count[cell, before] <= 0:
            before -= 1
        if before < -bins:
            continue
        for b in range(bins):
            if count[cell, b] > 0:
                gap = b - before
                longest[cell] = max(longest[cell], gap)
                centre[cell] += gap * (np.float64(mean_k[cell, before]) + mean_k[cell, b]) / (2 * bins)
                before = b
    return longest, centre


def profiles_dataset(cube: xr.Dataset, config: Profiles, *, rows: int = MAP_CHUNK) -> xr.Dataset:
    """Return the profiles of a cube, ``rows`` rows of the map at a time.

    ``cube`` has ``brightness_temperature`` (K) and ``count`` on (y, x, local_time). The result has ``temperature``
    and ``temperature_std`` (K) on (y, x, local_time), ``quality`` (codes of this module) and ``longest_gap_h``.
    """
    import xarray as xr

    height, width, bins = (cube.sizes[d] for d in ("y", "x", "local_time"))
    t = np.empty((height, width, config.local_times), np.float32)
    s, q, g = np.empty_like(t), np.empty((height, width), np.uint8), np.empty((height, width), np.float32)
    results: tuple[NDArray[Any], ...] = (t, s, q, g)
    for top in range(0, height, rows):
        span = slice(top, top + rows)
        part = cube[["brightness_temperature", "count"]].isel(y=span).transpose("y", "x", "local_time")
        result: tuple[NDArray[Any], ...] = interpolate_profiles(
            part["brightness_temperature"].to_numpy().reshape(-1, bins),
            part["count"].to_numpy().reshape(-1, bins),
            config,
        )
        for whole, values in zip(results, result, strict=True):
            whole[span] = values.reshape(-1, width, *values.shape[1:])
    day, cell = ("y", "x", "local_time"), ("y", "x")
    meanings = {"flag_values": [0, 1, 2], "flag_meanings": "good no_observations gap_too_long"}
    return xr.Dataset(
        {
            "temperature": (day, t, {"units": "K", "long_name": "interpolated brightness temperature"}),
            "temperature_std": (
                day,
                s,
                {"units": "K", "long_name": "posterior standard deviation", "comment": WARNING},
            ),
            "quality": (cell, q, {"units": "1", "long_name": "quality of the profile", **meanings}),
            "longest_gap_h": (cell, g, {"units": "h", "long_name": "longest gap between observed bins"}),
        },
        coords={
            "local_time": (
                "local_time",
                np.arange(config.local_times) * _DAY_H / config.local_times,
                {"units": "h", "long_name": "lunar hours after midnight"},
            )
        },
    )


def with_places(
    profiles: xr.Dataset, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> xr.Dataset:
    """Return profiles with the coordinates ``longitude`` and ``latitude`` (y, x), in degrees east and north."""
    cell = ("y", "x")
    return profiles.assign_coords(
        longitude=(cell, longitude, {"units": "degrees_east", "standard_name": "longitude"}),
        latitude=(cell, latitude, {"units": "degrees_north", "standard_name": "latitude"}),
    )


def good_latitudes(profiles: xr.Dataset, good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the latitudes, in degrees, of the good cells (y, x).

    Raises:
        ValueError: the profiles have no coordinate ``latitude``.
    """
    import xarray as xr

    if "latitude" not in profiles.coords:
        raise ValueError("objective 'guided' needs the coordinate 'latitude' (degrees) on the profiles")
    latitude, _ = xr.broadcast(profiles["latitude"], profiles["quality"])
    return latitude.transpose("y", "x").to_numpy()[good].astype(np.float64)
