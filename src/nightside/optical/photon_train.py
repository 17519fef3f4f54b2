"""Make a PhotonNet: train it, then measure its error and set its standard deviation right on scenes it has not seen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from nightside.config.horus import Horus, PhotonTraining
from nightside.formats.model_files import WEIGHTS
from nightside.learning import LAST, fast_autocast, fit, save_model, versions
from nightside.optical.darkening import darkened_patches
from nightside.optical.models import load_photon_net
from nightside.optical.photon_net import PhotonNet
from nightside.optical.photon_training import DarkenedScenes, PhotonData
from nightside.optical.photon_training import PhotonTraining as Training
from nightside.optical.scenes import ScenePool
from nightside.store import atomic_folder
from nightside.store.manifest import input_digests

GRADIENT_CLIP = 1.0

CHECK_KEY, CHECK_CAMERAS = 97, 64
"""Random numbers and cameras by which a trained network is checked."""

CHECK_FRAMES_MIN, CHECK_STEPS = 8, 32
"""Frames by which it is checked: one for so many steps of training, each of some forty patches."""


def train_photon(
    scenes: ScenePool,
    config: Horus,
    seed: int,
    out_folder: Path,
    checkpoint_folder: Path,
    start_from: Path | None = None,
    inputs: Iterable[Path] = (),
) -> dict[str, Any]:
    """Train on darkened scenes; write the model folder and return its card.

    Args:
        scenes: clean images, none of them of an observation that tests use.
        config: uses ``photon``, ``precision``, ``devices``, ``nodes`` and ``workers``.
        seed: of the weights and of all that is drawn.
        out_folder: becomes the model (``model.safetensors``, ``model.json``).
        checkpoint_folder: for ``last.ckpt``, from which training goes on; it is removed when the model is written.
        start_from: folder of a PhotonNet whose weights, and whose shape, are taken to start with.
        inputs: folders and stores that the scenes were read from; the card names them, and the weights of ``start_from``,
            with their digests.
    """
    photon = config.photon
    made_from = input_digests([*inputs, *([start_from / WEIGHTS] if start_from else [])])
    pl.seed_everything(seed, workers=True, verbose=False)
    network, before = _start(start_from) if start_from else (PhotonNet(photon.widths, photon.blocks), None)
    module = Training(network, photon.learning_rate, photon.steps)
    data = PhotonData(
        DarkenedScenes(
            scenes,
            seed=seed,
            batches=photon.steps_per_epoch,
            batch_size=photon.batch_size,
            cameras=photon.cameras,
            levels_dn=photon.levels_dn,
        ),
        config.workers,
    )
    trainer = fit(
        module,
        data,
        epochs=-(-photon.steps // photon.steps_per_epoch),
        seed=seed,
        checkpoint_folder=checkpoint_folder,
        devices=config.devices,
        nodes=config.nodes,
        precision=config.precision,
        gradient_clip=GRADIENT_CLIP,
    )
    network = module.averaged.cpu().eval()
    check = set_std_right(network, scenes, photon, seed)
    card: dict[str, Any] = {
        "kind": "photon-net",
        "network": network.shape(),
        "training": photon.model_dump(mode="json", exclude={"weights", "scenes"}),
        "scenes": list(scenes.names),
        "inputs": made_from,
        "seed": seed,
        "steps": int(trainer.global_step),
        "processes": int(trainer.world_size),
        "started_from": before,
        "check": check,
        "versions": versions(),
        "weights": "half precision",
    }
    if trainer.is_global_zero:
        with atomic_folder(out_folder) as partial:
            save_model(partial, network.half(), card)
        (checkpoint_folder / LAST).unlink(missing_ok=True)
    return card


def _start(folder: Path) -> tuple[PhotonNet, dict[str, Any]]:
    """Return a trained network whose standard deviation is as it was learnt, and what its card says of its training."""
    network, card = load_photon_net(folder)
    network.log_scale.zero_()
    return network.train(), {
        name: card.get(name) for name in ("training", "seed", "steps", "started_from", "check")
    }


def set_std_right(
    network: PhotonNet, scenes: ScenePool, photon: PhotonTraining, seed: int, frames: int | None = None
) -> dict[str, float]:
    """Scale the stated standard deviation by what errors show, through cameras that training has not seen.

    Half of the frames set the scale and the other half are checked by it.

    Returns:
        ``error_db`` (the mean over patches of the error's logarithm, in units of the noise) and ``z_spread`` of the
        frames that were not used.
    """
    frames = frames or max(CHECK_FRAMES_MIN, photon.steps // CHECK_STEPS)
    rng = np.random.default_rng([seed, CHECK_KEY])
    first = photon.cameras[1]
    z_scores, errors = [], []
    for number in range(frames):
        patches = darkened_patches(scenes, rng, (first, first + CHECK_CAMERAS), photon.levels_dn)
        with torch.inference_mode(), fast_autocast("cpu"):
            out = network(torch.from_numpy(patches.inputs)).float().numpy()
        error = (patches.sharp - patches.signal) / patches.std - out[:, 0]
        z_scores.append((patches.inputs[:, 2], error * np.exp(-0.5 * out[:, 1])))
        errors.append(10 * np.log10((error**2).mean((1, 2))))
        if number + 1 == frames // 2:
            level, z = (torch.from_numpy(np.concatenate(part)) for part in zip(*z_scores, strict=True))
            network.calibrate(level, z.clamp(-5, 5))
            z_scores, errors = [], []
    z_all = np.concatenate([z for _, z in z_scores])
    return {
        "error_db": float(np.mean(np.concatenate(errors))),
        "z_spread": float(np.std(np.clip(z_all, -5, 5))),
    }
