"""The sunlight that facets absorb at the steps of a day, compiled, with its derivatives.

The law is that of :mod:`nightside.physics.illumination`; the argument ``columns`` is
:class:`nightside.physics.periodic.Columns`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

_SUNRISE_SAMPLES = 16


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
def _absorbed_slope(mu, albedo, cubic, eighth):  # type: ignore[no-untyped-def]
    """Return the derivatives of :func:`_absorbed` by mu and by the albedo."""
    per_45 = math.acos(min(mu, 1.0)) * (4.0 / math.pi)
    per_90_squared = 0.25 * per_45 * per_45
    a = albedo + cubic * per_45**3 + eighth * per_90_squared**4
    if mu <= 0.0 or a >= 1.0:
        return 0.0, 0.0
    # Both powers vanish faster than the sine of the incidence, which is the derivative of -mu.
    sine = math.sqrt(max(1.0 - mu * mu, 1e-24))
    rise = (4.0 / math.pi) * (3.0 * cubic * per_45**2 + 8.0 * eighth * per_90_squared**4 / max(per_45, 1e-12))
    return 1.0 - a + mu * rise / sine, -mu


@njit(cache=True, error_model="numpy")
def _cosine(columns, place, cos_h, sin_h):  # type: ignore[no-untyped-def]
    """Return the cosine of incidence on the facet, 0 where it is dark, at an hour angle."""
    mu = columns.facet[0, place] + columns.facet[1, place] * cos_h + columns.facet[2, place] * sin_h
    height = columns.sphere[0, place] + columns.sphere[1, place] * cos_h
    directions = columns.horizon.shape[1]
    if directions:
        north = columns.compass[0, place] + columns.compass[1, place] * cos_h
        east = columns.compass[2, place] * sin_h
        position = math.atan2(east, north) % (2.0 * math.pi) * (directions / (2.0 * math.pi))
        k = int(position)
        left = columns.horizon[place, k % directions]
        right = columns.horizon[place, (k + 1) % directions]
        height -= math.sin(left + (position - k) * (right - left))
    return mu if mu > 0.0 and height > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def _half_steps(steps):  # type: ignore[no-untyped-def]
    """Return cosine and sine (2 steps + 1, 2) of the hour angle from half a step after midnight, each half step."""
    trig = np.empty((2 * steps + 1, 2))
    for k in range(2 * steps + 1):
        h = -math.pi + (k + 1) * math.pi / steps
        trig[k, 0], trig[k, 1] = math.cos(h), math.sin(h)
    return trig


@njit(cache=True, error_model="numpy")
def _light_place(columns, place, trig, flux, gradient):  # type: ignore[no-untyped-def]
    """Fill ``flux`` (steps) and, unless it is empty, ``gradient`` (steps, 4) of one place."""
    albedo, cubic, eighth = columns.albedo[place], columns.albedo_cubic, columns.albedo_eighth
    steps = flux.size
    width = 2.0 * math.pi / steps
    lit = _cosine(columns, place, trig[0, 0], trig[0, 1]) > 0.0
    for step in range(steps):
        was_lit = lit
        lit = _cosine(columns, place, trig[2 * step + 2, 0], trig[2 * step + 2, 1]) > 0.0
        samples = 1
        if lit != was_lit:
            highest = 0.0
            for k in range(_SUNRISE_SAMPLES):
                x = -math.pi + width * (step + 0.5 + (k + 0.5) / _SUNRISE_SAMPLES)
                highest = max(highest, _cosine(columns, place, math.cos(x), math.sin(x)))
            # The cosine changes by at most ``width`` in a step, unless the horizon lets the Sun in at once.
            if highest > width:
                samples = _SUNRISE_SAMPLES
        weight = columns.sunlight / samples
        flux[step] = 0.0
        for k in range(samples):
            x = -math.pi + width * (step + 0.5 + (k + 0.5) / samples)
            cos_h = trig[2 * step + 1, 0] if samples == 1 else math.cos(x)
            sin_h = trig[2 * step + 1, 1] if samples == 1 else math.sin(x)
            mu = _cosine(columns, place, cos_h, sin_h)
            flux[step] += weight * _absorbed(mu, albedo, cubic, eighth)
            if gradient.size:
                by_mu, by_albedo = _absorbed_slope(mu, albedo, cubic, eighth)
                gradient[step, 0] += weight * by_albedo
                gradient[step, 1] += weight * by_mu
                gradient[step, 2] += weight * by_mu * cos_h
                gradient[step, 3] += weight * by_mu * sin_h


@njit(cache=True, error_model="numpy", parallel=True)
def step_sunlight(columns, steps, lanes):  # type: ignore[no-untyped-def]
    """Return the absorbed sunlight (blocks, steps, lanes), W m-2, of blocks of ``lanes`` places.

    Each value belongs to the end of a step. Where the horizon lets the Sun in, or shuts it off, at once within
    half a step of it, the value is the mean over that time: the day's energy does not depend on where steps fall.
    The last block is filled up with copies of the last place.
    """
    places = columns.albedo.shape[0]
    blocks = (places + lanes - 1) // lanes
    out = np.empty((blocks, steps, lanes))
    trig = _half_steps(steps)
    for block in prange(blocks):
        flux, nothing = np.empty(steps), np.empty((0, 4))
        for p in range(lanes):
            _light_place(columns, min(block * lanes + p, places - 1), trig, flux, nothing)
            out[block, :, p] = flux
    return out


@njit(cache=True, error_model="numpy", parallel=True)
def sunlight_gradient(columns, steps):  # type: ignore[no-untyped-def]
    """Return the derivatives (n, steps, 4) of :func:`step_sunlight`, W m-2.

    By the albedo, and by the three terms of the facet's hour-angle series; exact for the values as they are
    computed, and so one-sided where the Sun rises at the very end of a step.
    """
    places = columns.albedo.shape[0]
    out = np.zeros((places, steps, 4))
    trig = _half_steps(steps)
    for place in prange(places):
        _light_place(columns, place, trig, np.empty(steps), out[place])
    return out
