"""What an inversion answers, and how far each answer may be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightside.physics import inversion_kernel as kernel

Float = NDArray[np.float64]

QUALITY = {
    kernel.GOOD: "good",
    kernel.NO_OBSERVATIONS: "no_observations",
    kernel.TOO_FEW_OBSERVATIONS: "too_few_observations",
    kernel.BAD_INPUT: "bad_input",
    kernel.OUTSIDE_TABLE: "outside_table",
    kernel.NOT_CONVERGED: "not_converged",
    kernel.OUT_OF_RANGE: "out_of_range",
    kernel.POOR_FIT: "poor_fit",
}
"""What the codes of ``quality`` mean. All but good and poor_fit leave NaN."""


@dataclass(frozen=True)
class Inversion:
    """Estimates of n places, NaN where ``quality`` (n), a code of ``QUALITY``, is neither good nor poor_fit.

    ``estimate`` (n, 5), in the order and units of ``PARAMETERS``, with ln H, and ``covariance`` (n, 5, 5), zero for
    fixed parameters. Where rocks are not fitted they are the best fit of **ground without rocks**, as the literature's H is.
    Where they are fitted, they are the mean along the valley of chi-square that rocks and H have in common.

    ``estimate_with_unseen_rocks`` and its covariance, alike: the mean over the prior ``unseen_rocks``, of which few look
    like a smaller H; without that prior the same as ``estimate``.

    ``best_fit`` and its covariance, alike: the place of least chi-square; other than ``estimate`` only where rocks are fitted.

    ``absorbed_flux`` and its deviation (n), W m-2, mean of the day; ``chi_square`` (n) divided by the
    ``degrees_of_freedom`` (n: observations less what they, not the priors, determined); ``steps`` (n) of the fit.
    """

    estimate: Float
    covariance: Float
    best_fit: Float
    best_fit_covariance: Float
    estimate_with_unseen_rocks: Float
    covariance_with_unseen_rocks: Float
    absorbed_flux: Float
    absorbed_flux_std: Float
    chi_square: Float
    degrees_of_freedom: Float
    quality: NDArray[np.uint8]
    steps: NDArray[np.int32]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Where (n) there is an estimate: good or of poor fit."""
        return np.isin(self.quality, (kernel.GOOD, kernel.POOR_FIT))

    @property
    def h_parameter_m(self) -> Float:
        """H (n) in m."""
        return np.asarray(np.exp(self.estimate[:, kernel.LOG_H]))

    @property
    def h_parameter_std_m(self) -> Float:
        """Standard deviation (n) of H in m."""
        return self.h_parameter_m * self.std[:, kernel.LOG_H]

    @property
    def std(self) -> Float:
        """Standard deviations (n, 5) of the estimates: of ln H for H; 0 for fixed parameters."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))

    @property
    def std_with_unseen_rocks(self) -> Float:
        """Standard deviations (n, 5) of ``estimate_with_unseen_rocks``, of ln H for H."""
        return np.sqrt(np.diagonal(self.covariance_with_unseen_rocks, axis1=1, axis2=2))

    @property
    def correlation(self) -> Float:
        """Correlations (n, 5, 5) of the estimates' errors; NaN with a fixed parameter."""
        std = self.std
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.covariance / (std[:, :, None] * std[:, None, :]))


def poor_fits(inversion: Inversion, sigmas: float) -> NDArray[np.bool_]:
    """Return where (n) chi-square lies more than ``sigmas`` of its own standard deviations above its mean."""
    excess = (inversion.chi_square - 1.0) * np.sqrt(0.5 * inversion.degrees_of_freedom)
    return np.asarray(inversion.answered & (excess > sigmas))


def with_poor_fits(inversion: Inversion, sigmas: float) -> Inversion:
    """Return ``inversion`` with the quality of :func:`poor_fits` set to poor_fit."""
    poor = poor_fits(inversion, sigmas)
    return replace(inversion, quality=np.where(poor, np.uint8(kernel.POOR_FIT), inversion.quality))


def with_rocks_where_needed(
    plain: Inversion, refit: Callable[[NDArray[np.int64]], Inversion], sigmas: float
) -> Inversion:
    """Return ``plain``, a fit without rocks, with the places refitted that it does not describe.

    ``refit`` gets the indices of places of poor fit (:func:`poor_fits`), that did not converge, or that ran out of
    range, and fits them with rocks. A new fit is kept if there is one, and if it is better by more than one parameter is worth.
    """
    failed = np.isin(plain.quality, (kernel.NOT_CONVERGED, kernel.OUT_OF_RANGE))
    k = np.flatnonzero(failed | poor_fits(plain, sigmas))
    if not k.size:
        return plain
    rocky = refit(k)
    before = plain.chi_square[k] * plain.degrees_of_freedom[k]
    after = rocky.chi_square * rocky.degrees_of_freedom
    better = rocky.answered & (failed[k] | (after < before - sigmas**2))
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
