"""How much pattern an image of even ground has: stripes, the eight-column pattern, and correlations along lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightside.camera.layout import PHASES


@dataclass(frozen=True)
class PatternStatistics:
    """Of one image, in its units.

    Attributes:
        mean: of all pixels.
        column_std: of the columns' means: stripes.
        temporal_std: of a pixel from line to line, about its column's mean.
        line_std: of the lines' means.
        pattern_std: of the pattern that repeats within a line, its mean taken off.
        white_std: of what is left, corrected for the means that were taken off.
        lags: correlation along the line at 1, 4 and 8 columns, columns' means taken off.
        pairs: correlation of columns 2i and 2i+1, if the first column of the image is an even sample.
    """

    mean: float
    column_std: float
    temporal_std: float
    line_std: float
    pattern_std: float
    white_std: float
    lags: tuple[float, ...]
    pairs: float


def pattern_statistics(image: NDArray[np.floating], period: int = PHASES) -> PatternStatistics:
    """Return the statistics of an image, (line, sample), free of NaN; 4 is the period of summed images.

    Raises:
        ValueError: it has fewer than two lines or two periods of columns.
    """
    residual = _without_columns(image, period)
    lines = residual.mean(axis=1)
    pattern = line_patterns(residual, period)
    white = residual - pattern[:, np.arange(residual.shape[1]) % period]
    repeats = residual.shape[1] / period
    return PatternStatistics(
        mean=float(image.mean()),
        column_std=column_mean_std(image),
        temporal_std=float(residual.std()),
        line_std=float(lines.std()),
        pattern_std=float((pattern - pattern.mean(axis=1, keepdims=True)).std()),
        white_std=float(white.std() * np.sqrt(repeats / (repeats - 1))),
        lags=lag_correlations(image, (1, 4, 8)),
        pairs=_correlation(residual[:, 0:-1:2], residual[:, 1::2]),
    )


def column_mean_std(image: NDArray[np.floating]) -> float:
    """Return the standard deviation of the columns' means of an image, (line, sample): the size of its stripes."""
    return float(np.mean(image, axis=0, dtype=np.float64).std())


def period_power(image: NDArray[np.floating], period: int = PHASES) -> float:
    """Return the variance of an image, (line, sample), at ``period`` columns and its harmonics, units squared.

    It holds both the pattern that stays and the one that changes from line to line: each line's mean over phases.
    What white noise alone would give is taken off, so that an image without a pattern has 0 on average.
    """
    values = np.asarray(image, np.float64)
    repeats = values.shape[1] // period
    folded = values[:, : repeats * period].reshape(values.shape[0], repeats, period)
    folded = folded - folded.mean(axis=(1, 2), keepdims=True)
    within = folded.var(axis=1, ddof=1).mean() / repeats
    return float((folded.mean(axis=1) ** 2).sum() / (values.shape[0] * (period - 1)) - within)


def lag_correlations(image: NDArray[np.floating], lags: Sequence[int]) -> tuple[float, ...]:
    """Return the correlation of pixels so many columns apart, columns' means taken off; image (line, sample)."""
    residual = np.asarray(image, np.float64) - np.mean(image, axis=0, dtype=np.float64)
    return tuple(_correlation(residual[:, :-lag], residual[:, lag:]) for lag in lags)


def line_patterns(image: NDArray[np.floating], period: int = PHASES) -> NDArray[np.float64]:
    """Return the mean of each line's pixels of one phase, (line, period); image (line, sample)."""
    values = np.asarray(image, np.float64)
    return np.stack([values[:, phase::period].mean(axis=1) for phase in range(period)], axis=1)


def _without_columns(image: NDArray[np.floating], period: int) -> NDArray[np.float64]:
    if image.ndim != 2 or image.shape[0] < 2 or image.shape[1] < 2 * period:
        raise ValueError(
            f"an image of shape {image.shape} is too small; give two lines and {2 * period} columns"
        )
    return np.asarray(image, np.float64) - np.mean(image, axis=0, dtype=np.float64)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float((one * other).mean() / np.sqrt((one**2).mean() * (other**2).mean()))
