"""The tangent-linear day, compiled: how the periodic state changes with its parameters.

The equations are the derivative of the steps of :func:`nightside.physics.column.day`, term by term, about a
periodic day. Directions, along the midnight temperature of each node and along each parameter, are stepped
together: the innermost loops run across ``WIDTH`` of them, with the coefficients of one place. With J the
derivative of the midnight profile by the one before, and b that by a parameter, the periodic profile changes by
(I - J)^-1 b (the implicit function theorem), and the surface with it.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

WIDTH = 32
"""Directions stepped together: 22 nodes and 8 parameters fit."""

_MAX_NODES = 127
_GROUP = 8

# Planes of the directions; the last has a row for each effect of a parameter on the whole place.
_NOW, _BEFORE, _ALPHA, _FLUX, _BY_CAPACITY, _BY_CONDUCTANCE, _BY_PLACE = 0, 1, 2, 3, 4, 5, 6
_CHI, _EMISSION, _SUNLIGHT = 0, 1, 2

# Rows of the coefficients of a step: of the elimination, of the cells, and of the faces below them.
_INVERSE, _BETA, _BELOW = 0, 1, 2
_OF_NOW, _OF_BEFORE, _OF_CAPACITY = 3, 4, 5
_OF_CONDUCTANCE, _OF_CHI, _OF_FACE = 6, 7, 8
_AHEAD = 9

_FLOAT_MODEL = {"contract", "nsz", "arcp"}


@njit(cache=True, fastmath=_FLOAT_MODEL, error_model="numpy")
def _enthalpy(t, ground):  # type: ignore[no-untyped-def]
    """Return the enthalpy (J kg-1), the heat capacity and its derivative, as in ``column``."""
    c0, c1, c2, c3, c4 = ground[3], ground[4], ground[5], ground[6], ground[7]
    x = max(t, ground[2])
    capacity = c0 + x * (c1 + x * (c2 + x * (c3 + x * c4)))
    heat = x * (c0 + x * (c1 / 2 + x * (c2 / 3 + x * (c3 / 4 + x * (c4 / 5)))))
    slope = c1 + x * (2.0 * c2 + x * (3.0 * c3 + x * 4.0 * c4)) if t > ground[2] else 0.0
    return heat + capacity * (t - x), capacity, slope


@njit(cache=True, fastmath=_FLOAT_MODEL, error_model="numpy")
def _linearise(now, before, new, mass, conductance, emission, ground, length, ratio, c):  # type: ignore[no-untyped-def]
    """Fill the rows of ``c`` with what a step multiplies directions by, and return the surface's inverse."""
    nodes = now.size
    rate = 1.0 / (length * (1.0 + ratio))
    a0, a1, a2 = (1.0 + 2.0 * ratio) * rate, -(1.0 + ratio) * (1.0 + ratio) * rate, ratio * ratio * rate
    chi = ground[0]
    for i in range(nodes):
        ahead = now[i] + ratio * (now[i] - before[i])
        heat, capacity, slope = _enthalpy(ahead, ground)
        heat_now, capacity_now, _ = _enthalpy(now[i], ground)
        heat_before, capacity_before, _ = _enthalpy(before[i], ground)
        bent = a0 * mass[i] * slope * (new[i] - ahead)
        c[_AHEAD, i] = ahead
        c[_OF_NOW, i] = (1.0 + ratio) * bent + a1 * mass[i] * capacity_now
        c[_OF_BEFORE, i] = -ratio * bent + a2 * mass[i] * capacity_before
        c[_OF_CAPACITY, i] = a0 * (heat + capacity * (new[i] - ahead)) + a1 * heat_now + a2 * heat_before
        c[_INVERSE, i] = a0 * mass[i] * capacity
    for i in range(nodes - 1):
        face = 0.5 * (c[_AHEAD, i] + c[_AHEAD, i + 1])
        drop = new[i] - new[i + 1]
        c[_BELOW, i] = conductance[i] * (1.0 + chi * face * face * face)
        c[_OF_CONDUCTANCE, i] = (1.0 + chi * face * face * face) * drop
        c[_OF_CHI, i] = conductance[i] * face * face * face * drop
        c[_OF_FACE, i] = 1.5 * chi * conductance[i] * face * face * drop
    c[_BELOW, nodes - 1] = 0.0
    c[_BETA, nodes] = 0.0
    for j in range(nodes - 1):
        i = nodes - 1 - j
        above = c[_BELOW, i - 1]
        c[_INVERSE, i] = 1.0 / (c[_INVERSE, i] + c[_BELOW, i] * (1.0 - c[_BETA, i + 1]) + above)
        c[_BETA, i] = above * c[_INVERSE, i]
    slope = c[_INVERSE, 0] + c[_BELOW, 0] * (1.0 - c[_BETA, 1])
    c[_INVERSE, 0] = 1.0 / (slope + 4.0 * emission * new[0] ** 3)


@njit(cache=True, fastmath=_FLOAT_MODEL, error_model="numpy")
def _step(v, c, nodes, surface, ratio):  # type: ignore[no-untyped-def]
    """Carry the directions ``v`` through a step; the surface's new temperature is ``surface``."""
    for i in range(nodes - 1):
        of_conductance, of_chi, of_face = c[_OF_CONDUCTANCE, i], c[_OF_CHI, i], c[_OF_FACE, i]
        for k in range(WIDTH):
            faces = (1.0 + ratio) * (v[_NOW, i, k] + v[_NOW, i + 1, k])
            faces -= ratio * (v[_BEFORE, i, k] + v[_BEFORE, i + 1, k])
            v[_FLUX, i, k] = (
                of_conductance * v[_BY_CONDUCTANCE, i, k] + of_chi * v[_BY_PLACE, _CHI, k] + of_face * faces
            )
    for j in range(nodes - 1):
        i = nodes - 1 - j
        of_capacity, of_now, of_before = c[_OF_CAPACITY, i], c[_OF_NOW, i], c[_OF_BEFORE, i]
        below, inverse = c[_BELOW, i], c[_INVERSE, i]
        for k in range(WIDTH):
            right = v[_FLUX, i - 1, k] - v[_FLUX, i, k] + below * v[_ALPHA, i + 1, k]
            right -= (
                of_capacity * v[_BY_CAPACITY, i, k] + of_now * v[_NOW, i, k] + of_before * v[_BEFORE, i, k]
            )
            v[_ALPHA, i, k] = right * inverse
    of_capacity, of_now, of_before = c[_OF_CAPACITY, 0], c[_OF_NOW, 0], c[_OF_BEFORE, 0]
    below, inverse, fourth = c[_BELOW, 0], c[_INVERSE, 0], surface**4
    for k in range(WIDTH):
        right = v[_BY_PLACE, _SUNLIGHT, k] - fourth * v[_BY_PLACE, _EMISSION, k]
        right += below * v[_ALPHA, 1, k] - v[_FLUX, 0, k]
        right -= of_capacity * v[_BY_CAPACITY, 0, k] + of_now * v[_NOW, 0, k] + of_before * v[_BEFORE, 0, k]
        v[_BEFORE, 0, k] = v[_NOW, 0, k]
        v[_NOW, 0, k] = right * inverse
    for i in range(1, nodes):
        beta = c[_BETA, i]
        for k in range(WIDTH):
            v[_BEFORE, i, k] = v[_NOW, i, k]
            v[_NOW, i, k] = v[_ALPHA, i, k] + beta * v[_NOW, i - 1, k]


@njit(cache=True, error_model="numpy", parallel=True)
def sensitivities(  # type: ignore[no-untyped-def]
    columns, daylight, days, by_capacity, by_conductance, by_place, by_sunlight, first_of, weights
):
    """Return the derivatives (n, m, p) of periodic surface temperatures by p parameters.

    ``columns`` is :class:`nightside.physics.periodic.Columns`, ``daylight`` its
    :class:`nightside.physics.sunlight.Daylight`; ``days`` (n, steps + 1, nodes) are their periodic days in K.
    The derivatives of the columns by the parameters are ``by_capacity`` (p, nodes, n), ``by_conductance``
    (p, nodes - 1, n), ``by_place`` (2, p) of chi / 350^3 and the emission, and ``by_sunlight`` (n, steps, p).
    ``first_of`` and ``weights`` are those of ``sunlight.locate``. NaN in a day gives NaN.
    """
    places, steps, nodes = days.shape[0], days.shape[1] - 1, days.shape[2]
    parameters = by_place.shape[1]
    directions = nodes + parameters
    lanes = daylight.flux.shape[2]
    out = np.full((places, first_of.shape[1], parameters), np.nan)
    for group in prange((places + _GROUP - 1) // _GROUP):
        v, c = np.zeros((7, _MAX_NODES + 1, WIDTH)), np.zeros((10, _MAX_NODES + 1))
        surface, end = np.empty((steps, directions)), np.empty((nodes, directions))
        for place in range(group * _GROUP, min((group + 1) * _GROUP, places)):
            day, block, lane = days[place], place // lanes, place % lanes
            if not np.isfinite(day[0]).all():
                continue
            for low in range(0, directions, WIDTH):
                many = min(WIDTH, directions - low)
                v[:] = 0.0
                for k in range(many):
                    if low + k < nodes:
                        v[_NOW, low + k, k] = 1.0
                        v[_BEFORE, low + k, k] = 1.0
                        continue
                    q = low + k - nodes
                    v[_BY_PLACE, _CHI, k] = by_place[_CHI, q]
                    v[_BY_PLACE, _EMISSION, k] = by_place[_EMISSION, q]
                    for i in range(nodes):
                        v[_BY_CAPACITY, i, k] = by_capacity[q, i, place]
                    for i in range(nodes - 1):
                        v[_BY_CONDUCTANCE, i, k] = by_conductance[q, i, place]
                for step in range(steps):
                    length, ratio = daylight.length[block, step, lane], daylight.ratio[block, step, lane]
                    for k in range(max(nodes - low, 0), many):
                        v[_BY_PLACE, _SUNLIGHT, k] = by_sunlight[place, step, low + k - nodes]
                    _linearise(
                        day[step], day[max(step - 1, 0)], day[step + 1], columns.capacity[:, place],
                        columns.conductance[:, place], columns.emission[place], columns.ground, length, ratio, c,
                    )  # fmt: skip
                    _step(v, c, nodes, day[step + 1, 0], ratio)
                    for k in range(many):
                        surface[step, low + k] = v[_NOW, 0, k]
                for i in range(nodes):
                    for k in range(many):
                        end[i, low + k] = v[_NOW, i, k]
            midnight = np.linalg.solve(np.eye(nodes) - end[:, :nodes], end[:, nodes:].copy())
            for m in range(first_of.shape[1]):
                out[place, m] = 0.0
                for j in range(4):
                    at, weight = (first_of[place, m] + j) % steps, weights[place, m, j]
                    for q in range(parameters):
                        total = surface[at, nodes + q]
                        for i in range(nodes):
                            total += surface[at, i] * midnight[i, q]
                        out[place, m, q] += weight * total
    return out
