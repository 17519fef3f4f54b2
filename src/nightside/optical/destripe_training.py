"""Train DestripeNet on a library of dark frames: each line is the truth of its own camera noise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from nightside.camera.companding import decompand
from nightside.camera.layout import Layout, layout
from nightside.config.horus import Horus
from nightside.formats.nac import Housekeeping
from nightside.learning import LAST, Batches, batch_loader, fit, save_model, versions
from nightside.optical.destripe_net import DestripeNet
from nightside.store import atomic_folder
from nightside.store.manifest import input_digests

FRAMES_MIN = 4
GRADIENT_CLIP = 1.0


@dataclass(frozen=True)
class DarkLines:
    """Dark frames of one camera and mode.

    Attributes:
        layout: of the camera and mode.
        number: 8-bit numbers, (frame, line, sample).
        compand_code: (frame,).
        housekeeping: the eight values and the exposure in ms, (frame, 9).
        column_dn: mean of each frame's lines, raw DN, (frame, sample).
    """

    layout: Layout
    number: NDArray[np.uint8]
    compand_code: NDArray[np.integer]
    housekeeping: NDArray[np.float32]
    column_dn: NDArray[np.float32]


def dark_lines(library: xr.Dataset) -> DarkLines:
    """Return the lines of a library of darks (a store of kind ``nac_darks``)."""
    names = [field.name for field in fields(Housekeeping)]
    columns = [library[name].to_numpy() for name in (*names, "exposure_ms")]
    return DarkLines(
        layout(library.attrs["camera"], int(library.attrs["summing"])),
        library["number"].to_numpy(),
        library["compand_code"].to_numpy(),
        np.stack(columns, axis=1).astype(np.float32),
        library["column_mean_dn"].to_numpy().astype(np.float32),
    )


class DestripeTraining(pl.LightningModule):
    """The mean squared error of the scene's samples, in DN^2.

    While it learns, housekeeping is blurred by ``blur`` (9,), the distance between frames: nothing is learnt that
    happens between them, and few frames are not learnt by heart.
    """

    def __init__(
        self, network: DestripeNet, codes: Tensor, blur: Tensor, learning_rate: float, epochs: int
    ) -> None:
        super().__init__()
        self.tables: Tensor
        self.blur: Tensor
        self.network, self.learning_rate, self.epochs = network, learning_rate, epochs
        tables = np.stack([decompand(np.arange(256, dtype=np.uint8), int(code)) for code in codes])
        self.register_buffer("tables", torch.from_numpy(tables), persistent=False)
        self.scene = slice(*network.layout.scene)
        self.register_buffer("blur", blur, persistent=False)

    def _error(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        number, code, housekeeping = batch
        dn = torch.gather(self.tables[code], 1, number.long())
        if self.training:
            housekeeping = housekeeping + self.blur * torch.randn_like(housekeeping)
        expected = self.network(dn[:, self.network.masked], housekeeping)
        loss: Tensor = ((dn - expected)[:, self.scene] ** 2).mean()
        return loss

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a batch of lines."""
        loss = self._error(batch)
        self.log("error_dn2", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> None:
        """Log the error of frames that are held out."""
        self.log("held_out_dn2", self._error(batch), sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Adam with a cosine to zero, an epoch at a time."""
        optimiser = torch.optim.AdamW(self.parameters(), self.learning_rate, weight_decay=1e-3)
        return [optimiser], [torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.epochs)]


class DarkData(pl.LightningDataModule):
    """Lines of dark frames; whole frames are held out."""

    def __init__(self, darks: DarkLines, batch_size: int, validation_fraction: float, seed: int) -> None:
        super().__init__()
        frames = len(darks.number)
        order = np.random.default_rng(seed).permutation(frames)
        held = max(round(validation_fraction * frames), 1)
        self.codes = torch.from_numpy(np.unique(darks.compand_code))
        self.held_out, self.trained = (self._lines(darks, f) for f in (order[:held], order[held:]))
        self.batch_size, self.seed = batch_size, seed

    def _lines(self, darks: DarkLines, frames: NDArray[np.integer]) -> tuple[Tensor, Tensor, Tensor]:
        each = darks.number.shape[1]
        code = np.searchsorted(self.codes.numpy(), darks.compand_code[frames])
        return (
            torch.from_numpy(np.ascontiguousarray(darks.number[frames].reshape(-1, darks.layout.samples))),
            torch.from_numpy(np.repeat(code, each)),
            torch.from_numpy(np.repeat(darks.housekeeping[frames], each, axis=0)),
        )

    def _loader(
        self, lines: tuple[Tensor, Tensor, Tensor], *, shuffle: bool
    ) -> DataLoader[tuple[Tensor, ...]]:
        assert self.trainer is not None
        batches = Batches(
            len(lines[0]),
            self.batch_size,
            self.seed,
            self.trainer.global_rank,
            self.trainer.world_size,
            shuffle=shuffle,
        )
        return batch_loader(lines, batches)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Return shuffled lines of the frames to learn from."""
        return self._loader(self.trained, shuffle=True)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """Return the lines of the frames that are held out."""
        return self._loader(self.held_out, shuffle=False)


def train_destripe(
    darks: DarkLines,
    config: Horus,
    seed: int,
    out_folder: Path,
    checkpoint_folder: Path,
    inputs: Iterable[Path] = (),
) -> dict[str, Any]:
    """Train on a library of dark frames; write the model folder and return its card.

    Args:
        darks: the library of one camera and mode.
        config: uses ``destripe``, ``devices`` and ``nodes``; precision is single, for a level of 40 DN in bf16 is
            rounded to a quarter of a DN.
        seed: of the weights, the order and the frames that are held out.
        out_folder: becomes the model (``model.safetensors``, ``model.json``).
        checkpoint_folder: for ``last.ckpt``, from which training goes on; it is removed when the model is written.
        inputs: files and stores that the darks were read from; the card names them with their digests.

    Raises:
        ValueError: there are fewer than four frames.
    """
    frames = len(darks.number)
    if frames < FRAMES_MIN:
        raise ValueError(
            f"{frames} dark frame(s) are too few to train on; give at least {FRAMES_MIN}, hundreds if you can"
        )
    made_from = input_digests(inputs)
    pl.seed_everything(seed, workers=True, verbose=False)
    destripe = config.destripe
    network = DestripeNet(darks.layout, destripe.components, destripe.width)
    data = DarkData(darks, destripe.batch_size, destripe.validation_fraction, seed)
    network.start_from(torch.from_numpy(darks.column_dn), torch.from_numpy(darks.housekeeping))
    module = DestripeTraining(
        network, data.codes, _spacing(darks.housekeeping), destripe.learning_rate, destripe.epochs
    )
    trainer = fit(
        module,
        data,
        epochs=destripe.epochs,
        seed=seed,
        checkpoint_folder=checkpoint_folder,
        devices=config.devices,
        nodes=config.nodes,
        precision="32-true",
        gradient_clip=GRADIENT_CLIP,
    )
    card: dict[str, Any] = {
        "kind": "destripe-net",
        "network": network.shape(),
        "training": destripe.model_dump(mode="json"),
        "frames": frames,
        "inputs": made_from,
        "seed": seed,
        "metrics": {name: float(value) for name, value in trainer.callback_metrics.items()},
        "versions": versions(),
    }
    if trainer.is_global_zero:
        with atomic_folder(out_folder) as partial:
            save_model(partial, network.cpu().eval(), card)
        (checkpoint_folder / LAST).unlink(missing_ok=True)
    return card


def _spacing(housekeeping: NDArray[np.float32]) -> Tensor:
    """Return how far apart the frames are, (9,): the median gap of the orbits, and a quarter of the spread of the rest."""
    blur = 0.25 * housekeeping.std(0)
    blur[0] = np.median(np.diff(np.sort(housekeeping[:, 0])))
    return torch.from_numpy(blur.astype(np.float32))
