"""Plausible cameras: every per-column pattern drawn from a seed, every size from what real frames show.

No dark, flat field or linearity of the archive is at hand, so that these are stand-ins. [seen] marks sizes read in real
bytes (M114145549LE/RE: masked samples; M1333276014R: a calibrated dark frame), [assumed] those that were chosen so
that simulated frames behave like them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nightside.camera.darkness import DarkModel
from nightside.camera.interference import Interference
from nightside.camera.layout import PHASES, Camera, layout
from nightside.camera.linearity import NOMINAL_A, NOMINAL_B, NOMINAL_OFFSET_DN, Linearity
from nightside.config.camera import CameraNoise
from nightside.formats.nac import Housekeeping

LEVEL_DN = {"left": 43.0, "right": 40.5}  # [seen]
CHANNEL_DN = {"left": 0.3, "right": 1.8}
"""By how much one channel lies above the mean of both. [seen]"""

REFERENCE = {
    "left": Housekeeping(10_000, -12.0, 18.0, 12.4, 3.5, 198, 40, 104),
    "right": Housekeeping(10_000, -12.0, 18.0, 12.4, 3.5, 188, 52, 108),
}
"""Near what the labels of 2009 say."""

BRIGHT_DN = (155.0, 112.0)
"""Above the level, of the two bright samples among the masked ones, the outer one last. [seen]"""

DAC_DN, OFFSET_DN = 5.0, 0.2
"""DN for one count of the DAC reset level and of a channel's offset. [assumed]"""

ORBIT_LAST = 60_000


def generator(camera: Camera, seed: int, pattern: int) -> np.random.Generator:
    """Return the random numbers of one of a camera's patterns; the two cameras of a seed differ."""
    return np.random.default_rng([seed, 0 if camera == "left" else 1, pattern])


def draw_dark(camera: Camera, summing: int, rng: np.random.Generator, noise: CameraNoise) -> DarkModel:
    """Return the dark model of a camera; both modes of one detector follow from the same random numbers."""
    full = layout(camera, 1)
    n = full.samples
    across = np.linspace(-1, 1, n)
    parity = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    bias = LEVEL_DN[camera] + CHANNEL_DN[camera] * parity
    bias += _phases(rng, n, 0.6) + 0.8 * rng.standard_normal(n)  # [seen] in masked samples
    bias += 1.0 * rng.standard_normal() * across + 1.0 * rng.standard_normal() * (1 - across**2)  # [assumed]
    for sample, above in zip(full.bright, BRIGHT_DN if camera == "left" else BRIGHT_DN[::-1], strict=True):
        bias[sample] += above * rng.uniform(0.9, 1.1)
    # [assumed], so that two darks some days apart leave stripes of the size that the calibrated frame has.
    per_c = 0.6 + noise.stripe_drift * (_phases(rng, n, 0.40) + 0.22 * rng.standard_normal(n))
    periods = np.array([700.0, 4_100.0, 17_000.0, 46_000.0])
    sizes = np.array([0.35, 0.5, 0.7, 1.0])
    ageing = noise.stripe_drift * np.stack(
        [size * (_phases(rng, n, 1.0) + 0.6 * rng.standard_normal(n)) for size in sizes]
    )
    hot = rng.random(n) < 0.004
    current = 0.06 * (1 + 0.08 * rng.standard_normal(n))  # DN per ms at 18 degrees Celsius [assumed]
    current = np.abs(current)
    current[hot] *= rng.lognormal(1.6, 0.7, int(hot.sum()))
    growth = np.where(hot, rng.gamma(2.0, 0.15, n), 0.03)
    for side in full.dark:
        current[slice(*side)] *= 0.9
    pair = (lambda x: x) if summing == 1 else _pairs
    return DarkModel(
        layout=layout(camera, summing),
        reference=REFERENCE[camera],
        bias_dn=pair(bias),
        bias_dn_per_c=pair(per_c),
        ageing_dn=pair(ageing),
        ageing_orbits=periods,
        level_dn_per_dac=DAC_DN,
        level_dn_per_offset=OFFSET_DN,
        current_dn_per_ms=pair(current),
        current_doubling_c=7.0,
        current_growth=pair(current * growth) / pair(current),
        electrons_per_dn=noise.gain_e_per_dn * summing,
        line_wander_dn=noise.line_wander_dn,
        phase_wander_dn=noise.phase_wander_dn,
        wander_correlation=0.5,
        wander_samples=128,
        interference=Interference(amplitude_dn=noise.interference_dn),
    )


def draw_flat(camera: Camera, summing: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the relative response of each sample, of mean 1 over the scene and 1 where masked. [assumed]"""
    full = layout(camera, 1)
    scene = slice(*full.scene)
    across = np.linspace(-1, 1, full.samples)
    flat = 1 - 0.05 * across**2 + 0.02 * rng.standard_normal() * across
    flat *= 1 + _phases(rng, full.samples, 0.004) + 0.008 * rng.standard_normal(full.samples)
    flat /= flat[scene].mean()
    flat[: scene.start], flat[scene.stop :] = 1.0, 1.0
    return flat if summing == 1 else _pairs(flat)


def draw_linearity(camera: Camera, summing: int, rng: np.random.Generator) -> Linearity:
    """Return a response through zero, whose correction differs from phase to phase by 7 %, else by 1.5 %. [seen]"""
    n = layout(camera, 1).samples
    relative = _phases(rng, n, 0.07) + 0.015 * rng.standard_normal(n)
    offset = NOMINAL_OFFSET_DN * (1 + 2 * relative)
    b = NOMINAL_B ** (1 / (1 + relative))
    a = NOMINAL_A * np.ones(n) * NOMINAL_OFFSET_DN * NOMINAL_B**NOMINAL_OFFSET_DN / (offset * b**offset)
    if summing == 1:
        return Linearity.through_zero(a, b, offset)
    return Linearity.through_zero(_pairs(a), _pairs(b), _pairs(offset))


def draw_housekeeping(
    dark: DarkModel, rng: np.random.Generator, orbit_number: int | None = None
) -> Housekeeping:
    """Return plausible housekeeping: temperatures that move together, and a bias commanded to a level above zero.

    Args:
        dark: of the camera, at whose level the DAC is aimed: from the temperatures, within one count.
        rng: random numbers.
        orbit_number: of the spacecraft; drawn over the mission without it.
    """
    then = dark.reference
    orbit = int(rng.integers(400, ORBIT_LAST)) if orbit_number is None else orbit_number
    warm = rng.standard_normal()
    fpga = then.temperature_fpga_c + 3.0 * warm + 1.0 * rng.standard_normal()
    common, apart = rng.integers(-35, 16), rng.integers(-4, 5)
    a = int(np.clip(then.channel_a_offset + common + apart, 0, 255))
    b = int(np.clip(then.channel_b_offset + common - apart, 0, 255))
    offsets = dark.level_dn_per_offset * (a + b - then.channel_a_offset - then.channel_b_offset) / 2
    excess = float(dark.bias_dn_per_c.mean()) * (fpga - then.temperature_fpga_c) + offsets
    dac = then.dac_reset_level - round(excess / dark.level_dn_per_dac)
    return Housekeeping(
        orbit_number=orbit,
        temperature_fpga_c=round(float(fpga), 2),
        temperature_fpa_c=round(float(then.temperature_fpa_c + 3.0 * warm + 1.5 * rng.standard_normal()), 2),
        temperature_telescope_c=round(
            float(then.temperature_telescope_c + 2 * warm + rng.standard_normal()), 2
        ),
        temperature_scs_c=round(float(then.temperature_scs_c + 1.5 * warm + rng.standard_normal()), 2),
        dac_reset_level=int(dac),
        channel_a_offset=a,
        channel_b_offset=b,
    )


def _phases(rng: np.random.Generator, samples: int, std: float) -> NDArray[np.float64]:
    """Return a pattern of eight columns of mean zero, repeated."""
    pattern = std * rng.standard_normal(PHASES)
    return np.resize(pattern - pattern.mean(), samples)


def _pairs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values.reshape(*values.shape[:-1], -1, 2).mean(axis=-1))
