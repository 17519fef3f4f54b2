"""What a camera leaves in an image: stripes, the pattern of eight columns, and noise by spatial frequency.

All functions take a residual, image less truth, or an image of the dark: (line, sample) in DN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.camera.pattern_statistics import period_power

BLOCK_SAMPLES = 256
"""The width over which a pattern of columns is taken as constant; the standard calibration's own error drifts along
the line from one end's masked pixels to the other's."""


@dataclass(frozen=True)
class Spectrum:
    """Mean power along one axis.

    Attributes:
        frequency: (bin,) cycles per pixel, 0 to 0.5.
        power_dn2: (bin,) DN^2 per bin; white noise of variance V has V / length in each bin of both signs, so that
            the sum over all is V. Frequencies between 0 and 0.5 hold both signs' power.
    """

    frequency: NDArray[np.float64]
    power_dn2: NDArray[np.float64]


def fill_masked(residual: ArrayLike, good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return a residual (line, sample) whose pixels that do not count have the mean of their column's others."""
    values = np.where(good, np.asarray(residual, np.float64), 0.0)
    number = good.sum(axis=0)
    return np.where(good, values, values.sum(axis=0) / np.maximum(number, 1))


def period_power_dn2(residual: ArrayLike, period: int, block_samples: int = BLOCK_SAMPLES) -> float:
    """Return the power of the pattern that repeats every ``period`` samples of a line, in DN^2; 0 of white noise.

    The mean of :func:`nightside.camera.pattern_statistics.period_power` over blocks of a line.

    Args:
        residual: (line, sample), all finite.
        period: 8, or 4 where detector samples are summed in pairs.
        block_samples: width of a block; what is left of a line after its last whole block is not looked at.

    Raises:
        ValueError: a line is shorter than two periods.
    """
    values = np.asarray(residual, np.float64)
    if values.shape[1] < 2 * period:
        raise ValueError(f"lines of {values.shape[1]} samples; a pattern of {period} needs {2 * period}")
    width = min(block_samples, values.shape[1]) // period * period
    starts = range(0, values.shape[1] - width + 1, width)
    return float(np.mean([period_power(values[:, k : k + width], period) for k in starts]))


def row_spectrum(residual: ArrayLike) -> Spectrum:
    """Return the power along lines: upright stripes and the pattern of columns stand out as peaks.

    Raises:
        ValueError: a value is not finite.
    """
    return _spectrum(np.asarray(residual, np.float64))


def column_spectrum(residual: ArrayLike) -> Spectrum:
    """Return the power along columns: what changes from line to line.

    Raises:
        ValueError: a value is not finite.
    """
    return _spectrum(np.asarray(residual, np.float64).T)


def noise_psd(residual: ArrayLike, shape: tuple[int, int], smooth: bool = False) -> NDArray[np.float64]:
    """Return the mean power spectrum of windows of a residual, (y, x) of ``shape``, in numpy's order of frequencies.

    Scaled as |FFT|^2, so that white noise of variance V has V times the number of pixels everywhere: what BM3D asks
    for. Windows overlap by half.

    Args:
        residual: (line, sample), all finite, at least of ``shape``.
        shape: of a window.
        smooth: average each value with its eight neighbours, where windows are few.

    Raises:
        ValueError: the residual is smaller than a window, or a value is not finite.
    """
    values = np.asarray(residual, np.float64)
    if any(have < need for have, need in zip(values.shape, shape, strict=True)):
        raise ValueError(f"a residual of {values.shape} has no window of {shape}")
    if not np.isfinite(values).all():
        raise ValueError("a spectrum needs finite values throughout; cut masked pixels away")
    total, number = np.zeros(shape), 0
    for y in range(0, values.shape[0] - shape[0] + 1, max(shape[0] // 2, 1)):
        for x in range(0, values.shape[1] - shape[1] + 1, max(shape[1] // 2, 1)):
            window = values[y : y + shape[0], x : x + shape[1]]
            total += np.abs(np.fft.fft2(window - window.mean())) ** 2
            number += 1
    mean = total / number
    if smooth:
        mean = np.mean([np.roll(mean, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    return np.asarray(mean)


def _spectrum(lines: NDArray[np.float64]) -> Spectrum:
    if not np.isfinite(lines).all():
        raise ValueError("a spectrum needs finite values throughout; cut masked pixels away")
    length = lines.shape[1]
    power = (np.abs(np.fft.rfft(lines - lines.mean(), axis=1)) ** 2).mean(axis=0) / length**2
    both_signs = slice(1, -1 if length % 2 == 0 else None)
    power[both_signs] *= 2.0
    return Spectrum(np.asarray(np.fft.rfftfreq(length), np.float64), power)
