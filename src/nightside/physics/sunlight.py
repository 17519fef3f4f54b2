"""The steps of a day and the sunlight that facets absorb at their ends, compiled, with its derivatives.

The law is that of :mod:`nightside.physics.illumination`; the argument ``columns`` is
:class:`nightside.physics.periodic.Columns`.

**Steps.** Where the Sun comes over the horizon and already faces a slope, absorbed sunlight jumps, and so does the
rate at which the surface warms; where it sets before a slope the same. No step may contain a jump: a step ends at
each place's own sunrise and another at its sunset, with the sunlight of the moment before, and short steps that grow
follow either. They depend on latitude, season and terrain, which no derivative is taken by, and not on the slope:
level ground has the same, and temperatures are smooth functions of the slope.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

SPAN, EXTRA, GROWTH = 5, 18, 1.25
"""The first ``SPAN`` steps after sunrise, and after sunset, are ``SPAN`` + ``EXTRA`` that grow by ``GROWTH``, from 40 s
of the Moon's day. Ten parts that double leave 9 K of error after a sunrise, these 0.7 K."""

_SUNRISE_SAMPLES = 16
_JUST_BEFORE = 1e-9  # of a jump, in radians of the hour angle
_SHORTEST = 1e-6  # time between sunrise, sunset and midnight, in radians
_BISECTIONS = 48


class Daylight(NamedTuple):
    """The steps of blocks of places, and their sunlight: each (blocks, steps, lanes).

    ``flux``: absorbed sunlight at the end of each step, W m-2, just before it where it jumps then. ``length`` of the
    step, s. ``ratio`` of that to the length of the step before; 0 where the step is to forget what was before it.
    """

    flux: NDArray[np.float64]
    length: NDArray[np.float64]
    ratio: NDArray[np.float64]


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
def _height(columns, place, cos_h, sin_h):  # type: ignore[no-untyped-def]
    """Return the sine of the Sun's height above the horizon, or above level ground less that of the terrain."""
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
    return height


@njit(cache=True, error_model="numpy")
def _cosine(columns, place, cos_h, sin_h):  # type: ignore[no-untyped-def]
    """Return the cosine of incidence on the facet, 0 where it is dark, at an hour angle."""
    mu = columns.facet[0, place] + columns.facet[1, place] * cos_h + columns.facet[2, place] * sin_h
    return mu if mu > 0.0 and _height(columns, place, cos_h, sin_h) > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def _sunrise_and_sunset(columns, place, steps):  # type: ignore[no-untyped-def]
    """Return the hour angles of the day's first sunrise and last sunset; those of the equinox if there are none."""
    rise, fall = _first_and_last(columns, place, steps)
    if not (abs(fall - rise) > _SHORTEST and max(abs(rise), abs(fall)) < math.pi - _SHORTEST):
        return -0.5 * math.pi, 0.5 * math.pi
    return rise, fall


@njit(cache=True, error_model="numpy")
def _first_and_last(columns, place, steps):  # type: ignore[no-untyped-def]
    """Return the hour angles of the first sunrise and the last sunset, both 0 if there are none."""
    rise, fall = 0.0, 0.0
    if not columns.horizon.shape[1]:
        constant, amplitude = columns.sphere[0, place], columns.sphere[1, place]
        half_day = math.acos(min(max(-constant / amplitude, -1.0), 1.0)) if amplitude > 0.0 else 0.0
        return -half_day, half_day
    width, found = 2.0 * math.pi / steps, False
    was_up = _height(columns, place, -1.0, 0.0) > 0.0
    for step in range(steps):
        high = -math.pi + (step + 1) * width
        up = _height(columns, place, math.cos(high), math.sin(high)) > 0.0
        if up != was_up and not (up and found):
            low = high - width
            for _ in range(_BISECTIONS):
                middle = 0.5 * (low + high)
                if (_height(columns, place, math.cos(middle), math.sin(middle)) > 0.0) == up:
                    high = middle
                else:
                    low = middle
            if up:
                rise, found = high, True
            else:
                fall = high
        was_up = up
    return rise, fall


@njit(cache=True, error_model="numpy")
def _lay_steps(rise, fall, steps, mesh):  # type: ignore[no-untyped-def]
    """Fill ``mesh`` (5, steps + 2 EXTRA): hour angle of the ends, its cosine and sine, length (rad) and ratio.

    Returns the two steps that end at ``rise`` and ``fall``, in the order of time.
    """
    first, second = min(rise, fall), max(rise, fall)
    low = min(max(round((first + math.pi) * steps / (2.0 * math.pi)), 1), steps - 2)
    high = min(max(round((second + math.pi) * steps / (2.0 * math.pi)), low + 1), steps - 1)
    k, bounds, counts = 0, (-math.pi, first, second, math.pi), (low, high - low, steps - high)
    for part in range(3):
        width = (bounds[part + 1] - bounds[part]) / counts[part]
        # The first ``span`` steps after a jump are divided anew, into parts that grow.
        span = min(SPAN, counts[part]) if part else 0
        parts = span + EXTRA if part else 0
        before = 0.0
        for step in range(counts[part] + parts - span):
            if step < parts:
                end = span * (GROWTH ** (step + 1) - 1.0) / (GROWTH**parts - 1.0)
            else:
                end = step + 1.0 + span - parts
            mesh[0, k] = bounds[part] + width * end
            mesh[3, k] = mesh[0, k] - (mesh[0, k - 1] if step else bounds[part])
            mesh[4, k] = mesh[3, k] / before if step else 0.0
            before = mesh[3, k]
            k += 1
    at = (low - 1, high + EXTRA - 1)
    for k in range(mesh.shape[1]):
        x = mesh[0, k] - (_JUST_BEFORE if k == at[0] or k == at[1] else 0.0)
        mesh[1, k], mesh[2, k] = math.cos(x), math.sin(x)
    return at


@njit(cache=True, error_model="numpy")
def _light_place(columns, place, mesh, at, flux, gradient):  # type: ignore[no-untyped-def]
    """Fill ``flux`` (steps) and, unless it is empty, ``gradient`` (steps, 4) of one place."""
    albedo, cubic, eighth = columns.albedo[place], columns.albedo_cubic, columns.albedo_eighth
    # Read once: a call that hands all of ``columns`` on costs more than the cosine.
    facet, facet_cos, facet_sin = columns.facet[0, place], columns.facet[1, place], columns.facet[2, place]
    sky, sky_cos = columns.sphere[0, place], columns.sphere[1, place]
    terrain, lit = columns.horizon.shape[1] > 0, False
    for step in range(flux.size):
        samples, end, width = 1, mesh[0, step], mesh[3, step]
        if terrain:
            # Only terrain hides the Sun between sunrise and sunset, where no step ends.
            was_lit = lit
            if abs(mesh[4, step] - 1.0) > 1e-6:
                x = end - 0.5 * width
                was_lit = _cosine(columns, place, math.cos(x), math.sin(x)) > 0.0
            x = end + 0.5 * width
            lit = _cosine(columns, place, math.cos(x), math.sin(x)) > 0.0
            if lit != was_lit and step != at[0] and step != at[1]:
                highest = 0.0
                for k in range(_SUNRISE_SAMPLES):
                    x = end + width * ((k + 0.5) / _SUNRISE_SAMPLES - 0.5)
                    highest = max(highest, _cosine(columns, place, math.cos(x), math.sin(x)))
                # The cosine changes by at most ``width`` in a step, unless the horizon lets the Sun in at once.
                if highest > width:
                    samples = _SUNRISE_SAMPLES
        weight = columns.sunlight / samples
        flux[step] = 0.0
        for k in range(samples):
            cos_h, sin_h = mesh[1, step], mesh[2, step]
            if samples > 1:
                x = end + width * ((k + 0.5) / samples - 0.5)
                cos_h, sin_h = math.cos(x), math.sin(x)
            mu = facet + facet_cos * cos_h + facet_sin * sin_h
            if (
                mu <= 0.0
                or (_height(columns, place, cos_h, sin_h) if terrain else sky + sky_cos * cos_h) <= 0.0
            ):
                mu = 0.0
            flux[step] += weight * _absorbed(mu, albedo, cubic, eighth)
            if gradient.size:
                by_mu, by_albedo = _absorbed_slope(mu, albedo, cubic, eighth)
                gradient[step, 0] += weight * by_albedo
                gradient[step, 1] += weight * by_mu
                gradient[step, 2] += weight * by_mu * cos_h
                gradient[step, 3] += weight * by_mu * sin_h


@njit(cache=True, error_model="numpy", parallel=True)
def step_sunlight(columns, steps, lanes):  # type: ignore[no-untyped-def]
    """Return the :class:`Daylight` of blocks of ``lanes`` places, in ``steps`` + 2 ``EXTRA`` steps.

    Where terrain lets the Sun in, or shuts it off, at once between sunrise and sunset, a step's flux is the mean over
    the time within half a step of its end: the day's energy does not depend on where steps fall. The last block is
    filled up with copies of the last place.
    """
    places = columns.albedo.shape[0]
    blocks = (places + lanes - 1) // lanes
    shape = (blocks, steps + 2 * EXTRA, lanes)
    out, length, ratio = np.empty(shape), np.empty(shape), np.empty(shape)
    for block in prange(blocks):
        flux, mesh, nothing = np.empty(shape[1]), np.empty((5, shape[1])), np.empty((0, 4))
        laid, at = (np.nan, np.nan), (0, 0)
        for p in range(lanes):
            place = min(block * lanes + p, places - 1)
            sun = _sunrise_and_sunset(columns, place, steps)
            if sun != laid:
                laid, at = sun, _lay_steps(sun[0], sun[1], steps, mesh)
            _light_place(columns, place, mesh, at, flux, nothing)
            out[block, :, p] = flux
            length[block, :, p] = mesh[3] * (columns.day_s / (2.0 * math.pi))
            ratio[block, :, p] = mesh[4]
    return Daylight(out, length, ratio)


@njit(cache=True, error_model="numpy", parallel=True)
def sunlight_gradient(columns, steps):  # type: ignore[no-untyped-def]
    """Return the derivatives (n, steps + 2 EXTRA, 4) of the flux of :func:`step_sunlight`, W m-2.

    By the albedo, and by the three terms of the facet's hour-angle series; exact for the values as they are
    computed.
    """
    places, count = columns.albedo.shape[0], steps + 2 * EXTRA
    out = np.zeros((places, count, 4))
    for place in prange(places):
        mesh = np.empty((5, count))
        sun = _sunrise_and_sunset(columns, place, steps)
        at = _lay_steps(sun[0], sun[1], steps, mesh)
        _light_place(columns, place, mesh, at, np.empty(count), out[place])
    return out


@njit(cache=True, error_model="numpy", parallel=True)
def locate(length, ratio, places, instants_s):  # type: ignore[no-untyped-def]
    """Return (first, weights), (n, m) and (n, m, 4): how temperatures at instants follow from those at ends of steps.

    ``length`` and ``ratio`` (blocks, steps, lanes) are those of :class:`Daylight`; ``instants_s`` (m) are seconds after
    midnight, from 0 to less than a day. The weights are those of the ends of four steps in a row, modulo the steps of a
    day, from ``first``; an instant lies in the third of them. They make the cubic through the four, but that what lies
    beyond a step at which the past is forgotten has no weight: nothing is interpolated across a jump of the sunlight,
    and the temperature at a jump is that to which the time before it leads.
    """
    lanes, steps = length.shape[2], length.shape[1]
    first = np.empty((places, instants_s.size), np.int64)
    weights = np.zeros((places, instants_s.size, 4))
    for place in prange(places):
        lengths = length[place // lanes, :, place % lanes]
        ratios = ratio[place // lanes, :, place % lanes]
        ends, at = np.cumsum(lengths), np.empty(4)
        for m in range(instants_s.size):
            k = min(np.searchsorted(ends, instants_s[m]), steps - 1)
            first[place, m] = (k - 2) % steps
            # Times from the end of the step, and which of the four count.
            x = min(instants_s[m] - ends[k], 0.0)
            at[0], at[1], at[2], at[3] = (
                -lengths[k] - lengths[k - 1],
                -lengths[k],
                0.0,
                lengths[(k + 1) % steps],
            )
            low, high = 0 if ratios[k] > 0.0 else 1, 4 if ratios[(k + 1) % steps] > 0.0 else 3
            for i in range(low, high):
                weight = 1.0
                for j in range(low, high):
                    if j != i:
                        weight *= (x - at[j]) / (at[i] - at[j])
                weights[place, m, i] = weight
    return first, weights
