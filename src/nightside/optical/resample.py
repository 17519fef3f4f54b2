"""Values of an image between its pixels, or averaged over several, with their standard deviation.

The weights are those of the cubic convolution of Keys (1981, a = -1/2), which interpolates where a pixel of the map is
as fine as one of the image. Where it is coarser the kernel is stretched to its size, so that all pixels below it
are averaged, instead of aliased.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

SATURATED, MISSING, NO_DATA = 1, 2, 4
"""Bits of a mask."""

REACH = 2.0
"""Of the kernel, in pixels of the image or, where it is stretched, of the map."""

_LEAST_WEIGHT = 0.5
"""The share of the kernel's weight that good pixels must have."""


@njit(cache=True, error_model="numpy")
def cubic(t: float) -> float:
    """Return the kernel of Keys at distance t."""
    t = abs(t)
    if t < 1.0:
        return (1.5 * t - 2.5) * t * t + 1.0
    if t < 2.0:
        return ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    return 0.0


@njit(cache=True, error_model="numpy", parallel=True)
def resample(
    signal: NDArray[np.float32],
    std: NDArray[np.float32],
    mask: NDArray[np.uint8],
    first_line: int,
    line: NDArray[np.float64],
    sample: NDArray[np.float64],
    line_step: NDArray[np.float64],
    sample_step: NDArray[np.float64],
    correlation: float,
    out_signal: NDArray[np.float32],
    out_std: NDArray[np.float32],
    out_mask: NDArray[np.uint8],
) -> None:
    """Fill the outputs, shape (point,), with the signal at lines and samples; NaN where the mask is not 0.

    The variance is ``(1 - correlation) sum(w^2 s^2) + correlation (sum w s)^2`` for weights w of sum 1: errors of which
    each pair is correlated so.

    Args:
        signal: lines from ``first_line`` on, whole, shape (line, sample).
        std: its standard deviation.
        mask: 0 where it is good.
        first_line: of the image.
        line: where, shape (point,); NaN gives NO_DATA.
        sample: where.
        line_step: lines from one pixel of the map to the next; below 1 counts as 1.
        sample_step: samples from one pixel of the map to the next.
        correlation: of errors, 0 to 1.
        out_signal: filled.
        out_std: filled.
        out_mask: filled: the bits of the nearest pixel; NO_DATA beyond the image, or where too few pixels are good.
    """
    lines, samples = signal.shape
    for i in prange(line.size):
        out_signal[i] = out_std[i] = math.nan
        out_mask[i] = NO_DATA
        if not (math.isfinite(line[i]) and math.isfinite(sample[i])):
            continue
        at_line, at_sample = line[i] - first_line, sample[i]
        row, column = math.floor(at_line + 0.5), math.floor(at_sample + 0.5)
        if row < 0 or row >= lines or column < 0 or column >= samples:
            continue
        if mask[row, column] != 0:
            out_mask[i] = mask[row, column]
            continue
        wide_line, wide_sample = max(line_step[i], 1.0), max(sample_step[i], 1.0)
        top, left = math.ceil(at_line - 2.0 * wide_line), math.ceil(at_sample - 2.0 * wide_sample)
        bottom, right = math.floor(at_line + 2.0 * wide_line), math.floor(at_sample + 2.0 * wide_sample)
        across = np.empty(right - left + 1)
        every_across = 0.0
        for k in range(right - left + 1):
            across[k] = cubic((left + k - at_sample) / wide_sample)
            every_across += across[k]
        every, good, total, variance, linear = 0.0, 0.0, 0.0, 0.0, 0.0
        for m in range(top, bottom + 1):
            down = cubic((m - at_line) / wide_line)
            every += down * every_across
            if m < 0 or m >= lines or down == 0.0:
                continue
            for n in range(max(left, 0), min(right, samples - 1) + 1):
                if mask[m, n] == 0:
                    weight = down * across[n - left]
                    error = weight * std[m, n]
                    good += weight
                    total += weight * signal[m, n]
                    variance += error * error
                    linear += error
        if good >= _LEAST_WEIGHT * every:
            out_signal[i] = total / good
            out_std[i] = math.sqrt((1.0 - correlation) * variance + correlation * linear * linear) / good
            out_mask[i] = 0
