"""The forward model of the camera's noise: from the signal of a scene to the 8-bit numbers of an EDR.

In order: photon noise, echo, flat field, non-linear response, dark signal, read noise, companding. HORUS (Moseley et
al. 2021) has all but the echo; it counts photons as if one DN were one electron, whereas the detector gives one DN for
some 71, so that the convention is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.camera.companding import compand, step_dn
from nightside.camera.darkness import DarkModel
from nightside.camera.echo import ECHO, add_echo, noise_gain, remove_echo
from nightside.camera.layout import Camera, Layout
from nightside.camera.linearity import Linearity
from nightside.camera.plausible import draw_dark, draw_flat, draw_linearity, generator
from nightside.config.camera import CameraNoise
from nightside.formats.nac import Housekeeping

Photons = Literal["electrons", "dn", "none"]

MAXIMUM_DN = 4095
_EXACT_BELOW = 50.0  # electrons

_ECHO_SMOOTHING = (1 + ECHO**2) / (1 + ECHO) ** 2
"""By how much the echo lowers the variance of photon noise: it is a mean of two samples."""


@dataclass(frozen=True)
class NoiseModel:
    """One camera in one mode.

    Attributes:
        layout: of the camera and mode.
        gain_e_per_dn: of one detector sample; the mean of a pair holds the electrons of both.
        read_noise_dn: standard deviation of one sample's read noise, raw DN.
        pair_correlation: of the read noise of both samples of a pair; without meaning where they are summed.
        dark: bias, patterns, dark current and wander.
        flat: relative response, (sample,); 1 where masked.
        linearity: the non-linear response.
        photon: "electrons" for true counts, "dn" for HORUS's Poisson in DN, "none" for no photon noise.
    """

    layout: Layout
    gain_e_per_dn: float
    read_noise_dn: float
    pair_correlation: float
    dark: DarkModel
    flat: NDArray[np.float64]
    linearity: Linearity
    photon: Photons = "electrons"

    @property
    def counts_per_dn(self) -> float:
        """Counted quanta for one DN; infinite without photon noise."""
        return {"electrons": self.gain_e_per_dn * self.layout.summing, "dn": 1.0, "none": np.inf}[self.photon]

    def record(
        self,
        signal: NDArray[np.floating],
        housekeeping: Housekeeping,
        exposure_ms: float,
        compand_code: int,
        rng: np.random.Generator,
        dark_frame: NDArray[np.floating] | None = None,
    ) -> NDArray[np.uint8]:
        """Return the numbers that the camera sends down.

        Args:
            signal: of the scene above the dark, DN, (line, sample) of the whole width; masked samples are ignored.
            housekeeping: what the dark signal depends on.
            exposure_ms: LINE_EXPOSURE_DURATION.
            compand_code: which companding table.
            rng: random numbers.
            dark_frame: raw DN of a real dark frame, (line, sample), taken in place of the model's dark signal and read
                noise; from a random line on, repeated as long as is needed.

        Returns:
            8-bit numbers, (line, sample).

        Raises:
            ValueError: lines or the dark frame have another width than the camera and mode.
        """
        light = self.expose(signal, rng)
        if dark_frame is None:
            light += self.dark.draw(rng, light.shape[0], housekeeping, exposure_ms)
            light += read_noise(rng, light.shape, self.read_noise_dn, self._correlation)
        else:
            light += dark_lines(dark_frame, light.shape, rng)
        return compand(digitise(light), compand_code)

    def expose(self, signal: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return what light adds to the dark, with its photon noise, raw DN, (line, sample)."""
        light = self._seen(signal)
        return self._respond(photon_noise(light, self.counts_per_dn, rng))

    def respond(self, signal: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return what light adds to the dark without noise, raw DN, (line, sample)."""
        return self._respond(self._seen(signal))

    def restore(self, dn: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the signal of raw DN above the dark, (line, sample): the inverse of ``respond``."""
        true = np.asarray(self.linearity.inverse(np.asarray(dn, np.float32)), np.float32)
        even: NDArray[np.float32] = np.asarray(true / self.flat, np.float32)
        return np.asarray(remove_echo(even, self.layout), np.float32)

    def variance(
        self, signal: ArrayLike, compand_code: int, bias_dn: float, *, echo_removed: bool = False
    ) -> NDArray[np.float64]:
        """Return the variance of the calibrated signal, DN^2, where the dark has been removed without error.

        Photon noise, and read noise, the interference and the quantisation of the table at that level as the inverse
        of the response enlarges them (by nearly four where the signal is faint). Flat field and columns are taken at
        their mean, the interference at its median height; the wander of line and pattern is not counted.

        Args:
            signal: above the dark, DN, any shape.
            compand_code: which companding table.
            bias_dn: raw level of the dark.
            echo_removed: after the echo's removal, which raises the variance of what comes after it nearly twofold
                and leaves that of the photons.
        """
        true = np.asarray(signal, np.float64)
        recorded = self._mean_response.forward(true.reshape(-1, 1)).reshape(true.shape)
        raw = np.clip(np.rint(recorded + bias_dn), 0, MAXIMUM_DN)
        # A difference from an integer converter is uniform within a step: (step^2 - 1)/12 of the table, 1/12 of its own.
        step = np.asarray(step_dn(compand(raw, compand_code), compand_code), np.float64)
        slope = self._mean_response.slope(recorded.reshape(-1, 1)).reshape(true.shape)
        electronic = (self.read_noise_dn**2 + self.dark.interference.variance() + step**2 / 12) * slope**2
        photons = np.maximum(true, 0) / self.counts_per_dn
        if echo_removed:
            return np.asarray(photons + electronic * noise_gain())
        return np.asarray(photons * _ECHO_SMOOTHING + electronic)

    @property
    def _correlation(self) -> float:
        return self.pair_correlation if self.layout.summing == 1 else 0.0

    @property
    def _mean_response(self) -> Linearity:
        return self.linearity.averaged()

    def _seen(self, signal: NDArray[np.floating]) -> NDArray[np.float32]:
        if signal.ndim != 2 or signal.shape[1] != self.layout.samples:
            raise ValueError(
                f"a signal of shape {signal.shape} is no image of {self.layout.samples} samples (summing "
                f"{self.layout.summing}); give whole lines"
            )
        light = signal.astype(np.float32)
        for side in self.layout.dark:
            light[:, slice(*side)] = 0
        return light

    def _respond(self, light: NDArray[np.float32]) -> NDArray[np.float32]:
        spread = add_echo(light, self.layout)
        spread *= self.flat.astype(np.float32)
        return self.linearity.forward(spread).astype(np.float32, copy=False)


def draw_camera(camera: Camera, summing: int, seed: int, options: CameraNoise | None = None) -> NoiseModel:
    """Return a plausible camera, every pattern drawn from the seed; both modes of a seed are the same detector."""
    chosen = options or CameraNoise()
    dark = draw_dark(camera, summing, generator(camera, seed, 0), chosen)
    return NoiseModel(
        layout=dark.layout,
        gain_e_per_dn=chosen.gain_e_per_dn,
        read_noise_dn=read_noise_dn(summing, chosen),
        pair_correlation=chosen.pair_correlation,
        dark=dark,
        flat=draw_flat(camera, summing, generator(camera, seed, 1)),
        linearity=draw_linearity(camera, summing, generator(camera, seed, 2)),
        photon=chosen.photons,
    )


def read_noise_dn(summing: int, options: CameraNoise) -> float:
    """Return the standard deviation of a sample's read noise, raw DN; a pair's is less, as its samples are independent."""
    share = 1.0 if summing == 1 else np.sqrt((1 + options.pair_correlation) / 2)
    return float(options.read_noise_dn * share)


def photon_noise(
    signal: NDArray[np.floating], counts_per_dn: float, rng: np.random.Generator
) -> NDArray[np.floating]:
    """Return a signal whose every sample is counted in whole quanta, DN; below zero nothing is counted.

    From 50 quanta on the counts are Gaussian with the skewness of Poisson's (Cornish and Fisher): mean and skewness
    are his, the variance is 0.1 % larger at most.
    """
    if not np.isfinite(counts_per_dn):
        return signal
    mean = np.maximum(signal, 0) * signal.dtype.type(counts_per_dn)
    z = rng.standard_normal(signal.shape, np.float32)
    counts = mean + np.sqrt(mean) * z + (z * z - 1) / 6
    few = mean < _EXACT_BELOW
    counts[few] = rng.poisson(mean[few])
    counts /= signal.dtype.type(counts_per_dn)
    return np.asarray(counts, signal.dtype)


def read_noise(
    rng: np.random.Generator, shape: tuple[int, ...], std: float, pair_correlation: float = 0.0
) -> NDArray[np.float32]:
    """Return Gaussian read noise, DN, (line, sample), of which even samples share a part with the next."""
    own = rng.standard_normal(shape, np.float32) * np.float32(std * np.sqrt(1 - pair_correlation))
    if pair_correlation > 0:
        half = rng.standard_normal((*shape[:-1], shape[-1] // 2), np.float32)
        half *= np.float32(std * np.sqrt(pair_correlation))
        own[..., 0 : 2 * half.shape[-1] : 2] += half
        own[..., 1 : 2 * half.shape[-1] : 2] += half
    return own


def dark_lines(
    frame: NDArray[np.floating], shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return lines of a real dark frame from a random one on, repeated to ``shape``, (line, sample).

    Half a DN of uniform noise takes the frame's own rounding off: else a signal below half a DN would vanish.
    """
    if frame.ndim != 2 or frame.shape[1] != shape[1]:
        raise ValueError(
            f"a dark frame of shape {frame.shape} does not fit lines of {shape[1]} samples; give one of the same mode"
        )
    rows = (rng.integers(frame.shape[0]) + np.arange(shape[0])) % frame.shape[0]
    lines = frame[rows].astype(np.float32)
    lines += rng.random(shape, np.float32) - np.float32(0.5)
    return np.asarray(lines)


def digitise(dn: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return what the 12-bit converter makes of a level: whole DN from 0 to 4095."""
    return np.asarray(np.clip(np.rint(dn), 0, MAXIMUM_DN), np.float32)
