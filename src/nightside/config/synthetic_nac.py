"""The synthetic NAC: a camera with known truth over rendered ground without sunlight."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from nightside.config.base import Section


class NacTerrain(Section):
    """The ground that the synthetic camera flies over."""

    cell_m: float = Field(1.0, gt=0.1, le=10, description="size of a cell of the rendered ground")
    crater_density: float = Field(
        0.07, gt=0, le=0.15, description="craters larger than D in each D squared, where as many fade as form"
    )
    equilibrium_m: float = Field(
        120.0, ge=10, le=1000, description="the largest diameter in that equilibrium; larger on older ground"
    )
    boulder_abundance: float = Field(
        0.02, ge=0, le=1, description="boulders above 1 m to the square metre of a just formed crater"
    )
    swell_slope_deg: float = Field(3.0, ge=0, le=20, description="root mean square slope of the hills")
    texture_slope_deg: float = Field(6.0, ge=0, le=20, description="root mean square slope of the regolith")
    albedo_spread: float = Field(0.04, ge=0, le=0.2, description="standard deviation of the relative albedo")


class NacLight(Section):
    """The sunlit rim whose scattered light falls on the ground."""

    azimuth_deg: float = Field(300.0, ge=0, le=360, description="of its middle, clockwise from the map's top")
    elevation_deg: float = Field(14.0, ge=3, le=45, description="of its middle; it is as thick as that")
    width_deg: float = Field(60.0, gt=0, le=120, description="full width in azimuth at half its brightness")


class SyntheticNac(Section):
    """What the synthetic camera sees, and how it is built.

    For each of ``signals_dn`` there is a left and a right image of the same ground.
    """

    longitude_deg: float = Field(
        355.0, ge=-180, lt=360, description="of the images' middle, degrees east; by default in Haworth"
    )
    latitude_deg: float = Field(
        -87.5, ge=-90, le=90, description="of the images' middle, poleward of 65 degrees north or south"
    )
    altitude_km: float = Field(50.0, ge=10, le=250, description="of the spacecraft above the sphere")
    lines: int = Field(1536, ge=128, le=52_224, description="of an image")
    summing: Literal[1, 2] = Field(2, description="2 where pairs of detector samples are averaged")
    exposure_ms: float = Field(
        0.6,
        ge=0.3376,
        le=35.28,
        description="of a line; rounded to what the camera can do, 128/15000 ms steps",
    )
    signals_dn: tuple[float, ...] = Field(
        (2.0, 5.0, 20.0), min_length=1, max_length=20, description="mean signals, one for each pair of images"
    )
    compand_code: int = Field(3, ge=0, le=5, description="companding table of the images")
    dark_frames: int = Field(
        24,
        ge=2,
        le=5_000,
        description="dark frames of each camera, spread over the mission; two more lie beside each image",
    )
    dark_lines: int = Field(256, ge=16, le=52_224, description="lines of a dark frame")
    dark_compand_code: int = Field(1, ge=0, le=5, description="companding table of the dark frames")
    terrain: NacTerrain = NacTerrain()
    light: NacLight = NacLight()

    @model_validator(mode="after")
    def _polar(self) -> Self:
        if abs(self.latitude_deg) < 65.0:
            raise ValueError(
                "latitude_deg: permanent shadow lies near the poles; give 65 to 90, north or south"
            )
        if any(signal <= 0 or signal > 3000 for signal in self.signals_dn):
            raise ValueError("signals_dn: mean signals are above 0 and at most 3000 DN")
        return self
