"""What the camera records without light: its bias, the patterns in it, and the dark current of its CCD.

The form follows what is published (two interleaved channels, a pattern of eight columns, bias set by a DAC and two
channel offsets, vertical stripes that change through the mission) and what real frames show; the size of each term is
a parameter, and ``plausible.py`` says where its default comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightside.camera.interference import Interference
from nightside.camera.layout import PHASES, Layout
from nightside.formats.nac import Housekeeping

_PAIRS = PHASES // 2


@dataclass(frozen=True)
class DarkModel:
    """The dark signal of one camera in one mode. All DN are raw: above none, before the response is linearised.

    Attributes:
        layout: of the camera and mode.
        reference: housekeeping at which ``bias_dn`` holds.
        bias_dn: level, channels, the eight-column pattern and each column's own, shape (sample,).
        bias_dn_per_c: its change with the electronics' temperature (FPGA), (sample,).
        ageing_dn: patterns that come and go through the mission, (period, sample).
        ageing_orbits: their periods, in orbits.
        level_dn_per_dac: change of the level with one count of the DAC reset level.
        level_dn_per_offset: change of a channel's level with one count of its offset.
        current_dn_per_ms: dark current at the reference's temperature of the CCD (FPA), (sample,).
        current_doubling_c: warming that doubles it.
        current_growth: its relative growth in 10,000 orbits, (sample,): radiation makes hot columns hotter.
        electrons_per_dn: of dark current, for its shot noise.
        line_wander_dn: standard deviation of what all samples of a line share.
        phase_wander_dn: and of what a pair of samples and every eighth after it share, for some way along the line.
        wander_correlation: of both from line to line.
        wander_samples: along the line, in detector samples, after which that pattern is another; the masked samples
            tell of it only nearby.
        interference: pick-up of a clock.
    """

    layout: Layout
    reference: Housekeeping
    bias_dn: NDArray[np.float64]
    bias_dn_per_c: NDArray[np.float64]
    ageing_dn: NDArray[np.float64]
    ageing_orbits: NDArray[np.float64]
    level_dn_per_dac: float
    level_dn_per_offset: float
    current_dn_per_ms: NDArray[np.float64]
    current_doubling_c: float
    current_growth: NDArray[np.float64]
    electrons_per_dn: float
    line_wander_dn: float
    phase_wander_dn: float
    wander_correlation: float
    wander_samples: int
    interference: Interference

    def mean(self, housekeeping: Housekeeping, exposure_ms: float) -> NDArray[np.float64]:
        """Return the expected dark line, raw DN, shape (sample,), masked samples included."""
        return self.bias(housekeeping) + self.current(housekeeping, exposure_ms)

    def bias(self, housekeeping: Housekeeping) -> NDArray[np.float64]:
        """Return what is recorded without light and without exposure, shape (sample,)."""
        now, then = housekeeping, self.reference
        warming = now.temperature_fpga_c - then.temperature_fpga_c
        age = np.sin(2 * np.pi * now.orbit_number / self.ageing_orbits) @ self.ageing_dn
        level = self.level_dn_per_dac * (now.dac_reset_level - then.dac_reset_level)
        a = self.level_dn_per_offset * (now.channel_a_offset - then.channel_a_offset)
        b = self.level_dn_per_offset * (now.channel_b_offset - then.channel_b_offset)
        if self.layout.summing == 2:
            channel = np.full(self.layout.samples, (a + b) / 2)
        else:
            channel = np.where(np.arange(self.layout.samples) % 2 == 0, a, b)
        return np.asarray(self.bias_dn + warming * self.bias_dn_per_c + age + level + channel)

    def current(self, housekeeping: Housekeeping, exposure_ms: float) -> NDArray[np.float64]:
        """Return the dark current collected in an exposure, DN, shape (sample,)."""
        warming = housekeeping.temperature_fpa_c - self.reference.temperature_fpa_c
        age = np.maximum(1 + self.current_growth * housekeeping.orbit_number / 1e4, 0)
        return np.asarray(
            self.current_dn_per_ms * exposure_ms * age * 2 ** (warming / self.current_doubling_c)
        )

    def wander(self, rng: np.random.Generator, lines: int) -> NDArray[np.float32]:
        """Return what differs from line to line and is no white noise, DN, shape (line, sample)."""
        common = _autoregressive(rng, (lines, 1), self.line_wander_dn, self.wander_correlation)
        wander = self.interference.draw(rng, lines, self.layout.samples, self.layout.summing)
        wander += common
        if self.phase_wander_dn:
            wander += self._phase_wander(rng, lines)
        return wander

    def _phase_wander(self, rng: np.random.Generator, lines: int) -> NDArray[np.float32]:
        samples, summing = self.layout.samples, self.layout.summing
        knots = -(-samples * summing // self.wander_samples) + 1
        shape = (lines, knots * _PAIRS)
        values = _autoregressive(rng, shape, self.phase_wander_dn, self.wander_correlation)
        values = values.reshape(lines, knots, _PAIRS)
        at = np.arange(0, samples * summing, 2) / self.wander_samples
        left = at.astype(np.intp)
        # Between two independent knots the variance stays as it is.
        angle = (np.pi / 2 * (at - left)).astype(np.float32)
        pair = np.arange(at.size) % _PAIRS
        found = np.cos(angle) * values[:, left, pair] + np.sin(angle) * values[:, left + 1, pair]
        return np.asarray(np.repeat(found, 2 // summing, axis=1), np.float32)

    def draw(
        self, rng: np.random.Generator, lines: int, housekeeping: Housekeeping, exposure_ms: float
    ) -> NDArray[np.float32]:
        """Return dark lines without read noise, DN, shape (line, sample): mean, wander, and the current's shot noise."""
        dark = self.wander(rng, lines)
        current = self.current(housekeeping, exposure_ms)
        dark += self.mean(housekeeping, exposure_ms).astype(np.float32)
        # A dark current of a few hundred electrons is Gaussian enough.
        noisy = np.sqrt(current / self.electrons_per_dn)
        if noisy.max() > 1e-3:
            dark += rng.standard_normal(dark.shape, np.float32) * noisy.astype(np.float32)
        return dark


def _autoregressive(
    rng: np.random.Generator, shape: tuple[int, int], std: float, correlation: float
) -> NDArray[np.float32]:
    """Return a stationary first-order process along the first axis."""
    from scipy.signal import lfilter  # half a second, which planning a workflow does not have

    white = rng.standard_normal(shape) * std
    white[1:] *= np.sqrt(1 - correlation**2)
    return np.asarray(lfilter([1.0], [1.0, -correlation], white, axis=0), np.float32)
