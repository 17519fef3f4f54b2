"""What a whole image tells of its columns: stripes that no scene has, whatever the library of darks expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.stats import trim_mean

from nightside.camera.layout import Layout
from nightside.optical.photon_net import Response

BLOCK_LINES = 32
WINDOW = 33
"""Samples across which a scene's mean over many lines is taken to be smooth."""

BLOCKS_MIN = 4


class ColumnPattern:
    """Means of blocks of lines, added as an image is read; then the stripes they have in common."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.blocks: list[NDArray[np.float32]] = []

    def add(self, image: NDArray[np.float32], response: Response) -> None:
        """Take lines into account, linear and flat, DN, (line, sample); a rest of fewer than 32 lines is left.

        Stripes are of raw DN; before the response is linearised each column's own would be taken for one.
        """
        low, high = self.layout.scene
        whole = image.shape[0] // BLOCK_LINES
        lines = image[: whole * BLOCK_LINES, low:high].reshape(whole, BLOCK_LINES, high - low)
        blocks = lines.mean(1)
        # Twice: what the first running mean leaves of a slope's ends the second one takes.
        smooth = uniform_filter1d(uniform_filter1d(blocks, WINDOW, axis=1), WINDOW // 2, axis=1)
        self.blocks += list((blocks - smooth) / response.slope(smooth))

    def stripes(self) -> NDArray[np.float32]:
        """Return the stripes, raw DN, (sample,); nothing where there are too few lines to tell them from ground.

        They are what the trimmed mean over blocks has beside its running mean across samples, shrunk by the part of
        its variance that the scatter of the blocks explains.
        """
        found = np.zeros(self.layout.samples, np.float32)
        if len(self.blocks) < BLOCKS_MIN:
            return found
        low, high = self.layout.scene
        rough = np.stack(self.blocks)
        mean = trim_mean(rough, 0.1, axis=0)
        scatter = float((rough.var(axis=0, ddof=1) / len(self.blocks)).mean())
        power = float((mean**2).mean())
        found[low:high] = mean * max(0.0, 1 - scatter / max(power, 1e-12))
        return found
