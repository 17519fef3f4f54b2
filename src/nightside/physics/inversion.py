"""Albedo, H, onset and rocks of many places from the temperatures that they were seen to have, with their errors.

What surface temperatures determine: albedo (by day), H (by night) and the onset of sunlight; where rocks stand out at
night, their fraction of the area. What they do not: the slope towards the pole dims or brightens a place as another
albedo would, and the surface's and the deep conductivity and chi act as H does. The slope has a prior and its
uncertainty enters that of the albedo; the others are constants of the surrogate's material
(:mod:`nightside.physics.inversion_constants`).
"""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.physics import inversion_kernel as kernel
from nightside.physics.compilation import announced
from nightside.physics.inversion_priors import PARAMETERS, Priors
from nightside.physics.inversion_result import Inversion, with_poor_fits
from nightside.physics.problem import check_local_times_h
from nightside.physics.surrogate import Surrogate

Float = NDArray[np.float64]

TIMING_H = 0.003
"""As if sunrise were known no better: the error of solver (whose steps are 0.05 h) and table where the Sun is up at once."""


@announced("the inversion")
def invert(
    surrogate: Surrogate,
    latitude_deg: ArrayLike,
    temperature_k: ArrayLike,
    std_k: ArrayLike,
    local_time_h: ArrayLike,
    priors: Priors,
    *,
    bin_width_h: float = 0.0,
    timing_std_h: float | None = None,
    observations_min: int = 8,
    poor_fit_sigmas: float = 4.0,
) -> Inversion:
    """Fit the parameters of n places to brightness temperatures at m local times.

    The first call of a version compiles, for a minute or two; the log (``nightside.physics.compilation``) says so.

    Args:
        surrogate: from ``surrogate.make_surrogate``; with rocks if the prior leaves their fraction free or above 0.
        latitude_deg: (n,).
        temperature_k: (n, m), or (m,) for one place; NaN where nothing was observed.
        std_k: standard deviations of them, of that shape. Errors are independent. What has none (NaN) is left out.
        local_time_h: (m,), middles of the bins, hours after midnight.
        priors: which parameters are free, and what is known of them.
        bin_width_h: width of the bins; the model of a bin is its mean. 0: moments.
        timing_std_h: standard deviation of an observation's moment about its local time; the temperature's change
            in that time is added to its error. By default that of a moment anywhere in the bin, which is right for
            bins seen once. ``TIMING_H``, the error of the model itself where the Sun comes up at once, is the least.
        observations_min: places with fewer observations are masked.
        poor_fit_sigmas: a chi-square so many of its standard deviations above its mean gets the quality poor_fit.

    Raises:
        ValueError: shapes or options do not fit together. Values that cannot be used only mask their place.
    """
    # In one order, since arrays in another would be compiled for anew.
    given = (latitude_deg, temperature_k, std_k, local_time_h)
    latitude, observed, deviation, hours = (np.asarray(a, np.float64, order="C") for a in given)
    latitude, observed, deviation = np.atleast_1d(latitude), np.atleast_2d(observed), np.atleast_2d(deviation)
    if observed.shape != (latitude.size, hours.size) or deviation.shape != observed.shape:
        raise ValueError(
            f"temperature_k {observed.shape} and std_k {deviation.shape} do not fit {latitude.size} latitudes and "
            f"{hours.size} local times"
        )
    timing = bin_width_h / np.sqrt(12.0) if timing_std_h is None else float(timing_std_h)
    if not (np.isfinite(hours).all() and 0.0 <= bin_width_h <= 6.0 and 0.0 <= timing <= 6.0):
        raise ValueError("local_time_h has to be finite, bin_width_h and timing_std_h 0 to 6 hours")
    check_local_times_h(hours)
    if observations_min < 1:
        raise ValueError(f"observations_min is {observations_min}; expected at least 1")
    if not poor_fit_sigmas > 0.0:
        raise ValueError(f"poor_fit_sigmas is {poor_fit_sigmas}; expected a positive number")
    bounds = _bounds(surrogate)
    mean, std = priors.mean, priors.std
    _check_priors(surrogate, priors, bounds)
    free = std > 0.0
    precision = np.where(free, 1.0 / np.where(free, std, 1.0) ** 2, 0.0)
    rocks = bool(free[kernel.ROCK] or mean[kernel.ROCK] > 0.0)
    bins = float(bin_width_h), max(timing, TIMING_H)
    rocks_prior = astuple(priors.unseen_rocks) if priors.unseen_rocks else (0.0, 0.0, 1.0)
    data = latitude, observed, deviation, np.mod(hours, 24.0), observations_min
    known = mean, precision, free, bounds
    answers, fluxes, *rest = kernel.fit(
        surrogate.table, bins, rocks, data, known, np.array(rocks_prior, np.float64)
    )
    found = Inversion(*(array for pair in answers for array in pair), *fluxes, *rest)
    return with_poor_fits(found, poor_fit_sigmas)


@announced("the inversion")
def surrogate_temperatures(
    surrogate: Surrogate,
    latitude_deg: ArrayLike,
    estimate: ArrayLike,
    local_time_h: ArrayLike,
    bin_width_h: float = 0.0,
) -> Float:
    """Return the surrogate's brightness temperatures (n, m), in K, of places whose ``estimate`` is (n, 5).

    The order is that of ``PARAMETERS``, with ln H. NaN where a parameter lies outside the table.
    """
    latitude = np.atleast_1d(np.asarray(latitude_deg, np.float64))
    parameters = np.atleast_2d(np.asarray(estimate, np.float64))
    hours = np.atleast_1d(np.asarray(local_time_h, np.float64))
    check_local_times_h(hours)
    hours = np.mod(hours, 24.0)
    low, high = _bounds(surrogate)
    inside = ((parameters >= low) & (parameters <= high)).all(axis=1)
    rocks = bool((parameters[:, kernel.ROCK] > 0.0).any())
    if rocks and surrogate.rock_material is None:
        raise ValueError("the surrogate was made without rocks")
    safe = np.where(inside[:, None], parameters, 0.5 * (low + high))
    out, _, _ = kernel.temperatures(
        surrogate.table, latitude, safe, hours, (float(bin_width_h), TIMING_H), rocks
    )
    out[~inside] = np.nan
    return np.asarray(out)


def _bounds(surrogate: Surrogate) -> Float:
    """Return the least and the largest values (2, 5) of the parameters."""
    domain = surrogate.domain
    low = [domain.albedo[0], np.log(domain.h_parameter_m[0]), -domain.onset_max_h, -45.0, 0.0]
    high = [domain.albedo[1], np.log(domain.h_parameter_m[1]), domain.onset_max_h, 45.0, 1.0]
    return np.array([low, high])


def _check_priors(surrogate: Surrogate, priors: Priors, bounds: Float) -> None:
    for k, name in enumerate(PARAMETERS):
        if not bounds[0, k] <= priors.mean[k] <= bounds[1, k]:
            raise ValueError(f"the prior mean of {name} lies outside the surrogate's table")
    if surrogate.rock_material is None and (any(priors.rock_fraction) or priors.unseen_rocks):
        raise ValueError("the priors have rocks, but the surrogate was made without them")
