"""What the ground is made of: density, conductivity, heat capacity and albedo of an airless surface.

Equations and constants are those of Hayne et al. (2017), "Global regolith thermophysical properties of the
Moon from the Diviner Lunar Radiometer Experiment", J. Geophys. Res. Planets 122, 2371-2400, Appendix A and
Table A1. Another body, or another material, is another set of constants.

Values outside their bounds raise ValueError (:mod:`nightside.physics.bounds`); NaN gives NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.moon import SYNODIC_DAY_S
from nightside.physics.bounds import (
    ALBEDO,
    ALBEDO_RISE,
    CONDUCTIVITY,
    DAY,
    DENSITY,
    DEPTH,
    H_PARAMETER,
    INCIDENCE,
    INTERIOR_FLUX,
    RADIATIVE_RATIO,
    SUN_DISTANCE,
    TEMPERATURE,
    check_fields,
    checked,
)

STEFAN_BOLTZMANN = 5.670374419e-8
"""W m-2 K-4 (CODATA 2018)."""

SOLAR_CONSTANT = 1361.0
"""Sunlight at 1 AU in W m-2 (Hayne et al. 2017, Table A1)."""

HEAT_CAPACITY_FLOOR_K = 10.0
"""The polynomial of the heat capacity is a fit above about 10 K, and is negative below 1.3 K."""

REFERENCE_TEMPERATURE_K = 350.0
"""Where radiative and contact conductivity have the ratio chi."""

WIDEST_PORES_M = 0.05
"""Light crosses pores as wide as this at most; those of lunar regolith are below 1 mm."""

NODES_IN_SKIN_DEPTH = 10
GROWTH = 0.15
DEEP_SKIN_DEPTHS = 7.0
LEAST_DEEP_SKIN_DEPTHS = 4.0
_LEAST_REFINEMENT, _MOST_REFINEMENT = 0.5, 100.0
LEAST_NODES_IN_SKIN_DEPTH = NODES_IN_SKIN_DEPTH * _LEAST_REFINEMENT
MOST_GROWTH = GROWTH / _LEAST_REFINEMENT
"""Of given nodes. What passes errs by less than 0.5 K where H is 0.02 m or more, half an hour away from sunrise and sunset;
with a growth of 0.5 by 0.6 K, of 1 by 1.3 K, of 2 by 3 K, with a column of three deep skin depths by 1.3 K."""

_MATERIAL = {
    "surface_density": DENSITY,
    "deep_density": DENSITY,
    "surface_conductivity": CONDUCTIVITY,
    "deep_conductivity": CONDUCTIVITY,
    "radiative_conductivity": RADIATIVE_RATIO,
    "albedo_cubic": ALBEDO_RISE,
    "albedo_eighth": ALBEDO_RISE,
}
_BODY = {"day_s": DAY, "sun_distance_au": SUN_DISTANCE, "interior_flux": INTERIOR_FLUX}


@dataclass(frozen=True)
class Material:
    """Thermophysical constants of a surface; the defaults are lunar regolith (Hayne et al. 2017, Table A1).

    Density (kg m-3) and contact conductivity (W m-1 K-1) run from their surface to their deep values over the
    e-folding depth H. ``radiative_conductivity`` is chi, the ratio of radiative to contact conductivity at
    350 K. ``heat_capacity_coefficients`` (J kg-1 K-1) are in ascending powers of temperature.
    ``albedo_cubic`` and ``albedo_eighth`` are a and b of the albedo's dependence on incidence (Keihm 1984).
    """

    surface_density: float = 1100.0
    deep_density: float = 1800.0
    surface_conductivity: float = 7.4e-4
    deep_conductivity: float = 3.4e-3
    radiative_conductivity: float = 2.7
    heat_capacity_coefficients: tuple[float, float, float, float, float] = (
        -3.6125,
        2.7431,
        2.3616e-3,
        -1.2340e-5,
        8.9093e-9,
    )
    albedo_cubic: float = 0.06
    albedo_eighth: float = 0.25

    def __post_init__(self) -> None:
        check_fields(self, _MATERIAL)
        for contact in (self.surface_conductivity, self.deep_conductivity):
            pores = (
                self.radiative_conductivity * contact / (4.0 * STEFAN_BOLTZMANN * REFERENCE_TEMPERATURE_K**3)
            )
            if pores > WIDEST_PORES_M:
                raise ValueError(
                    f"radiative_conductivity {self.radiative_conductivity:g} times a conductivity of {contact:g} W m-1 "
                    f"K-1 needs pores of {pores:.2g} m, 4 sigma T^3 d at 350 K; expected at most {WIDEST_PORES_M:g} m "
                    "(are conductivities in mW m-1 K-1?)"
                )
        coefficients = self.heat_capacity_coefficients
        warm = np.linspace(HEAT_CAPACITY_FLOOR_K, 400.0, 79)
        if len(coefficients) != 5 or not (np.polynomial.polynomial.polyval(warm, coefficients) > 0.0).all():
            raise ValueError(
                f"heat_capacity_coefficients are {coefficients}; expected five of a heat capacity that is positive "
                f"from {HEAT_CAPACITY_FLOOR_K:g} to 400 K"
            )


@dataclass(frozen=True)
class Body:
    """An airless body: length of its solar day (s), distance from the Sun (AU) and interior heat (W m-2).

    Raises ValueError for a body that turns too fast to keep regolith, and for anything else out of
    :mod:`nightside.physics.bounds`.
    """

    day_s: float = SYNODIC_DAY_S
    sun_distance_au: float = 1.0
    interior_flux: float = 0.018

    def __post_init__(self) -> None:
        check_fields(self, _BODY)


MOON = Body()
REGOLITH = Material()

ROCK = Material(
    surface_density=2940.0,
    deep_density=2940.0,
    surface_conductivity=1.5,
    deep_conductivity=1.5,
    radiative_conductivity=0.0,
)
"""Bare rock, deeper than its skin depth: round numbers for basalt, a choice of this project rather than a
measurement (thermal inertia about 1,780 J m-2 K-1 s-1/2 at 273 K, against 55 of regolith); heat capacity and
albedo law as for regolith."""


def _with_depth(
    surface: float, deep: float, depth_m: ArrayLike, h_parameter_m: ArrayLike
) -> NDArray[np.float64]:
    depth = checked("depth_m", depth_m, DEPTH)
    decay = np.exp(-depth / checked("h_parameter_m", h_parameter_m, H_PARAMETER))
    return np.asarray(deep - (deep - surface) * decay, np.float64)


def density(
    depth_m: ArrayLike, h_parameter_m: ArrayLike, material: Material = REGOLITH
) -> NDArray[np.float64]:
    """Return the bulk density, in kg m-3, at a depth below the surface (Hayne et al. 2017, eq. A2).

    ``depth_m`` and ``h_parameter_m`` (the e-folding depth H), both in metres, broadcast.
    """
    return _with_depth(material.surface_density, material.deep_density, depth_m, h_parameter_m)


def contact_conductivity(
    depth_m: ArrayLike, h_parameter_m: ArrayLike, material: Material = REGOLITH
) -> NDArray[np.float64]:
    """Return the conductivity through grain contacts, in W m-1 K-1 (Hayne et al. 2017, eq. A5).

    It is linear in density, so it has the same e-folding depth. The arguments, in metres, broadcast.
    """
    return _with_depth(material.surface_conductivity, material.deep_conductivity, depth_m, h_parameter_m)


def conductivity(
    contact: ArrayLike, temperature_k: ArrayLike, material: Material = REGOLITH
) -> NDArray[np.float64]:
    """Return the conductivity, contacts and radiation, in W m-1 K-1 (Hayne et al. 2017, eq. A4)."""
    radiative = (
        material.radiative_conductivity
        * (checked("temperature_k", temperature_k, TEMPERATURE) / REFERENCE_TEMPERATURE_K) ** 3
    )
    return checked("contact", contact, CONDUCTIVITY) * (1.0 + radiative)


def heat_capacity(temperature_k: ArrayLike, material: Material = REGOLITH) -> NDArray[np.float64]:
    """Return the specific heat capacity, in J kg-1 K-1 (Hayne et al. 2017, eq. A6 and Table A1).

    Below 10 K, where the fit ends and soon turns negative, the value at 10 K is kept.
    """
    clamped = np.maximum(checked("temperature_k", temperature_k, TEMPERATURE), HEAT_CAPACITY_FLOOR_K)
    coefficients = np.asarray(material.heat_capacity_coefficients)
    return np.asarray(np.polynomial.polynomial.polyval(clamped, coefficients), np.float64)


def albedo_at_incidence(
    normal_albedo: ArrayLike, incidence_deg: ArrayLike, material: Material = REGOLITH
) -> NDArray[np.float64]:
    """Return A(theta) = A0 + a (theta/45)^3 + b (theta/90)^8, at most 1 (Hayne et al. 2017, eq. A11; Keihm 1984).

    ``normal_albedo`` (A0, unitless) and ``incidence_deg`` (0 to 90) broadcast.
    """
    incidence = checked("incidence_deg", incidence_deg, INCIDENCE)
    return albedo_law(checked("normal_albedo", normal_albedo, ALBEDO), incidence, material)


def albedo_law(
    normal_albedo: NDArray[np.float64], incidence: NDArray[np.float64], material: Material
) -> NDArray[np.float64]:
    """Return :func:`albedo_at_incidence` of arguments that are known to be within bounds."""
    rise = material.albedo_cubic * (incidence / 45.0) ** 3 + material.albedo_eighth * (incidence / 90.0) ** 8
    return np.minimum(normal_albedo + rise, 1.0)


def thermal_inertia(
    contact: ArrayLike, density_: ArrayLike, temperature_k: ArrayLike = 273.0, material: Material = REGOLITH
) -> NDArray[np.float64]:
    """Return sqrt(K rho c_p), in J m-2 K-1 s-1/2, of ground of contact conductivity ``contact`` at a temperature."""
    product = conductivity(contact, temperature_k, material) * checked("density_", density_, DENSITY)
    return np.asarray(np.sqrt(product * heat_capacity(temperature_k, material)), np.float64)


def skin_depth_m(material: Material = REGOLITH, body: Body = MOON, *, deep: bool = False) -> float:
    """Return the diurnal skin depth sqrt(kappa P / pi), in metres (Hayne et al. 2017, eq. A7).

    The diffusivity is that of contacts alone at 250 K, with the surface's constants or the deep ones.
    """
    conductivity_, density_ = (
        (material.deep_conductivity, material.deep_density)
        if deep
        else (material.surface_conductivity, material.surface_density)
    )
    diffusivity = conductivity_ / (density_ * float(heat_capacity(250.0, material)))
    return float(np.sqrt(diffusivity * body.day_s / np.pi))


def depth_grid_m(
    material: Material = REGOLITH, body: Body = MOON, refinement: float = 1.0
) -> NDArray[np.float64]:
    """Return the depths of the nodes, in metres, from 0 at the surface down, spaced geometrically.

    The first spacing is a tenth of the surface's skin depth, each next one 15 % wider, to at least seven deep skin depths
    (as Hayne et al. 2017, Appendix A2, but finer); ``refinement`` divides both fractions.
    """
    if not _LEAST_REFINEMENT <= refinement <= _MOST_REFINEMENT:
        raise ValueError(
            f"refinement is {refinement}; expected {_LEAST_REFINEMENT:g}, below which nodes are too coarse for the skin "
            f"depth, to {_MOST_REFINEMENT:g}"
        )
    spacing = skin_depth_m(material, body) / (NODES_IN_SKIN_DEPTH * refinement)
    growth = 1.0 + GROWTH / refinement
    bottom = DEEP_SKIN_DEPTHS * skin_depth_m(material, body, deep=True)
    # Thickness of n layers: spacing (growth^n - 1) / (growth - 1).
    layers = int(np.ceil(np.log1p(bottom / spacing * (growth - 1.0)) / np.log(growth)))
    return np.asarray(spacing * (growth ** np.arange(layers + 1) - 1.0) / (growth - 1.0), np.float64)


def checked_depth_m(
    depth_m: ArrayLike, material: Material = REGOLITH, body: Body = MOON
) -> NDArray[np.float64]:
    """Return ``depth_m`` (nodes) if heat can be conducted on it; raise ValueError with the reason otherwise.

    Depths, in metres, rise from 0 to four deep skin depths or more. The spacing below a node is at most a fifth of the
    surface's skin depth and 0.3 of the node's own depth, as waves that reach deeper are slower and longer; it is free
    below seven deep skin depths, where the day is not felt.
    """
    depth = np.asarray(depth_m, np.float64)
    if depth.ndim != 1 or depth.size < 3 or not np.isfinite(depth).all():
        raise ValueError("depth_m has to be one-dimensional and finite, with at least three nodes")
    if depth[0] != 0.0 or not (np.diff(depth) > 0.0).all():
        raise ValueError("depth_m has to start at 0 and to increase")
    skin, deep_skin = skin_depth_m(material, body), skin_depth_m(material, body, deep=True)
    upper, spacing = depth[:-1], np.diff(depth)
    widest = skin / LEAST_NODES_IN_SKIN_DEPTH + MOST_GROWTH * upper
    coarse = np.flatnonzero((spacing > widest * (1.0 + 1e-9)) & (upper < DEEP_SKIN_DEPTHS * deep_skin))
    if coarse.size:
        k = int(coarse[0])
        raise ValueError(
            f"depth_m[{k + 1}] is {depth[k + 1]:.4g} m, {spacing[k]:.3g} m below depth_m[{k}]: too coarse for the skin depth of "
            f"{skin:.3g} m; expected at most {widest[k]:.3g} m below {upper[k]:.4g} m, as depth_grid_m has"
        )
    shallowest = LEAST_DEEP_SKIN_DEPTHS * deep_skin
    if depth[-1] < shallowest * (1.0 - 1e-9):
        raise ValueError(
            f"the last node is {depth[-1]:.3g} m deep, where the day is still felt; expected at least {shallowest:.3g} m"
        )
    return depth
