"""Additive bins as a dataset: what ingesting jobs write and the cube adds up."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.moon import HOURS_PER_DAY

BINNED = ("y", "x", "local_time")


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
        coords={
            "local_time": (
                "local_time",
                (np.arange(n.shape[2]) + 0.5) * HOURS_PER_DAY / n.shape[2],
                {"units": "h", "long_name": "lunar hours after midnight, bin centre"},
            )
        },
    )
