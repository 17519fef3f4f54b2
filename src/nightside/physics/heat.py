"""Temperatures of the ground through a lunar day, in their periodic state, for many places at once.

The equations are those of Hayne et al. (2017), J. Geophys. Res. Planets 122, 2371-2400, Appendix A; the surface
may be a sloped facet (:mod:`nightside.physics.illumination`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.moon import HOURS_PER_DAY
from nightside.physics import periodic
from nightside.physics.column import MAX_NODES
from nightside.physics.illumination import daily_mean_absorbed_flux, hour_angle_series
from nightside.physics.regolith import (
    HEAT_CAPACITY_FLOOR_K,
    MOON,
    REFERENCE_TEMPERATURE_K,
    REGOLITH,
    SOLAR_CONSTANT,
    STEFAN_BOLTZMANN,
    Body,
    Material,
    contact_conductivity,
    density,
    depth_grid_m,
)

Float = NDArray[np.float64]

PROFILE_LOCAL_TIMES_H: Float = np.arange(120, dtype=np.float64) * 0.2
"""The 120 local times of a profile, in lunar hours after midnight."""

STEPS_PER_DAY = 480
DEFAULT_ALBEDO = 0.12
DEFAULT_H_PARAMETER_M = 0.07
DEFAULT_EMISSIVITY = 0.95

_MAX_DAYS = 60
_TOLERANCE_K = 1e-4


class ConvergenceWarning(RuntimeWarning):
    """Some places have no periodic state; their rows are NaN."""


@dataclass(frozen=True)
class DiurnalSolution:
    """Periodic temperatures of n places.

    ``surface_temperature`` (n, m) in K at ``local_time_h`` (m); ``midnight_temperature`` (n, nodes) in K at
    ``depth_m`` (nodes); ``residual_k`` (n) is the largest change of a column over a day; ``days`` (n) is how
    many days were stepped to find it; ``converged`` (n). Temperatures that did not converge are NaN.
    """

    local_time_h: Float
    surface_temperature: Float
    depth_m: Float
    midnight_temperature: Float
    residual_k: Float
    days: NDArray[np.int64]

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each place reached its periodic state."""
        return np.asarray(self.residual_k < _TOLERANCE_K) & np.isfinite(self.surface_temperature).all(axis=1)


def diurnal_temperatures(
    latitude_deg: ArrayLike,
    albedo: ArrayLike = DEFAULT_ALBEDO,
    h_parameter_m: ArrayLike = DEFAULT_H_PARAMETER_M,
    slope_east_deg: ArrayLike = 0.0,
    slope_north_deg: ArrayLike = 0.0,
    emissivity: ArrayLike = DEFAULT_EMISSIVITY,
    *,
    local_time_h: ArrayLike | None = None,
    solar_declination_deg: float = 0.0,
    material: Material = REGOLITH,
    body: Body = MOON,
    steps_per_day: int = STEPS_PER_DAY,
    refinement: float = 1.0,
) -> Float:
    """Return the surface temperature (n, m), in K, of n places at m local times, in their periodic state.

    The arguments are those of :func:`diurnal_solution`. A place without a periodic state is a row of NaN, and
    a :class:`ConvergenceWarning` says how many there are.
    """
    solution = diurnal_solution(
        latitude_deg,
        albedo,
        h_parameter_m,
        slope_east_deg,
        slope_north_deg,
        emissivity,
        local_time_h=local_time_h,
        solar_declination_deg=solar_declination_deg,
        material=material,
        body=body,
        steps_per_day=steps_per_day,
        refinement=refinement,
    )
    failed = np.flatnonzero(~solution.converged)
    if failed.size:
        warnings.warn(
            f"{failed.size} of {solution.residual_k.size} places (the first: index {failed[0]}) have no periodic "
            f"state after {_MAX_DAYS} days; their rows are NaN",
            ConvergenceWarning,
            stacklevel=2,
        )
    return solution.surface_temperature


def diurnal_solution(
    latitude_deg: ArrayLike,
    albedo: ArrayLike = DEFAULT_ALBEDO,
    h_parameter_m: ArrayLike = DEFAULT_H_PARAMETER_M,
    slope_east_deg: ArrayLike = 0.0,
    slope_north_deg: ArrayLike = 0.0,
    emissivity: ArrayLike = DEFAULT_EMISSIVITY,
    *,
    local_time_h: ArrayLike | None = None,
    solar_declination_deg: float = 0.0,
    material: Material = REGOLITH,
    body: Body = MOON,
    steps_per_day: int = STEPS_PER_DAY,
    refinement: float = 1.0,
) -> DiurnalSolution:
    """Find the periodic temperatures of n places.

    The first six arguments are scalars or arrays of shape (n,): latitude, -90 to 90; albedo A0 at normal
    incidence, 0 to 1; e-folding depth H in m, above 0 (without effect in a uniform ``material``); slopes,
    between -90 and 90, positive where the surface faces east or north; infrared emissivity, above 0, to 1.
    ``local_time_h`` (m) is in lunar hours after midnight, by default the 120 times of a profile; between steps
    temperatures are interpolated linearly. ``refinement`` multiplies the resolution in depth.

    Raises ValueError, which names the argument and the first bad index, for unphysical input.
    """
    places = _places(latitude_deg, albedo, h_parameter_m, slope_east_deg, slope_north_deg, emissivity)
    if not abs(solar_declination_deg) <= 90.0:
        raise ValueError(f"solar_declination_deg is {solar_declination_deg}; expected -90 to 90")
    if steps_per_day < 48:
        raise ValueError(f"steps_per_day is {steps_per_day}; expected at least 48")
    times = PROFILE_LOCAL_TIMES_H if local_time_h is None else np.asarray(local_time_h, np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError("local_time_h has to be one-dimensional and finite")
    depth = depth_grid_m(material, body, refinement)
    if depth.size > MAX_NODES:
        raise ValueError(
            f"refinement {refinement} needs {depth.size} nodes; at most {MAX_NODES} are possible"
        )

    inverse, reference_midnight, reference_flux = _reference(material, body, steps_per_day, refinement)
    flux = daily_mean_absorbed_flux(
        places["latitude_deg"],
        places["albedo"],
        places["slope_east_deg"],
        places["slope_north_deg"],
        solar_declination_deg,
        material=material,
        body=body,
        samples=96,
    )
    warmth = ((flux + body.interior_flux) / (reference_flux + body.interior_flux)) ** 0.25
    guess = np.maximum(reference_midnight[:, None] * warmth, 10.0)
    columns = _columns(places, solar_declination_deg, material, body, depth)
    position = np.mod(times / HOURS_PER_DAY * steps_per_day - 1.0, steps_per_day)
    result = periodic.solve(
        columns, guess, inverse, steps_per_day, position, tolerance_k=_TOLERANCE_K, max_days=_MAX_DAYS
    )
    return DiurnalSolution(times, result.surface, depth, result.midnight, result.residual, result.days)


def _places(*values: ArrayLike) -> dict[str, Float]:
    """Check and broadcast the arguments that vary from place to place, in the order of ``_RANGES``."""
    checked = {}
    for (name, (in_range, expected)), value in zip(_RANGES.items(), values, strict=True):
        array = np.atleast_1d(np.asarray(value, np.float64))
        if array.ndim != 1:
            raise ValueError(f"{name} has {array.ndim} dimensions; expected a scalar or one dimension")
        bad = np.flatnonzero(~in_range(array))
        if bad.size:
            raise ValueError(f"{name}[{bad[0]}] is {array[bad[0]]}; expected {expected}")
        checked[name] = array
    try:
        arrays = np.broadcast_arrays(*checked.values())
    except ValueError:
        sizes = ", ".join(f"{name} {array.size}" for name, array in checked.items())
        raise ValueError(f"arguments of different lengths: {sizes}") from None
    return dict(zip(checked, arrays, strict=True))


_RANGES: dict[str, tuple[Callable[[Float], NDArray[np.bool_]], str]] = {
    "latitude_deg": (lambda x: np.abs(x) <= 90.0, "-90 to 90 degrees"),
    "albedo": (lambda x: (x >= 0.0) & (x <= 1.0), "0 to 1"),
    "h_parameter_m": (lambda x: (x > 0.0) & np.isfinite(x), "a positive depth in metres"),
    "slope_east_deg": (lambda x: np.abs(x) < 90.0, "a slope between -90 and 90 degrees"),
    "slope_north_deg": (lambda x: np.abs(x) < 90.0, "a slope between -90 and 90 degrees"),
    "emissivity": (lambda x: (x > 0.0) & (x <= 1.0), "above 0, to 1"),
}


def _columns(
    places: dict[str, Float], declination_deg: float, material: Material, body: Body, depth: Float
) -> periodic.Columns:
    latitude = places["latitude_deg"]
    face = 0.5 * (depth[1:] + depth[:-1])
    edges = np.concatenate([depth[:1], face, depth[-1:]])
    centre = 0.5 * (edges[1:] + edges[:-1])
    h_parameter = places["h_parameter_m"]
    facet = hour_angle_series(latitude, places["slope_east_deg"], places["slope_north_deg"], declination_deg)
    return periodic.Columns(
        capacity=density(centre[:, None], h_parameter, material) * np.diff(edges)[:, None],
        conductance=contact_conductivity(face[:, None], h_parameter, material) / np.diff(depth)[:, None],
        emission=places["emissivity"] * STEFAN_BOLTZMANN,
        ground=np.array(
            [
                material.radiative_conductivity / REFERENCE_TEMPERATURE_K**3,
                body.interior_flux,
                HEAT_CAPACITY_FLOOR_K,
                *material.heat_capacity_coefficients,
            ]
        ),
        day_s=body.day_s,
        sunlight=SOLAR_CONSTANT / body.sun_distance_au**2,
        facet=np.stack(facet),
        sphere=np.stack(hour_angle_series(latitude, 0.0, 0.0, declination_deg)),
        albedo=np.ascontiguousarray(places["albedo"]),
        albedo_cubic=material.albedo_cubic,
        albedo_eighth=material.albedo_eighth,
    )


@lru_cache(maxsize=16)
def _reference(
    material: Material, body: Body, steps_per_day: int, refinement: float
) -> tuple[Float, Float, float]:
    """Return inverse Jacobian, midnight temperatures and mean flux of a flat place on the equator."""
    depth = depth_grid_m(material, body, refinement)
    place = _places(0.0, DEFAULT_ALBEDO, DEFAULT_H_PARAMETER_M, 0.0, 0.0, DEFAULT_EMISSIVITY)
    flux = float(daily_mean_absorbed_flux(0.0, DEFAULT_ALBEDO, material=material, body=body))
    guess = np.full(depth.size, 0.9 * (flux / (DEFAULT_EMISSIVITY * STEFAN_BOLTZMANN)) ** 0.25)
    columns = _columns(place, 0.0, material, body, depth)
    inverse, midnight = periodic.reference_inverse(columns, guess, steps_per_day)
    return inverse, midnight, flux
