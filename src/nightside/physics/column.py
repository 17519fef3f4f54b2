"""Heat conduction in columns of ground, compiled: one day, and the periodic state that a day returns to.

**One day.** Finite volumes in depth around nodes of which the first is the surface (its cell is half as deep);
second-order backward differences (BDF2) in time, on the enthalpy; conductivity, and the point around which the
enthalpy is linearised, extrapolated to the end of the step. The linear column below is eliminated from the
bottom up, which leaves one scalar equation for the surface temperature with its T^4, solved by Newton: column
and surface are never split. The innermost loops run across the ``LANES`` columns of a block, to become vector
instructions.

**The periodic state** is the root of g(T) = Phi(T) - T, where a day carries the midnight profile T to Phi(T). It
is found by Broyden's "good" method (Broyden 1965, Math. Comp. 19, 577) from the inverse Jacobian of one
reference column: columns differ little in how they forget, so that a handful of days replaces a long spin-up.

Everything compiled is in this one file, because numba's cache looks for changes in the caller's file only.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

LANES = 32
"""Columns of a block, stepped together. Of 8, 16, 32 and 64 this is the fastest."""

MAX_NODES = 127
"""Nodes that a column may have."""

MINIMUM_TEMPERATURE_K = 1.0
"""Temperatures are kept above this while the solver iterates; no solution is near it."""

LARGEST_CORRECTION_K = 40.0
"""Of a midnight temperature, from one day to the next."""

NEWTON_TOLERANCE_K = 1e-6
"""A day counts only if no surface balance moved by more than this in its last iteration."""

_LEAST_FLUX = 1e-6
_NEWTON_ITERATIONS = 7
_SUNRISE_SAMPLES = 16

# Planes of the workspace. One array of constant shape holds everything that the inner loops touch: only so can
# the compiler prove that the lanes are independent, and vectorise (four times faster).
_NOW, _BEFORE, _AHEAD = 0, 1, 2
_HEAT_NOW, _HEAT_BEFORE = 3, 4
_ALPHA, _BETA = 5, 6
_MASS, _CONDUCTANCE, _SOURCE = 7, 8, 9
_LANE, _EMISSION, _CHANGE = 10, 0, 1

_FLOAT_MODEL = {"contract", "nsz", "arcp", "nnan"}


@njit(cache=True, fastmath=_FLOAT_MODEL, error_model="numpy")
def _enthalpy(t, cp, floor):  # type: ignore[no-untyped-def]
    """Return the enthalpy (J kg-1, from 0 K) and the heat capacity, which is constant below ``floor``."""
    c0, c1, c2, c3, c4 = cp
    x = t if t > floor else floor
    c = c0 + x * (c1 + x * (c2 + x * (c3 + x * c4)))
    heat = x * (c0 + x * (c1 / 2 + x * (c2 / 3 + x * (c3 / 4 + x * (c4 / 5)))))
    return heat + c * (t - x), c


@njit(cache=True, fastmath=_FLOAT_MODEL, error_model="numpy")
def day(start, sunlight, capacity, conductance, emission, ground, dt, surface, end, change):  # type: ignore[no-untyped-def]
    """Carry a block of columns through one day of steps of ``dt`` seconds, which starts at midnight.

    ``start`` and ``end`` (nodes, LANES) are temperatures in K; ``sunlight`` (steps, LANES) is the absorbed flux
    in W m-2 at the end of each step; ``capacity``, ``conductance`` and ``emission`` are those of
    :class:`nightside.physics.periodic.Columns` for the block; ``ground`` is its ``ground``. The results: ``end``,
    ``surface`` (steps, LANES), the surface temperature in K at the end of each step, and ``change`` (LANES), the
    largest last change of the Newton iterations in K.
    """
    nodes = start.shape[0]
    chi, bottom_flux, floor = ground[0], ground[1], ground[2]
    cp = (ground[3], ground[4], ground[5], ground[6], ground[7])
    w = np.zeros((11, MAX_NODES + 1, LANES))
    for i in range(nodes):
        for p in range(LANES):
            heat, _ = _enthalpy(start[i, p], cp, floor)
            w[_NOW, i, p] = start[i, p]
            w[_BEFORE, i, p] = start[i, p]
            w[_HEAT_NOW, i, p] = heat
            w[_HEAT_BEFORE, i, p] = heat
            w[_MASS, i, p] = capacity[i, p] / dt
    for i in range(nodes - 1):
        for p in range(LANES):
            w[_CONDUCTANCE, i, p] = conductance[i, p]
    for p in range(LANES):
        w[_SOURCE, nodes - 1, p] = bottom_flux
        w[_LANE, _EMISSION, p] = emission[p]
    for step in range(sunlight.shape[0]):
        a0, a1, a2 = 1.5, -2.0, 0.5
        if step == 0:
            # No predecessor: backward Euler, in the slow hours of the night.
            a0, a1, a2 = 1.0, -1.0, 0.0
        for p in range(LANES):
            w[_SOURCE, 0, p] = sunlight[step, p]
        for i in range(nodes):
            for p in range(LANES):
                t = 2.0 * w[_NOW, i, p] - w[_BEFORE, i, p]
                w[_AHEAD, i, p] = t if t > MINIMUM_TEMPERATURE_K else MINIMUM_TEMPERATURE_K
        # T[i] = alpha[i] + beta[i] T[i - 1], from the bottom to the node below the surface.
        for k in range(nodes - 1):
            i = nodes - 1 - k
            for p in range(LANES):
                t = w[_AHEAD, i, p]
                heat, c = _enthalpy(t, cp, floor)
                face = 0.5 * (t + w[_AHEAD, i + 1, p])
                below = w[_CONDUCTANCE, i, p] * (1.0 + chi * face * face * face)
                face = 0.5 * (t + w[_AHEAD, i - 1, p])
                above = w[_CONDUCTANCE, i - 1, p] * (1.0 + chi * face * face * face)
                stored = a0 * (heat - c * t) + a1 * w[_HEAT_NOW, i, p] + a2 * w[_HEAT_BEFORE, i, p]
                right = w[_SOURCE, i, p] - w[_MASS, i, p] * stored + below * w[_ALPHA, i + 1, p]
                inverse = 1.0 / (a0 * w[_MASS, i, p] * c + below * (1.0 - w[_BETA, i + 1, p]) + above)
                w[_ALPHA, i, p] = right * inverse
                w[_BETA, i, p] = above * inverse
        for p in range(LANES):
            t = w[_AHEAD, 0, p]
            heat, c = _enthalpy(t, cp, floor)
            face = 0.5 * (t + w[_AHEAD, 1, p])
            below = w[_CONDUCTANCE, 0, p] * (1.0 + chi * face * face * face)
            stored = a0 * (heat - c * t) + a1 * w[_HEAT_NOW, 0, p] + a2 * w[_HEAT_BEFORE, 0, p]
            right = w[_SOURCE, 0, p] - w[_MASS, 0, p] * stored + below * w[_ALPHA, 1, p]
            slope = a0 * w[_MASS, 0, p] * c + below * (1.0 - w[_BETA, 1, p])
            # slope T + emission T^4 = right. Either term alone gives an upper bound, which holds back the first
            # iteration where the Sun comes up over a facet at once.
            right = right if right > _LEAST_FLUX else _LEAST_FLUX
            alone = math.sqrt(math.sqrt(right / w[_LANE, _EMISSION, p]))
            bound = right / slope
            bound = bound if bound < alone else alone
            delta = 0.0
            for _ in range(_NEWTON_ITERATIONS):
                cubed = w[_LANE, _EMISSION, p] * t * t * t
                delta = (right - (slope + cubed) * t) / (slope + 4.0 * cubed)
                t += delta
                t = t if t < bound else bound
            largest = w[_LANE, _CHANGE, p]
            w[_LANE, _CHANGE, p] = abs(delta) if abs(delta) > largest else largest
            w[_BEFORE, 0, p] = w[_NOW, 0, p]
            w[_NOW, 0, p] = t
        for i in range(1, nodes):
            for p in range(LANES):
                w[_BEFORE, i, p] = w[_NOW, i, p]
                w[_NOW, i, p] = w[_ALPHA, i, p] + w[_BETA, i, p] * w[_NOW, i - 1, p]
        for i in range(nodes):
            for p in range(LANES):
                heat, _ = _enthalpy(w[_NOW, i, p], cp, floor)
                w[_HEAT_BEFORE, i, p] = w[_HEAT_NOW, i, p]
                w[_HEAT_NOW, i, p] = heat
        for p in range(LANES):
            surface[step, p] = w[_NOW, 0, p]
    for i in range(nodes):
        for p in range(LANES):
            end[i, p] = w[_NOW, i, p]
    for p in range(LANES):
        change[p] = w[_LANE, _CHANGE, p]


@njit(cache=True, error_model="numpy")
def _absorbed(mu, albedo, cubic, eighth):  # type: ignore[no-untyped-def]
    """Return (1 - A(theta)) cos theta: ``regolith.albedo_at_incidence`` in compiled form."""
    if mu <= 0.0:
        return 0.0
    per_45 = math.acos(min(mu, 1.0)) * (4.0 / math.pi)
    per_90_squared = 0.25 * per_45 * per_45
    a = albedo + cubic * per_45**3 + eighth * per_90_squared**4
    return mu * max(1.0 - a, 0.0)


@njit(cache=True, error_model="numpy")
def step_sunlight(columns, first, steps, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (steps, LANES) with the absorbed sunlight, W m-2, of the places from ``first`` on.

    Each value belongs to the end of a step. Where the horizon lets the Sun in, or shuts it off, at once within
    half a step of it, the value is the mean over that time: the day's energy does not depend on where steps fall.
    """
    width = 2.0 * math.pi / steps
    for p in range(LANES):
        place = min(first + p, columns.albedo.shape[0] - 1)
        a, b, c = columns.facet[:, place]
        u, v, _ = columns.sphere[:, place]
        albedo, cubic, eighth = columns.albedo[place], columns.albedo_cubic, columns.albedo_eighth
        lit = False
        for edge in range(steps + 1):
            was_lit = lit
            h = -math.pi + (edge + 0.5) * width
            lit = a + b * math.cos(h) + c * math.sin(h) > 0.0 and u + v * math.cos(h) > 0.0
            if edge == 0:
                continue
            h -= 0.5 * width
            mu = a + b * math.cos(h) + c * math.sin(h) if u + v * math.cos(h) > 0.0 else 0.0
            flux = _absorbed(mu, albedo, cubic, eighth)
            if lit != was_lit:
                mean, highest = 0.0, 0.0
                for k in range(_SUNRISE_SAMPLES):
                    x = h + width * ((k + 0.5) / _SUNRISE_SAMPLES - 0.5)
                    if u + v * math.cos(x) > 0.0:
                        mu = a + b * math.cos(x) + c * math.sin(x)
                        mean += _absorbed(mu, albedo, cubic, eighth) / _SUNRISE_SAMPLES
                        highest = max(highest, mu)
                # The cosine changes by at most ``width`` in a step, unless the horizon lets the Sun in at once.
                if highest > width:
                    flux = mean
            out[edge - 1, p] = columns.sunlight * flux


@njit(cache=True, error_model="numpy")
def _broyden_update(inverse, step, image):  # type: ignore[no-untyped-def]
    """Change ``inverse`` by rank one, in place, so that it maps ``image`` (the change of g) to ``step``."""
    mapped = inverse @ image
    row = step @ inverse
    scale = np.dot(step, mapped)
    if abs(scale) > 1e-300:
        for i in range(step.size):
            inverse[i] += (step[i] - mapped[i]) / scale * row


@njit(cache=True, error_model="numpy", parallel=True)
def solve(columns, guess, inverse, steps, lower, weight, tolerance, max_days):  # type: ignore[no-untyped-def]
    """Find the periodic state of every place; the arguments and results of ``periodic.solve``."""
    nodes, places = guess.shape
    surface_out = np.full((places, lower.size), np.nan)
    midnight_out = np.full((places, nodes), np.nan)
    residual_out = np.full(places, np.nan)
    days_out = np.zeros(places, np.int64)
    for block in prange((places + LANES - 1) // LANES):
        first = block * LANES
        # The last block is filled up with copies of the last place.
        member = np.minimum(first + np.arange(LANES), places - 1)
        done = first + np.arange(LANES) >= places
        start, end = np.ascontiguousarray(guess[:, member]), np.empty((nodes, LANES))
        capacity, conductance = columns.capacity[:, member], columns.conductance[:, member]
        emission, change = columns.emission[member], np.empty(LANES)
        sunlight, surface = np.empty((steps, LANES)), np.empty((steps, LANES))
        inverses = np.empty((LANES, nodes, nodes))
        inverses[:] = inverse
        before, step = np.empty((LANES, nodes)), np.empty((LANES, nodes))
        step_sunlight(columns, first, steps, sunlight)
        for days in range(1, max_days + 1):
            day(
                start, sunlight, capacity, conductance, emission, columns.ground, columns.day_s / steps,
                surface, end, change,
            )  # fmt: skip
            for p in range(LANES):
                if done[p]:
                    continue
                g = end[:, p] - start[:, p]
                residual_out[member[p]] = np.abs(g).max()
                days_out[member[p]] = days
                if residual_out[member[p]] < tolerance and change[p] < NEWTON_TOLERANCE_K:
                    done[p] = True
                    midnight_out[member[p]] = start[:, p]
                    for k in range(lower.size):
                        left, right = surface[lower[k], p], surface[(lower[k] + 1) % steps, p]
                        surface_out[member[p], k] = left + weight[k] * (right - left)
                    continue
                if days > 1:
                    _broyden_update(inverses[p], step[p], g - before[p])
                correction = -(inverses[p] @ g)
                for i in range(nodes):
                    bounded = min(max(correction[i], -LARGEST_CORRECTION_K), LARGEST_CORRECTION_K)
                    step[p, i] = max(bounded, MINIMUM_TEMPERATURE_K - start[i, p])
                    start[i, p] += step[p, i]
                    before[p, i] = g[i]
            if done.all():
                break
    return surface_out, midnight_out, residual_out, days_out
