"""The library observed as the region was: at the same local times, as often, with the same noise.

What the encoder sees of a place depends on when the place was observed, most of all at sunrise, where an
interpolated profile may be tens of kelvins wrong. So the library's places borrow the observed bins of cells of the
region, and go through the same interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.config.thermal import Profiles
from nightside.thermal.profiles import GOOD, interpolate_profiles

_ROWS = 64
_CUBE = ("y", "x", "local_time")


@dataclass(frozen=True)
class Sampling:
    """How cells were observed: ``count`` (n, bins) of each local-time bin, and ``noise_k`` of one observation."""

    count: NDArray[np.int32]
    noise_k: float


def sampling_of(
    cube: xr.Dataset, good: NDArray[np.bool_], cells: int, seed: int, fallback_noise_k: float
) -> Sampling:
    """Return the sampling of about ``cells`` good cells of a cube, drawn at random; at least one.

    The noise of an observation is the pooled standard deviation of observations that share a cell and a bin, and
    of these values for every bin the median, because bins at sunrise spread for another reason. Where nothing was
    observed twice (gridded tables) it is ``fallback_noise_k``.

    Args:
        cube: ``count`` and ``brightness_temperature_std`` (K) on (y, x, local_time); read some rows at a time.
        good: which cells (y, x) may be drawn.
        cells: how many cells to draw; all, where there are fewer.
        seed: of the draw.
        fallback_noise_k: in K.

    Raises:
        ValueError: no cell is good, or the grids differ.
    """
    shape = tuple(cube.sizes[d] for d in _CUBE)
    if shape[:2] != good.shape or not good.any():
        raise ValueError(
            f"cube of shape {shape} and {int(good.sum())} good cells of {good.shape}; give the cube that the "
            "profiles were made of"
        )
    candidates = np.flatnonzero(good)
    rng = np.random.default_rng(seed)
    drawn = np.zeros(good.size, np.bool_)
    drawn[rng.permutation(candidates)[:cells]] = True
    counts, squares, freedom = [], np.zeros(shape[2]), np.zeros(shape[2])
    for top in range(0, shape[0], _ROWS):
        part = cube[["count", "brightness_temperature_std"]].isel(y=slice(top, top + _ROWS)).transpose(*_CUBE)
        count = part["count"].to_numpy().reshape(-1, shape[2])
        here = drawn[top * shape[1] : top * shape[1] + count.shape[0]]
        count = count[here]
        std = part["brightness_temperature_std"].to_numpy().reshape(-1, shape[2])[here]
        counts.append(count.astype(np.int32))
        twice = count > 1
        squares += np.where(twice, (count - 1) * np.nan_to_num(std.astype(np.float64)) ** 2, 0.0).sum(axis=0)
        freedom += np.where(twice, count - 1, 0).sum(axis=0)
    known = freedom > 0
    pooled = np.sqrt(squares[known] / freedom[known])
    noise_k = float(np.median(pooled)) if known.any() else fallback_noise_k
    return Sampling(np.concatenate(counts), noise_k)


def observe(
    temperature: NDArray[np.float64], sampling: Sampling, config: Profiles, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Observe noise-free profiles as cells of a region were, and interpolate them again.

    Each place takes the observed bins of a cell drawn at random. It is seen once in each of them, at a random time
    within the bin, with the noise of the mean of as many observations as the cell has there.

    Args:
        temperature: noise-free profiles (n, m), in K.
        sampling: of cells that pass ``config.gap_max_h``.
        config: of the interpolation; ``local_times`` is m.
        seed: of cells, times and noise.

    Returns:
        Interpolated profiles and their standard deviations, both (n, m) in K.

    Raises:
        ValueError: ``config.local_times`` is not m, or a cell of the sampling would be masked.
    """
    n, m = temperature.shape
    if m != config.local_times:
        raise ValueError(f"profiles of {m} local times, but 'profiles.local_times' is {config.local_times}")
    rng = np.random.default_rng(seed)
    bins = sampling.count.shape[1]
    count = sampling.count[rng.integers(sampling.count.shape[0], size=n)]
    place, seen = np.nonzero(count)
    position = (seen + rng.random(seen.size)) * (m / bins)
    before = np.floor(position).astype(np.int64)
    part = position - before
    exact = (1.0 - part) * temperature[place, before % m] + part * temperature[place, (before + 1) % m]
    noise = sampling.noise_k / np.sqrt(count[place, seen]) * rng.standard_normal(seen.size)
    mean = np.zeros(count.shape)
    mean[place, seen] = exact + noise
    result = interpolate_profiles(mean, count, config)
    if (result.quality != GOOD).any():
        raise ValueError(f"a gap of {result.longest_gap_h.max():.1f} h would be masked; sample good cells")
    return result.temperature_k, result.temperature_std_k
