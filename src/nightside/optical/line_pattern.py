"""What a line of the image itself tells of its own camera noise: the pattern of phases, and the pick-up of a clock.

Masked samples measure a line's offset with some sixty samples; five thousand samples of scene measure whatever repeats
along the line ten times better, because ground does not repeat with the period of the read-out. Both patterns are in
raw DN, so that they are taken off before the response is linearised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from nightside.camera.interference import Interference
from nightside.camera.layout import Layout

PICK_UP_SIGMAS = 4.0
"""A pulse of the pick-up is taken off where it stands so far above what the fold's noise gives."""


def subtract_line_patterns(above_dark: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
    """Return an image without the patterns that repeat along its lines.

    Args:
        above_dark: raw DN above the dark, (line, sample), whole lines.
        layout: of the camera and mode.

    Returns:
        A copy, (line, sample).
    """
    return subtract_pick_up(subtract_phases(above_dark, layout), layout)


def subtract_phases(above_dark: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
    """Take off what samples of one phase of a line have in common beside the line's mean, shrunk by its own error."""
    fold, error = folded(above_dark, layout, layout.phases)
    signal = max(float((fold**2).mean() - (error**2).mean()), 0.0)
    fold *= signal / (signal + error**2 + 1e-12)
    out = above_dark.copy()
    out -= _unfolded(fold, layout.samples)
    return out


def subtract_pick_up(above_dark: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
    """Take off the clock's pulses, one up and one down in each period, where a line shows them clearly."""
    clock = Interference()
    period, apart = clock.period // layout.summing, clock.separation // layout.summing
    wide = 2 // layout.summing
    fold, error = folded(above_dark, layout, period)
    slots = fold.reshape(fold.shape[0], period // wide, wide).mean(2)
    height = (slots - np.roll(slots, -(apart // wide), axis=1)) / 2
    at = np.abs(height).argmax(1)
    lines = np.arange(fold.shape[0])
    found = height[lines, at]
    found[np.abs(found) < PICK_UP_SIGMAS * error[:, 0] / np.sqrt(2 * wide)] = 0.0
    wave = np.zeros_like(slots)
    wave[lines, at] += found
    wave[lines, (at + apart // wide) % wave.shape[1]] -= found
    out = above_dark.copy()
    out -= _unfolded(np.repeat(wave, wide, axis=1), layout.samples)
    return out


def folded(
    image: NDArray[np.float32], layout: Layout, period: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of each line's scene over all samples that are a period apart, and its standard error.

    A running mean over one period is taken off before, which no pattern of that period survives in; samples that
    stand out, such as a boulder's, are held at three standard deviations.

    Returns:
        The pattern, (line, period), counted from sample 0, of mean zero; and the error of each of its values, (line, 1).
    """
    low, high = layout.scene
    window = np.full(period + 1, 1 / period, np.float32)
    window[[0, -1]] /= 2
    if period % 2:
        window = np.full(period, 1 / period, np.float32)
    scene = image[:, low:high]
    rough = scene - convolve1d(scene, window, axis=1, mode="nearest")
    spread = np.sqrt((rough**2).mean(1, keepdims=True))
    np.clip(rough, -3 * spread, 3 * spread, out=rough)
    start = -(-low // period) * period
    whole = (high - start) // period
    rough = rough[:, start - low : start - low + whole * period].reshape(image.shape[0], whole, period)
    fold = rough.mean(1)
    fold -= fold.mean(1, keepdims=True)
    return fold, spread / np.float32(np.sqrt(whole))


def _unfolded(fold: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    repeats = -(-samples // fold.shape[1])
    return np.tile(fold, (1, repeats))[:, :samples].astype(np.float32, copy=False)
