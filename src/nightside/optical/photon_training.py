"""Train PhotonNet on darkened scenes."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from nightside.optical.darkening import Patches, darkened_patches
from nightside.optical.photon_net import PhotonNet
from nightside.optical.scenes import ScenePool

AVERAGING = 0.999
WARM_UP_STEPS = 300
VARIANCE_WEIGHT = 0.1
FLOOR = 1e-3
"""Of a patch's error in the noise's variance: below it nothing is gained."""

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class DarkenedScenes(IterableDataset[Batch]):
    """Batches of patches, new ones each epoch, from a buffer of several frames; the same for the same seed and epoch."""

    def __init__(
        self,
        scenes: ScenePool,
        *,
        seed: int,
        batches: int,
        batch_size: int,
        cameras: tuple[int, int],
        levels_dn: tuple[float, float],
        frames: int = 4,
    ) -> None:
        self.scenes, self.seed, self.batches, self.batch_size = scenes, seed, batches, batch_size
        self.cameras, self.levels_dn, self.frames = cameras, levels_dn, frames
        self.rank, self.epoch = 0, 0

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng([self.seed, self.rank, self.epoch])
        buffer: list[tuple[np.ndarray[Any, Any], ...]] = []
        for _ in range(self.batches):
            while len(buffer) < max(self.batch_size, (self.frames - 1) * 44):
                buffer += _pairs(darkened_patches(self.scenes, rng, self.cameras, self.levels_dn))
            chosen = rng.permutation(len(buffer))[: self.batch_size]
            pairs = [buffer[i] for i in chosen]
            for i in sorted(chosen, reverse=True):
                buffer.pop(int(i))
            yield tuple(torch.from_numpy(np.stack(column)) for column in zip(*pairs, strict=True))  # type: ignore[misc]


def _pairs(patches: Patches) -> list[tuple[np.ndarray[Any, Any], ...]]:
    return list(zip(patches.inputs, patches.sharp, patches.std, patches.signal, strict=True))


class EpochLoader(DataLoader[Batch]):
    """A loader whose data set knows the epoch, in whichever process it draws."""

    trainer: pl.Trainer

    def __iter__(self) -> Any:
        # Here, not in the data set: each epoch's worker gets a copy of it.
        assert isinstance(self.dataset, DarkenedScenes)
        # Counted in steps: a resumed trainer's first epoch still has the number of the one before.
        self.dataset.epoch = self.trainer.global_step // self.dataset.batches
        return super().__iter__()


class PhotonData(pl.LightningDataModule):
    """The loader of darkened scenes."""

    def __init__(self, scenes: DarkenedScenes, workers: int) -> None:
        super().__init__()
        self.scenes, self.workers = scenes, workers

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return batches of this process from the epoch at hand."""
        assert self.trainer is not None
        self.scenes.rank = self.trainer.global_rank
        loader = EpochLoader(
            self.scenes,
            batch_size=None,
            num_workers=min(self.workers, 1),
            multiprocessing_context="forkserver" if self.workers else None,
            prefetch_factor=8 if self.workers else None,
        )
        loader.trainer = self.trainer
        return loader


class PhotonTraining(pl.LightningModule):
    """The mean of each patch's logarithmic error, which is the PSNR, and the likelihood of the stated variance."""

    def __init__(self, network: PhotonNet, learning_rate: float, steps: int) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.learning_rate, self.steps = learning_rate, steps

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        inputs, sharp, std, signal = batch
        out = self.network(inputs.contiguous(memory_format=torch.channels_last)).float()
        error = (((sharp - signal) / std - out[:, 0]) ** 2).float()
        by_patch = error.mean((1, 2))
        likelihood = 0.5 * (out[:, 1] + error.detach() * torch.exp(-out[:, 1])).mean()
        self.log("error_db", 4.343 * torch.log(by_patch + 1e-6).mean(), on_epoch=True, on_step=False)
        self.log("likelihood", likelihood, on_epoch=True, on_step=False)
        loss: Tensor = torch.log(by_patch + FLOOR).mean() + VARIANCE_WEIGHT * likelihood
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Average the weights, which is worth a tenth of a decibel and more."""
        keep = min(AVERAGING, 1 - 1 / (self.global_step / 10 + 1))
        with torch.no_grad():
            for mean, now in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(now.detach(), 1 - keep)

    def configure_optimizers(self) -> Any:
        """Adam with warm-up and a cosine to a fiftieth of the learning rate."""
        optimiser = torch.optim.AdamW(
            self.network.parameters(), self.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
        )

        def rate(step: int) -> float:
            progress = min(step / self.steps, 1.0)
            return min(1.0, (step + 1) / WARM_UP_STEPS) * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
