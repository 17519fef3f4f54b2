"""The physics room: what is inverted, and what is known of it beforehand."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from nightside.config.base import Section


class Prior(Section):
    """A Gaussian prior; a standard deviation of 0 fixes the parameter at the mean."""

    mean: float
    std: float = Field(ge=0)


class Inversion(Section):
    """Maps of albedo, H, onset and rocks from temperatures.

    The conductivities of surface and depth and chi (Hayne et al. 2017) act on surface temperatures as H does, and are
    constants of the heat model.
    """

    albedo: Prior = Field(Prior(mean=0.12, std=0.05), description="at normal incidence")
    h_parameter_m: float = Field(0.07, gt=0, le=1, description="prior median of H")
    h_parameter_spread: float = Field(
        0.7, ge=0, le=3, description="prior standard deviation of ln H; 0 fixes H"
    )
    onset_delay_h: Prior = Field(Prior(mean=0.0, std=1.0), description="delay of sunrise by the slope")
    slope_north_deg: Prior = Field(
        Prior(mean=0.0, std=6.0),
        description="temperatures hardly tell it from albedo; its deviation enters that of the albedo",
    )
    rocks: Literal["never", "where_needed", "everywhere"] = Field(
        "where_needed",
        description="fit the rock fraction nowhere, where ground without rocks does not fit, or everywhere",
    )
    rock_fraction_std: float = Field(
        0.2, gt=0, le=1, description="prior where it is fitted, about 0 and not below it"
    )
    rock_fraction_mean: float = Field(
        0.004,
        ge=0,
        le=0.05,
        description="of the exponential prior over which H and all else are averaged, as few rocks, up to some 3 %, look like "
        "a smaller H; the Moon's mean (Bandfield et al. 2011). 0: where rocks are not fitted there are none",
    )
    rocky_share: float = Field(
        0.05, ge=0, le=1, description="of places, whose rock fraction has the mean of the next line instead"
    )
    rocky_fraction_mean: float = Field(0.05, gt=0, le=0.5, description="mean of the rock fraction there")
    noise_k: float = Field(
        1.5, gt=0, description="standard deviation of one observation about the model, in kelvin"
    )
    noise_floor_k: float = Field(
        0.3, ge=0, description="of a bin's mean, whatever its count: the model's own error"
    )
    timing_std_h: float = Field(
        0.03,
        ge=0,
        le=2,
        description="beside the width of a bin, how uncertain the moment of sunrise is: the Sun's disc (0.02 h), and slopes "
        "within a cell (0.07 h for a degree)",
    )
    profile_std_factor: float = Field(
        1.5,
        ge=1,
        description="of the errors of interpolated profiles, because neighbouring local times err together",
    )
    profile_sunrise_h: float = Field(
        1.0,
        ge=0,
        le=4,
        description="nearer to a cell's sunrise and sunset interpolated profiles are not used: they round these corners",
    )
    observations_min: int = Field(10, ge=4, description="bins; places with fewer are masked")
    poor_fit_sigmas: float = Field(
        4.0,
        gt=0,
        description="a chi-square so far above its mean asks for rocks, and marks what they do not mend",
    )
    emissivity: float = Field(0.95, gt=0, le=1, description="infrared")
    latitude_max_deg: float = Field(
        80.0, gt=0, le=87, description="cells poleward of it are masked: their Sun is another each season"
    )
    onset_max_h: float = Field(3.0, gt=0, le=5, description="largest delay in the table")
    albedo_max: float = Field(0.4, gt=0, le=0.9, description="largest albedo in the table")
    h_parameter_range_m: tuple[float, float] = Field((0.01, 0.6), description="H in the table")
    verify: int = Field(256, ge=0, description="places, drawn at random, that are checked by the true solver")
    tile: int = Field(256, ge=16, description="side of a tile in pixels, rounded up to whole chunks")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        low, high = self.h_parameter_range_m
        if not 1e-3 <= low < high <= 10:
            raise ValueError(f"h_parameter_range_m {low:g} to {high:g} is no range within 0.001 to 10")
        if not low <= self.h_parameter_m <= high:
            raise ValueError("'h_parameter_m' lies outside 'h_parameter_range_m'")
        if self.rocky_fraction_mean < self.rock_fraction_mean:
            raise ValueError("'rocky_fraction_mean' is smaller than 'rock_fraction_mean'")
        if not 0 <= self.albedo.mean <= self.albedo_max:
            raise ValueError("'albedo.mean' lies outside 0 to 'albedo_max'")
        if abs(self.onset_delay_h.mean) > self.onset_max_h:
            raise ValueError("'onset_delay_h.mean' lies beyond 'onset_max_h'")
        if abs(self.slope_north_deg.mean) > 45:
            raise ValueError("'slope_north_deg.mean' is steeper than 45 degrees")
        return self


class Physics(Section):
    """All of the physics room."""

    inversion: Inversion = Inversion()
