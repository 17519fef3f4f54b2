"""Chebyshev series of the table: the components of a day's temperatures at a place in it, with their derivatives."""

from __future__ import annotations

import numpy as np

from nightside.physics.inversion_kernel.compiled import FAST, compiled
from nightside.physics.inversion_kernel.names import MAX_DEGREE


@compiled(fastmath=FAST)
def chebyshev(x, value, slope):  # type: ignore[no-untyped-def]
    """Fill ``value`` and ``slope`` (n) with T_k(x) and their derivatives."""
    n = value.size
    value[0], slope[0] = 1.0, 0.0
    if n > 1:
        value[1], slope[1] = x, 1.0
    for k in range(2, n):
        value[k] = 2.0 * x * value[k - 1] - value[k - 2]
        slope[k] = 2.0 * value[k - 1] + 2.0 * x * slope[k - 1] - slope[k - 2]


@compiled(fastmath=FAST)
def series_at(coefficients, degrees, x, widths, group, out):  # type: ignore[no-untyped-def]
    """Return in ``out`` (5, k) the components at ``x`` (4), each in -1 to 1, and their derivatives by the axes.

    Terms that differ in their last degree only follow each other and are added first, in ``group`` (2, k).
    """
    terms, count = coefficients.shape
    value, slope = np.empty((4, MAX_DEGREE)), np.empty((4, MAX_DEGREE))
    for axis in range(4):
        chebyshev(x[axis], value[axis], slope[axis])
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


@compiled(fastmath=FAST)
def values_at(coefficients, degrees, x, group, out):  # type: ignore[no-untyped-def]
    """Return in ``out[0]`` (k) the components at ``x`` without derivatives; else as :func:`series_at`."""
    terms, count = coefficients.shape
    value, slope = np.empty((4, MAX_DEGREE)), np.empty((4, MAX_DEGREE))
    for axis in range(4):
        chebyshev(x[axis], value[axis], slope[axis])
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


@compiled(fastmath=FAST)
def on_nodes(components, rows, basis, mean, out):  # type: ignore[no-untyped-def]
    """Return in ``out`` (rows, nodes) temperatures and, with rows of 5, their derivatives on the warped nodes."""
    for q in range(rows):
        for j in range(mean.size):
            out[q, j] = mean[j] if q == 0 else 0.0
        for k in range(basis.shape[0]):
            c = components[q, k]
            for j in range(mean.size):
                out[q, j] += c * basis[k, j]
