"""``fit``: Lightning's trainer as nightside uses it everywhere.

Every epoch ends with ``last.ckpt`` in a folder of its own, outside what a workflow rule declares as output, so that
the same command after a kill goes on from there. Requeueing is left to the workflow.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.callbacks import ModelCheckpoint

from nightside.learning.arithmetic import multiplies_in_bf16

LAST = "last.ckpt"

Precision = Literal["auto", "32-true", "bf16-mixed", "64-true"]
"""The last one, twice as exact and slow, is for checks that rounding must not decide."""


class WorldSizeError(RuntimeError):
    """Training runs on another number of processes than it was configured for."""


class _Progress(pl.Callback):
    """One line to stderr for each epoch, by the first process."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started = time.monotonic()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        # Independent of what this process has drawn before: a resumed run draws the same noise. The same in every
        # process: what differs between them is each one's share of a draw for all (``own_share``).
        torch.manual_seed(self.seed * 65_537 * 10_000_019 + trainer.global_step)

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.started = 0.0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        values = "  ".join(f"{k} {float(v):.6g}" for k, v in sorted(trainer.callback_metrics.items()))
        print(
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  {values}"
            f"  {time.monotonic() - self.started:.1f} s",
            file=sys.stderr,
            flush=True,
        )


class _WorldSize(pl.Callback):
    """Refuse to train on fewer processes than configured, which Lightning does without a word under ``srun -n1``."""

    def __init__(self, devices: int | Literal["auto"], nodes: int) -> None:
        self.devices, self.nodes = devices, nodes

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        expected = self.nodes * (self.devices if self.devices != "auto" else max(trainer.num_devices, 1))
        if trainer.world_size != expected:
            raise WorldSizeError(
                f"training runs on {trainer.world_size} process(es), but {self.nodes} node(s) x {self.devices} "
                f"device(s) = {expected} are configured; under Slurm ask for as many tasks "
                "(--nodes, --ntasks-per-node) and start them with srun, or correct 'training.nodes' and "
                "'training.devices'"
            )


def fit(
    module: pl.LightningModule,
    data: pl.LightningDataModule,
    *,
    epochs: int,
    seed: int,
    checkpoint_folder: Path,
    devices: int | Literal["auto"] = "auto",
    nodes: int = 1,
    precision: Precision = "32-true",
    gradient_clip: float | None = None,
) -> pl.Trainer:
    """Train ``module`` for ``epochs`` in all, on from ``checkpoint_folder/last.ckpt`` where there is one.

    Distribution is DistributedDataParallel, over NCCL on GPUs and gloo on CPUs; one process on a CPU needs none.
    ``devices`` "auto" takes every GPU of the node, or one process on a CPU. ``gradient_clip`` is the largest norm
    of a gradient. ``precision`` "auto" is bf16-mixed where the device multiplies in bfloat16, and single elsewhere.

    Raises:
        WorldSizeError: fewer (or more) processes were started than configured.
    """
    pl.seed_everything(seed, workers=True, verbose=False)
    gpu = torch.cuda.is_available()
    if devices == "auto" and not gpu:
        devices = 1
    if precision == "auto":
        precision = "bf16-mixed" if multiplies_in_bf16("cuda" if gpu else "cpu") else "32-true"
    many = nodes > 1 or devices not in ("auto", 1) or (gpu and torch.cuda.device_count() > 1)
    checkpoint_folder.mkdir(parents=True, exist_ok=True)
    last = checkpoint_folder / LAST
    with warnings.catch_warnings():
        for expected in (
            ".*does not have many workers.*",  # batches are slices of an array in memory
            ".*exists and is not empty.*",  # resuming is the normal case
            ".*GPU available but not used.*",
            "The `srun` command is available.*",  # Slurm is installed; the number of processes is checked
            ".*LeafSpec.*",  # torch's own deprecation, inside Lightning's loop
        ):
            warnings.filterwarnings("ignore", message=expected)
        trainer = pl.Trainer(
            accelerator="gpu" if gpu else "cpu",
            devices=devices,
            num_nodes=nodes,
            strategy="ddp" if many else "auto",
            plugins=[SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else None,
            precision=precision,
            max_epochs=epochs,
            gradient_clip_val=gradient_clip,
            callbacks=[
                _WorldSize(devices, nodes),
                _Progress(seed),
                ModelCheckpoint(
                    checkpoint_folder,
                    filename="last",
                    save_top_k=1,
                    enable_version_counter=False,
                    every_n_epochs=1,
                ),
            ],
            use_distributed_sampler=False,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=checkpoint_folder,
        )
        trainer.fit(
            module, data, ckpt_path=str(last) if _resumable(last, module) else None, weights_only=True
        )
    return trainer


def _resumable(path: Path, module: pl.LightningModule) -> bool:
    """Say whether a checkpoint can be resumed; a broken one (a disk that was full) is put aside."""
    if not path.is_file():
        return False
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        wrong = {k: v.shape for k, v in weights.items()} != {
            k: v.shape for k, v in module.state_dict().items()
        }
        reason = "is of another network" if wrong else None
    except Exception as error:  # torch raises a different class for each way to be broken
        reason = f"cannot be read ({error.__class__.__name__})"
    if reason is None:
        return True
    print(f"{path} {reason}; training starts anew", file=sys.stderr)
    path.replace(path.with_suffix(".broken"))
    return False
