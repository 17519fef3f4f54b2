"""The temperatures of a place at the times it was seen, and how they depend on the parameters.

Chebyshev series are summed, with their derivatives; the components become temperatures on the warped nodes, and those
are read off by cubic interpolation at the times observed. Where the Sun has just come or gone a bin's model is the mean
over several moments of it, or of the time in which the observation may have been made if that is longer. What
temperatures vary in that time is added to the variance.
"""

from __future__ import annotations

import math

import numpy as np

from nightside.physics.inversion_kernel.compiled import FAST, compiled
from nightside.physics.inversion_kernel.names import ALBEDO, LOG_H, ONSET, PARAMETERS, ROCK, SLOPE_NORTH
from nightside.physics.inversion_kernel.series import on_nodes, series_at, values_at
from nightside.physics.inversion_kernel.table import (
    cubic,
    log_radiance_of,
    place_in_table,
    temperature_of,
    warp,
)

_PARTS, _MANY_PARTS = 4, 16
_NEAR_H = 1.0
"""So near to sunrise or sunset a bin is divided into parts."""

_WIDE_H = 0.15
"""In a wider bin the curvature of the day counts: it has two parts."""

_SHORT_H = 0.02
"""In so short a time temperatures change evenly."""

_LARGEST_SPREAD_K = 200.0


@compiled(fastmath=FAST)
def model_day(setup, latitude, p, hours, work, out):  # type: ignore[no-untyped-def]
    """Fill ``out``: model and spread (times; K, K^2) and jacobian (times, 5); return whether A is in the table.

    ``setup`` is (table, bins, rocks): ``bins`` are the width of bins (0 is a moment) and the standard deviation of
    the moment of an observation about the middle, in hours; ``rocks`` says whether there are any. ``hours`` (times)
    are the middles of bins.
    """
    (table, (width, timing), rocks), (model, spread, jacobian) = setup, out
    window = max(width, timing * math.sqrt(12.0))
    group, components, nodes, x = work
    by_onset, by_slope, inside = place_in_table(table, latitude, p, x)
    late = p[ONSET] >= 0.0
    side, sign = (0, 1.0) if late else (1, -1.0)
    onset = abs(p[ONSET])
    series_at(table.soil[side], table.soil_degrees[side], x, table.width, group, components)
    on_nodes(components, 5, table.soil_basis[side], table.soil_mean[side], nodes[0])
    if rocks:
        series_at(table.rock[side], table.rock_degrees[side], x, table.width, group, components)
        on_nodes(components, 5, table.rock_basis[side], table.rock_mean[side], nodes[1])
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
            index, place, by_hour, moved = warp(hour, late, onset, table.day_nodes, nodes.shape[2])
            cubic(place, weight, slope)
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
                soil_log, soil_rise = log_radiance_of(t, table)
                rock_log, rock_rise = log_radiance_of(value[1, 0], table)
                soil, rock = math.exp(soil_log), math.exp(rock_log)
                mixed = (1.0 - fraction) * soil + fraction * rock
                t, by_log = temperature_of(math.log(mixed), table)
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


@compiled()
def scratch(table):  # type: ignore[no-untyped-def]
    """Return room for a model: groups of terms, components, temperatures on the nodes, and the place in the table."""
    k = max(table.soil.shape[2], table.rock.shape[2])
    nodes = table.soil_mean.shape[1]
    return np.empty((2, k)), np.empty((5, k)), np.empty((2, 5, nodes)), np.empty(4)


@compiled(fastmath=FAST)
def rough_day(table, latitude, p, hours, work, model):  # type: ignore[no-untyped-def]
    """Fill ``model`` (times) with the temperatures of ground without rocks in the middles of bins."""
    group, components, nodes, x = work
    place_in_table(table, latitude, p, x)
    late, onset = p[ONSET] >= 0.0, abs(p[ONSET])
    side = 0 if late else 1
    values_at(table.soil[side], table.soil_degrees[side], x, group, components)
    on_nodes(components, 1, table.soil_basis[side], table.soil_mean[side], nodes[0])
    for i in range(hours.size):
        index, place, _, _ = warp(hours[i], late, onset, table.day_nodes, nodes.shape[2])
        k = index + min(max(int(place), 0), 2)
        part = place - (k - index)
        model[i] = (1.0 - part) * nodes[0, 0, k] + part * nodes[0, 0, k + 1]
