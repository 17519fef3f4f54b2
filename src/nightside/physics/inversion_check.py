"""The check of an inversion: one run of the true solver for each place, at the parameters that fitted best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.physics import inversion_kernel as kernel
from nightside.physics.heat import diurnal_temperatures
from nightside.physics.inversion import TIMING_H
from nightside.physics.inversion_result import Inversion
from nightside.physics.radiance import mixed_brightness_temperature
from nightside.physics.surrogate import Surrogate, slope_east_of

Float = NDArray[np.float64]

EDGE_H = 0.5
"""Nearer to sunrise or sunset than this, the errors of ``away`` are not counted."""

_PARTS = 4


@dataclass(frozen=True)
class Verification:
    """What the surrogate is worth at k places; ``place`` (k) are their indices.

    ``error_k`` (k, m): surrogate minus solver where something was observed, else NaN, and ``away`` (k, m): where that
    is more than ``EDGE_H`` from sunrise and sunset. ``shift`` (k, 5): by how much the best fits would move, to first
    order, if the solver took the surrogate's place, in the units of ``Inversion.estimate``; ``shift_sigma`` (k, 5):
    in standard deviations, NaN for fixed parameters.
    """

    place: NDArray[np.int64]
    error_k: Float
    away: NDArray[np.bool_]
    shift: Float
    shift_sigma: Float

    def summary(self) -> dict[str, float | int]:
        """Return figures for a manifest; temperatures in K, shifts in standard deviations."""
        error, seen = self.error_k, np.isfinite(self.error_k)
        sigma = np.abs(self.shift_sigma[np.isfinite(self.shift_sigma)])
        figures: dict[str, float | int] = {"places": int(self.place.size)}
        if seen.any() and sigma.size:
            figures["rms_k"] = float(np.sqrt(np.mean(error[seen] ** 2)))
            far = seen & self.away
            figures["rms_away_from_sunrise_k"] = (
                float(np.sqrt(np.mean(error[far] ** 2))) if far.any() else 0.0
            )
            figures["largest_away_from_sunrise_k"] = float(np.abs(error[far]).max()) if far.any() else 0.0
            figures["rms_shift_sigma"] = float(np.sqrt(np.mean(sigma**2)))
            figures["largest_shift_sigma"] = float(sigma.max())
            for k, name in enumerate(("albedo", "ln_h_parameter", "onset_delay_h")):
                figures[f"largest_shift_{name}"] = float(np.abs(self.shift[:, k]).max())
        return figures


def verify(
    surrogate: Surrogate,
    inversion: Inversion,
    latitude_deg: ArrayLike,
    std_k: ArrayLike,
    local_time_h: ArrayLike,
    *,
    bin_width_h: float = 0.0,
    timing_std_h: float | None = None,
    places: NDArray[np.int64] | None = None,
) -> Verification:
    """Run the solver at the best fits of ``places`` (by default all), those without an estimate left out.

    The other arguments are those that the inversion had; ``std_k`` (n, m) is NaN where nothing was observed.
    """
    found = np.flatnonzero(np.isfinite(inversion.estimate).all(axis=1))
    place = found if places is None else np.intersect1d(places, found)
    latitude = np.atleast_1d(np.asarray(latitude_deg, np.float64))[place]
    deviation = np.atleast_2d(np.asarray(std_k, np.float64))[place]
    estimate = inversion.best_fit[place]
    hours = np.mod(np.asarray(local_time_h, np.float64), 24.0)
    timing = bin_width_h / np.sqrt(12.0) if timing_std_h is None else timing_std_h
    bins = (float(bin_width_h), max(float(timing), TIMING_H))
    rocks = bool((estimate[:, kernel.ROCK] > 0.0).any())
    model, spread, slopes = kernel.temperatures(surrogate.table, latitude, estimate, hours, bins, rocks)
    error = np.where(
        np.isfinite(deviation), model - _solved(surrogate, latitude, estimate, hours, bin_width_h), np.nan
    )
    shift = first_order_shift(inversion.best_fit_covariance[place], slopes, error, deviation**2 + spread)
    std = np.sqrt(np.diagonal(inversion.best_fit_covariance[place], axis1=1, axis2=2))
    onset = estimate[:, kernel.ONSET, None]
    rise, fall = np.maximum(6.0 + onset, 6.0), np.minimum(18.0 + onset, 18.0)
    away = np.minimum(np.abs(hours - rise), np.abs(hours - fall)) > EDGE_H + 0.5 * bin_width_h
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma = np.where(std > 0.0, shift / std, np.nan)
    return Verification(place, error, away, shift, sigma)


def first_order_shift(covariance: Float, slopes: Float, change_k: Float, variance_k2: Float) -> Float:
    """Return by how much (n, 5) fits move if the observations change by ``change_k`` (n, m): C J^T W dy.

    ``covariance`` (n, 5, 5) of the fits, ``slopes`` (n, m, 5) of the model; NaN counts as not observed.
    """
    seen = np.isfinite(change_k) & np.isfinite(variance_k2)
    pull = np.where(seen, change_k, 0.0) / np.where(seen, variance_k2, 1.0)
    return np.asarray(np.einsum("nkl,nml,nm->nk", covariance, slopes, pull, optimize=True))


def _solved(
    surrogate: Surrogate, latitude: Float, estimate: Float, hours: Float, bin_width_h: float
) -> Float:
    """Return the solver's temperatures, means over the bins, (k, m) in K."""
    parts = _PARTS if bin_width_h > 0.0 else 1
    offsets = bin_width_h * ((np.arange(parts) + 0.5) / parts - 0.5)
    times = np.mod((hours[:, None] + offsets).ravel(), 24.0)
    albedo, log_h, onset, north, rock = estimate.T
    east = slope_east_of(onset, latitude, north)
    places = (latitude, albedo, np.exp(log_h), east, north, surrogate.emissivity)
    solved = diurnal_temperatures(
        *places, local_time_h=times, material=surrogate.material, body=surrogate.body
    )
    rocky = np.flatnonzero(rock > 0.0)
    if rocky.size and surrogate.rock_material is not None:
        bare = diurnal_temperatures(
            *(p[rocky] if isinstance(p, np.ndarray) else p for p in places),
            local_time_h=times, material=surrogate.rock_material, body=surrogate.body,
        )  # fmt: skip
        solved[rocky] = mixed_brightness_temperature(solved[rocky], bare, rock[rocky, None], surrogate.band)
    mean: Float = solved.reshape(latitude.size, hours.size, parts).mean(axis=2)
    return mean
