"""What an inversion owes to the constants of its heat model, which temperatures cannot tell from H.

Each constant is moved by its standard deviation, the table is made anew, and the answers' shifts follow to first order
from the change of the temperatures: no place is fitted twice. Such an error is one for the whole map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.physics import inversion_kernel as kernel
from nightside.physics.inversion import TIMING_H
from nightside.physics.inversion_check import first_order_shift
from nightside.physics.inversion_result import Inversion
from nightside.physics.surrogate import Surrogate, make_surrogate

Float = NDArray[np.float64]

CONSTANTS = (
    "surface_conductivity",
    "deep_conductivity",
    "radiative_conductivity",
    "surface_density",
    "deep_density",
    "emissivity",
)
"""Those of ``Material``, and the infrared emissivity."""

_CHUNK = 4096  # places whose derivatives are held at a time: 40 MB of 240 local times


def moved_surrogates(surrogate: Surrogate, std: Mapping[str, float]) -> tuple[Surrogate, ...]:
    """Return a table for each of ``CONSTANTS`` in ``std`` whose standard deviation is above 0, moved by that.

    An emissivity that would exceed 1 is moved down. The regolith is moved, rocks are not, but for their emissivity.

    Raises:
        ValueError: an unknown name, a negative deviation, or a constant that becomes unphysical.
    """
    tables: list[Surrogate] = []
    for name, deviation in std.items():
        if name not in CONSTANTS:
            raise ValueError(f"no constant {name!r}; expected some of {', '.join(CONSTANTS)}")
        if not (np.isfinite(deviation) and deviation >= 0.0):
            raise ValueError(f"standard deviation of {name} is {deviation}; expected 0 or a positive number")
        if not deviation:
            continue
        emissivity, material = surrogate.emissivity, surrogate.material
        if name == "emissivity":
            emissivity += deviation if emissivity + deviation <= 1.0 else -deviation
        else:
            material = replace(material, **{name: getattr(material, name) + deviation})
        tables.append(
            make_surrogate(
                surrogate.domain,
                emissivity=emissivity,
                rocks=surrogate.rock_material is not None,
                material=material,
                body=surrogate.body,
                band=surrogate.band,
            )
        )
    return tuple(tables)


def systematic_std(
    surrogate: Surrogate,
    moved: Sequence[Surrogate],
    inversion: Inversion,
    latitude_deg: ArrayLike,
    std_k: ArrayLike,
    local_time_h: ArrayLike,
    *,
    bin_width_h: float = 0.0,
    timing_std_h: float | None = None,
) -> Float:
    """Return the standard deviations (n, 5) that the constants' own cause, of ln H for H; NaN without an estimate.

    ``moved`` comes from :func:`moved_surrogates`, whose constants err independently; the other arguments are those
    that the inversion had.
    """
    latitude = np.atleast_1d(np.asarray(latitude_deg, np.float64))
    deviation = np.atleast_2d(np.asarray(std_k, np.float64))
    hours = np.mod(np.asarray(local_time_h, np.float64), 24.0)
    timing = bin_width_h / np.sqrt(12.0) if timing_std_h is None else timing_std_h
    bins = (float(bin_width_h), max(float(timing), TIMING_H))
    variance = np.full(inversion.estimate.shape, np.nan)
    answered = np.flatnonzero(inversion.answered)
    for k in np.array_split(answered, -(-answered.size // _CHUNK)) if answered.size else ():
        at = latitude[k], inversion.best_fit[k], hours, bins
        rocks = bool((inversion.best_fit[k, kernel.ROCK] > 0.0).any())
        model, spread, slopes = kernel.temperatures(surrogate.table, *at, rocks)
        variance[k] = 0.0
        for other in moved:
            change = kernel.temperatures(other.table, *at, rocks)[0] - model
            shift = first_order_shift(
                inversion.best_fit_covariance[k], slopes, change, deviation[k] ** 2 + spread
            )
            variance[k] += shift**2
    return np.asarray(np.sqrt(variance))
