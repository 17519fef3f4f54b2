"""The thermal room's stores as xarray datasets: names, dimensions, units. The contracts between its steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.moon import HOURS_PER_DAY

BINNED = ("y", "x", "local_time")


def local_time_centres(bins: int) -> xr.DataArray:
    """Return the centres of equal bins of the lunar day, in hours after midnight."""
    return _local_time((np.arange(bins) + 0.5) * HOURS_PER_DAY / bins)


def profile_local_times(points: int) -> xr.DataArray:
    """Return the local times of a profile, from midnight on, in hours."""
    return _local_time(np.arange(points) * HOURS_PER_DAY / points)


def bins_dataset(n: NDArray[np.int32], sum_k: NDArray[np.float64], sum_k2: NDArray[np.float64]) -> xr.Dataset:
    """Return additive bins, each of shape (y, x, bins), as a dataset; blocks of it add up in any order."""
    return xr.Dataset(
        {
            "n": (BINNED, n, {"units": "1", "long_name": "number of observations"}),
            "sum_k": (BINNED, sum_k, {"units": "K", "long_name": "sum of brightness temperatures"}),
            "sum_k2": (
                BINNED,
                sum_k2,
                {"units": "K2", "long_name": "sum of squared brightness temperatures"},
            ),
        },
        coords={"local_time": local_time_centres(n.shape[2])},
    )


def add_blocks(
    blocks: Sequence[xr.Dataset],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums over blocks of n, sum_k and sum_k2, each (y, x, bins); one block is in memory at a time.

    Raises:
        ValueError: there is no block, or two blocks are of different grids.
    """
    if not blocks:
        raise ValueError("no block of bins to add up; run 'nightside thermal ingest' for at least one")
    shape = blocks[0]["n"].shape
    n, sum_k, sum_k2 = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
    for number, block in enumerate(blocks):
        if block["n"].shape != shape:
            raise ValueError(
                f"block {number} has shape {block['n'].shape}, the first {shape}: they are of different regions "
                "or numbers of bins; ingest them again with one configuration"
            )
        n += block["n"].to_numpy()
        sum_k += block["sum_k"].to_numpy()
        sum_k2 += block["sum_k2"].to_numpy()
    return n, sum_k, sum_k2


def cube_dataset(
    mean_k: NDArray[np.float32], std_k: NDArray[np.float32], count: NDArray[np.int32]
) -> xr.Dataset:
    """Return the cube, each array of shape (y, x, bins), as a dataset; NaN where nothing was observed."""
    return xr.Dataset(
        {
            "brightness_temperature": (
                BINNED,
                mean_k,
                {
                    "units": "K",
                    "long_name": "mean brightness temperature",
                    "cell_methods": "local_time: mean",
                },
            ),
            "brightness_temperature_std": (
                BINNED,
                std_k,
                {"units": "K", "long_name": "standard deviation of brightness temperature"},
            ),
            "count": (BINNED, count, {"units": "1", "long_name": "number of observations"}),
        },
        coords={"local_time": local_time_centres(mean_k.shape[2])},
    )


def profiles_dataset(
    temperature_k: NDArray[np.float32],
    temperature_std_k: NDArray[np.float32],
    quality: NDArray[np.uint8],
    longest_gap_h: NDArray[np.float32],
    latitude_deg: NDArray[np.float64],
    longitude_deg: NDArray[np.float64],
) -> xr.Dataset:
    """Return profiles (y, x, local_time) with their quality (y, x) and the places of their cells."""
    plane = ("y", "x")
    return xr.Dataset(
        {
            "temperature": (
                BINNED,
                temperature_k,
                {"units": "K", "long_name": "surface brightness temperature"},
            ),
            "temperature_std": (
                BINNED,
                temperature_std_k,
                {"units": "K", "long_name": "standard deviation of the interpolated temperature"},
            ),
            "quality": (
                plane,
                quality,
                {
                    "units": "1",
                    "long_name": "quality of the profile",
                    "flag_values": [0, 1, 2],
                    "flag_meanings": "good no_observations gap_too_long",
                },
            ),
            "longest_gap_h": (
                plane,
                longest_gap_h,
                {"units": "h", "long_name": "longest time of the lunar day without an observation"},
            ),
        },
        coords={
            "local_time": profile_local_times(temperature_k.shape[2]),
            "latitude": (plane, latitude_deg, {"units": "degrees_north", "standard_name": "latitude"}),
            "longitude": (plane, longitude_deg, {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )


def _local_time(hours: NDArray[np.float64]) -> xr.DataArray:
    attrs = {"units": "h", "long_name": "local time, lunar hours after midnight"}
    return xr.DataArray(hours, dims="local_time", attrs=attrs)
