"""Profiles: each cell's brightness temperature through the lunar day, interpolated with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightside.config.thermal import Profiles
from nightside.thermal.periodic_gp import posterior, ring_of, wrapped_variance

if TYPE_CHECKING:
    import xarray as xr

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
    cells, bins = mean_k.shape
    observed = count > 0
    if not np.isfinite(mean_k, where=observed, out=np.ones(mean_k.shape, dtype=bool)).all():
        raise ValueError("an observed bin (count > 0) has a mean that is not finite; repair the cube")
    gap_before, gap_after = _gaps_h(observed)
    longest = np.where(observed, gap_after, 0.0).max(axis=1)
    quality = np.where(longest > config.gap_max_h, GAP_TOO_LONG, GOOD).astype(np.uint8)
    empty = ~observed.any(axis=1)
    longest[empty] = _DAY_H
    quality[empty] = NO_OBSERVATIONS

    temperature = np.full((cells, config.local_times), np.nan, dtype=np.float32)
    deviation = temperature.copy()
    good = np.flatnonzero(quality == GOOD)
    seen = observed[good]
    kelvins = np.where(seen, mean_k[good], 0.0).astype(np.float64)
    weight = np.where(seen, gap_before[good] + gap_after[good], 0.0)
    centre = (weight * kelvins).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    scale = config.amplitude_k / np.sqrt(wrapped_variance(config.length_scale_h))
    noise = config.noise_k**2 / np.maximum(count[good], 1) + config.noise_floor_k**2
    mean = np.empty((good.size, config.local_times))
    variance = np.empty_like(mean)
    ring = ring_of(bins, config.local_times, config.length_scale_h)
    posterior(
        np.where(seen, (kelvins - centre) / scale, 0.0),
        np.where(seen, noise / scale**2, 0.0),
        ring.node,
        ring.step,
        mean,
        variance,
    )
    temperature[good] = centre + scale * mean
    deviation[good] = scale * np.sqrt(variance)
    return ProfileResult(temperature, deviation, quality, longest.astype(np.float32))


def _gaps_h(observed: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the hours from each bin's centre back and on, around the day, to the nearest other observed bin."""
    bins = observed.shape[1]
    twice = np.concatenate([observed, observed], axis=1)
    place = np.arange(2 * bins)
    last = np.maximum.accumulate(np.where(twice, place, -1), axis=1)
    upcoming = np.minimum.accumulate(np.where(twice, place, 2 * bins)[:, ::-1], axis=1)[:, ::-1]
    before = place[bins:] - last[:, bins - 1 : -1]
    after = upcoming[:, 1 : bins + 1] - place[:bins]
    return before * (_DAY_H / bins), after * (_DAY_H / bins)


def profiles_dataset(cube: xr.Dataset, config: Profiles, *, rows: int = 64) -> xr.Dataset:
    """Return the profiles of a cube, ``rows`` rows of the map at a time.

    ``cube`` has ``brightness_temperature`` (K) and ``count`` on (y, x, local_time). The result has ``temperature``
    and ``temperature_std`` (K) on (y, x, local_time), ``quality`` (codes of this module) and ``longest_gap_h``.
    """
    import xarray as xr

    height, width = cube.sizes["y"], cube.sizes["x"]
    values: dict[str, list[NDArray[Any]]] = {"t": [], "s": [], "q": [], "g": []}
    for top in range(0, height, rows):
        part = cube[["brightness_temperature", "count"]].isel(y=slice(top, top + rows))
        part = part.transpose("y", "x", "local_time")
        bins = part.sizes["local_time"]
        result = interpolate_profiles(
            part["brightness_temperature"].to_numpy().reshape(-1, bins),
            part["count"].to_numpy().reshape(-1, bins),
            config,
        )
        arrays: tuple[NDArray[Any], ...] = result
        for key, array in zip(values, arrays, strict=True):
            values[key].append(array.reshape(-1, width, *array.shape[1:]))
    t, s, q, g = (np.concatenate(parts) for parts in values.values())
    day, cell = ("y", "x", "local_time"), ("y", "x")
    meanings = {"flag_values": [0, 1, 2], "flag_meanings": "good no_observations gap_too_long"}
    return xr.Dataset(
        {
            "temperature": (day, t, {"units": "K", "long_name": "interpolated brightness temperature"}),
            "temperature_std": (day, s, {"units": "K", "long_name": "posterior standard deviation"}),
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
