"""The surrogate and its fit to observations, compiled: one place after the other, spread over the cores.

**Model.** Chebyshev series are summed, with their derivatives; the components become temperatures on the
warped nodes, and those are read off by cubic interpolation at the times observed. Where the Sun has just come or gone
a bin's model is the mean over several moments of it, or of the time in which the observation may have been made if
that is longer. What temperatures vary in that time is added to the variance.

**Fit.** Levenberg-Marquardt (Marquardt 1963, SIAM J. Appl. Math. 11, 431) on the sum of weighted squares and the
Gaussian priors, within bounds. Weights follow the model from step to step, and a step is judged with the weights
from before it. The covariance is the inverse of J^T W J + P, with P of the priors.

Everything compiled is in this one file, because numba's cache looks for changes in the caller's file only.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

PARAMETERS = 5
"""Albedo, ln H, onset delay (h), slope to the north (degrees), rock fraction."""

ALBEDO, LOG_H, ONSET, SLOPE_NORTH, ROCK = 0, 1, 2, 3, 4

(
    GOOD,
    NO_OBSERVATIONS,
    TOO_FEW_OBSERVATIONS,
    BAD_INPUT,
    OUTSIDE_TABLE,
    NOT_CONVERGED,
    OUT_OF_RANGE,
    POOR_FIT,
) = range(8)

MAX_DEGREE = 16
"""Terms of a series in one variable."""

_BLOCK = 32
_PARTS, _MANY_PARTS = 4, 16
_NEAR_H = 1.0
"""So near to sunrise or sunset a bin is divided into parts."""

_WIDE_H = 0.15
"""In a wider bin the curvature of the day counts: it has two parts."""

_SHORT_H = 0.02
"""In so short a time temperatures change evenly."""

_LARGEST_SPREAD_K = 200.0
_START_SPREAD_K = 10.0
_ITERATIONS = 100
_FROZEN_FROM = 12
_SMALL_STEP = 0.01
"""A fit has converged when no parameter moves by more of its standard deviation."""

_H_STARTS, _ROCK_STARTS = (0.3, 0.7, 0.1), (0.1, 0.0)
"""With rocks a fit starts from these parts of the range of ln H, for each of these fractions."""

_NODES = 16
"""Rock fractions in a direction along the valley, at most."""

_ALONG_H = 0.7
"""So far apart in ln H they are, at most."""

_DEEP, _DEEP_ENOUGH = 7.0, 4.0
"""The valley ends where the logarithm of the posterior has fallen by so much; by the latter if the next node fails."""

_SAME = 0.01
"""Two starts have come to one end if chi-square differs by less; others are not tried then."""

_NEAR = 1.0
"""There the rest of a fit is done when chi-square has so little left to fall: its last step is taken without a look."""

_BETWEEN = 10
"""Points between two nodes in the integral."""

_STARTS = (-0.6, -0.3, -0.1, 0.1, 0.3, 0.6)
"""Onsets to start from, as parts of the largest: far from the observed sunrise the fit has little to go by."""

_FAST = {"contract", "nsz", "arcp"}
_RADIANS_PER_HOUR = math.pi / 12.0


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _chebyshev(x, value, slope):  # type: ignore[no-untyped-def]
    """Fill ``value`` and ``slope`` (n) with T_k(x) and their derivatives."""
    n = value.size
    value[0], slope[0] = 1.0, 0.0
    if n > 1:
        value[1], slope[1] = x, 1.0
    for k in range(2, n):
        value[k] = 2.0 * x * value[k - 1] - value[k - 2]
        slope[k] = 2.0 * value[k - 1] + 2.0 * x * slope[k - 1] - slope[k - 2]


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _series(coefficients, degrees, x, widths, group, out):  # type: ignore[no-untyped-def]
    """Return in ``out`` (5, k) the components at ``x`` (4), each in -1 to 1, and their derivatives by the axes.

    Terms that differ in their last degree only follow each other and are added first, in ``group`` (2, k).
    """
    terms, count = coefficients.shape
    value, slope = np.empty((4, MAX_DEGREE)), np.empty((4, MAX_DEGREE))
    for axis in range(4):
        _chebyshev(x[axis], value[axis], slope[axis])
        for k in range(MAX_DEGREE):
            slope[axis, k] *= 2.0 / widths[axis]
    out[:, :count] = 0.0
    term = 0
    while term < terms:
        a, b, c = degrees[term, 0], degrees[term, 1], degrees[term, 2]
        group[:, :count] = 0.0
        while term < terms and degrees[term, 2] == c and degrees[term, 1] == b and degrees[term, 0] == a:
            v, s = value[3, degrees[term, 3]], slope[3, degrees[term, 3]]
            for k in range(count):
                group[0, k] += v * coefficients[term, k]
                group[1, k] += s * coefficients[term, k]
            term += 1
        whole = value[0, a] * value[1, b] * value[2, c]
        by_0 = slope[0, a] * value[1, b] * value[2, c]
        by_1 = value[0, a] * slope[1, b] * value[2, c]
        by_2 = value[0, a] * value[1, b] * slope[2, c]
        for k in range(count):
            out[0, k] += whole * group[0, k]
            out[1, k] += by_0 * group[0, k]
            out[2, k] += by_1 * group[0, k]
            out[3, k] += by_2 * group[0, k]
            out[4, k] += whole * group[1, k]


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _value(coefficients, degrees, x, group, out):  # type: ignore[no-untyped-def]
    """Return in ``out[0]`` (k) the components at ``x`` without derivatives; else as :func:`_series`."""
    terms, count = coefficients.shape
    value, slope = np.empty((4, MAX_DEGREE)), np.empty((4, MAX_DEGREE))
    for axis in range(4):
        _chebyshev(x[axis], value[axis], slope[axis])
    out[0, :count] = 0.0
    term = 0
    while term < terms:
        a, b, c = degrees[term, 0], degrees[term, 1], degrees[term, 2]
        group[0, :count] = 0.0
        while term < terms and degrees[term, 2] == c and degrees[term, 1] == b and degrees[term, 0] == a:
            v = value[3, degrees[term, 3]]
            for k in range(count):
                group[0, k] += v * coefficients[term, k]
            term += 1
        whole = value[0, a] * value[1, b] * value[2, c]
        for k in range(count):
            out[0, k] += whole * group[0, k]


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _on_nodes(components, rows, basis, mean, out):  # type: ignore[no-untyped-def]
    """Return in ``out`` (rows, nodes) temperatures and, with rows of 5, their derivatives on the warped nodes."""
    for q in range(rows):
        for j in range(mean.size):
            out[q, j] = mean[j] if q == 0 else 0.0
        for k in range(basis.shape[0]):
            c = components[q, k]
            for j in range(mean.size):
                out[q, j] += c * basis[k, j]


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _warp(hour, late, onset, day_nodes, nodes):  # type: ignore[no-untyped-def]
    """Return (index, place, dplace/dhour, dplace/donset): where ``hour`` lies among the nodes of a facet.

    ``index`` is the first of the four nodes to interpolate between, ``place`` that from it in nodes; ``onset`` (h)
    is the delay's size. Derivatives are held back at the very horizon, where they are infinite.
    """
    rise = 6.0 + onset if late else 6.0
    fall = 18.0 if late else 18.0 - onset
    since = hour - rise
    since -= 24.0 * math.floor(since / 24.0)
    length = fall - rise
    if since < length:
        s = since / length
        by_onset = ((s - 1.0) if late else s) / length
        first = s < 0.5
        u = math.sqrt(0.5 * s) if first else 1.0 - math.sqrt(0.5 * (1.0 - s))
        steep = 4.0 * max(u if first else 1.0 - u, 0.01)
        low, count = 0, day_nodes
    else:
        length = 24.0 - length
        s = min((since - (24.0 - length)) / length, 1.0)
        by_onset = (-s if late else 1.0 - s) / length
        u = math.sqrt(s)
        steep = 2.0 * max(u, 0.01)
        low, count = day_nodes, nodes - day_nodes
    x = u * (count - 1)
    index = min(max(int(x) - 1, 0), count - 4)
    scale = (count - 1) / steep
    return low + index, x - index, scale / length, scale * by_onset


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _cubic(z, weight, slope):  # type: ignore[no-untyped-def]
    """Fill the weights (4) of Lagrange's cubic at ``z`` between nodes 0 to 3, and their derivatives."""
    a, b, c = z - 1.0, z - 2.0, z - 3.0
    weight[0] = -a * b * c / 6.0
    weight[1] = z * b * c / 2.0
    weight[2] = -z * a * c / 2.0
    weight[3] = z * a * b / 6.0
    slope[0] = -(b * c + a * c + a * b) / 6.0
    slope[1] = (b * c + z * c + z * b) / 2.0
    slope[2] = -(a * c + z * c + z * a) / 2.0
    slope[3] = (a * b + z * b + z * a) / 6.0


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _log_radiance(t, table):  # type: ignore[no-untyped-def]
    """Return log radiance and its derivative by temperature."""
    x = (t - table.coldest) / table.kelvin
    k = min(max(int(x), 0), table.log_radiance.size - 2)
    rise = table.log_radiance[k + 1] - table.log_radiance[k]
    return table.log_radiance[k] + (x - k) * rise, rise / table.kelvin


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _temperature(log_radiance, table):  # type: ignore[no-untyped-def]
    x = (log_radiance - table.faintest) / table.faint
    k = min(max(int(x), 0), table.temperature.size - 2)
    rise = table.temperature[k + 1] - table.temperature[k]
    return table.temperature[k] + (x - k) * rise, rise / table.faint


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _amplitude(latitude, onset, slope_north):  # type: ignore[no-untyped-def]
    """Return A and its derivatives by onset (h) and slope to the north (degrees); A <= 0: no sunrise."""
    tangent = math.tan(math.radians(slope_north))
    q = math.cos(math.radians(latitude)) - tangent * math.sin(math.radians(latitude))
    h0 = onset * _RADIANS_PER_HOUR
    c, s = math.cos(h0), math.sin(h0)
    normal = 1.0 + tangent * tangent
    squared = normal * c * c + q * q * s * s
    a = q / math.sqrt(squared)
    by_h0 = -a / squared * (q * q - normal) * s * c
    by_q = a * normal * c * c / squared / q if q != 0.0 else 0.0
    by_tangent = -a * tangent * c * c / squared - by_q * math.sin(math.radians(latitude))
    return a, by_h0 * _RADIANS_PER_HOUR, by_tangent * normal * math.radians(1.0)


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _axes(table, latitude, p, x):  # type: ignore[no-untyped-def]
    """Fill ``x`` (4) with the place in the table; return its derivatives of A, and whether A is within the table."""
    amplitude, by_onset, by_slope = _amplitude(latitude, p[ONSET], p[SLOPE_NORTH])
    values = (abs(p[ONSET]), amplitude, p[ALBEDO], p[LOG_H])
    inside = True
    for axis in range(4):
        at = 2.0 * (values[axis] - table.low[axis]) / table.width[axis] - 1.0
        x[axis] = min(max(at, -1.0), 1.0)
        if axis == 1 and not abs(at) < 1.0 + 1e-6:
            inside = False
    return by_onset, by_slope, inside


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _model(setup, latitude, p, hours, work, out):  # type: ignore[no-untyped-def]
    """Fill ``out``: model and spread (times; K, K^2) and jacobian (times, 5); return whether A is in the table.

    ``setup`` is (table, bins, rocks): ``bins`` are the width of bins (0 is a moment) and the standard deviation of
    the moment of an observation about the middle, in hours; ``rocks`` says whether there are any. ``hours`` (times)
    are the middles of bins.
    """
    (table, (width, timing), rocks), (model, spread, jacobian) = setup, out
    window = max(width, timing * math.sqrt(12.0))
    group, components, nodes, x = work
    by_onset, by_slope, inside = _axes(table, latitude, p, x)
    late = p[ONSET] >= 0.0
    side, sign = (0, 1.0) if late else (1, -1.0)
    onset = abs(p[ONSET])
    _series(table.soil[side], table.soil_degrees[side], x, table.width, group, components)
    _on_nodes(components, 5, table.soil_basis[side], table.soil_mean[side], nodes[0])
    if rocks:
        _series(table.rock[side], table.rock_degrees[side], x, table.width, group, components)
        _on_nodes(components, 5, table.rock_basis[side], table.rock_mean[side], nodes[1])
    fraction = p[ROCK]
    rise = 6.0 + onset if late else 6.0
    fall = 18.0 if late else 18.0 - onset
    weight, slope, value, by = np.empty(4), np.empty(4), np.empty((2, 6)), np.empty(6)
    for i in range(hours.size):
        distance = min(abs(hours[i] - rise), abs(hours[i] - fall))
        parts, across = 2 if width > _WIDE_H else 1, width
        if window > _SHORT_H and distance < _NEAR_H + 0.5 * window:
            # Where the Sun comes or goes within it, a few moments would miss what follows.
            parts, across = _MANY_PARTS if distance < 0.55 * window else _PARTS, window
        mean, squares, steepness = 0.0, 0.0, 0.0
        for k in range(PARAMETERS):
            jacobian[i, k] = 0.0
        for part in range(parts):
            # Two parts are Gauss's, more are middles.
            offset = (part - 0.5) / math.sqrt(3.0) if parts == 2 else (part + 0.5) / parts - 0.5
            hour = hours[i] + across * offset
            index, place, by_hour, moved = _warp(hour, late, onset, table.day_nodes, nodes.shape[2])
            _cubic(place, weight, slope)
            for ground in range(2 if rocks else 1):
                along = 0.0
                for k in range(4):
                    along += slope[k] * nodes[ground, 0, index + k]
                for q in range(5):
                    total = 0.0
                    for k in range(4):
                        total += weight[k] * nodes[ground, q, index + k]
                    value[ground, q] = total
                value[ground, 1] += along * moved
                value[ground, 5] = along * by_hour
            t, steep = value[0, 0], value[0, 5]
            for q in range(1, 5):
                by[q] = value[0, q]
            by_rock = 0.0
            if rocks:
                soil_log, soil_rise = _log_radiance(t, table)
                rock_log, rock_rise = _log_radiance(value[1, 0], table)
                soil, rock = math.exp(soil_log), math.exp(rock_log)
                mixed = (1.0 - fraction) * soil + fraction * rock
                t, by_log = _temperature(math.log(mixed), table)
                a = (1.0 - fraction) * soil * soil_rise / mixed * by_log
                b = fraction * rock * rock_rise / mixed * by_log
                for q in range(1, 5):
                    by[q] = a * value[0, q] + b * value[1, q]
                steep = a * value[0, 5] + b * value[1, 5]
                by_rock = (rock - soil) / mixed * by_log
            mean += t
            squares += t * t
            steepness += steep
            jacobian[i, ALBEDO] += by[3]
            jacobian[i, LOG_H] += by[4]
            jacobian[i, ONSET] += sign * by[1] + by[2] * by_onset
            jacobian[i, SLOPE_NORTH] += by[2] * by_slope
            jacobian[i, ROCK] += by_rock
        mean /= parts
        for k in range(PARAMETERS):
            jacobian[i, k] /= parts
        model[i] = mean
        if parts >= _PARTS:
            # The spread of the middles of parts, taken to that of all moments, and to the one asked for.
            spread[i] = max(squares / parts - mean * mean, 0.0) * parts * parts / (parts * parts - 1.0)
            spread[i] *= 12.0 * (timing / window) ** 2
        else:
            spread[i] = (steepness / parts * timing) ** 2
        spread[i] = min(spread[i], _LARGEST_SPREAD_K**2)
    return inside


@njit(cache=True, error_model="numpy")
def _scratch(table):  # type: ignore[no-untyped-def]
    k = max(table.soil.shape[2], table.rock.shape[2])
    nodes = table.soil_mean.shape[1]
    return np.empty((2, k)), np.empty((5, k)), np.empty((2, 5, nodes)), np.empty(4)


@njit(cache=True, error_model="numpy", parallel=True)
def temperatures(table, latitude, parameters, hours, bins, rocks):  # type: ignore[no-untyped-def]
    """Return temperatures and the variances of timing (n, m; K, K^2), and derivatives (n, m, 5), at ``parameters`` (n, 5).

    NaN where the amplitude lies outside the table.
    """
    n, m = latitude.size, hours.size
    out, spread, slopes = np.empty((n, m)), np.empty((n, m)), np.empty((n, m, PARAMETERS))
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        work = _scratch(table)
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            setup = table, bins, rocks
            inside = _model(setup, latitude[i], parameters[i], hours, work, (out[i], spread[i], slopes[i]))
            if not inside:
                out[i] = np.nan
                slopes[i] = np.nan
    return out, spread, slopes


@njit(cache=True, error_model="numpy")
def _cholesky_solve(matrix, n, right, solution, inverse):  # type: ignore[no-untyped-def]
    """Solve the first n rows of a symmetric system and invert it; return whether it is positive definite."""
    lower = np.zeros((PARAMETERS, PARAMETERS))
    for i in range(n):
        for j in range(i + 1):
            s = matrix[i, j]
            for k in range(j):
                s -= lower[i, k] * lower[j, k]
            if i == j:
                if not s > 0.0:
                    return False
                lower[i, i] = math.sqrt(s)
            else:
                lower[i, j] = s / lower[j, j]
    for column in range(n + 1):
        y = np.zeros(PARAMETERS)
        for i in range(n):
            s = right[i] if column == n else (1.0 if i == column else 0.0)
            for k in range(i):
                s -= lower[i, k] * y[k]
            y[i] = s / lower[i, i]
        for i in range(n - 1, -1, -1):
            s = y[i]
            for k in range(i + 1, n):
                s -= lower[k, i] * y[k]
            y[i] = s / lower[i, i]
        for i in range(n):
            if column == n:
                solution[i] = y[i]
            else:
                inverse[i, column] = y[i]
    return True


@njit(cache=True, error_model="numpy")
def _cost(observed, model, weight, p, prior, precision):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(observed.size):
        r = observed[i] - model[i]
        total += weight[i] * r * r
    for k in range(PARAMETERS):
        d = p[k] - prior[k]
        total += precision[k] * d * d
    return total


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _rough(table, latitude, p, hours, work, model):  # type: ignore[no-untyped-def]
    """Fill ``model`` (times) with the temperatures of ground without rocks in the middles of bins."""
    group, components, nodes, x = work
    _axes(table, latitude, p, x)
    late, onset = p[ONSET] >= 0.0, abs(p[ONSET])
    side = 0 if late else 1
    _value(table.soil[side], table.soil_degrees[side], x, group, components)
    _on_nodes(components, 1, table.soil_basis[side], table.soil_mean[side], nodes[0])
    for i in range(hours.size):
        index, place, _, _ = _warp(hours[i], late, onset, table.day_nodes, nodes.shape[2])
        k = index + min(max(int(place), 0), 2)
        part = place - (k - index)
        model[i] = (1.0 - part) * nodes[0, 0, k] + part * nodes[0, 0, k + 1]


@njit(cache=True, error_model="numpy")
def _start(setup, latitude, seen, known, work, p, weight, model):  # type: ignore[no-untyped-def]
    """Take the best of several onsets as the start."""
    (observed, variance, hours), (prior, precision, _, bounds) = seen, known
    for i in range(hours.size):
        weight[i] = 1.0 / (variance[i] + _START_SPREAD_K**2)
    best, found = np.inf, p[ONSET]
    for part in _STARTS:
        p[ONSET] = part * bounds[1, ONSET]
        _rough(setup[0], latitude, p, hours, work, model)
        cost = _cost(observed, model, weight, p, prior, precision)
        if cost < best:
            best, found = cost, p[ONSET]
    p[ONSET] = found


@njit(cache=True, error_model="numpy")
def _fit_one(setup, latitude, seen, known, work, weight, p, covariance):  # type: ignore[no-untyped-def]
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
        _start(setup, latitude, seen, known, work, p, weight, model)
    _model(setup, latitude, p, hours, work, out)
    for i in range(times):
        weight[i] = 1.0 / (variance[i] + spread[i])
    cost = _cost(observed, model, weight, p, prior, precision)
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
            if not _cholesky_solve(damped, n, trial, step, inverse):
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
            _model(setup, latitude, trial, hours, work, new)
            tried_cost = _cost(observed, new[0], weight, trial, prior, precision)
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
        cost = _cost(observed, model, weight, p, prior, precision)
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
    if not _cholesky_solve(normal, n, gradient, step, inverse):
        return NOT_CONVERGED, squares, cost, iteration
    for a in range(n):
        for b in range(n):
            covariance[used[a], used[b]] = inverse[a, b]
    amplitude_inside = _axes(setup[0], latitude, p, work[3])[2]
    if not amplitude_inside:
        return OUT_OF_RANGE, squares, cost, iteration
    for a in range(n):
        k = used[a]
        edge = 1e-6 * (bounds[1, k] - bounds[0, k])
        if p[k] > bounds[1, k] - edge or (k != ROCK and p[k] < bounds[0, k] + edge):
            return OUT_OF_RANGE, squares, cost, iteration
    return GOOD, squares, cost, iteration


@njit(cache=True, error_model="numpy")
def _node(setup, latitude, seen, known, work, weight, p, out):  # type: ignore[no-untyped-def]
    """Fit all but the rock fraction, which is ``p[ROCK]``, from a near ``p``; return (success, cost, its slope, log det).

    Cost is of data and priors but that of rocks, its slope by the rock fraction; the last is the logarithm of the
    covariance's determinant. ``p`` (5), and in ``out`` its slope by the rock fraction (5) and covariance (5, 5), are filled.
    """
    (observed, _, hours), (prior, precision, free, bounds), (tangent, covariance) = seen, known, out
    times = hours.size
    found = np.empty(times), np.empty(times), np.empty((times, PARAMETERS))
    model, _, jacobian = found
    normal, inverse = np.empty((PARAMETERS, PARAMETERS)), np.empty((PARAMETERS, PARAMETERS))
    gradient, cross, step = np.empty(PARAMETERS), np.empty(PARAMETERS), np.empty(PARAMETERS)
    used, n = np.empty(PARAMETERS, np.int64), 0
    for a in range(PARAMETERS):
        if free[a] and a != ROCK:
            used[n] = a
            n += 1
    for _ in range(4):
        if not _model(setup, latitude, p, hours, work, found):
            return False, 0.0, 0.0, 0.0
        cost, by_rock = 0.0, 0.0
        for a in range(n):
            k = used[a]
            d = prior[k] - p[k]
            cost += precision[k] * d * d
            gradient[a], cross[a] = precision[k] * d, 0.0
            for b in range(a + 1):
                normal[a, b] = precision[k] if a == b else 0.0
        for i in range(times):
            r = observed[i] - model[i]
            cost += weight[i] * r * r
            rock = weight[i] * jacobian[i, ROCK]
            by_rock -= 2.0 * rock * r
            for a in range(n):
                w = weight[i] * jacobian[i, used[a]]
                gradient[a] += w * r
                cross[a] += rock * jacobian[i, used[a]]
                for b in range(a + 1):
                    normal[a, b] += w * jacobian[i, used[b]]
        if not _cholesky_solve(normal, n, gradient, step, inverse):
            return False, 0.0, 0.0, 0.0
        decrease = 0.0
        for a in range(n):
            k = used[a]
            decrease += step[a] * gradient[a]
            by_rock += 2.0 * step[a] * cross[a]
            p[k] += step[a]
            if not bounds[0, k] <= p[k] <= bounds[1, k]:
                return False, 0.0, 0.0, 0.0
        if decrease < _NEAR:
            break
    if not decrease < _NEAR:
        return False, 0.0, 0.0, 0.0
    tangent[:] = 0.0
    tangent[ROCK] = 1.0
    covariance[:] = 0.0
    for a in range(n):
        for b in range(n):
            tangent[used[a]] -= inverse[a, b] * cross[b]
            covariance[used[a], used[b]] = inverse[a, b]
    return True, cost - decrease, by_rock, _log_determinant(inverse, n)


@njit(cache=True, error_model="numpy")
def _log_determinant(matrix, n):  # type: ignore[no-untyped-def]
    """Return it for the first n rows of a symmetric, positive definite matrix, which is overwritten."""
    total = 0.0
    for k in range(n):
        total += math.log(max(matrix[k, k], 1e-300))
        for i in range(k + 1, n):
            part = matrix[i, k] / matrix[k, k]
            for j in range(k, n):
                matrix[i, j] -= part * matrix[k, j]
    return total


@njit(cache=True, error_model="numpy")
def _rock_prior(fraction, few, prior, precision):  # type: ignore[no-untyped-def]
    """Return minus the logarithm of the prior of rocks: that of ``few`` if its mean is above 0, else the Gaussian one."""
    mean, share, many = few[0], few[1], few[2]
    if mean > 0.0:
        density = (1.0 - share) / mean * math.exp(-fraction / mean)
        density += share / many * math.exp(-fraction / many)
        return -math.log(max(density, 1e-300))
    return 0.5 * precision[ROCK] * (fraction - prior[ROCK]) ** 2


@njit(cache=True, error_model="numpy")
def _follow(setup, latitude, seen, known, work, weight, few, p, covariance):  # type: ignore[no-untyped-def]
    """Take ``p`` (5) and ``covariance`` (5, 5), of the best fit, to their means along the valley of rocks.

    They stay where the valley cannot be followed.
    """
    prior, precision, _, bounds = known
    least, most = bounds[0, ROCK], bounds[1, ROCK]
    place, slope = np.empty((2, _NODES, PARAMETERS)), np.empty((2, _NODES, PARAMETERS))
    spread = np.empty((2, _NODES, PARAMETERS, PARAMETERS))
    cost, by_rock, volume = np.empty((2, _NODES)), np.empty((2, _NODES)), np.empty((2, _NODES))
    count = np.zeros(2, np.int64)
    reach = math.sqrt(covariance[ROCK, ROCK]) if covariance[ROCK, ROCK] > 0.0 else few[0]
    trial, lowest = np.empty(PARAMETERS), np.inf
    for way in range(2):
        sign = 1.0 if way == 0 else -1.0
        trial[:] = p
        tries, length, height = 0, 0.0, 0.0
        while count[way] < _NODES and tries < 4:
            k = count[way]
            done, c, b, v = _node(
                setup, latitude, seen, known, work, weight, trial, (slope[way, k], spread[way, k])
            )
            if done:
                place[way, k], cost[way, k], by_rock[way, k], volume[way, k] = trial, c, b, v
                count[way] += 1
                height = 0.5 * (c - v) + _rock_prior(trial[ROCK], few, prior, precision)
                lowest = min(lowest, height)
                edge = trial[ROCK] >= most if way == 0 else trial[ROCK] <= least
                if height > lowest + _DEEP or edge:
                    break
                length = reach if k == 0 else 2.5 * reach
                length = min(length, _ALONG_H / max(abs(slope[way, k, LOG_H]), 1e-9))
                tries = 0
            elif k == 0:
                return
            else:
                # The end of the table, or too bold a step.
                if height > lowest + _DEEP_ENOUGH:
                    break
                length *= 0.4
                tries += 1
            last = count[way] - 1
            fraction = min(max(place[way, last, ROCK] + sign * length, least), most)
            ahead = fraction - place[way, last, ROCK]
            for a in range(PARAMETERS):
                trial[a] = place[way, last, a] + slope[way, last, a] * ahead
                if last > 0:
                    behind = place[way, last, ROCK] - place[way, last - 1, ROCK]
                    trial[a] += 0.5 * (slope[way, last, a] - slope[way, last - 1, a]) / behind * ahead * ahead
                trial[a] = min(max(trial[a], bounds[0, a]), bounds[1, a])
            trial[ROCK] = fraction
    total, mean, square = 0.0, np.zeros(PARAMETERS), np.zeros((PARAMETERS, PARAMETERS))
    at = np.empty(PARAMETERS)
    for way in range(2):
        for k in range(count[way] - 1):
            length = place[way, k + 1, ROCK] - place[way, k, ROCK]
            for part in range(_BETWEEN):
                u = (part + 0.5) / _BETWEEN
                # Hermite's cubic, by the slopes at both ends.
                h1 = u * u * (3.0 - 2.0 * u)
                s0, s1 = u * (1.0 - u) ** 2 * length, u * u * (u - 1.0) * length
                c = (1.0 - h1) * cost[way, k] + h1 * cost[way, k + 1]
                c += s0 * by_rock[way, k] + s1 * by_rock[way, k + 1]
                v = (1.0 - u) * volume[way, k] + u * volume[way, k + 1]
                for a in range(PARAMETERS):
                    at[a] = (1.0 - h1) * place[way, k, a] + h1 * place[way, k + 1, a]
                    at[a] += s0 * slope[way, k, a] + s1 * slope[way, k + 1, a]
                height = 0.5 * (c - v) + _rock_prior(at[ROCK], few, prior, precision)
                w = math.exp(lowest - height) * abs(length)
                total += w
                for a in range(PARAMETERS):
                    mean[a] += w * (at[a] - p[a])
                    for b in range(PARAMETERS):
                        inner = (1.0 - u) * spread[way, k, a, b] + u * spread[way, k + 1, a, b]
                        square[a, b] += w * (inner + (at[a] - p[a]) * (at[b] - p[b]))
    if not total > 0.0:
        return
    for a in range(PARAMETERS):
        mean[a] /= total
    for a in range(PARAMETERS):
        p[a] += mean[a]
        for b in range(PARAMETERS):
            covariance[a, b] = square[a, b] / total - mean[a] * mean[b]


@njit(cache=True, error_model="numpy")
def _fit_from(setup, latitude, seen, known, work, weight, p, covariance):  # type: ignore[no-untyped-def]
    """Fit one place as :func:`_fit_one`, with rocks from several starts, until two agree; the best is kept."""
    prior, _, free, bounds = known
    for k in range(PARAMETERS):
        p[k] = min(max(prior[k], bounds[0, k]), bounds[1, k])
    if not free[ROCK]:
        return _fit_one(setup, latitude, seen, known, work, weight, p, covariance)
    best = NOT_CONVERGED, 0.0, np.inf, 0
    q, c, w = np.empty(PARAMETERS), np.empty((PARAMETERS, PARAMETERS)), np.empty(weight.size)
    for rock in _ROCK_STARTS:
        for part in _H_STARTS:
            for k in range(PARAMETERS):
                q[k] = min(max(prior[k], bounds[0, k]), bounds[1, k])
            if free[LOG_H]:
                q[LOG_H] = bounds[0, LOG_H] + part * (bounds[1, LOG_H] - bounds[0, LOG_H])
            q[ROCK] = rock
            found = _fit_one(setup, latitude, seen, known, work, w, q, c)
            again = found[0] == GOOD and best[0] == GOOD and abs(found[2] - best[2]) < _SAME
            better = found[0] == GOOD and (best[0] != GOOD or found[2] < best[2])
            if better or (best[0] == NOT_CONVERGED and found[0] == OUT_OF_RANGE):
                best = found
                p[:], covariance[:], weight[:] = q, c, w
            if again:
                return best
    return best


@njit(cache=True, error_model="numpy")
def _absorbed(table, latitude, p, slopes):  # type: ignore[no-untyped-def]
    """Return the absorbed flux, W m-2, and fill its derivatives by the parameters (5)."""
    x = np.empty(4)
    by_onset, by_slope, _ = _axes(table, latitude, p, x)
    side, sign = (0, 1.0) if p[ONSET] >= 0.0 else (1, -1.0)
    series = table.flux[side]
    value, slope = np.empty((3, MAX_DEGREE)), np.empty((3, MAX_DEGREE))
    for axis in range(3):
        _chebyshev(x[axis], value[axis], slope[axis])
        for k in range(MAX_DEGREE):
            slope[axis, k] *= 2.0 / table.width[axis]
    total, by = 0.0, np.zeros(3)
    for i in range(series.shape[0]):
        for j in range(series.shape[1]):
            for k in range(series.shape[2]):
                c = series[i, j, k]
                total += c * value[0, i] * value[1, j] * value[2, k]
                by[0] += c * slope[0, i] * value[1, j] * value[2, k]
                by[1] += c * value[0, i] * slope[1, j] * value[2, k]
                by[2] += c * value[0, i] * value[1, j] * slope[2, k]
    slopes[:] = 0.0
    slopes[ALBEDO] = by[2]
    slopes[ONSET] = sign * by[0] + by[1] * by_onset
    slopes[SLOPE_NORTH] = by[1] * by_slope
    return total


@njit(cache=True, error_model="numpy", parallel=True)
def fit(table, bins, rocks, latitude, observed, deviation, hours, prior, precision, free, bounds, least, few):  # type: ignore[no-untyped-def]
    """Fit every place; see ``inversion.invert``.

    ``observed`` and ``deviation`` (n, m), NaN where nothing was observed; the first three as in
    :func:`_model`; ``prior``, ``precision``, ``free`` (5) and ``bounds`` (2, 5); ``few`` (3): of ``FewRocks``,
    mean 0 without it. Returns estimates (n, 5), covariances (n, 5, 5), both again of the best fit, absorbed flux and its
    deviation (n), chi-square divided by its degrees of freedom (n), these (n), codes and steps (n).
    """
    n, m = observed.shape
    estimate = np.full((n, PARAMETERS), np.nan)
    covariance = np.full((n, PARAMETERS, PARAMETERS), np.nan)
    best, best_covariance = estimate.copy(), covariance.copy()
    flux, flux_deviation = np.full(n, np.nan), np.full(n, np.nan)
    chi, degrees = np.full(n, np.nan), np.zeros(n)
    codes, steps = np.zeros(n, np.uint8), np.zeros(n, np.int32)
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        work = _scratch(table)
        value, variance, when, weight = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
        p, c, slopes = np.empty(PARAMETERS), np.zeros((PARAMETERS, PARAMETERS)), np.empty(PARAMETERS)
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            times, bad = 0, not abs(latitude[i]) <= 90.0
            for j in range(m):
                y, s = observed[i, j], deviation[i, j]
                if math.isnan(y) and math.isnan(s):
                    continue
                if not (0.0 < y < 1000.0 and 0.0 < s < 1e6):
                    bad = True
                    break
                value[times], variance[times], when[times] = y, s * s, hours[j]
                times += 1
            if bad:
                codes[i] = BAD_INPUT
                continue
            if times < least:
                codes[i] = NO_OBSERVATIONS if times == 0 else TOO_FEW_OBSERVATIONS
                continue
            for k in range(PARAMETERS):
                p[k] = min(max(prior[k], bounds[0, k]), bounds[1, k])
            p[ONSET] = 0.0
            if not _axes(table, latitude[i], p, work[3])[2]:
                codes[i] = OUTSIDE_TABLE
                continue
            setup, known = (table, bins, rocks), (prior, precision, free, bounds)
            seen = value[:times], variance[:times], when[:times]
            code, squares, _, taken = _fit_from(setup, latitude[i], seen, known, work, weight[:times], p, c)
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
            if free[ROCK] or few[0] > 0.0:
                along = table, bins, True
                _follow(along, latitude[i], seen, known, work, weight[:times], few, p, c)
            estimate[i], covariance[i] = p, c
            flux[i] = _absorbed(table, latitude[i], p, slopes)
            total = 0.0
            for k in range(PARAMETERS):
                for j in range(PARAMETERS):
                    total += slopes[k] * c[k, j] * slopes[j]
            flux_deviation[i] = math.sqrt(max(total, 0.0))
    return estimate, covariance, best, best_covariance, flux, flux_deviation, chi, degrees, codes, steps
