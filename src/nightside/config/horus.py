"""The networks that remove noise: DestripeNet and PhotonNet."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from nightside.config.base import Section


class DestripeTraining(Section):
    """DestripeNet: from masked samples and housekeeping to a line's camera noise, learnt from dark frames."""

    components: int = Field(16, ge=1, le=256, description="column patterns that housekeeping weighs")
    width: int = Field(64, ge=4, le=1024, description="units of its hidden layers")
    epochs: int = Field(40, ge=1, description="passes over the lines of the library")
    batch_size: int = Field(256, ge=2, description="lines of a batch of one process")
    learning_rate: float = Field(1e-3, gt=0)
    validation_fraction: float = Field(0.15, gt=0, lt=1, description="of the dark frames, whole frames")


class PhotonTraining(Section):
    """PhotonNet: from destriped images to clean ones, learnt from scenes that a camera model darkens."""

    weights: Path | None = Field(
        None, description="a trained model's folder; without it the weights that come with nightside are used"
    )
    train: bool = Field(False, description="train a network in this run, on rendered scenes without 'scenes'")
    use_trained: bool = Field(False, description="denoise by the network that this run trains")
    scenes: tuple[Path, ...] = Field(
        (), description="folders of clean PNG images, and stores of rendered scenes, to darken"
    )
    leave_out: tuple[str, ...] = Field(
        (), description="numbers of observations in 'scenes' that no training sees, kept for tests"
    )
    widths: tuple[int, ...] = Field((32, 64, 128), description="channels of each level of the U-Net")
    blocks: tuple[int, ...] = Field((1, 2, 4), description="residual blocks of each level")
    levels_dn: tuple[float, float] = Field((0.4, 150.0), description="mean signals of the darkened patches")
    cameras: tuple[int, int] = Field(
        (1000, 1256), description="first and last + 1 of the seeds of the cameras that darken"
    )
    steps: int = Field(8000, ge=1)
    steps_per_epoch: int = Field(250, ge=1, description="after so many steps a checkpoint is kept")
    batch_size: int = Field(8, ge=1, description="patches of 96 x 96 pixels of one process")
    learning_rate: float = Field(8e-4, gt=0)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.use_trained and not self.train:
            raise ValueError("'use_trained' needs 'train: true'")
        if len(self.widths) != len(self.blocks) or len(self.widths) < 2:
            raise ValueError("'widths' and 'blocks' need as many values as each other, at least two")
        if not 0 < self.levels_dn[0] < self.levels_dn[1]:
            raise ValueError("'levels_dn' is no range of signals")
        if not 0 <= self.cameras[0] < self.cameras[1]:
            raise ValueError("'cameras' is no range of seeds")
        return self


class Horus(Section):
    """How the two networks are trained and applied."""

    destripe: DestripeTraining = DestripeTraining()
    photon: PhotonTraining = PhotonTraining()
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        "auto",
        description="of training; bf16 is two to four times faster on a GPU or processor that has it, which 'auto' "
        "finds out, and ten times slower on another",
    )
    devices: int | Literal["auto"] = Field("auto", description="processes, or GPUs, of a node")
    nodes: int = Field(1, ge=1)
    workers: int = Field(1, ge=0, le=1, description="processes that make training data beside the network")
    tile: int = Field(
        512,
        ge=128,
        le=8192,
        description="samples that the network sees at once; larger ones take more memory and are hardly faster",
    )
