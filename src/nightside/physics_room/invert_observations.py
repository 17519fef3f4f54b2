"""What was observed of each cell, from a cube or from profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.config import Inversion
from nightside.moon import HOURS_PER_DAY

Float = NDArray[np.float64]

_CUBE = ("y", "x", "local_time")
_GAP_TOO_LONG = 2
"""Of the quality of profiles."""

_CELSIUS = -200.0, 150.0
"""The coldest and the hottest ground of the Moon in degrees Celsius lie close to these."""

_IMPOSSIBLE = -1.0
"""In place of a temperature and its error where the count is negative: the inversion masks it as bad input."""


@dataclass(frozen=True)
class Seen:
    """What was observed of n places at m local times, and how it has to be understood.

    ``temperature_k`` and ``std_k`` (n, m), NaN where nothing was observed; ``local_time_h`` (m); ``bin_width_h``, 0 for
    moments; ``timing_std_h``; ``gap`` (n): masked because the profile has too long a gap. ``sunrise_h``: what lies nearer
    to a cell's sunrise and sunset is left out, as an interpolation has rounded these corners.
    """

    temperature_k: Float
    std_k: Float
    local_time_h: Float
    bin_width_h: float
    timing_std_h: float
    gap: NDArray[np.bool_]
    sunrise_h: float = 0.0

    def of(self, places: NDArray[np.int64]) -> Seen:
        """Return the same of some places, by index."""
        return replace(
            self, temperature_k=self.temperature_k[places], std_k=self.std_k[places], gap=self.gap[places]
        )


def observations(observed: xr.Dataset, options: Inversion, bins: int) -> Seen:
    """Return the observations of a cube or of profiles, cells in the order of rows.

    The bins of a cube are independent; one that is empty, or has no temperature, is left out, and a negative count masks
    the cell. A profile is moments, whose errors are taken for ``profile_std_factor`` times what they are, as those of
    neighbouring times are one error; the bins it was made from, ``bins`` a day, make its moments uncertain as they do
    the cube's.
    """
    hours = observed["local_time"].to_numpy().astype(np.float64)
    width = HOURS_PER_DAY / bins
    timing = float(np.hypot(width / np.sqrt(12.0), options.timing_std_h))
    if "count" in observed:
        count = _cells(observed["count"])
        mean = _cells(observed["brightness_temperature"])
        std = np.sqrt(options.noise_k**2 / np.maximum(count, 1.0) + options.noise_floor_k**2)
        seen = count > 0
        return Seen(
            np.where(seen, mean, np.where(count < 0, _IMPOSSIBLE, np.nan)),
            np.where(seen, std, np.where(count < 0, _IMPOSSIBLE, np.nan)),
            hours,
            width,
            timing,
            np.zeros(len(mean), bool),
        )
    std = options.profile_std_factor * _cells(observed["temperature_std"])
    quality = observed["quality"].transpose("y", "x").to_numpy().ravel()
    gap = quality == _GAP_TOO_LONG
    return Seen(_cells(observed["temperature"]), std, hours, 0.0, timing, gap, options.profile_sunrise_h)


def celsius_hint(observed: xr.Dataset) -> str:
    """Return the question whether a cube or profiles are in degrees Celsius, empty where they do not look like it."""
    values = observed["brightness_temperature" if "count" in observed else "temperature"]
    some = values.isel(
        y=slice(None, None, _every(values.sizes["y"])), x=slice(None, None, _every(values.sizes["x"]))
    )
    kelvin = some.to_numpy()
    kelvin = kelvin[np.isfinite(kelvin)]
    median = float(np.median(kelvin)) if kelvin.size else np.nan
    low, high = _CELSIUS
    if not (low < median < high and (kelvin < 0.0).any()):
        return ""
    return f" (their median is {median:.0f} and some are negative: are they in degrees Celsius?)"


def _every(size: int, most: int = 64) -> int:
    return max(size // most, 1)


def _cells(variable: xr.DataArray) -> Float:
    values = variable.transpose(*_CUBE).to_numpy().astype(np.float64)
    return values.reshape(-1, values.shape[-1])
