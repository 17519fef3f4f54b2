"""Train a plane through points; argv: folder, epoch in which the process kills itself or -1, devices, bias (0 or 1)."""

import os
import sys
from pathlib import Path

import pytorch_lightning as pl
import torch

from nightside.learning import Batches, batch_loader, fit, save_model


class Line(pl.LightningModule):
    def __init__(self, kill_in_epoch, bias):
        super().__init__()
        self.layer, self.kill = torch.nn.Linear(3, 1, bias=bias), kill_in_epoch

    def training_step(self, batch, _):
        x, y = batch
        if self.current_epoch == self.kill:
            os.kill(os.getpid(), 9)
        noisy = self.layer(x) + 0.01 * torch.randn_like(y)
        return (noisy - y).square().mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)


class Data(pl.LightningDataModule):
    def train_dataloader(self):
        x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
        rank, world = self.trainer.global_rank, self.trainer.world_size
        return batch_loader((x, x.sum(1, keepdim=True)), Batches(64, 8, 5, rank, world))


def train(folder: Path, kill_in_epoch: int = -1, devices: int = 1, bias: bool = True) -> None:
    torch.manual_seed(3)
    module = Line(kill_in_epoch, bias)
    trainer = fit(module, Data(), epochs=4, seed=3, checkpoint_folder=folder / "ckpt", devices=devices)
    if trainer.is_global_zero:
        save_model(folder / "model", module, {"epochs": trainer.current_epoch, "world": trainer.world_size})


if __name__ == "__main__":
    train(Path(sys.argv[1]), *map(int, sys.argv[2:4]), bias=sys.argv[4] == "1")
