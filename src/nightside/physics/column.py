"""Heat conduction in columns of ground through one day, many columns at a time.

Finite volumes in depth around nodes of which the first is the surface (half a cell deep); second-order
backward differences (BDF2) in time on the enthalpy; conductivity and the linearisation point extrapolated to
the end of the step. The linear column below is eliminated from the bottom up, which leaves one scalar
equation for the surface temperature, with its T^4, solved by Newton: column and surface are never split.

Columns are handled in blocks of ``LANES``; the innermost loop of everything runs across a block, so that the
compiler turns it into vector instructions.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from nightside.physics.regolith import HEAT_CAPACITY_FLOOR_K

LANES = 32
"""Columns that are stepped together: one 512-bit vector of float64."""

NEWTON_ITERATIONS = 4
"""Of the surface balance, in each step: from an extrapolated start the last change is below 1e-9 K."""

MAX_NODES = 63
"""Nodes that a column may have."""

MAX_NODES = 63
"""Nodes that a column may have."""

_MINIMUM_TEMPERATURE_K = 1.0

# Rows of the workspace. One array of constant shape holds everything that the inner loops touch: only then can
# the compiler prove that a loop across lanes carries no dependence, and vectorise it (five times faster).
_NOW, _BEFORE, _AHEAD, _HEAT_NOW, _HEAT_BEFORE, _ALPHA, _BETA, _CAPACITY, _CONDUCTANCE, _SOURCE = range(10)

# Rows of the workspace. One array of constant shape holds everything that the inner loops touch: only then can
# the compiler prove that a loop across lanes carries no dependence, and vectorise it (five times faster).
_NOW, _BEFORE, _AHEAD, _HEAT_NOW, _HEAT_BEFORE, _ALPHA, _BETA, _CAPACITY, _CONDUCTANCE, _SOURCE = range(10)


@njit(cache=True, fastmath={"contract", "nsz", "arcp", "nnan"}, error_model="numpy")
def day(  # type: ignore[no-untyped-def]
    start, absorbed, capacity, conductance, radiative, emission, bottom_flux, cp, dt, surface, end
):
    steps = absorbed.shape[0]
    nodes = start.shape[0]
    w = np.zeros((11, MAX_NODES + 1, LANES))
    floor = HEAT_CAPACITY_FLOOR_K
    c0, c1, c2, c3, c4 = cp[0], cp[1], cp[2], cp[3], cp[4]
    h1, h2, h3, h4 = c1 / 2, c2 / 3, c3 / 4, c4 / 5
    for i in range(nodes):
        for p in range(LANES):
            w[0, i, p] = start[i, p]
            w[1, i, p] = start[i, p]
            w[7, i, p] = capacity[i, p] / dt
            if i < nodes - 1:
                w[8, i, p] = conductance[i, p]
    for p in range(LANES):
        w[9, nodes - 1, p] = bottom_flux
        w[10, 0, p] = radiative[p]
        w[10, 1, p] = emission[p]
    for i in range(nodes):
        for p in range(LANES):
            t = w[0, i, p]
            x = t if t > floor else floor
            c = c0 + x * (c1 + x * (c2 + x * (c3 + x * c4)))
            h = x * (c0 + x * (h1 + x * (h2 + x * (h3 + x * h4)))) + c * (t - x)
            w[3, i, p] = h
            w[4, i, p] = h
    for step in range(steps):
        if step == 0:
            a0 = 1.0
            a1 = -1.0
            a2 = 0.0
        else:
            a0 = 1.5
            a1 = -2.0
            a2 = 0.5
        for p in range(LANES):
            w[9, 0, p] = absorbed[step, p]
        for i in range(nodes):
            for p in range(LANES):
                t = 2.0 * w[0, i, p] - w[1, i, p]
                w[2, i, p] = t if t > 1.0 else 1.0
        for k in range(nodes - 1):
            i = nodes - 1 - k
            for p in range(LANES):
                t = w[2, i, p]
                x = t if t > floor else floor
                c = c0 + x * (c1 + x * (c2 + x * (c3 + x * c4)))
                h = x * (c0 + x * (h1 + x * (h2 + x * (h3 + x * h4)))) + c * (t - x)
                mass = w[7, i, p]
                tf = 0.5 * (t + w[2, i + 1, p])
                below = w[8, i, p] * (1.0 + w[10, 0, p] * tf * tf * tf)
                tf = 0.5 * (t + w[2, i - 1, p])
                above = w[8, i - 1, p] * (1.0 + w[10, 0, p] * tf * tf * tf)
                rhs = (
                    w[9, i, p]
                    - mass * (a0 * (h - c * t) + a1 * w[3, i, p] + a2 * w[4, i, p])
                    + below * w[5, i + 1, p]
                )
                inverse = 1.0 / (a0 * mass * c + below * (1.0 - w[6, i + 1, p]) + above)
                w[5, i, p] = rhs * inverse
                w[6, i, p] = above * inverse
        for p in range(LANES):
            t = w[2, 0, p]
            x = t if t > floor else floor
            c = c0 + x * (c1 + x * (c2 + x * (c3 + x * c4)))
            h = x * (c0 + x * (h1 + x * (h2 + x * (h3 + x * h4)))) + c * (t - x)
            mass = w[7, 0, p]
            tf = 0.5 * (t + w[2, 1, p])
            below = w[8, 0, p] * (1.0 + w[10, 0, p] * tf * tf * tf)
            rhs = (
                w[9, 0, p]
                - mass * (a0 * (h - c * t) + a1 * w[3, 0, p] + a2 * w[4, 0, p])
                + below * w[5, 1, p]
            )
            slope = a0 * mass * c + below * (1.0 - w[6, 1, p])
            for _ in range(4):
                cubed = w[10, 1, p] * t * t * t
                t += (rhs - (slope + cubed) * t) / (slope + 4.0 * cubed)
                t = t if t > 1.0 else 1.0
            w[1, 0, p] = w[0, 0, p]
            w[0, 0, p] = t
        for i in range(1, nodes):
            for p in range(LANES):
                w[1, i, p] = w[0, i, p]
                w[0, i, p] = w[5, i, p] + w[6, i, p] * w[0, i - 1, p]
        for p in range(LANES):
            surface[step, p] = w[0, 0, p]
        for i in range(nodes):
            for p in range(LANES):
                t = w[0, i, p]
                x = t if t > floor else floor
                c = c0 + x * (c1 + x * (c2 + x * (c3 + x * c4)))
                w[4, i, p] = w[3, i, p]
                w[3, i, p] = x * (c0 + x * (h1 + x * (h2 + x * (h3 + x * h4)))) + c * (t - x)
    for i in range(nodes):
        for p in range(LANES):
            end[i, p] = w[0, i, p]
    return 0.0
