"""What a line of the image itself tells of its own camera noise: offset, pattern of phases, pick-up of a clock.

Masked samples measure a line's offset with some sixty samples; five thousand samples of scene measure whatever repeats
along the line ten times better, because ground does not repeat with the period of the read-out. Both patterns are
of raw DN, but are looked for in the linear and flat image: before, each column's own response would be taken for one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, uniform_filter1d

from nightside.camera.interference import Interference
from nightside.camera.layout import Layout
from nightside.optical.photon_net import Response

LEVEL_SAMPLES = 31
"""Samples over which a line is averaged to know its level; noise hardly moves it."""

NEIGHBOURS = 15
"""Lines whose means are compared."""

REACH_LINES = 24
"""How far, in lines, what is taken off a line can depend on others."""

OFFSET_LEFT_DN = 0.25
"""Of a line's offset, what the noise of the masked samples leaves, raw DN."""

PHASE_WANDER_DN = 0.25
"""Standard deviation to be expected of a phase from line to line, raw DN; a fold with a larger error is not believed."""

LEAST_SHARE = 0.25
"""Of a line's scene that must hold data, else its patterns are not looked for."""

PICK_UP_SIGMAS = 4.0
"""A pulse of the pick-up is taken off where it stands so far above what the fold's noise gives."""


Lost = NDArray[np.bool_] | None
"""Which pixels of an image hold no data but were filled from those around, (line, sample); None where all hold some."""


def subtract_line_patterns(
    image: NDArray[np.float32], slope: NDArray[np.float32], layout: Layout, lost: Lost = None
) -> NDArray[np.float32]:
    """Return an image without the patterns that repeat along its lines.

    Args:
        image: linear and flat, DN, (line, sample), whole lines, without stripes: what all lines have in common would
            hide how little of a line's own pattern is more than the fold's error.
        slope: DN of the image for one raw DN, same shape.
        layout: of the camera and mode.
        lost: pixels that tell nothing.

    Returns:
        A copy, (line, sample).
    """
    image = subtract_offsets(image, slope, layout, lost)
    return subtract_pick_up(subtract_phases(image, slope, layout, lost), slope, layout, lost)


def slope_of(image: NDArray[np.float32], response: Response) -> NDArray[np.float32]:
    """Return the DN that one raw DN makes at the level of a line's surroundings, (line, sample)."""
    return response.slope(uniform_filter1d(image, LEVEL_SAMPLES, axis=1, mode="nearest"))


def subtract_offsets(
    image: NDArray[np.float32], slope: NDArray[np.float32], layout: Layout, lost: Lost = None
) -> NDArray[np.float32]:
    """Take off by how much a line's mean departs from those of its neighbours, as far as ground is not to blame.

    Where line means scatter no more than the masked samples' error lets them, ground changes little from line to
    line, and all of the departure is the camera's.
    """
    scene = slice(*layout.scene)
    mean = (image[:, scene] / slope[:, scene]).mean(1)
    departure = mean - uniform_filter1d(mean, NEIGHBOURS, mode="nearest")
    power = uniform_filter1d(departure**2, 2 * NEIGHBOURS + 1, mode="nearest")
    departure *= np.minimum(OFFSET_LEFT_DN**2 / (power + 1e-12), 1)
    # What fills a gap departs as little as the lines around.
    departure *= _weight(_share(lost, layout, len(image)))
    return np.asarray(image - slope * departure[:, None], np.float32)


def subtract_phases(
    image: NDArray[np.float32], slope: NDArray[np.float32], layout: Layout, lost: Lost = None
) -> NDArray[np.float32]:
    """Take off what samples of one phase of a line have in common beside the line's mean, shrunk by its own error."""
    fold, error = folded(image, slope, layout, layout.phases, lost)
    fold *= PHASE_WANDER_DN**2 / (PHASE_WANDER_DN**2 + error**2)
    return image - slope * _unfolded(fold, layout.samples)


def subtract_pick_up(
    image: NDArray[np.float32], slope: NDArray[np.float32], layout: Layout, lost: Lost = None
) -> NDArray[np.float32]:
    """Take off the clock's pulses, one up and one down in each period, where a line shows them clearly."""
    clock = Interference()
    period, apart = clock.period // layout.summing, clock.separation // layout.summing
    wide = 2 // layout.summing
    fold, error = folded(image, slope, layout, period, lost)
    slots = fold.reshape(fold.shape[0], period // wide, wide).mean(2)
    height = (slots - np.roll(slots, -(apart // wide), axis=1)) / 2
    at = np.abs(height).argmax(1)
    lines = np.arange(fold.shape[0])
    found = height[lines, at]
    found[np.abs(found) < PICK_UP_SIGMAS * error[:, 0] / np.sqrt(2 * wide)] = 0.0
    wave = np.zeros_like(slots)
    wave[lines, at] += found
    wave[lines, (at + apart // wide) % wave.shape[1]] -= found
    return image - slope * _unfolded(np.repeat(wave, wide, axis=1), layout.samples)


def folded(
    image: NDArray[np.float32], slope: NDArray[np.float32], layout: Layout, period: int, lost: Lost = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of each line's scene over all samples that are a period apart, and its standard error, raw DN.

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
    rough = (scene - convolve1d(scene, window, axis=1, mode="nearest")) / slope[:, low:high]
    share = _share(lost, layout, len(image))[:, None]
    if lost is not None:
        rough[lost[:, low:high]] = 0
    spread = np.sqrt((rough**2).mean(1, keepdims=True) / np.maximum(share, LEAST_SHARE))
    np.clip(rough, -3 * spread, 3 * spread, out=rough)
    start = -(-low // period) * period
    whole = (high - start) // period
    rough = rough[:, start - low : start - low + whole * period].reshape(image.shape[0], whole, period)
    # A gap is long and holds as many samples of each phase.
    fold = rough.mean(1) * _weight(share)
    fold -= fold.mean(1, keepdims=True)
    return fold, spread / np.sqrt(whole * np.maximum(share, LEAST_SHARE))


def _share(lost: Lost, layout: Layout, lines: int) -> NDArray[np.float32]:
    """Return the share of each line's scene that holds data, (line,)."""
    if lost is None:
        return np.ones(lines, np.float32)
    return np.asarray(1 - lost[:, slice(*layout.scene)].mean(1), np.float32)


def _weight(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what makes a mean over all samples one over those that hold data; 0 where these are too few."""
    return np.where(share < LEAST_SHARE, 0, 1 / np.maximum(share, LEAST_SHARE)).astype(np.float32)


def _unfolded(fold: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    repeats = -(-samples // fold.shape[1])
    return np.tile(fold, (1, repeats))[:, :samples].astype(np.float32, copy=False)
