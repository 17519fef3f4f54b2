"""The physics room: what is inverted, and what is known of it beforehand."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from nightside.config.base import Section

MOST_RADIATIVE = 0.486
"""Of chi times a contact conductivity, W m-1 K-1: 4 sigma T^3 d at 350 K with pores of d = 5 cm, as ``physics.Material`` has."""


class Prior(Section):
    """A Gaussian prior; a standard deviation of 0 fixes the parameter at the mean."""

    mean: float
    std: float = Field(ge=0)


class Constant(Section):
    """A constant of the heat model: fixed at its value.

    A standard deviation above 0 is no error of a place, but one of the whole map: maps of ``..._systematic_std`` then say
    what the constants cause together.
    """

    value: float = Field(gt=0)
    std: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.std > 0.5 * self.value:
            raise ValueError("'std' is more than half of 'value', too much for errors to first order")
        return self


class Ground(Section):
    """Constants of the regolith (Hayne et al. 2017, Table A1), which temperatures cannot tell from H.

    They reach the table of the inversion and the solver that checks it. A map of H is one for these values.
    """

    surface_conductivity: Constant = Field(Constant(value=7.4e-4), description="Ks, W m-1 K-1")
    deep_conductivity: Constant = Field(Constant(value=3.4e-3), description="Kd, W m-1 K-1")
    radiative_conductivity: Constant = Field(
        Constant(value=2.7), description="chi, of radiative to contact conductivity at 350 K"
    )
    surface_density: Constant = Field(Constant(value=1100.0), description="kg m-3")
    deep_density: Constant = Field(Constant(value=1800.0), description="kg m-3")
    emissivity: Constant = Field(Constant(value=0.95), description="infrared, of rocks too")

    @model_validator(mode="after")
    def _physical(self) -> Self:
        for name, least, most in (
            ("surface_conductivity", 1e-5, 1.0),
            ("deep_conductivity", 1e-5, 1.0),
            ("radiative_conductivity", 0.01, 100.0),
            ("surface_density", 100.0, 5000.0),
            ("deep_density", 100.0, 5000.0),
            ("emissivity", 0.3, 1.0),
        ):
            if not least <= getattr(self, name).value <= most:
                raise ValueError(f"'{name}.value' lies outside {least:g} to {most:g}; check its unit")
        most = MOST_RADIATIVE / self.radiative_conductivity.value
        for name in ("surface_conductivity", "deep_conductivity"):
            if (value := getattr(self, name).value) > most:
                raise ValueError(
                    f"'{name}.value' is {value:g} W m-1 K-1; expected at most {most:.2g}, as light would have to cross pores "
                    f"wider than 5 cm with a 'radiative_conductivity' of {self.radiative_conductivity.value:g} (is it in mW?)"
                )
        return self

    def values(self) -> dict[str, float]:
        """Return the constants by name."""
        return {name: getattr(self, name).value for name in type(self).model_fields}

    def deviations(self) -> dict[str, float]:
        """Return their standard deviations by name."""
        return {name: getattr(self, name).std for name in type(self).model_fields}


class UnseenRocks(Section):
    """What is thought of rocks too few to be seen, for a second map of H that allows for them.

    Up to some 3 % of rocks look like a smaller H. The prior of their fraction is exponential of ``mean``, but of
    ``rocky_mean`` in a ``rocky_share`` of places.
    """

    mean: float = Field(0.004, gt=0, le=0.05, description="the Moon's mean (Bandfield et al. 2011)")
    rocky_share: float = Field(
        0.05, ge=0, le=1, description="of places, which have the mean of the next line instead"
    )
    rocky_mean: float = Field(0.05, gt=0, le=0.5, description="mean of the rock fraction there")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.rocky_mean < self.mean:
            raise ValueError("'rocky_mean' is smaller than 'mean'")
        return self


class Inversion(Section):
    """Maps of albedo, H, onset and rocks from temperatures. The body is the Moon: another one is for Python only."""

    albedo: Prior = Field(Prior(mean=0.12, std=0.05), description="at normal incidence")
    h_parameter_m: float = Field(0.07, gt=0, le=1, description="prior median of H")
    h_parameter_spread: float = Field(
        0.7, ge=0, le=3, description="prior standard deviation of ln H; 0 fixes H"
    )
    onset_delay_h: Prior = Field(
        Prior(mean=0.0, std=1.0),
        description="shift of the facet's day by its slope to the east: above 0 the Sun comes so long after 6 h, below 0 it "
        "comes at 6 h and goes so long before 18 h",
    )
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
    unseen_rocks: UnseenRocks | None = Field(
        UnseenRocks(),
        description="adds maps of H and of the rock fraction with rocks that no fit can see; null: none",
    )
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
    observations_min: int = Field(8, ge=4, description="bins; places with fewer are masked")
    poor_fit_sigmas: float = Field(
        4.0,
        gt=0,
        description="a chi-square so far above its mean asks for rocks, and marks what they do not mend",
    )
    ground: Ground = Ground()
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
        if not 1e-3 <= low < high <= 1:
            raise ValueError(f"h_parameter_range_m {low:g} to {high:g} is no range within 0.001 to 1")
        if not low <= self.h_parameter_m <= high:
            raise ValueError("'h_parameter_m' lies outside 'h_parameter_range_m'")
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
