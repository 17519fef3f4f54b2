"""Make a PhotonNet: train it, then measure its error and set its standard deviation right on scenes it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from nightside.config.horus import Horus
from nightside.learning import LAST, fit, save_model, versions
from nightside.optical.photon_net import PhotonNet
from nightside.optical.photon_training import DarkenedScenes, PhotonData
from nightside.optical.photon_training import PhotonTraining as Training
from nightside.optical.scenes import ScenePool
from nightside.store import atomic_folder

GRADIENT_CLIP = 1.0


def train_photon(
    scenes: ScenePool, config: Horus, seed: int, out_folder: Path, checkpoint_folder: Path
) -> dict[str, Any]:
    """Train on darkened scenes; write the model folder and return its card.

    Args:
        scenes: clean images, none of them of an observation that tests use.
        config: uses ``photon``, ``precision``, ``devices``, ``nodes`` and ``workers``.
        seed: of the weights and of all that is drawn.
        out_folder: becomes the model (``model.safetensors``, ``model.json``).
        checkpoint_folder: for ``last.ckpt``, from which training goes on; it is removed when the model is written.
    """
    photon = config.photon
    pl.seed_everything(seed, workers=True, verbose=False)
    module = Training(PhotonNet(photon.widths, photon.blocks), photon.learning_rate, photon.steps)
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
    card: dict[str, Any] = {
        "kind": "photon-net",
        "network": network.shape(),
        "training": photon.model_dump(mode="json", exclude={"weights", "scenes"}),
        "scenes": list(scenes.names),
        "seed": seed,
        "steps": int(trainer.global_step),
        "versions": versions(),
    }
    if trainer.is_global_zero:
        with atomic_folder(out_folder) as partial:
            save_model(partial, network, card)
        (checkpoint_folder / LAST).unlink(missing_ok=True)
    return card
