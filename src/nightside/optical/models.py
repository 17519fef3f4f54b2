"""What it takes to denoise an image: its networks, and the calibration of its camera and time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nightside.camera.layout import Layout, layout
from nightside.camera.noise import read_noise_dn
from nightside.config.camera import CameraNoise
from nightside.formats.nac import EdrLabel, Housekeeping
from nightside.learning import ModelError, load_model
from nightside.optical.calibrate import Calibration
from nightside.optical.denoise import DarkLine, Models
from nightside.optical.destripe_net import DestripeNet
from nightside.optical.photon_net import PhotonNet, Response

SHIPPED = Path(str(files("nightside.optical"))) / "weights" / "photon"
"""The PhotonNet that comes with nightside; docs/denoising.md has the command that made it."""


@dataclass(frozen=True)
class CalibratedDark:
    """Camera noise without a DestripeNet: the standard calibration's dark, and what each line's masked samples add to it.

    The levels of both ends are joined by a straight line. Phases are left to the image itself, which knows them better;
    but they are told apart, because masked samples are not as many of each: a pattern that has changed since the dark
    would pass for a level.
    """

    layout: Layout
    dark_dn: NDArray[np.float32]

    def __call__(self, dn: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the camera noise of lines, raw DN, (line, sample), from their raw DN."""
        masked = self.layout.masked
        levels = (dn[:, masked] - self.dark_dn[masked]) @ self._levels.T
        return np.asarray(self.dark_dn + levels @ self._shares, np.float32)

    @cached_property
    def _shares(self) -> NDArray[np.float32]:
        """How much each end's level counts at each sample, (2, sample)."""
        masked, middle = self.layout.masked, self.layout.samples // 2
        at_low, at_high = (end.mean() for end in (masked[masked < middle], masked[masked > middle]))
        share = (np.arange(self.layout.samples) - at_low) / (at_high - at_low)
        return np.stack([1 - share, share]).astype(np.float32)

    @cached_property
    def _levels(self) -> NDArray[np.float32]:
        """What least squares makes of the masked samples, (2, masked): the level of each end beside a pattern of phases."""
        masked, phases = self.layout.masked, self.layout.phases
        low = masked < self.layout.samples // 2
        pattern = np.eye(phases)[masked % phases][:, 1:] - 1 / phases
        return np.linalg.pinv(np.column_stack([low, ~low, pattern]))[:2].astype(np.float32)


@dataclass(frozen=True)
class LearntDark:
    """Camera noise as DestripeNet expects it."""

    network: DestripeNet
    housekeeping: torch.Tensor
    beyond: tuple[str, ...] = ()

    def __call__(self, dn: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the camera noise of lines, raw DN, (line, sample)."""
        masked = torch.from_numpy(np.ascontiguousarray(dn[:, self.network.layout.masked]))
        with torch.inference_mode():
            return np.asarray(self.network(masked, self.housekeeping).numpy(), np.float32)


HELD_STD = 5.0
"""Standard deviations of the dark frames' housekeeping beyond which DestripeNet is not asked: it extrapolates at random."""


def models_for(
    label: EdrLabel,
    calibration: Calibration,
    *,
    noise: CameraNoise | None = None,
    destripe: Path | None = None,
    photon: Path | None = None,
    tile: int = 512,
) -> Models:
    """Return what it takes to denoise one image.

    Args:
        label: of the image.
        calibration: of its camera and mode; its flat field and linearity are used, and its dark without ``destripe``.
        noise: what is assumed of the camera's noise.
        destripe: folder of a trained DestripeNet of the same camera and mode.
        photon: folder of a trained PhotonNet; without it, the one that comes with nightside.
        tile: samples that the network sees at once.

    Raises:
        ModelError: a folder holds no such model, or one of another camera or mode.
    """
    noise = noise or CameraNoise()
    where = layout(label.camera, label.summing)
    network, _ = load_photon_net(photon or SHIPPED)
    flat = np.where(calibration.flat > 0, calibration.flat, 1.0).astype(np.float32)
    counts = {"electrons": noise.gain_e_per_dn * label.summing, "dn": 1.0, "none": np.inf}[noise.photons]
    return Models(
        layout=where,
        compand_code=label.compand_code,
        dark=_dark(label, where, calibration, destripe),
        flat=flat,
        linearity=calibration.linearity,
        response=Response(calibration.linearity.averaged(), counts, read_noise_dn(label.summing, noise)),
        photon=network,
        tile=tile,
    )


def housekeeping_of(label: EdrLabel) -> NDArray[np.float32]:
    """Return DestripeNet's input of an image: the eight values of its housekeeping and the exposure in ms, (1, 9)."""
    return np.append(label.housekeeping.as_array(), np.float32(label.exposure_ms))[None].astype(np.float32)


def load_photon_net(folder: Path) -> tuple[PhotonNet, dict[str, Any]]:
    """Return a trained PhotonNet and its card.

    Raises:
        ModelError: the folder is no finished model, or one of another kind.
    """
    network, card = load_model(folder, PhotonNet.from_card)
    if card.get("kind") != "photon-net":
        raise ModelError(
            f"{folder} is a '{card.get('kind')}', not a PhotonNet; give the folder of 'train-photon'"
        )
    return network, card


def _dark(label: EdrLabel, where: Layout, calibration: Calibration, destripe: Path | None) -> DarkLine:
    if destripe is None:
        return CalibratedDark(where, calibration.dark(np.datetime64(label.start_time)).astype(np.float32))
    network, _ = load_model(destripe, DestripeNet.from_card)
    if network.layout != where:
        raise ModelError(
            f"{destripe} is trained on the {network.layout.camera} camera with summing {network.layout.summing}, "
            f"{label.product_id} is of the {where.camera} camera with summing {where.summing}; train one on its darks"
        )
    # Of what a label has lost, the dark frames' mean is expected; what no dark frame came near is held near them.
    given = torch.from_numpy(housekeeping_of(label))
    known = torch.where(given.isnan(), network.mean_input, given)
    reach = HELD_STD * network.std_input
    held = known.clamp(network.mean_input - reach, network.mean_input + reach)
    names = [field.name for field in fields(Housekeeping)] + ["exposure_ms"]
    beyond = tuple(name for name, moved in zip(names, (held != known)[0].tolist(), strict=True) if moved)
    return LearntDark(network, held, beyond)
