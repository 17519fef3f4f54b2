"""The thermal room: bins, profiles, the autoencoder, its training and its maps."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from nightside.config.base import Section


class Bins(Section):
    """The division of the lunar day, and how far one ingesting job may grow."""

    local_time_bins: int = Field(
        240, ge=8, le=960, description="bins of the lunar day; 240 are 0.1 h each, 96 are 0.25 h"
    )
    memory_limit_gb: float = Field(
        10.0,
        gt=0,
        description="largest memory for one block's bins; a larger region is refused with a remedy",
    )


class Profiles(Section):
    """Gaussian-process interpolation over the periodic lunar day."""

    local_times: int = Field(120, ge=8, le=960, description="points of a profile; 120 are 0.2 h apart")
    length_scale_h: float = Field(6.0, gt=0, le=48, description="of the Matern-3/2 kernel")
    amplitude_k: float = Field(100.0, gt=0, description="prior standard deviation about the cell's mean")
    noise_k: float = Field(
        4.0, gt=0, description="standard deviation of one observation about the profile, in kelvin"
    )
    noise_floor_k: float = Field(
        0.5, ge=0, description="noise that does not fall with the count: pointing, season, binning"
    )
    gap_max_h: float = Field(4.0, gt=0, le=24, description="cells with a longer unobserved gap are masked")


class Vae(Section):
    """The variational autoencoder and its objective."""

    latents: int = Field(4, ge=1, le=32)
    width: int = Field(32, ge=4, le=512, description="channels of each convolution")
    objective: Literal["beta_vae", "beta_tcvae", "guided"] = "guided"
    beta: float = Field(0.2, ge=0, description="beta_vae, beta_tcvae: weight of the Kullback-Leibler term")
    total_correlation: float = Field(2.0, ge=0, description="beta_tcvae: weight of the total correlation")
    guidance: float = Field(
        10.0, ge=0, description="guided: weight with which library profiles must be encoded as their factors"
    )
    region_weight: float = Field(
        0.3,
        gt=0,
        description="guided: weight of the region's profiles beside the library's; below 1, because neighbouring "
        "local times of an interpolated profile err together",
    )
    free_beta: float = Field(
        10.0,
        ge=0,
        description="guided: weight of the Kullback-Leibler term of free latents; a small one lets them follow how a "
        "place was observed",
    )
    independence: float = Field(
        100.0, ge=0, description="guided: weight that keeps free latents uncorrelated with the named ones"
    )
    library_profiles: int = Field(16_000, ge=64, description="guided: places of the heat model's library")
    library_observations: int = Field(
        4, ge=1, le=64, description="guided: how often each of them is observed, as cells of the region were"
    )
    standardisation: float = Field(
        0.5,
        ge=0,
        le=1,
        description="of inputs: 0 divides kelvins by one number, 1 by one for each local time",
    )
    noise_floor_k: float = Field(
        0.5, gt=0, description="error of the likelihood that no observation takes away, in kelvin"
    )


class Training(Section):
    """How the network is trained."""

    epochs: int = Field(40, ge=1)
    steps_min: int = Field(
        2000, ge=0, description="a small region is trained for more epochs, up to this many steps"
    )
    batch_size: int = Field(200, ge=2)
    learning_rate: float = Field(4e-3, gt=0, description="largest rate of the schedule")
    validation_fraction: float = Field(0.1, gt=0, lt=0.5)
    devices: int | Literal["auto"] = Field("auto", description="processes or GPUs on each node")
    nodes: int = Field(1, ge=1)
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    workers: int = Field(0, ge=0, description="processes that load data")


class Maps(Section):
    """The georeferenced products."""

    tile: int = Field(
        512,
        ge=16,
        description="side of a tile in pixels, rounded up to whole chunks; maps are written tile by tile",
    )


class Thermal(Section):
    """All of the thermal room."""

    bins: Bins = Bins()
    profiles: Profiles = Profiles()
    vae: Vae = Vae()
    training: Training = Training()
    maps: Maps = Maps()

    @model_validator(mode="after")
    def _wraps(self) -> Self:
        if self.profiles.local_times % 2:
            raise ValueError("'profiles.local_times' must be even")
        return self
