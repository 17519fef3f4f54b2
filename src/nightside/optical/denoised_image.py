"""A denoised image as a dataset, band by band."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.optical.denoise import MISSING, NO_DATA, SATURATED, Denoiser
from nightside.optical.strip import KIND
from nightside.store import Window

__all__ = ["KIND", "band_dataset"]

_PLANE = ("line", "sample")
_ABOUT = {
    "signal": {"units": "DN", "long_name": "signal of the ground above the dark, denoised"},
    "signal_std": {"units": "DN", "long_name": "standard deviation of the signal's error"},
    "mask": {
        "units": "1",
        "long_name": "why a pixel has no good signal; 0 where it has",
        "flag_masks": [SATURATED, MISSING, NO_DATA],
        "flag_meanings": "saturated missing no_data",
    },
}


def band_dataset(denoiser: Denoiser, window: Window, attrs: Mapping[str, Any]) -> xr.Dataset:
    """Return the lines of a window: ``signal``, ``signal_std`` (DN) and ``mask``; ``attrs`` are the image's."""
    first, last = window["line"].start, window["line"].stop
    samples = window["sample"].stop - window["sample"].start
    values: dict[str, NDArray[Any]]
    if first == last:
        kinds = {"signal": np.float32, "signal_std": np.float32, "mask": np.uint8}
        values = {name: np.zeros((0, samples), kind) for name, kind in kinds.items()}
    else:
        found = denoiser.lines(first, last)
        values = {"signal": found.signal, "signal_std": found.signal_std, "mask": found.mask}
    return xr.Dataset(
        {name: (_PLANE, array, _ABOUT[name]) for name, array in values.items()}, attrs=dict(attrs)
    )
