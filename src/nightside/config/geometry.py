"""Where an image lies on the Moon, and the grid of the mosaic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from nightside.config.base import Section
from nightside.config.region import Region


class Geometry(Section):
    """Kernels and the shape of the Moon."""

    kernels: tuple[Path, ...] = Field(
        (),
        description="SPICE kernels: folders, meta-kernels or files, of which later ones take precedence; leap seconds, "
        "clock, frames, rotation of the Moon, orbit and attitude for the time of every image",
    )
    frame: Literal["auto", "MOON_ME", "IAU_MOON", "MOON_PA"] = Field(
        "auto",
        description="body-fixed frame; auto: MOON_ME, that of maps, where the kernels have it, else IAU_MOON, which "
        "may be 100 m off",
    )
    light_time: bool = Field(
        False, description="correct for aberration, half a pixel along the track; ISIS and ALE do not"
    )
    dem: Path | None = Field(
        None, description="elevation model: label of a LOLA map, or a GeoTIFF; without, the Moon is a sphere"
    )


class Mosaic(Section):
    """The grid of the mosaic and how images share it."""

    extent: Region | None = Field(
        None, description="the grid; without, it is the union of the images at 'pixel_m'"
    )
    projection: Literal["auto", "equirectangular", "polar_stereographic"] = Field(
        "auto", description="without 'extent': auto is polar stereographic poleward of 65 degrees"
    )
    pixel_m: float = Field(1.0, gt=0.2, le=1000, description="without 'extent': size of a pixel")
    feather_m: float = Field(
        50.0, ge=0, description="over this distance from its edge the weight of an image rises to the full"
    )
    match_brightness: bool = Field(
        True, description="fit a gain and an offset of each image where they overlap"
    )
    reference: str | None = Field(
        None,
        description="product id whose brightness is kept; by default the clearest image of those that share much",
    )
    error_correlation: float = Field(
        0.7,
        ge=0,
        le=1,
        description="correlation of the errors of neighbouring pixels, its square two pixels away and so on: 0, they are "
        "averaged away; 1, they stay",
    )
    error_correlation_far: float = Field(
        0.15, ge=0, le=1, description="correlation of the errors of pixels of one image that are far apart"
    )
    error_correlation_images: float = Field(
        0.75,
        ge=0,
        le=1,
        description="correlation of the errors of two equally clear images of one place: denoising expects the same in both; "
        "it falls with the ratio of their errors",
    )
    tile: int = Field(512, ge=128, description="side of a tile in pixels, rounded up to whole chunks")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.extent is not None and self.extent.whole_moon:
            raise ValueError("the whole Moon is no extent of a mosaic of strips; give a centre and a size")
        return self
