"""The NAC's noise and its calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from nightside.config.base import Section


class CameraNoise(Section):
    """What the forward model of the camera's noise assumes; docs/noise_model.md says where each number comes from."""

    gain_e_per_dn: float = Field(
        71.0, gt=0, description="electrons of one DN: a full well of 248,500 fills 3,500 DN"
    )
    photons: Literal["electrons", "dn", "none"] = Field(
        "electrons",
        description="how photons are counted: in electrons, as if a DN were one quantum (HORUS), or without noise",
    )
    read_noise_dn: float = Field(
        1.0, ge=0, description="of one sample, raw DN: 71 electrons left, 74 right (published)"
    )
    pair_correlation: float = Field(
        0.5, ge=0, lt=1, description="of the read noise of the two samples that both channels read at once"
    )
    interference_dn: float = Field(
        3.6, ge=0, description="height of the pick-up's pulses, raw DN, its median over frames"
    )
    line_wander_dn: float = Field(0.5, ge=0, description="of what all samples of a line share, raw DN")
    phase_wander_dn: float = Field(
        0.6, ge=0, description="of the eight-column pattern from line to line, raw DN"
    )
    stripe_drift: float = Field(
        1.0, ge=0, description="factor on how much stripes change with temperature and age"
    )


class Calibration(Section):
    """Where the standard calibration takes its darks, flat field and linearity from."""

    folder: Path | None = Field(
        None,
        description="the archive's calibration files (those of ISIS: NACL_AverageDarks_*.cub and so on); without, "
        "stand-ins are fitted to the library of darks and to sunlit images",
    )
    dark_days_max: float = Field(45.0, gt=0, description="darks further apart are not interpolated between")
    dark_average_days: float = Field(
        30.0, ge=0, description="frames of the library within so many days are averaged to one dark"
    )
    dark_lines: int = Field(1024, ge=8, le=52_224, description="lines of each frame that the library keeps")
    sunlit_dn: float = Field(
        12.0, gt=0, description="a scene so far above its masked pixels is no dark frame, raw DN"
    )
    through_zero: bool = Field(
        False,
        description="force the response through zero, as HORUS does; the archive's own leaves 7 DN in the dark",
    )
    echo: bool = Field(True, description="remove the echo after the flat field")
