"""How close an image is to the truth: PSNR, SSIM, L1, and whether its standard deviations are honest.

Images are float arrays (line, sample) in DN. ``good`` marks the pixels that count; without it, those that are finite
in both images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

PERCENTILES = (0.1, 99.9)
"""Of the clean image; the range between them is the range of PSNR and SSIM, so that one glint does not set it."""

WINDOW_SIGMA = 1.5
WINDOW_RADIUS = 5
"""SSIM's Gaussian window, 11 x 11 pixels (Wang et al. 2004, IEEE TIP 13(4), section III-B)."""

K1, K2 = 0.01, 0.03

Good = NDArray[np.bool_] | None


@dataclass(frozen=True)
class ZScores:
    """Of (image - truth) / standard deviation; an honest one has a spread of 1.

    Attributes:
        spread: plain standard deviation.
        robust_spread: half of the range between the 15.87 and 84.13 percentiles, 1 for a normal distribution.
        mean: bias in standard deviations.
        beyond_three: share beyond three standard deviations, 0.0027 for a normal distribution.
        mean_by_signal: bias in each tenth of the image's own values, from the darkest to the brightest. An expectation has
            none at any of its values; by the values of the truth it always has one, as it lacks contrast.
    """

    spread: float
    robust_spread: float
    mean: float
    beyond_three: float
    mean_by_signal: tuple[float, ...]


def data_range(truth: ArrayLike, good: Good = None) -> float:
    """Return the range of a clean image between its 0.1 and 99.9 percentiles, in its units.

    Raises:
        ValueError: no pixel counts, or all have the same value.
    """
    values = np.asarray(truth, np.float64)
    values = values[np.isfinite(values) if good is None else good]
    low, high = np.percentile(values, PERCENTILES) if values.size else (0.0, 0.0)
    if not high > low:
        raise ValueError("the clean image has no range: every pixel that counts has the same value")
    return float(high - low)


def psnr_db(image: ArrayLike, truth: ArrayLike, good: Good = None, range_dn: float | None = None) -> float:
    """Return the peak signal-to-noise ratio, 20 log10(range / rms error), in dB.

    Args:
        image: (line, sample).
        truth: clean image of the same shape.
        good: pixels that count.
        range_dn: instead of :func:`data_range` of the clean image, as for a crop judged by its whole scene.

    Raises:
        ValueError: shapes differ, no pixel counts, or the truth has no range.
    """
    values, clean, counted = _pair(image, truth, good)
    peak = data_range(clean, counted) if range_dn is None else range_dn
    error = np.sqrt(np.mean((values[counted] - clean[counted]) ** 2))
    return float(20.0 * np.log10(peak / error)) if error > 0 else float("inf")


def l1(image: ArrayLike, truth: ArrayLike, good: Good = None) -> float:
    """Return the mean absolute error in the images' units."""
    values, clean, counted = _pair(image, truth, good)
    return float(np.mean(np.abs(values[counted] - clean[counted])))


def ssim(image: ArrayLike, truth: ArrayLike, good: Good = None, range_dn: float | None = None) -> float:
    """Return the mean structural similarity (Wang et al. 2004, eq. 13), 1 for equal images.

    Only windows that lie in the image and hold no pixel that does not count have a say.

    Raises:
        ValueError: as :func:`psnr_db`, or no whole window counts.
    """
    values, clean, counted = _pair(image, truth, good)
    peak = data_range(clean, counted) if range_dn is None else range_dn
    size = 2 * WINDOW_RADIUS + 1
    whole = ~binary_dilation(~counted, np.ones((size, size), np.bool_), border_value=1)
    if not whole.any():
        raise ValueError(f"no window of {size} x {size} pixels is free of masked pixels")
    # Variances are differences of large means where a constant is left in.
    offset = float(clean[counted].mean())
    x, y = (np.where(counted, a - offset, 0.0) for a in (values, clean))
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x, variance_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    mean_x, mean_y = mean_x + offset, mean_y + offset
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    likeness = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    likeness /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return float(likeness[whole].mean())


def z_scores(image: ArrayLike, std: ArrayLike, truth: ArrayLike, good: Good = None) -> ZScores:
    """Return the spread of an image's errors in units of its own standard deviations.

    Raises:
        ValueError: shapes differ, no pixel counts, or a standard deviation that counts is not above 0.
    """
    values, clean, counted = _pair(image, truth, good)
    sigma = np.asarray(std, np.float64)
    if sigma.shape != clean.shape:
        raise ValueError(f"standard deviations of shape {sigma.shape} for an image of {clean.shape}")
    if not (sigma[counted] > 0).all():
        raise ValueError("a standard deviation is not above 0")
    scores = (values[counted] - clean[counted]) / sigma[counted]
    low, high = np.percentile(scores, (15.8655, 84.1345))
    tenths = np.array_split(scores[np.argsort(values[counted], kind="stable")], min(10, scores.size))
    return ZScores(
        float(scores.std()),
        float((high - low) / 2.0),
        float(scores.mean()),
        float(np.mean(np.abs(scores) > 3.0)),
        tuple(float(part.mean()) for part in tenths),
    )


def _pair(
    image: ArrayLike, truth: ArrayLike, good: Good
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    values, clean = np.asarray(image, np.float64), np.asarray(truth, np.float64)
    if values.shape != clean.shape or (good is not None and good.shape != clean.shape):
        raise ValueError(f"image of shape {values.shape} for a truth of {clean.shape}; they have to agree")
    counted = np.isfinite(values) & np.isfinite(clean)
    if good is not None:
        counted &= good
    if not counted.any():
        raise ValueError("no pixel to compare: all are masked")
    return values, clean, counted


def _windowed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter(values, WINDOW_SIGMA, radius=WINDOW_RADIUS, mode="mirror"))
