"""Which sample of a line sees what: masked pixels, scene, and the order of read-out.

Samples are counted from 0 in the order of the file, after a mirrored early product has been turned. Sources: masked
samples ISIS ``lronaccal`` (DarkColumns); extent of the scene and the bright columns M114145549LE/RE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Camera = Literal["left", "right"]

DETECTOR_SAMPLES = 5064
PHASES = 8
"""The background repeats every eight detector samples; every four where pairs are summed."""


@dataclass(frozen=True)
class Layout:
    """Half-open ranges of samples of one camera in one mode.

    Attributes:
        camera: left or right.
        summing: 1, or 2 where pairs of detector samples are averaged.
        wide: masked samples that the standard calibration uses, on the side with more of them.
        narrow: those of the other side.
        dark: every masked range, outermost samples and ``wide`` and ``narrow`` included.
        bright: samples among ``dark`` that are always bright.
        scene: samples that see the Moon.
        reversed_readout: whether the line is read from its last sample, so that echoes fall on lower samples.
    """

    camera: Camera
    summing: Literal[1, 2]
    wide: tuple[int, int]
    narrow: tuple[int, int]
    dark: tuple[tuple[int, int], tuple[int, int]]
    bright: tuple[int, ...]
    scene: tuple[int, int]
    reversed_readout: bool

    @property
    def samples(self) -> int:
        """Number of samples of a line."""
        return DETECTOR_SAMPLES // self.summing

    @property
    def phases(self) -> int:
        """Number of samples after which the background repeats."""
        return PHASES // self.summing

    @property
    def echo_samples(self) -> int:
        """Distance of the echo from its signal, in samples: two detector samples."""
        return 2 // self.summing

    @property
    def masked(self) -> NDArray[np.intp]:
        """All masked samples but the bright ones, in ascending order."""
        both = np.concatenate([np.arange(*side) for side in self.dark])
        return both[~np.isin(both, self.bright)]

    def phase(self) -> NDArray[np.intp]:
        """Return the phase of each sample in the background's pattern, shape (sample,)."""
        return np.arange(self.samples) % self.phases


_LAYOUTS = (
    Layout("left", 1, (12, 36), (5046, 5062), ((0, 40), (5043, 5064)), (7, 8), (41, 5041), False),
    Layout("left", 2, (6, 18), (2523, 2531), ((0, 20), (2522, 2532)), (3, 4), (21, 2520), False),
    Layout("right", 1, (5028, 5052), (2, 18), ((0, 22), (5025, 5064)), (5057, 5058), (25, 5025), True),
    Layout("right", 2, (2514, 2526), (1, 9), ((0, 11), (2513, 2532)), (2528, 2529), (13, 2512), True),
)


def layout(camera: Camera, summing: int) -> Layout:
    """Return the layout of a camera and mode.

    Raises:
        ValueError: there is no such camera or mode.
    """
    for known in _LAYOUTS:
        if (known.camera, known.summing) == (camera, summing):
            return known
    raise ValueError(
        f"no NAC '{camera}' with summing {summing}; cameras are left and right, summing is 1 or 2"
    )
