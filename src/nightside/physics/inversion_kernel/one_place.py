"""The fit of one place: Levenberg-Marquardt (Marquardt 1963, SIAM J. Appl. Math. 11, 431) within bounds.

It minimises the sum of weighted squares and of the Gaussian priors. Weights follow the model from step to step, and a step
is judged with the weights from before it. The covariance is the inverse of J^T W J + P, with P of the priors.
"""

from __future__ import annotations

import math

import numpy as np

from nightside.physics.inversion_kernel.algebra import cholesky_solve
from nightside.physics.inversion_kernel.compiled import compiled
from nightside.physics.inversion_kernel.model import model_day, rough_day
from nightside.physics.inversion_kernel.names import (
    GOOD,
    LOG_H,
    NOT_CONVERGED,
    ONSET,
    OUT_OF_RANGE,
    PARAMETERS,
    ROCK,
)
from nightside.physics.inversion_kernel.table import place_in_table

_START_SPREAD_K = 10.0
_STARTS = (-0.6, -0.3, -0.1, 0.1, 0.3, 0.6)
"""Onsets to start from, as parts of the largest: far from the observed sunrise the fit has little to go by."""

_H_STARTS, _ROCK_STARTS = (0.3, 0.7, 0.1), (0.1, 0.0)
"""With rocks a fit starts from these parts of the range of ln H, for each of these fractions."""

_SAME = 0.01
"""Two starts have come to one end if chi-square differs by less; others are not tried then."""

_ITERATIONS = 100
_FROZEN_FROM = 12
_SMALL_STEP = 0.01
"""A fit has converged when no parameter moves by more of its standard deviation."""


@compiled()
def cost_of(observed, model, weight, p, prior, precision):  # type: ignore[no-untyped-def]
    """Return the weighted squares of the data and of the priors."""
    total = 0.0
    for i in range(observed.size):
        r = observed[i] - model[i]
        total += weight[i] * r * r
    for k in range(PARAMETERS):
        d = p[k] - prior[k]
        total += precision[k] * d * d
    return total


@compiled()
def start_onset(setup, latitude, seen, known, work, p, weight, model):  # type: ignore[no-untyped-def]
    """Take the best of several onsets as the start."""
    (observed, variance, hours), (prior, precision, _, bounds) = seen, known
    for i in range(hours.size):
        weight[i] = 1.0 / (variance[i] + _START_SPREAD_K**2)
    best, found = np.inf, p[ONSET]
    for part in _STARTS:
        p[ONSET] = part * bounds[1, ONSET]
        rough_day(setup[0], latitude, p, hours, work, model)
        cost = cost_of(observed, model, weight, p, prior, precision)
        if cost < best:
            best, found = cost, p[ONSET]
    p[ONSET] = found


@compiled()
def fit_one(setup, latitude, seen, known, work, weight, p, covariance):  # type: ignore[no-untyped-def]
    """Fit one place from ``p`` (5); return (code, sum of weighted squares of the data, that and of the priors, steps).

    ``seen`` are (observed, variance, hours), each (times); ``known`` are (prior, precision, free, bounds). The results
    go to ``weight`` (times), ``p`` and ``covariance`` (5, 5).
    """
    (observed, variance, hours), (prior, precision, free, bounds) = seen, known
    times = hours.size
    out = np.empty(times), np.empty(times), np.empty((times, PARAMETERS))
    new = np.empty(times), np.empty(times), np.empty((times, PARAMETERS))
    model, spread, jacobian = out
    normal, damped = np.empty((PARAMETERS, PARAMETERS)), np.empty((PARAMETERS, PARAMETERS))
    inverse = np.zeros((PARAMETERS, PARAMETERS))
    gradient, step, trial = np.empty(PARAMETERS), np.zeros(PARAMETERS), np.empty(PARAMETERS)
    used = np.empty(PARAMETERS, np.int64)
    if free[ONSET]:
        start_onset(setup, latitude, seen, known, work, p, weight, model)
    model_day(setup, latitude, p, hours, work, out)
    for i in range(times):
        weight[i] = 1.0 / (variance[i] + spread[i])
    cost = cost_of(observed, model, weight, p, prior, precision)
    damping, converged, iteration = 1e-3, False, 0
    while iteration < _ITERATIONS and not converged:
        iteration += 1
        for a in range(PARAMETERS):
            gradient[a] = precision[a] * (prior[a] - p[a])
            for b in range(PARAMETERS):
                normal[a, b] = precision[a] if a == b else 0.0
        for i in range(times):
            r = weight[i] * (observed[i] - model[i])
            for a in range(PARAMETERS):
                gradient[a] += jacobian[i, a] * r
                w = weight[i] * jacobian[i, a]
                for b in range(a + 1):
                    normal[a, b] += w * jacobian[i, b]
        # A parameter that stands at a bound and would leave it is held for this step.
        n = 0
        for a in range(PARAMETERS):
            held = (p[a] <= bounds[0, a] and gradient[a] < 0.0) or (
                p[a] >= bounds[1, a] and gradient[a] > 0.0
            )
            if free[a] and not held:
                used[n] = a
                n += 1
        accepted = False
        while not accepted and damping < 1e9:
            for a in range(n):
                for b in range(a + 1):
                    damped[a, b] = normal[used[a], used[b]]
                damped[a, a] *= 1.0 + damping
                trial[a] = gradient[used[a]]
            if not cholesky_solve(damped, n, trial, step, inverse):
                damping = max(10.0 * damping, 1e-6)
                continue
            small = True
            for a in range(n):
                small = small and abs(step[a]) < _SMALL_STEP * math.sqrt(inverse[a, a])
            for a in range(PARAMETERS):
                trial[a] = p[a]
            for a in range(n):
                k = used[a]
                trial[k] = min(max(p[k] + step[a], bounds[0, k]), bounds[1, k])
            model_day(setup, latitude, trial, hours, work, new)
            tried_cost = cost_of(observed, new[0], weight, trial, prior, precision)
            accepted = tried_cost <= cost
            if small and not accepted:
                converged = True
                break
            damping = max(0.1 * damping, 1e-9) if accepted else 10.0 * damping
            converged = accepted and small
        if not accepted:
            break
        for a in range(PARAMETERS):
            p[a] = trial[a]
        for i in range(times):
            model[i] = new[0][i]
            spread[i] = new[1][i]
            for a in range(PARAMETERS):
                jacobian[i, a] = new[2][i, a]
            if iteration < _FROZEN_FROM:
                weight[i] = 1.0 / (variance[i] + spread[i])
        cost = cost_of(observed, model, weight, p, prior, precision)
    if not converged:
        return NOT_CONVERGED, 0.0, cost, iteration
    # The covariance has every free parameter, those at a bound too.
    n = 0
    for a in range(PARAMETERS):
        if free[a]:
            used[n] = a
            n += 1
    for a in range(PARAMETERS):
        for b in range(PARAMETERS):
            normal[a, b] = 0.0
            covariance[a, b] = 0.0
    squares = 0.0
    for i in range(times):
        squares += weight[i] * (observed[i] - model[i]) ** 2
        for a in range(n):
            for b in range(a + 1):
                normal[a, b] += weight[i] * jacobian[i, used[a]] * jacobian[i, used[b]]
    for a in range(n):
        normal[a, a] += precision[used[a]]
    if not cholesky_solve(normal, n, gradient, step, inverse):
        return NOT_CONVERGED, squares, cost, iteration
    for a in range(n):
        for b in range(n):
            covariance[used[a], used[b]] = inverse[a, b]
    amplitude_inside = place_in_table(setup[0], latitude, p, work[3])[2]
    if not amplitude_inside:
        return OUT_OF_RANGE, squares, cost, iteration
    for a in range(n):
        k = used[a]
        edge = 1e-6 * (bounds[1, k] - bounds[0, k])
        if p[k] > bounds[1, k] - edge or (k != ROCK and p[k] < bounds[0, k] + edge):
            return OUT_OF_RANGE, squares, cost, iteration
    return GOOD, squares, cost, iteration


@compiled()
def fit_from(setup, latitude, seen, known, work, weight, p, covariance):  # type: ignore[no-untyped-def]
    """Fit one place as :func:`fit_one`, with rocks from several starts, until two agree; the best is kept."""
    prior, _, free, bounds = known
    for k in range(PARAMETERS):
        p[k] = min(max(prior[k], bounds[0, k]), bounds[1, k])
    if not free[ROCK]:
        return fit_one(setup, latitude, seen, known, work, weight, p, covariance)
    best = NOT_CONVERGED, 0.0, np.inf, 0
    q, c, w = np.empty(PARAMETERS), np.empty((PARAMETERS, PARAMETERS)), np.empty(weight.size)
    for rock in _ROCK_STARTS:
        for part in _H_STARTS:
            for k in range(PARAMETERS):
                q[k] = min(max(prior[k], bounds[0, k]), bounds[1, k])
            if free[LOG_H]:
                q[LOG_H] = bounds[0, LOG_H] + part * (bounds[1, LOG_H] - bounds[0, LOG_H])
            q[ROCK] = rock
            found = fit_one(setup, latitude, seen, known, work, w, q, c)
            again = found[0] == GOOD and best[0] == GOOD and abs(found[2] - best[2]) < _SAME
            better = found[0] == GOOD and (best[0] != GOOD or found[2] < best[2])
            if better or (best[0] == NOT_CONVERGED and found[0] == OUT_OF_RANGE):
                best = found
                p[:], covariance[:], weight[:] = q, c, w
            if again:
                return best
    return best
