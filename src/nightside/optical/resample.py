"""Values of an image between its pixels, or averaged over several, with their standard deviation.

The weights are those of the cubic convolution of Keys (1981, a = -1/2), which interpolates where a pixel of the map is
as fine as one of the image. Where it is coarser the kernel is stretched to its size, so that all pixels below it
are averaged, instead of aliased.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

SATURATED, MISSING, NO_DATA = 1, 2, 4
"""Bits of a mask."""

REACH = 2.0
"""Of the kernel, in pixels of the image or, where it is stretched, of the map."""

_LEAST_WEIGHT = 0.5
"""The share of the kernel's weight that good pixels must have."""


class ErrorCorrelation(NamedTuple):
    """How alike the errors of two pixels of one image are: ``far + (1 - far) near^(lines + samples between them)``."""

    near: float = 0.0
    far: float = 0.0


INDEPENDENT = ErrorCorrelation()


@njit(cache=True, error_model="numpy")
def cubic(t: float) -> float:
    """Return the kernel of Keys at distance t."""
    t = abs(t)
    if t < 1.0:
        return (1.5 * t - 2.5) * t * t + 1.0
    if t < 2.0:
        return ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    return 0.0


@njit(cache=True, error_model="numpy")
def kept_variance(weights: NDArray[np.float64], near: float) -> float:
    """Return the variance of a weighted mean in units of one error's, if errors k apart are correlated near^k."""
    total, quadratic, before = 0.0, 0.0, 0.0
    for weight in weights:
        quadratic += weight * (weight + 2.0 * before)
        before = near * (before + weight)
        total += weight
    return quadratic / (total * total)


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
    near: float,
    far: float,
    out_signal: NDArray[np.float32],
    out_std: NDArray[np.float32],
    out_mask: NDArray[np.uint8],
) -> None:
    """Fill the outputs, shape (point,), with the signal at lines and samples; NaN where the mask is not 0.

    The variance is that of a mean of errors correlated as :class:`ErrorCorrelation` says, each as large as the weighted
    mean of the standard deviations below the kernel.

    Args:
        signal: lines from ``first_line`` on, whole, shape (line, sample).
        std: its standard deviation.
        mask: 0 where it is good.
        first_line: of the image.
        line: where, shape (point,); NaN gives NO_DATA.
        sample: where.
        line_step: lines from one pixel of the map to the next; below 1 counts as 1.
        sample_step: samples from one pixel of the map to the next.
        near: see :class:`ErrorCorrelation`, 0 to 1.
        far: see there.
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
        across, down = np.empty(right - left + 1), np.empty(bottom - top + 1)
        for k in range(across.size):
            across[k] = cubic((left + k - at_sample) / wide_sample)
        for k in range(down.size):
            down[k] = cubic((top + k - at_line) / wide_line)
        good, total, deviation = 0.0, 0.0, 0.0
        for m in range(max(top, 0), min(bottom, lines - 1) + 1):
            for n in range(max(left, 0), min(right, samples - 1) + 1):
                if mask[m, n] == 0:
                    weight = down[m - top] * across[n - left]
                    good += weight
                    total += weight * signal[m, n]
                    deviation += weight * std[m, n]
        if good >= _LEAST_WEIGHT * down.sum() * across.sum():
            kept = far + (1.0 - far) * kept_variance(down, near) * kept_variance(across, near)
            out_signal[i] = total / good
            out_std[i] = max(deviation, 0.0) / good * math.sqrt(kept)
            out_mask[i] = 0
