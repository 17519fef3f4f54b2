"""The optical room: images, camera, networks, geometry and mosaic."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from nightside.config.base import Section
from nightside.config.camera import Calibration, CameraNoise
from nightside.config.geometry import Geometry, Mosaic
from nightside.config.horus import Horus
from nightside.config.nac import NacSource
from nightside.config.synthetic_nac import SyntheticNac


class Optical(Section):
    """All of the optical room."""

    images: NacSource
    noise: CameraNoise = CameraNoise()
    calibration: Calibration = Calibration()
    networks: Horus = Horus()
    geometry: Geometry = Geometry()
    mosaic: Mosaic = Mosaic()
    synthetic: SyntheticNac | None = Field(None, description="required where images.source is synthetic")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.images.source == "synthetic" and self.synthetic is None:
            raise ValueError("source 'synthetic' needs a section 'synthetic' (it may be empty: {})")
        return self
