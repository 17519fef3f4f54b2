"""Observations, and their addition into bins by cell and local time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside.moon import HOURS_PER_DAY
from nightside.store import cell_index
from nightside.thermal.bin_memory import check_bins

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Observations:
    """What passed the filter in one table: arrays of one length, and counts of what did not pass.

    ``key`` tells one observation from every other: the digits of the spacecraft clock, then the detector.
    """

    longitude_deg: Float
    latitude_deg: Float
    local_time_h: Float
    temperature_k: Float
    key: NDArray[np.int64]
    counters: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BinSums:
    """Additive bins, each array of shape (y, x, bins): count, sum (K) and sum of squares (K^2)."""

    n: NDArray[np.int32]
    sum_k: Float
    sum_k2: Float


def empty_bins(geobox: GeoBox, local_time_bins: int, memory_limit_gb: float) -> BinSums:
    """Return bins without observations.

    Raises:
        ConfigError: they would take more than ``memory_limit_gb``.
    """
    shape = (geobox.shape[0], geobox.shape[1], local_time_bins)
    check_bins((shape[0], shape[1]), local_time_bins, memory_limit_gb)
    return BinSums(np.zeros(shape, np.int32), np.zeros(shape), np.zeros(shape))


def local_time_bin(local_time_h: Float, bins: int) -> NDArray[np.int64]:
    """Return the bin, 0 to bins - 1, of local times in hours; 24 h is midnight, bin 0."""
    # Decimal hours that lie on an edge must not fall below it by rounding.
    return np.floor(local_time_h * (bins / HOURS_PER_DAY) + 1e-9).astype(np.int64) % bins


def add_observations(bins: BinSums, geobox: GeoBox, seen: Observations) -> int:
    """Add observations to the bins in place; return how many lay in the grid."""
    cell = cell_index(geobox, seen.longitude_deg, seen.latitude_deg)
    inside = cell >= 0
    times = bins.n.shape[2]
    index = cell[inside] * times + local_time_bin(seen.local_time_h[inside], times)
    _add(
        index, seen.temperature_k[inside], bins.n.reshape(-1), bins.sum_k.reshape(-1), bins.sum_k2.reshape(-1)
    )
    return int(index.size)


@njit(nogil=True, cache=True)
def _add(index: NDArray[np.int64], value: Float, n: NDArray[np.int32], total: Float, squares: Float) -> None:
    for i in range(index.size):
        k, v = index[i], value[i]
        n[k] += 1
        total[k] += v
        squares[k] += v * v


def without_repeats(seen: Observations, before: NDArray[np.int64]) -> tuple[Observations, int]:
    """Return the observations whose key is not in ``before``, and the number of those dropped.

    Tables of neighbouring times may share the samples at their common edge.
    """
    if not before.size or not seen.key.size or seen.key.min() > before.max():
        return seen, 0
    fresh = ~np.isin(seen.key, before)
    kept = Observations(
        seen.longitude_deg[fresh],
        seen.latitude_deg[fresh],
        seen.local_time_h[fresh],
        seen.temperature_k[fresh],
        seen.key[fresh],
        seen.counters,
    )
    return kept, int(fresh.size - fresh.sum())
