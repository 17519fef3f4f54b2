"""How the temperatures of a day depend on ground and slope, exactly, and what they can therefore tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.physics import column, periodic, tangent
from nightside.physics.heat import DiurnalSolution, solve_problem, warn_of_failures
from nightside.physics.problem import (
    DEFAULT_ALBEDO,
    DEFAULT_EMISSIVITY,
    DEFAULT_H_PARAMETER_M,
    STEPS_PER_DAY,
    Problem,
    cells,
    problem,
)
from nightside.physics.regolith import (
    MOON,
    REFERENCE_TEMPERATURE_K,
    REGOLITH,
    STEFAN_BOLTZMANN,
    Body,
    Material,
)
from nightside.physics.sunlight import locate, step_sunlight, sunlight_gradient

Float = NDArray[np.float64]

PARAMETER_UNITS = {
    "albedo": "1",
    "h_parameter_m": "m",
    "surface_conductivity": "W m-1 K-1",
    "deep_conductivity": "W m-1 K-1",
    "radiative_conductivity": "1",
    "emissivity": "1",
    "slope_east_deg": "degree",
    "slope_north_deg": "degree",
}
"""The parameters that derivatives are known for, with their units."""

_CHUNK = 512  # places whose days are held at a time: 45 MB


@dataclass(frozen=True)
class DiurnalSensitivities:
    """Periodic surface temperatures of n places and their derivatives.

    ``derivative`` (n, m, p) is that of ``solution.surface_temperature`` (n, m), K, by each of the p
    ``parameters``, in K per unit of the parameter (:data:`PARAMETER_UNITS`); NaN where there is no periodic state.
    """

    solution: DiurnalSolution
    parameters: tuple[str, ...]
    derivative: Float

    def by(self, parameter: str) -> Float:
        """Return the derivative (n, m) by one parameter; raises ValueError for one that was not asked for."""
        if parameter not in self.parameters:
            raise ValueError(f"no derivative by {parameter!r}; there are {', '.join(self.parameters)}")
        return self.derivative[:, :, self.parameters.index(parameter)]


def diurnal_sensitivities(
    latitude_deg: ArrayLike,
    albedo: ArrayLike = DEFAULT_ALBEDO,
    h_parameter_m: ArrayLike = DEFAULT_H_PARAMETER_M,
    slope_east_deg: ArrayLike = 0.0,
    slope_north_deg: ArrayLike = 0.0,
    emissivity: ArrayLike = DEFAULT_EMISSIVITY,
    *,
    parameters: Sequence[str] = tuple(PARAMETER_UNITS),
    local_time_h: ArrayLike | None = None,
    solar_declination_deg: float = 0.0,
    horizon_deg: ArrayLike | None = None,
    material: Material = REGOLITH,
    body: Body = MOON,
    steps_per_day: int = STEPS_PER_DAY,
    refinement: float = 1.0,
    depth_m: ArrayLike | None = None,
    tolerance_k: float | None = None,
) -> DiurnalSensitivities:
    """Find the periodic temperatures of n places and their derivatives by ``parameters``, exactly.

    The other arguments are those of :func:`nightside.physics.heat.diurnal_solution`. The steps of a periodic day
    are differentiated, and the periodic state by the implicit function theorem (:mod:`nightside.physics.tangent`):
    the derivatives are those of the computed temperatures, on fixed nodes, without a difference quotient.
    Sunlight has a kink where the Sun grazes the facet: where it does just at the end of a step, the derivative
    by a slope is that of the lit side.

    Raises ValueError for unphysical input and for parameters that are not in :data:`PARAMETER_UNITS`; warns as
    :func:`nightside.physics.heat.diurnal_temperatures` does.
    """
    unknown = [name for name in parameters if name not in PARAMETER_UNITS]
    if unknown or not parameters:
        raise ValueError(
            f"parameters has {unknown or 'no names'}; expected some of {', '.join(PARAMETER_UNITS)}"
        )
    set_out = problem(
        latitude_deg,
        albedo,
        h_parameter_m,
        slope_east_deg,
        slope_north_deg,
        emissivity,
        local_time_h=local_time_h,
        solar_declination_deg=solar_declination_deg,
        horizon_deg=horizon_deg,
        material=material,
        body=body,
        steps_per_day=steps_per_day,
        refinement=refinement,
        depth_m=depth_m,
    )
    solution = solve_problem(set_out, tolerance_k)
    warn_of_failures(solution)
    places = solution.days.size
    parts = [
        _derivative(set_out, solution.midnight_temperature, tuple(parameters), material, members)
        for members in periodic.chunks(places, _CHUNK)
    ]
    return DiurnalSensitivities(solution, tuple(parameters), np.concatenate(parts))


def parameter_covariance(derivative: ArrayLike, noise_k: ArrayLike = 1.0) -> Float:
    """Return the covariance (..., p, p) that temperatures with independent noise allow their parameters.

    ``derivative`` is (..., m, p), ``noise_k`` a scalar or (..., m), in K. It is the inverse of the Fisher matrix
    D^T D / noise^2, and so the least that an unbiased estimate can have (Cramer-Rao). All is infinite where the
    temperatures do not depend on one of the parameters, or cannot tell two of them apart.

    Raises ValueError for noise that is not positive.
    """
    noise = np.asarray(noise_k, np.float64)
    if not (noise > 0.0).all():
        raise ValueError("noise_k has to be above 0 everywhere")
    scaled = np.asarray(derivative, np.float64) / noise[..., None]
    # Of the triangular factor, whose condition is the root of the matrix's; columns of one size each.
    size = np.sqrt((scaled**2).sum(axis=-2))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.asarray(np.linalg.qr(scaled / np.where(size > 0.0, size, 1.0)[..., None, :], mode="r"))
        singular = np.abs(np.diagonal(factor, axis1=-2, axis2=-1)).min(axis=-1) < 1e-12
        solvable = np.where(singular[..., None, None], np.eye(factor.shape[-1]), factor)
        inverse = np.linalg.inv(solvable) / size[..., :, None]
    covariance = inverse @ np.swapaxes(inverse, -1, -2)
    return np.where(singular[..., None, None], np.inf, covariance)


def _derivative(
    set_out: Problem, midnight: Float, parameters: tuple[str, ...], material: Material, members: slice
) -> Float:
    """Return the derivative (n, m, p) of some of the places, from their periodic midnights (all n, nodes)."""
    columns = periodic.part(set_out.columns, members)
    places = {name: value[members] for name, value in set_out.places.items()}
    daylight = step_sunlight(columns, set_out.steps, column.LANES)
    days = column.trajectory(columns, daylight, np.ascontiguousarray(midnight[members]))
    by_capacity, by_conductance = _by_ground(places["h_parameter_m"], set_out.depth_m, material, parameters)
    facet = _by_slope(places, set_out.solar_declination_deg)
    # How the four terms of the sunlight depend on each parameter.
    by_terms = np.zeros((places["albedo"].size, 4, len(parameters)))
    for q, name in enumerate(parameters):
        if name == "albedo":
            by_terms[:, 0, q] = 1.0
        elif name in facet:
            by_terms[:, 1:, q] = facet[name].T
    first_of, weights = locate(daylight.length, daylight.ratio, len(days), set_out.instants_s)
    chosen = np.array(parameters)
    return np.asarray(
        tangent.sensitivities(
            columns,
            daylight,
            days,
            by_capacity,
            by_conductance,
            np.stack([chosen == "radiative_conductivity", chosen == "emissivity"])
            * np.array([[REFERENCE_TEMPERATURE_K**-3], [STEFAN_BOLTZMANN]]),
            sunlight_gradient(columns, set_out.steps) @ by_terms,
            first_of,
            weights,
        )
    )


def _by_ground(
    h_parameter: Float, depth: Float, material: Material, parameters: tuple[str, ...]
) -> tuple[Float, Float]:
    """Return the derivatives of capacity (p, nodes, n) and conductance (p, nodes - 1, n) of ``make_columns``."""
    face, spacing = 0.5 * (depth[1:] + depth[:-1])[:, None], np.diff(depth)[:, None]
    centre, thickness = (x[:, None] for x in cells(depth))
    at_face, at_centre = np.exp(-face / h_parameter), np.exp(-centre / h_parameter)
    by_capacity = np.zeros((len(parameters), depth.size, h_parameter.size))
    by_conductance = np.zeros((len(parameters), depth.size - 1, h_parameter.size))
    for q, name in enumerate(parameters):
        if name == "h_parameter_m":
            rise = material.surface_density - material.deep_density
            by_capacity[q] = rise * at_centre * centre / h_parameter**2 * thickness
            rise = material.surface_conductivity - material.deep_conductivity
            by_conductance[q] = rise * at_face * face / h_parameter**2 / spacing
        elif name == "surface_conductivity":
            by_conductance[q] = at_face / spacing
        elif name == "deep_conductivity":
            by_conductance[q] = (1.0 - at_face) / spacing
    return by_capacity, by_conductance


def _by_slope(places: dict[str, Float], declination_deg: float) -> dict[str, Float]:
    """Return the derivatives (3, n) of ``illumination.hour_angle_series`` by the slopes, per degree."""
    latitude, declination = np.deg2rad(places["latitude_deg"]), np.deg2rad(declination_deg)
    east, north = (np.tan(np.deg2rad(places[name])) for name in ("slope_east_deg", "slope_north_deg"))
    norm = np.sqrt(east**2 + north**2 + 1.0)
    constant = np.sin(declination) * (north * np.cos(latitude) + np.sin(latitude))
    cosine = np.cos(declination) * (np.cos(latitude) - north * np.sin(latitude))
    sine = -np.cos(declination) * east
    zero = np.zeros_like(norm)
    numerator = np.stack([constant, cosine, sine])
    by_east = np.stack([zero, zero, zero - np.cos(declination)])
    by_north = np.stack(
        [np.sin(declination) * np.cos(latitude), -np.cos(declination) * np.sin(latitude), zero]
    )
    return {
        name: (by / norm - numerator * tangent_ / norm**3) * (1.0 + tangent_**2) * np.pi / 180.0
        for name, by, tangent_ in (
            ("slope_east_deg", by_east, east),
            ("slope_north_deg", by_north, north),
        )
    }
