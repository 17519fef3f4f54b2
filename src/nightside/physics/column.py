"""Heat conduction in columns of ground, compiled: one day, and the periodic state that a day returns to.

**One day.** Finite volumes in depth around nodes of which the first is the surface (its cell is half as deep);
second-order backward differences (BDF2) in time, on the enthalpy, with steps that each place has for itself;
conductivity, and the point around which the enthalpy is linearised, extrapolated to the end of the step. The linear column below is eliminated from the
bottom up, which leaves one scalar equation for the surface temperature with its T^4, solved by Newton: column
and surface are never split. The innermost loops run across the ``LANES`` columns of a block, to become vector
instructions.

**The periodic state** is the root of g(T) = Phi(T) - T, where a day carries the midnight profile T to Phi(T). It
is found by Broyden's "good" method (Broyden 1965, Math. Comp. 19, 577) from the inverse Jacobian of one
reference column: columns differ little in how they forget, so that a handful of days replaces a long spin-up.

No compiled function here calls one in another file, because numba's cache looks for changes in the caller's file
only.
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

PERIODIC, NOT_PERIODIC, SURFACE_NOT_BALANCED, NOT_FINITE = 0, 1, 2, 3
"""What became of a place."""

LEAST_FLUX = 1e-6
NEWTON_ITERATIONS = 7

# Planes of the workspace. One array of constant shape holds everything that the inner loops touch: only so can
# the compiler prove that the lanes are independent, and vectorise (four times faster).
_NOW, _BEFORE, _AHEAD = 0, 1, 2
_HEAT_NOW, _HEAT_BEFORE = 3, 4
_ALPHA, _BETA = 5, 6
_MASS, _CONDUCTANCE, _SOURCE = 7, 8, 9
_LANE = 10

# Rows of the lanes' plane: the last three are what a step multiplies enthalpies by, s-1.
_EMISSION, _CHANGE, _RATIO, _OF_NEW, _OF_NOW, _OF_BEFORE = 0, 1, 2, 3, 4, 5

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
def day(  # type: ignore[no-untyped-def]
    start, sunlight, length, ratio, capacity, conductance, emission, ground, surface, end, change, record
):
    """Carry a block of columns through one day, which starts at midnight.

    ``start`` and ``end`` (nodes, LANES) are temperatures in K; ``sunlight``, ``length`` and ``ratio`` (steps, LANES)
    are those of :class:`nightside.physics.sunlight.Daylight` for the block; ``capacity``, ``conductance`` and
    ``emission`` are those of :class:`nightside.physics.periodic.Columns` for the block; ``ground`` is its ``ground``. The results: ``end``,
    ``surface`` (steps, LANES), the surface temperature in K at the end of each step, ``change`` (LANES), the
    largest last change of the Newton iterations in K, and ``record`` (steps, nodes, LANES), the temperatures of
    all nodes, which is left alone where it is empty.
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
            w[_MASS, i, p] = capacity[i, p]
    for i in range(nodes - 1):
        for p in range(LANES):
            w[_CONDUCTANCE, i, p] = conductance[i, p]
    for p in range(LANES):
        w[_SOURCE, nodes - 1, p] = bottom_flux
        w[_LANE, _EMISSION, p] = emission[p]
    for step in range(sunlight.shape[0]):
        for p in range(LANES):
            # Second-order differences for steps of changing length; backward Euler where the ratio is 0.
            r = ratio[step, p]
            rate = 1.0 / (length[step, p] * (1.0 + r))
            w[_LANE, _RATIO, p] = r
            w[_LANE, _OF_NEW, p] = (1.0 + 2.0 * r) * rate
            w[_LANE, _OF_NOW, p] = -(1.0 + r) * (1.0 + r) * rate
            w[_LANE, _OF_BEFORE, p] = r * r * rate
            w[_SOURCE, 0, p] = sunlight[step, p]
        for i in range(nodes):
            for p in range(LANES):
                t = w[_NOW, i, p] + w[_LANE, _RATIO, p] * (w[_NOW, i, p] - w[_BEFORE, i, p])
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
                stored = w[_LANE, _OF_NEW, p] * (heat - c * t) + w[_LANE, _OF_NOW, p] * w[_HEAT_NOW, i, p]
                stored += w[_LANE, _OF_BEFORE, p] * w[_HEAT_BEFORE, i, p]
                right = w[_SOURCE, i, p] - w[_MASS, i, p] * stored + below * w[_ALPHA, i + 1, p]
                held = w[_LANE, _OF_NEW, p] * w[_MASS, i, p] * c
                inverse = 1.0 / (held + below * (1.0 - w[_BETA, i + 1, p]) + above)
                w[_ALPHA, i, p] = right * inverse
                w[_BETA, i, p] = above * inverse
        for p in range(LANES):
            t = w[_AHEAD, 0, p]
            heat, c = _enthalpy(t, cp, floor)
            face = 0.5 * (t + w[_AHEAD, 1, p])
            below = w[_CONDUCTANCE, 0, p] * (1.0 + chi * face * face * face)
            stored = w[_LANE, _OF_NEW, p] * (heat - c * t) + w[_LANE, _OF_NOW, p] * w[_HEAT_NOW, 0, p]
            stored += w[_LANE, _OF_BEFORE, p] * w[_HEAT_BEFORE, 0, p]
            right = w[_SOURCE, 0, p] - w[_MASS, 0, p] * stored + below * w[_ALPHA, 1, p]
            slope = w[_LANE, _OF_NEW, p] * w[_MASS, 0, p] * c + below * (1.0 - w[_BETA, 1, p])
            # slope T + emission T^4 = right. Either term alone gives an upper bound, which holds back the first
            # iteration where the Sun comes up over a facet at once.
            right = right if right > LEAST_FLUX else LEAST_FLUX
            alone = math.sqrt(math.sqrt(right / w[_LANE, _EMISSION, p]))
            bound = right / slope
            bound = bound if bound < alone else alone
            delta = 0.0
            for _ in range(NEWTON_ITERATIONS):
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
        if record.size:
            for i in range(nodes):
                for p in range(LANES):
                    record[step, i, p] = w[_NOW, i, p]
    for i in range(nodes):
        for p in range(LANES):
            end[i, p] = w[_NOW, i, p]
    for p in range(LANES):
        change[p] = w[_LANE, _CHANGE, p]


@njit(cache=True, error_model="numpy", parallel=True)
def trajectory(columns, daylight, midnight):  # type: ignore[no-untyped-def]
    """Return the temperatures (n, steps + 1, nodes), K, of a day from ``midnight`` (n, nodes) to midnight."""
    places, nodes = midnight.shape
    steps = daylight.flux.shape[1]
    temperatures = np.empty((places, steps + 1, nodes))
    for block in prange(daylight.flux.shape[0]):
        first = block * LANES
        member = np.minimum(first + np.arange(LANES), places - 1)
        start = np.ascontiguousarray(midnight[member].T)
        end, surface, change = np.empty_like(start), np.empty((steps, LANES)), np.empty(LANES)
        record = np.empty((steps, nodes, LANES))
        day(
            start, daylight.flux[block], daylight.length[block], daylight.ratio[block],
            columns.capacity[:, member], columns.conductance[:, member], columns.emission[member], columns.ground,
            surface, end, change, record,
        )  # fmt: skip
        for p in range(min(LANES, places - first)):
            temperatures[first + p, 0] = start[:, p]
            temperatures[first + p, 1:] = record[:, :, p]
    return temperatures


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
def solve(columns, daylight, guess, inverse, first_of, weights, tolerance, max_days):  # type: ignore[no-untyped-def]
    """Find the periodic state of every place; the arguments and results of ``periodic.solve``.

    ``first_of`` and ``weights`` are those of ``sunlight.locate``.
    """
    nodes, places = guess.shape
    steps = daylight.flux.shape[1]
    surface_out = np.full((places, first_of.shape[1]), np.nan)
    midnight_out = np.full((places, nodes), np.nan)
    residual_out = np.full(places, np.nan)
    days_out = np.zeros(places, np.int64)
    status_out = np.full(places, NOT_PERIODIC, np.int8)
    nothing = np.empty((0, 0, 0))
    for block in prange(daylight.flux.shape[0]):
        first = block * LANES
        # The last block is filled up with copies of the last place.
        member = np.minimum(first + np.arange(LANES), places - 1)
        done = first + np.arange(LANES) >= places
        start, end = np.ascontiguousarray(guess[:, member]), np.empty((nodes, LANES))
        capacity, conductance = columns.capacity[:, member], columns.conductance[:, member]
        emission, change = columns.emission[member], np.empty(LANES)
        surface = np.empty((steps, LANES))
        inverses = np.empty((LANES, nodes, nodes))
        inverses[:] = inverse
        before, step = np.empty((LANES, nodes)), np.empty((LANES, nodes))
        for days in range(1, max_days + 1):
            day(
                start, daylight.flux[block], daylight.length[block], daylight.ratio[block], capacity, conductance,
                emission, columns.ground, surface, end, change, nothing,
            )  # fmt: skip
            for p in range(LANES):
                if done[p]:
                    continue
                g = end[:, p] - start[:, p]
                residual_out[member[p]] = np.abs(g).max()
                days_out[member[p]] = days
                if not np.isfinite(residual_out[member[p]]):
                    done[p] = True
                    status_out[member[p]] = NOT_FINITE
                    continue
                periodic = residual_out[member[p]] < tolerance
                status_out[member[p]] = SURFACE_NOT_BALANCED if periodic else NOT_PERIODIC
                if periodic and change[p] < NEWTON_TOLERANCE_K:
                    done[p] = True
                    status_out[member[p]] = PERIODIC
                    midnight_out[member[p]] = start[:, p]
                    for k in range(first_of.shape[1]):
                        surface_out[member[p], k] = 0.0
                        for j in range(4):
                            at = surface[(first_of[member[p], k] + j) % steps, p]
                            surface_out[member[p], k] += weights[member[p], k, j] * at
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
    return surface_out, midnight_out, residual_out, days_out, status_out
