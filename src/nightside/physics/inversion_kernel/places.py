"""Many places, in blocks that are spread over the cores."""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from nightside.physics.inversion_kernel.compiled import compiled
from nightside.physics.inversion_kernel.model import model_day, scratch
from nightside.physics.inversion_kernel.names import (
    BAD_INPUT,
    GOOD,
    NO_OBSERVATIONS,
    ONSET,
    OUTSIDE_TABLE,
    PARAMETERS,
    ROCK,
    TOO_FEW_OBSERVATIONS,
)
from nightside.physics.inversion_kernel.one_place import fit_from
from nightside.physics.inversion_kernel.table import absorbed_flux, place_in_table
from nightside.physics.inversion_kernel.valley import empty_valley, follow, mean_along

_BLOCK = 32


@compiled(parallel=True)
def temperatures(table, latitude, parameters, hours, bins, rocks):  # type: ignore[no-untyped-def]
    """Return temperatures and the variances of timing (n, m; K, K^2), and derivatives (n, m, 5), at ``parameters`` (n, 5).

    NaN where the amplitude lies outside the table.
    """
    n, m = latitude.size, hours.size
    out, spread, slopes = np.empty((n, m)), np.empty((n, m)), np.empty((n, m, PARAMETERS))
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        work = scratch(table)
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            setup = table, bins, rocks
            inside = model_day(setup, latitude[i], parameters[i], hours, work, (out[i], spread[i], slopes[i]))
            if not inside:
                out[i] = np.nan
                slopes[i] = np.nan
    return out, spread, slopes


@compiled()
def usable(latitude, observed, deviation, hours, least, value, variance, when):  # type: ignore[no-untyped-def]
    """Gather what was observed of a place; return (code, number): what is NaN, or has a deviation of NaN, was not."""
    times, bad = 0, not abs(latitude) <= 90.0
    for j in range(observed.size):
        y, s = observed[j], deviation[j]
        if math.isnan(y) or math.isnan(s):
            continue
        bad = bad or not (0.0 < y < 1000.0 and 0.0 < s < 1e6)
        value[times], variance[times], when[times] = y, s * s, hours[j]
        times += 1
    if times == 0:
        return NO_OBSERVATIONS, times
    if bad:
        return BAD_INPUT, times
    return GOOD if times >= least else TOO_FEW_OBSERVATIONS, times


@compiled()
def fit_block(table, bins, rocks, data, known, unseen, first, last, out):  # type: ignore[no-untyped-def]
    """Fit the places ``first`` to ``last``; see :func:`fit`."""
    latitude, observed, deviation, hours, least = data
    prior, precision, free, bounds = known
    answers, fluxes, chi, degrees, codes, steps = out
    (estimate, covariance), (best, best_covariance), (mean, mean_covariance) = answers
    m = hours.size
    work, valley = scratch(table), empty_valley()
    value, variance, when, weight = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    p, c, slopes = np.empty(PARAMETERS), np.zeros((PARAMETERS, PARAMETERS)), np.empty(PARAMETERS)
    gaussian = np.zeros(3)
    for i in range(first, last):
        code, times = usable(latitude[i], observed[i], deviation[i], hours, least, value, variance, when)
        codes[i] = code
        if code != GOOD:
            continue
        for k in range(PARAMETERS):
            p[k] = min(max(prior[k], bounds[0, k]), bounds[1, k])
        p[ONSET] = 0.0
        if not place_in_table(table, latitude[i], p, work[3])[2]:
            codes[i] = OUTSIDE_TABLE
            continue
        setup = table, bins, rocks
        seen = value[:times], variance[:times], when[:times]
        code, squares, _, taken = fit_from(setup, latitude[i], seen, known, work, weight[:times], p, c)
        codes[i], steps[i] = code, taken
        if code != GOOD:
            continue
        determined = 0.0
        best[i], best_covariance[i] = p, c
        for k in range(PARAMETERS):
            if free[k]:
                determined += 1.0 - precision[k] * c[k, k]
        degrees[i] = max(times - determined, 1.0)
        chi[i] = squares / degrees[i]
        estimate[i], covariance[i] = p, c
        mean[i], mean_covariance[i] = p, c
        if free[ROCK] or unseen[0] > 0.0:
            along = table, bins, True
            far = gaussian if free[ROCK] else unseen
            reach = math.sqrt(c[ROCK, ROCK]) if free[ROCK] else unseen[0]
            at = weight[:times]
            if follow(along, latitude[i], seen, known, work, at, far, p, reach, valley):
                if free[ROCK]:
                    mean_along(valley, known, gaussian, estimate[i], covariance[i])
                mean_along(valley, known, unseen, mean[i], mean_covariance[i])
        fluxes[0, i] = absorbed_flux(table, latitude[i], estimate[i], slopes)
        total = 0.0
        for k in range(PARAMETERS):
            for j in range(PARAMETERS):
                total += slopes[k] * covariance[i, k, j] * slopes[j]
        fluxes[1, i] = math.sqrt(max(total, 0.0))


@compiled(parallel=True)
def fit(table, bins, rocks, data, known, unseen):  # type: ignore[no-untyped-def]
    """Fit every place; see ``inversion.invert``.

    ``table``, ``bins`` and ``rocks`` as in :func:`model_day`. ``data`` are latitude (n), observed and deviation (n, m), NaN
    where nothing was observed, hours (m), and the least number of observations; ``known`` are prior, precision, free (5)
    and bounds (2, 5); ``unseen`` (3) of ``UnseenRocks``, mean 0 without it. Returns estimates (n, 5) and covariances
    (n, 5, 5) in pairs, of the answer, the best fit and the mean over unseen rocks; absorbed flux and its deviation (2, n);
    chi-square divided by its degrees of freedom (n), these (n), codes and steps (n).
    """
    n = data[0].size
    estimate = np.full((n, PARAMETERS), np.nan)
    covariance = np.full((n, PARAMETERS, PARAMETERS), np.nan)
    best, best_covariance = estimate.copy(), covariance.copy()
    mean, mean_covariance = estimate.copy(), covariance.copy()
    fluxes, chi, degrees = np.full((2, n), np.nan), np.full(n, np.nan), np.zeros(n)
    codes, steps = np.zeros(n, np.uint8), np.zeros(n, np.int32)
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        answers = (estimate, covariance), (best, best_covariance), (mean, mean_covariance)
        out = answers, fluxes, chi, degrees, codes, steps
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
        fit_block(table, bins, rocks, data, known, unseen, first, last, out)
    answers = (estimate, covariance), (best, best_covariance), (mean, mean_covariance)
    return answers, fluxes, chi, degrees, codes, steps
