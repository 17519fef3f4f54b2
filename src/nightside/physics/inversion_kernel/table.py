"""Where a place lies in the table, where an hour lies in its day, and what radiance a temperature has."""

from __future__ import annotations

import math

import numpy as np

from nightside.physics.inversion_kernel.compiled import FAST, compiled
from nightside.physics.inversion_kernel.names import ALBEDO, LOG_H, MAX_DEGREE, ONSET, SLOPE_NORTH
from nightside.physics.inversion_kernel.series import chebyshev

_RADIANS_PER_HOUR = math.pi / 12.0


@compiled(fastmath=FAST)
def warp(hour, late, onset, day_nodes, nodes):  # type: ignore[no-untyped-def]
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


@compiled(fastmath=FAST)
def cubic(z, weight, slope):  # type: ignore[no-untyped-def]
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


@compiled(fastmath=FAST)
def log_radiance_of(t, table):  # type: ignore[no-untyped-def]
    """Return log radiance and its derivative by temperature."""
    x = (t - table.coldest) / table.kelvin
    k = min(max(int(x), 0), table.log_radiance.size - 2)
    rise = table.log_radiance[k + 1] - table.log_radiance[k]
    return table.log_radiance[k] + (x - k) * rise, rise / table.kelvin


@compiled(fastmath=FAST)
def temperature_of(log_radiance, table):  # type: ignore[no-untyped-def]
    """Return temperature and its derivative by log radiance."""
    x = (log_radiance - table.faintest) / table.faint
    k = min(max(int(x), 0), table.temperature.size - 2)
    rise = table.temperature[k + 1] - table.temperature[k]
    return table.temperature[k] + (x - k) * rise, rise / table.faint


@compiled(fastmath=FAST)
def amplitude_of(latitude, onset, slope_north):  # type: ignore[no-untyped-def]
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


@compiled(fastmath=FAST)
def place_in_table(table, latitude, p, x):  # type: ignore[no-untyped-def]
    """Fill ``x`` (4) with the place in the table; return its derivatives of A, and whether A is within the table."""
    amplitude, by_onset, by_slope = amplitude_of(latitude, p[ONSET], p[SLOPE_NORTH])
    values = (abs(p[ONSET]), amplitude, p[ALBEDO], p[LOG_H])
    inside = True
    for axis in range(4):
        at = 2.0 * (values[axis] - table.low[axis]) / table.width[axis] - 1.0
        x[axis] = min(max(at, -1.0), 1.0)
        if axis == 1 and not abs(at) < 1.0 + 1e-6:
            inside = False
    return by_onset, by_slope, inside


@compiled()
def absorbed_flux(table, latitude, p, slopes):  # type: ignore[no-untyped-def]
    """Return the absorbed flux, W m-2, and fill its derivatives by the parameters (5)."""
    x = np.empty(4)
    by_onset, by_slope, _ = place_in_table(table, latitude, p, x)
    side, sign = (0, 1.0) if p[ONSET] >= 0.0 else (1, -1.0)
    series = table.flux[side]
    value, slope = np.empty((3, MAX_DEGREE)), np.empty((3, MAX_DEGREE))
    for axis in range(3):
        chebyshev(x[axis], value[axis], slope[axis])
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
