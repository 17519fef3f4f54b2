"""Pick-up of a clock in the read-out: a train of double pulses that moves along from line to line.

Read in the calibrated dark frame M1333276014R, which keeps it: in both channels alike, a pulse and two pairs of samples
later its opposite, every 30 samples; from one line to the next it moves by some 8 samples, and its height rises and
falls over some 15 lines. A third of that frame's variance that both channels share is this. No correction of the
standard calibration removes it; the masked samples show at least one whole period of it in every line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAIR = 2
"""Detector samples that are read at the same time, one of each channel."""


@dataclass(frozen=True)
class Interference:
    """The train of pulses; lengths in detector samples.

    Attributes:
        amplitude_dn: median over frames of the pulses' height where they are highest.
        spread: standard deviation, over frames, of its logarithm.
        period: from pulse to pulse.
        separation: from a pulse to its opposite.
        drift: from line to line.
        beat_lines: over which the height rises and falls.
        floor: lowest height, as a part of the highest.
    """

    amplitude_dn: float = 3.6
    spread: float = 0.4
    period: int = 30
    separation: int = 4
    drift: float = 7.75
    beat_lines: float = 15.4
    floor: float = 0.25

    def variance(self) -> float:
        """Return the mean variance that it adds to a sample of a frame of median height, DN^2."""
        low, range_ = self.floor, 1 - self.floor
        envelope = low**2 + 2 * low * range_ / np.pi + range_**2 / 4
        return float(self.amplitude_dn**2 * envelope * 2 * PAIR / self.period)

    def draw(self, rng: np.random.Generator, lines: int, samples: int, summing: int) -> NDArray[np.float32]:
        """Return the pick-up of one frame, DN, shape (line, sample); start, height and drift are drawn."""
        if self.amplitude_dn == 0:
            return np.zeros((lines, samples), np.float32)
        line = np.arange(lines)
        height = self.amplitude_dn * np.exp(self.spread * rng.standard_normal())
        beat = np.cos(2 * np.pi * (line / self.beat_lines + rng.random()))
        envelope = height * (self.floor + (1 - self.floor) * np.clip(beat, 0, None))
        start = self.period * rng.random() + (self.drift + 0.5 * rng.standard_normal()) * line
        pair = np.arange(self.period) // PAIR
        slots, apart = self.period // PAIR, self.separation // PAIR
        first = np.rint(start / PAIR).astype(np.intp)
        wave = envelope[:, None] * (_pulse(pair, first, slots) - _pulse(pair, first + apart, slots))
        if summing == PAIR:
            wave = wave[:, ::PAIR]
        repeats = -(-samples // wave.shape[1])
        return np.tile(wave.astype(np.float32), (1, repeats))[:, :samples]


def _pulse(pair: NDArray[np.intp], at: NDArray[np.intp], slots: int) -> NDArray[np.float64]:
    return np.asarray(pair[None, :] == (at % slots)[:, None], np.float64)
