"""The valley that rocks and H make: fits at one rock fraction after the other, and means along them.

Few rocks look like a smaller H, so that chi-square has one long, curved valley, which a local covariance does not see.
From the best fit it is followed both ways; each node starts where the tangent of the last one leads.
"""

from __future__ import annotations

import math

import numpy as np

from nightside.physics.inversion_kernel.algebra import cholesky_solve, log_determinant
from nightside.physics.inversion_kernel.compiled import compiled
from nightside.physics.inversion_kernel.model import model_day
from nightside.physics.inversion_kernel.names import LOG_H, PARAMETERS, ROCK

_NODES = 16
"""Rock fractions in a direction along the valley, at most."""

_ALONG_H = 0.7
"""So far apart in ln H they are, at most."""

_DEEP, _DEEP_ENOUGH = 7.0, 4.0
"""The valley ends where the logarithm of the posterior has fallen by so much; by the latter if the next node fails."""

_NEAR = 1.0
"""There the rest of a fit is done when chi-square has so little left to fall: its last step is taken without a look."""

_BETWEEN = 10
"""Points between two nodes in the integral."""


@compiled()
def node(setup, latitude, seen, known, work, weight, p, out):  # type: ignore[no-untyped-def]
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
        if not model_day(setup, latitude, p, hours, work, found):
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
        if not cholesky_solve(normal, n, gradient, step, inverse):
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
    return True, cost - decrease, by_rock, log_determinant(inverse, n)


@compiled()
def rock_prior(fraction, prior, precision, unseen):  # type: ignore[no-untyped-def]
    """Return minus the logarithm of the prior of rocks: that of ``unseen`` if its mean is above 0, else the Gaussian one."""
    mean, share, many = unseen[0], unseen[1], unseen[2]
    if mean > 0.0:
        density = (1.0 - share) / mean * math.exp(-fraction / mean)
        density += share / many * math.exp(-fraction / many)
        return -math.log(max(density, 1e-300))
    return 0.5 * precision[ROCK] * (fraction - prior[ROCK]) ** 2


@compiled()
def empty_valley():  # type: ignore[no-untyped-def]
    """Return room for a valley.

    For both ways along it and each node: the parameters, their slope by the rock fraction, their covariance, and cost, its
    slope and log determinant, as of :func:`node`; then the number of nodes of both ways.
    """
    shape = 2, _NODES
    return (
        np.empty((2, _NODES, PARAMETERS)),
        np.empty((2, _NODES, PARAMETERS)),
        np.empty((2, _NODES, PARAMETERS, PARAMETERS)),
        np.empty(shape),
        np.empty(shape),
        np.empty(shape),
        np.zeros(2, np.int64),
    )


@compiled()
def follow(setup, latitude, seen, known, work, weight, unseen, best, reach, valley):  # type: ignore[no-untyped-def]
    """Fill ``valley`` from the best fit ``best`` (5); return whether it could be followed.

    ``reach`` is the first step in rock fraction. The prior of rocks is that of :func:`rock_prior`.
    """
    prior, precision, _, bounds = known
    least, most = bounds[0, ROCK], bounds[1, ROCK]
    place, slope, spread, cost, by_rock, volume, count = valley
    trial, lowest = np.empty(PARAMETERS), np.inf
    count[:] = 0
    for way in range(2):
        sign = 1.0 if way == 0 else -1.0
        trial[:] = best
        tries, length, height = 0, 0.0, 0.0
        while count[way] < _NODES and tries < 4:
            k = count[way]
            if way == 1 and k == 0:
                # The first node is that of the other way.
                place[1, 0], slope[1, 0], spread[1, 0] = place[0, 0], slope[0, 0], spread[0, 0]
                cost[1, 0], by_rock[1, 0], volume[1, 0] = cost[0, 0], by_rock[0, 0], volume[0, 0]
                done = True
                trial[:] = place[0, 0]
            else:
                done, cost[way, k], by_rock[way, k], volume[way, k] = node(
                    setup, latitude, seen, known, work, weight, trial, (slope[way, k], spread[way, k])
                )
                place[way, k] = trial
            if done:
                count[way] += 1
                height = 0.5 * (cost[way, k] - volume[way, k])
                height += rock_prior(trial[ROCK], prior, precision, unseen)
                lowest = min(lowest, height)
                edge = trial[ROCK] >= most if way == 0 else trial[ROCK] <= least
                if height > lowest + _DEEP or edge:
                    break
                length = reach if k == 0 else 2.5 * reach
                length = min(length, _ALONG_H / max(abs(slope[way, k, LOG_H]), 1e-9))
                tries = 0
            elif k == 0:
                return False
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
    return True


@compiled()
def mean_along(valley, known, unseen, mean, covariance):  # type: ignore[no-untyped-def]
    """Fill ``mean`` (5) and ``covariance`` (5, 5) of the posterior along a valley; False, untouched, if it has no length.

    Between nodes parameters and cost are cubics, by their slopes at both; across the valley it is Gaussian.
    """
    prior, precision, _, _ = known
    place, slope, spread, cost, by_rock, volume, count = valley
    lowest = np.inf
    for way in range(2):
        for k in range(count[way]):
            height = 0.5 * (cost[way, k] - volume[way, k])
            lowest = min(lowest, height + rock_prior(place[way, k, ROCK], prior, precision, unseen))
    origin = place[0, 0]
    total, first, second = 0.0, np.zeros(PARAMETERS), np.zeros((PARAMETERS, PARAMETERS))
    at = np.empty(PARAMETERS)
    for way in range(2):
        for k in range(count[way] - 1):
            length = place[way, k + 1, ROCK] - place[way, k, ROCK]
            for part in range(_BETWEEN):
                u = (part + 0.5) / _BETWEEN
                h1 = u * u * (3.0 - 2.0 * u)
                s0, s1 = u * (1.0 - u) ** 2 * length, u * u * (u - 1.0) * length
                c = (1.0 - h1) * cost[way, k] + h1 * cost[way, k + 1]
                c += s0 * by_rock[way, k] + s1 * by_rock[way, k + 1]
                v = (1.0 - u) * volume[way, k] + u * volume[way, k + 1]
                for a in range(PARAMETERS):
                    at[a] = (1.0 - h1) * place[way, k, a] + h1 * place[way, k + 1, a]
                    at[a] += s0 * slope[way, k, a] + s1 * slope[way, k + 1, a] - origin[a]
                height = 0.5 * (c - v) + rock_prior(origin[ROCK] + at[ROCK], prior, precision, unseen)
                w = math.exp(lowest - height) * abs(length)
                total += w
                for a in range(PARAMETERS):
                    first[a] += w * at[a]
                    for b in range(PARAMETERS):
                        inner = (1.0 - u) * spread[way, k, a, b] + u * spread[way, k + 1, a, b]
                        second[a, b] += w * (inner + at[a] * at[b])
    if not total > 0.0:
        return False
    for a in range(PARAMETERS):
        first[a] /= total
    for a in range(PARAMETERS):
        mean[a] = origin[a] + first[a]
        for b in range(PARAMETERS):
            covariance[a, b] = second[a, b] / total - first[a] * first[b]
    return True
