"""Train the autoencoder on made-up profiles; argv: folder, devices, batch, epochs, learning rate, precision."""

import json
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from nightside.config import load
from nightside.learning import fit
from nightside.thermal.model import ProfileModel
from nightside.thermal.profile_training import ProfileData, ProfileTraining


class Keep(pl.Callback):
    """Keeps the loss of each epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.losses.append(float(trainer.callback_metrics["loss"]))


def train(
    folder: Path, devices: int, batch: int, epochs: int, rate: float, precision: Any
) -> tuple[bool, dict[str, Any]]:
    """Return whether this is the first process, the number of processes and the losses."""
    torch.manual_seed(0)
    hours = torch.arange(120) * 0.2
    level = torch.rand(128, 1) * 100
    day = torch.clamp(torch.sin((hours - 6) / 12 * torch.pi), min=0)
    temperature = (150 + level * day + torch.randn(128, 120)).float()
    std = torch.full_like(temperature, 1.0)
    vae = load(
        {
            "name": "two",
            "region": {"longitude_deg": 0, "latitude_deg": 0, "width_km": 4, "pixels_per_degree": 128},
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
            "thermal": {"vae": {"objective": "beta_vae", "latents": 2, "width": 8}},
        }
    ).thermal.vae
    model = ProfileModel.for_profiles(temperature.numpy(), std.numpy(), vae, None)
    data = ProfileData(temperature, std, batch_size=batch, validation_fraction=0.125, seed=3, workers=0)
    module, kept = ProfileTraining(model, vae, rate, data.trained.numel(), None), Keep()
    module.configure_callbacks = lambda: [kept]  # type: ignore[method-assign]
    trainer = fit(
        module, data, epochs=epochs, seed=3, checkpoint_folder=folder, devices=devices, precision=precision
    )
    return trainer.is_global_zero, {"world": trainer.world_size, "losses": kept.losses}


if __name__ == "__main__":
    counts, rate = map(int, sys.argv[2:5]), float(sys.argv[5])
    first, found = train(Path(sys.argv[1]), *counts, rate, sys.argv[6])
    if first:
        print(json.dumps(found))
