"""What a whole image tells of its columns: stripes that no scene has, whatever the library of darks expected.

The mean over all lines holds the stripes and what ground has in common from the first line to the last. How much ground
that is, the image shows itself: a stripe is the same in all lines, so that slow waves along the lines hold none of it,
while ground, which knows no direction, has as much in them as in the mean. Stripes are known beforehand to be white along
samples, but for the read-out's period; ground is not, and the finest detail, where it has least, tells their size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d
from scipy.signal import ShortTimeFFT

from nightside.camera.layout import Layout
from nightside.optical.photon_net import Response

BLOCK_LINES = 32
WINDOW = 33
"""Samples across which a scene's mean over many lines is taken to be smooth."""

BLOCKS_MIN = 4
WAVES_MAX = 6
OUTLIER_SIGMAS = 3.0

SEGMENT = 256
"""Samples of which one spectrum is taken; ground is as rough as it is there."""

SMOOTH_SEGMENTS, SMOOTH_FREQUENCIES = 2.0, 3.0
"""How far, in standard deviations, the spectrum of ground is averaged."""

ITERATIONS = 4
TINY = 1e-6


class ColumnPattern:
    """Means of blocks of lines, added as an image is read; then the stripes they have in common."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.blocks: list[NDArray[np.float32]] = []

    def add(
        self, image: NDArray[np.float32], response: Response, lost: NDArray[np.bool_] | None = None
    ) -> None:
        """Take lines into account, linear and flat, DN, (line, sample); a rest of fewer than 32 lines is left.

        Stripes are of raw DN; before the response is linearised each column's own would be taken for one. Pixels that are
        ``lost`` are filled from those around; a column of which a block has lost more than half tells nothing there.
        """
        low, high = self.layout.scene
        whole = image.shape[0] // BLOCK_LINES
        lines = image[: whole * BLOCK_LINES, low:high].reshape(whole, BLOCK_LINES, high - low)
        blocks = lines.mean(1)
        # Twice: what the first running mean leaves of a slope's ends the second one takes.
        smooth = uniform_filter1d(uniform_filter1d(blocks, WINDOW, axis=1), WINDOW // 2, axis=1)
        columns = (blocks - smooth) / response.slope(smooth)
        if lost is not None:
            share = 1 - lost[: whole * BLOCK_LINES, low:high].reshape(lines.shape).mean(1)
            columns = np.where(share < 0.5, np.nan, columns / np.maximum(share, 0.5)).astype(np.float32)
        self.blocks += list(columns)

    def stripes(self) -> NDArray[np.float32]:
        """Return the stripes, raw DN, (sample,); nothing where there are too few lines to tell them from ground."""
        found = np.zeros(self.layout.samples, np.float32)
        if len(self.blocks) < BLOCKS_MIN:
            return found
        mean, waves = _mean_and_waves(_without_outliers(np.stack(self.blocks)))
        low, high = self.layout.scene
        repeating = _repeating(mean, waves, self.layout.phases)
        found[low:high] = repeating + _without_ground(mean - repeating, waves, self.layout.phases)
        return found


def _without_outliers(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hold what stands out of a column, such as a boulder, at three standard deviations of its blocks; fill what is NaN."""
    if (unknown := np.isnan(blocks)).any():
        known = np.nanmedian(np.where(unknown.all(axis=0), 0, blocks), axis=0)
        blocks = np.where(unknown, known, blocks)
    middle = np.median(blocks, axis=0)
    reach = OUTLIER_SIGMAS * 1.4826 * np.median(np.abs(blocks - middle), axis=0)
    return np.clip(blocks, middle - reach, middle + reach)


def _mean_and_waves(blocks: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean over blocks, (sample,), and slow cosines along them, (wave, sample), scaled as the mean is."""
    count = len(blocks)
    order = np.arange(1, int(np.clip(count // 5, 2, WAVES_MAX)) + 1)[:, None]
    cosines = np.sqrt(2) / count * np.cos(np.pi * order * (np.arange(count) + 0.5) / count)
    return blocks.mean(0), np.asarray(cosines @ blocks, np.float32)


def _repeating(mean: NDArray[np.float32], waves: NDArray[np.float32], period: int) -> NDArray[np.float32]:
    """Return what all periods of the read-out have in common, (sample,), the smoother ground counting more."""
    weight = 1 / (uniform_filter1d((waves**2).mean(0), 2 * WINDOW - 1) + TINY)
    phase = np.arange(mean.size) % period
    fold = np.bincount(phase, weight * mean) / np.bincount(phase, weight)
    return np.asarray((fold - fold.mean())[phase], np.float32)


def _without_ground(
    mean: NDArray[np.float32], waves: NDArray[np.float32], period: int
) -> NDArray[np.float32]:
    """Return a mean over lines, (sample,), without the ground in it: Wiener's filter, segment by segment."""
    window = np.hanning(SEGMENT + 1)[:-1]
    transform = ShortTimeFFT(window, hop=SEGMENT // 4, fs=1.0)
    spectrum = transform.stft(mean, padding="zeros")
    ground = (np.abs(transform.stft(waves, padding="zeros")) ** 2).mean(0)
    ground = gaussian_filter1d(ground, SMOOTH_FREQUENCIES, axis=0, mode="nearest")
    ground = gaussian_filter1d(ground, SMOOTH_SEGMENTS, axis=1, mode="nearest") + TINY
    stripes = _power_of_stripes(np.abs(spectrum) ** 2, ground, period)
    return np.asarray(transform.istft(spectrum * stripes / (stripes + ground), k1=mean.size), np.float32)


def _power_of_stripes(
    power: NDArray[np.float64], ground: NDArray[np.float64], period: int
) -> NDArray[np.float64]:
    """Return the stripes' power, (frequency, 1): one number, but for the harmonics of the read-out's period.

    What the mean has beside ground, averaged with weights that ground makes small.
    """
    frequency = np.arange(len(power))
    nearest = np.round(frequency * period / SEGMENT) * SEGMENT / period
    harmonic = ((np.abs(frequency - nearest) <= 1) & (nearest > 0))[:, None]
    fine = ~harmonic & (frequency > SEGMENT / WINDOW)[:, None]
    white = 0.0
    for _ in range(ITERATIONS):
        weight = np.where(fine, 1 / (ground + white) ** 2, 0)
        white = max(float((weight * (power - ground)).sum() / weight.sum()), TINY)
    stripes = np.full((len(power), 1), white)
    for _ in range(ITERATIONS):
        weight = 1 / (ground + stripes) ** 2
        own = (weight * (power - ground)).sum(1, keepdims=True) / weight.sum(1, keepdims=True)
        stripes = np.where(harmonic, np.maximum(own, white), white)
    return stripes
