"""Albedo, H, onset and rocks of many places from the temperatures that they were seen to have, with their errors.

What surface temperatures determine: albedo (by day), H (by night) and the onset of sunlight; where rocks stand out at
night, their fraction of the area. What they do not: the slope towards the pole dims or brightens a place as another
albedo would, and the surface's and the deep conductivity and chi act as H does. The slope has a prior and its
uncertainty enters that of the albedo; the others are constants of the surrogate's material.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.physics import inversion_kernel as kernel
from nightside.physics.inversion_kernel import (
    BAD_INPUT,
    GOOD,
    NO_OBSERVATIONS,
    NOT_CONVERGED,
    OUT_OF_RANGE,
    OUTSIDE_TABLE,
    POOR_FIT,
    TOO_FEW_OBSERVATIONS,
)
from nightside.physics.problem import check_local_times_h
from nightside.physics.surrogate import Surrogate

Float = NDArray[np.float64]

PARAMETERS = ("albedo", "h_parameter", "onset_delay", "slope_north", "rock_fraction")
"""In the order of estimates and covariances; of H it is the natural logarithm that is estimated."""

TIMING_H = 0.003
"""As if sunrise were known no better: the error of solver (whose steps are 0.05 h) and table where the Sun is up at once."""

QUALITY = {
    GOOD: "good",
    NO_OBSERVATIONS: "no_observations",
    TOO_FEW_OBSERVATIONS: "too_few_observations",
    BAD_INPUT: "bad_input",
    OUTSIDE_TABLE: "outside_table",
    NOT_CONVERGED: "not_converged",
    OUT_OF_RANGE: "out_of_range",
    POOR_FIT: "poor_fit",
}
"""What the codes of ``quality`` mean. All but good and poor_fit leave NaN."""


@dataclass(frozen=True)
class FewRocks:
    """A prior of the rock fraction: exponential of ``mean``, but of ``rocky_mean`` in a ``rocky_share`` of places.

    The mean of the Moon is about 0.4 % (Bandfield et al. 2011, J. Geophys. Res. 116, E00H02); the rocky places are a
    choice that keeps ground with more from being taken for fine ground of a small H.
    """

    mean: float = 0.004
    rocky_share: float = 0.05
    rocky_mean: float = 0.05

    def __post_init__(self) -> None:
        if not (
            0.0 < self.mean <= 0.05 and 0.0 <= self.rocky_share <= 1.0 and self.mean <= self.rocky_mean <= 0.5
        ):
            raise ValueError(
                f"few_rocks are {self}; expected a mean above 0, to 0.05, a share of 0 to 1, and a rocky mean from there to 0.5"
            )


@dataclass(frozen=True)
class Priors:
    """Gaussian priors, each (mean, standard deviation); a parameter of deviation 0 is fixed at its mean.

    ``h_parameter`` is the median in m and the deviation of ln H; ``onset_delay`` is in h, ``slope_north`` in degrees,
    ``rock_fraction`` a part of the area, never below 0.

    ``few_rocks`` is what is known of the rock fraction in place of the Gaussian, also where that is fixed at 0 in
    the fit: few rocks cannot be seen, but H takes their warmth for its own. None: where they are not fitted there are none.
    """

    albedo: tuple[float, float] = (0.12, 0.05)
    h_parameter: tuple[float, float] = (0.07, 0.7)
    onset_delay: tuple[float, float] = (0.0, 1.0)
    slope_north: tuple[float, float] = (0.0, 6.0)
    rock_fraction: tuple[float, float] = (0.0, 0.0)
    few_rocks: FewRocks | None = None

    def __post_init__(self) -> None:
        for name in PARAMETERS:
            mean, std = getattr(self, name)
            if not (np.isfinite(mean) and np.isfinite(std) and std >= 0.0):
                raise ValueError(
                    f"prior of {name} is ({mean}, {std}); expected a mean and a deviation of at least 0"
                )
        if not self.h_parameter[0] > 0.0:
            raise ValueError(f"prior median of H is {self.h_parameter[0]} m; expected a positive depth")
        if self.few_rocks and self.rock_fraction[0] > 0.0 and self.rock_fraction[1] == 0.0:
            raise ValueError("few_rocks do not go with a rock_fraction that is fixed above 0")

    @property
    def mean(self) -> Float:
        """Means (5), of ln H for H."""
        values = [getattr(self, name)[0] for name in PARAMETERS]
        values[kernel.LOG_H] = np.log(values[kernel.LOG_H])
        return np.array(values, np.float64)

    @property
    def std(self) -> Float:
        """Standard deviations (5); 0 where fixed."""
        return np.array([getattr(self, name)[1] for name in PARAMETERS], np.float64)


@dataclass(frozen=True)
class Inversion:
    """Estimates of n places, NaN where ``quality`` (n), a code of ``QUALITY``, is neither good nor poor_fit.

    ``estimate`` (n, 5), in the order and units of ``PARAMETERS``, with ln H; ``covariance`` (n, 5, 5), zero for
    fixed parameters; ``best_fit`` and ``best_fit_covariance``, alike: where rocks are fitted or few of them allowed
    for, ``estimate`` is a mean over rock fractions, and these are the place of least chi-square (with no rocks in the
    latter case) and the covariance about it; elsewhere they are the same; ``absorbed_flux`` and its deviation (n), W m-2, mean of the day; ``chi_square`` (n) divided by
    the ``degrees_of_freedom`` (n: observations less what they, not the priors, determined); ``steps`` (n) of the fit.
    """

    estimate: Float
    covariance: Float
    best_fit: Float
    best_fit_covariance: Float
    absorbed_flux: Float
    absorbed_flux_std: Float
    chi_square: Float
    degrees_of_freedom: Float
    quality: NDArray[np.uint8]
    steps: NDArray[np.int32]

    @property
    def h_parameter_m(self) -> Float:
        """H (n) in m."""
        return np.asarray(np.exp(self.estimate[:, kernel.LOG_H]))

    @property
    def std(self) -> Float:
        """Standard deviations (n, 5) of the estimates: of ln H for H; 0 for fixed parameters."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))

    @property
    def correlation(self) -> Float:
        """Correlations (n, 5, 5) of the estimates' errors; NaN with a fixed parameter."""
        std = self.std
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.covariance / (std[:, :, None] * std[:, None, :]))


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
) -> Inversion:
    """Fit the parameters of n places to brightness temperatures at m local times.

    Args:
        surrogate: from ``surrogate.make_surrogate``; with rocks if the prior leaves their fraction free or above 0.
        latitude_deg: (n,).
        temperature_k: (n, m), or (m,) for one place; NaN where nothing was observed.
        std_k: standard deviations of them, of that shape; NaN where nothing was observed. Errors are independent.
        local_time_h: (m,), middles of the bins, hours after midnight.
        priors: which parameters are free, and what is known of them.
        bin_width_h: width of the bins; the model of a bin is its mean. 0: moments.
        timing_std_h: standard deviation of an observation's moment about its local time; the temperature's change
            in that time is added to its error. By default that of a moment anywhere in the bin, which is right for
            bins seen once. ``TIMING_H``, the error of the model itself where the Sun comes up at once, is the least.
        observations_min: places with fewer observations are masked.

    Raises:
        ValueError: shapes or options do not fit together. Values that cannot be used only mask their place.
    """
    latitude = np.atleast_1d(np.asarray(latitude_deg, np.float64))
    observed, deviation = (np.atleast_2d(np.asarray(a, np.float64)) for a in (temperature_k, std_k))
    hours = np.asarray(local_time_h, np.float64)
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
    bounds = _bounds(surrogate)
    mean, std = priors.mean, priors.std
    _check_priors(surrogate, priors, bounds)
    free = std > 0.0
    precision = np.where(free, 1.0 / np.where(free, std, 1.0) ** 2, 0.0)
    rocks = bool(free[kernel.ROCK] or mean[kernel.ROCK] > 0.0)
    bins = float(bin_width_h), max(timing, TIMING_H)
    few = np.array(astuple(priors.few_rocks) if priors.few_rocks else (0.0, 0.0, 1.0), np.float64)
    return Inversion(
        *kernel.fit(
            surrogate.table, bins, rocks, latitude, observed, deviation, np.mod(hours, 24.0), mean, precision, free,
            bounds, observations_min, few,
        )
    )  # fmt: skip


def poor_fits(inversion: Inversion, sigmas: float) -> NDArray[np.bool_]:
    """Return where (n) chi-square lies more than ``sigmas`` of its own standard deviations above its mean."""
    excess = (inversion.chi_square - 1.0) * np.sqrt(0.5 * inversion.degrees_of_freedom)
    return np.asarray((inversion.quality == GOOD) & (excess > sigmas))


def with_rocks_where_needed(
    plain: Inversion, refit: Callable[[NDArray[np.int64]], Inversion], sigmas: float
) -> Inversion:
    """Return ``plain``, a fit without rocks, with the places refitted that it does not describe.

    ``refit`` gets the indices of places of poor fit (:func:`poor_fits`), that did not converge, or that ran out of
    range, and fits them with rocks. A new fit is kept if it is good, and better by more than one parameter is worth.
    """
    failed = np.isin(plain.quality, (NOT_CONVERGED, OUT_OF_RANGE))
    k = np.flatnonzero(failed | poor_fits(plain, sigmas))
    if not k.size:
        return plain
    rocky = refit(k)
    before = plain.chi_square[k] * plain.degrees_of_freedom[k]
    after = rocky.chi_square * rocky.degrees_of_freedom
    better = (rocky.quality == GOOD) & (failed[k] | (after < before - sigmas**2))
    return Inversion(
        *(
            _replaced(getattr(plain, f.name), k[better], getattr(rocky, f.name)[better])
            for f in fields(Inversion)
        )
    )


def _replaced(values: NDArray[Any], k: NDArray[np.int64], by: NDArray[Any]) -> NDArray[Any]:
    out = values.copy()
    out[k] = by
    return out


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
    if surrogate.rock_material is None and (any(priors.rock_fraction) or priors.few_rocks):
        raise ValueError("the priors have rocks, but the surrogate was made without them")
