"""Batches of arrays held in memory: whole index sets, in an order that depends on seed and epoch alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler, TensorDataset


class Batches(Sampler[list[int]]):
    """Index sets of one process, reshuffled each epoch; every process has as many.

    Args:
        size: of the data set.
        batch_size: rows of a batch of one process.
        seed: of the order, with the epoch that Lightning sets: a resumed run draws the order that it would have.
        rank: of this process among ``world_size``.
        world_size: number of processes.
        shuffle: without it rows come in order and the last, smaller batch is kept.

    Raises:
        ValueError: there are fewer rows than processes, or two per process where batches are shuffled.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        *,
        shuffle: bool = True,
    ) -> None:
        self.share = size // world_size
        if self.share < (2 if shuffle else 1):
            raise ValueError(f"{size} rows are too few for {world_size} processes")
        self.size, self.seed, self.rank, self.world_size = size, seed, rank, world_size
        self.batch_size = min(batch_size, self.share)
        self.shuffle = shuffle
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of this epoch from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        full, rest = divmod(self.share, self.batch_size)
        return full + (1 if rest and not self.shuffle else 0)

    def __iter__(self) -> Iterator[list[int]]:
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
            order = torch.randperm(self.size, generator=generator)
        else:
            order = torch.arange(self.size)
        mine = order[self.rank :: self.world_size][: self.share].tolist()
        for i in range(len(self)):
            yield mine[i * self.batch_size : (i + 1) * self.batch_size]


def own_share(trainer: pl.Trainer, rows: int, draw: Callable[[int], Tensor]) -> Tensor:
    """Return what is random for this process's ``rows`` of the global batch: n processes draw what one would.

    Args:
        trainer: tells this process among all.
        rows: of the batch of one process.
        draw: makes so many rows of random numbers, from a generator that is in the same state everywhere.
    """
    world: int = trainer.world_size
    return draw(rows * world)[trainer.global_rank :: world]


def batch_loader(
    tensors: tuple[Tensor, ...], batches: Batches, workers: int = 0
) -> DataLoader[tuple[Tensor, ...]]:
    """Return a loader that takes each batch of all ``tensors`` (n, ...) by one indexing."""
    return DataLoader(
        TensorDataset(*tensors),
        sampler=batches,
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context="forkserver" if workers else None,
    )
