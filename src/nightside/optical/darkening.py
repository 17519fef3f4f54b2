"""Pairs to learn from: scenes as a camera of the dark records them, and what is known of them after destriping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from nightside.camera.companding import DN_MAX, decompand, step_dn, table_of
from nightside.camera.echo import remove_echo
from nightside.camera.layout import Layout
from nightside.camera.noise import NoiseModel, draw_camera
from nightside.camera.plausible import draw_housekeeping
from nightside.optical.line_pattern import slope_of, subtract_line_patterns
from nightside.optical.photon_net import Response, network_input
from nightside.optical.scenes import ScenePool

PATCH = 96
PITCH = 112
"""Samples from patch to patch: what lies between is cut off with the echo of the neighbour."""

LINES = 128
"""Of a frame; patches are cut from its middle, so that the smoothing of the input sees no edge."""

CODES = (0, 1, 3)
BRIGHT_SHARE = 0.05
"""Of patches far brighter than a shadow, so that a lit rim is left as it is."""

LEFT_STRIPES = (0.08, 0.006)
"""Standard deviation of what destriping leaves of the stripes in images of 1,024 lines of real ground: raw DN, and raw DN
for one DN of signal. ``ColumnPattern`` leaves 0.08, 0.09, 0.16 and 0.30 DN at 2, 5, 20 and 60 DN."""

DARK_TABLE_DN = 150.0
"""Largest signal through a table that keeps DN modulo 256, and so is used for nothing brighter."""


@dataclass(frozen=True)
class Patches:
    """Training pairs, n of them, all float32.

    Attributes:
        inputs: (n, 5, line, sample), what PhotonNet sees.
        sharp: the restored image without echo, DN, (n, line, sample).
        std: expected standard deviation of the noise before the echo's removal, DN.
        signal: the truth, DN.
    """

    inputs: NDArray[np.float32]
    sharp: NDArray[np.float32]
    std: NDArray[np.float32]
    signal: NDArray[np.float32]


def darkened_patches(
    scenes: ScenePool,
    rng: np.random.Generator,
    seeds: tuple[int, int],
    levels_dn: tuple[float, float],
) -> Patches:
    """Record one frame of scenes side by side through a camera drawn at random, and cut it into pairs.

    Args:
        scenes: what is darkened.
        rng: random numbers.
        seeds: first and last + 1 of the cameras that may be drawn.
        levels_dn: least and largest mean signal of a patch, drawn evenly in its logarithm.
    """
    camera = draw_camera(
        "left" if rng.random() < 0.5 else "right", int(rng.integers(1, 3)), int(rng.integers(*seeds))
    )
    layout = camera.layout
    code = CODES[int(rng.integers(len(CODES)))]
    signal = np.zeros((LINES, layout.samples), np.float32)
    starts = _starts(layout)
    for start in starts:
        low, high = levels_dn if rng.random() > BRIGHT_SHARE else (levels_dn[1], 20 * levels_dn[1])
        level = np.exp(rng.uniform(np.log(low), np.log(high)))
        patch = scenes.draw(rng, LINES, PITCH) * np.float32(level)
        if not table_of(code).invertible_below > DN_MAX:
            patch *= min(1.0, DARK_TABLE_DN / float(patch.max()))
        signal[:, start : start + PITCH] = patch
    housekeeping, exposure_ms = draw_housekeeping(camera.dark, rng), float(np.exp(rng.uniform(-1, 3)))
    number = camera.record(signal, housekeeping, exposure_ms, code, rng)
    above = decompand(number, code) - camera.dark.mean(housekeeping, exposure_ms).astype(np.float32)
    above += _left_by_destriping(rng, signal)
    above -= _line_offset(above, layout)
    response = response_of(camera)
    recorded = (camera.linearity.inverse(above) / camera.flat).astype(np.float32)
    recorded = subtract_line_patterns(recorded, slope_of(recorded, response), layout)
    sharp = remove_echo(recorded, layout)
    std = response.noise_std(recorded, step_dn(number, code))
    images = [recorded, sharp, std, signal]
    if layout.reversed_readout:
        images = [image[:, ::-1] for image in images]
        starts = [layout.samples - start - PITCH for start in starts]
    recorded, sharp, std, signal = images
    inputs = network_input(recorded, sharp, std, layout.summing)
    edge, inset = (LINES - PATCH) // 2, (PITCH - PATCH) // 2
    rows = slice(edge, edge + PATCH)
    spans = [slice(start + inset, start + inset + PATCH) for start in starts]
    return Patches(
        np.stack([inputs[:, rows, s] for s in spans]),
        *(np.stack([image[rows, s] for s in spans]) for image in (sharp, std, signal)),
    )


def response_of(camera: NoiseModel) -> Response:
    """Return what the noise of a camera's images follows from."""
    return Response(camera.linearity.averaged(), camera.counts_per_dn, camera.read_noise_dn)


def _starts(layout: Layout) -> list[int]:
    """Return the first samples of the patches, multiples of eight, so that all patches share their phase."""
    low, high = layout.scene
    return list(range(-(-low // 8) * 8, high - PITCH + 1, PITCH))


def _left_by_destriping(rng: np.random.Generator, signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return stripes of the size that an imperfect destriping leaves, raw DN, (sample,).

    Ground is taken for stripes the more the brighter it is, and only where it varies slowly along samples.
    """
    dark, lit = LEFT_STRIPES
    white = rng.standard_normal(signal.shape[1])
    slow = gaussian_filter1d(rng.standard_normal(signal.shape[1]), 2.0)
    left = dark * white + lit * signal.mean(0) * slow / slow.std()
    return np.asarray(rng.uniform(0.2, 1.6) * left, np.float32)


def _line_offset(above_dark: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
    """Return what the masked samples say of each line's offset, (line, 1), shrunk by their own error."""
    masked = above_dark[:, layout.masked]
    mean = masked.mean(1, keepdims=True)
    error = float((masked.var(axis=1, ddof=1) / masked.shape[1]).mean())
    signal = max(float(mean.var()) - error, 0.0)
    shrunk = mean.mean() + (mean - mean.mean()) * (signal / (signal + error + 1e-12))
    return np.asarray(shrunk, np.float32)
