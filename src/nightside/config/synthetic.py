"""The synthetic Moon: terrain, soil and an orbiter with known truth."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from nightside.config.base import Section


class SyntheticMoon(Section):
    """What the synthetic Moon is made of and how it is observed."""

    slope_rms_deg: float = Field(6.0, ge=0, le=25, description="root mean square slope of the terrain")
    topography: Path | None = Field(
        None, description="label of a LOLA elevation map (LDEM_4.LBL) whose relief is added to the hills"
    )
    albedo_mean: float = Field(0.12, gt=0, lt=0.5)
    albedo_std: float = Field(0.02, ge=0, lt=0.2)
    h_parameter_m: float = Field(0.07, gt=0, le=1, description="median scale height of density (H)")
    h_parameter_spread: float = Field(0.4, ge=0, le=1.5, description="standard deviation of ln H")
    conductivity_factor: float = Field(
        1.0, gt=0, le=10, description="of the regolith's contact conductivity; 1 is Hayne et al. (2017)"
    )
    emissivity: float = Field(0.95, gt=0, le=1, description="infrared, of regolith and rock")
    hot_craters: int = Field(6, ge=0, description="rocky craters, the anomalies to find")
    rock_conductivity_factor: float = Field(
        1.0, gt=0, le=10, description="of the rocks' conductivity; 1 is the rock of the heat model"
    )
    rock_fraction_max: float = Field(0.3, ge=0, le=1, description="in the middle of the rockiest crater")
    odd_patches: int = Field(
        0, ge=0, description="patches that emit as 'odd_emissivity': anomalies of which no model knows"
    )
    odd_emissivity: float = Field(0.8, gt=0, le=1)
    noise_k: float = Field(1.5, ge=0, description="standard deviation of one brightness temperature")
    flagged_fraction: float = Field(
        0.05, ge=0, lt=1, description="rows with a bad quality flag and a wrong temperature"
    )
    gap_fraction: float = Field(0.05, ge=0, lt=1, description="ten-minute tables that were never taken")
