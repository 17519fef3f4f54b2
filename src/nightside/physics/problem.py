"""The places of a heat problem, checked, and the columns that the solvers step."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.moon import HOURS_PER_DAY
from nightside.physics import bounds, periodic
from nightside.physics.column import MAX_NODES
from nightside.physics.compilation import announced
from nightside.physics.illumination import compass_series, daily_mean_absorbed_flux, hour_angle_series
from nightside.physics.regolith import (
    HEAT_CAPACITY_FLOOR_K,
    REFERENCE_TEMPERATURE_K,
    SOLAR_CONSTANT,
    STEFAN_BOLTZMANN,
    Body,
    Material,
    checked_depth_m,
    contact_conductivity,
    density,
    depth_grid_m,
)

Float = NDArray[np.float64]

PROFILE_LOCAL_TIMES_H: Float = np.arange(120, dtype=np.float64) * 0.2
"""The 120 local times of a profile, in lunar hours after midnight."""

STEPS_PER_DAY = 480
LEAST_STEPS_PER_DAY = 48
DEFAULT_ALBEDO = 0.12
DEFAULT_H_PARAMETER_M = 0.07
DEFAULT_EMISSIVITY = 0.95

_COLDEST_GUESS_K = 10.0


@dataclass(frozen=True)
class Problem:
    """Columns of n places, the times (m) asked for, and where the search for the periodic state starts.

    ``places`` has the arguments of :func:`nightside.physics.heat.diurnal_solution` by name, each (n,);
    ``depth_m`` (nodes); ``guess`` (nodes, n) in K; ``inverse`` (nodes, nodes) and ``instants_s`` (m) are those of
    :func:`nightside.physics.periodic.solve`.
    """

    places: dict[str, Float]
    solar_declination_deg: float
    local_time_h: Float
    depth_m: Float
    steps: int
    columns: periodic.Columns
    guess: Float
    inverse: Float
    instants_s: Float


@announced("the heat model")
def problem(
    latitude_deg: ArrayLike,
    albedo: ArrayLike,
    h_parameter_m: ArrayLike,
    slope_east_deg: ArrayLike,
    slope_north_deg: ArrayLike,
    emissivity: ArrayLike,
    *,
    local_time_h: ArrayLike | None,
    solar_declination_deg: float,
    horizon_deg: ArrayLike | None,
    material: Material,
    body: Body,
    steps_per_day: int,
    refinement: float,
    depth_m: ArrayLike | None,
) -> Problem:
    """Check the arguments of :func:`nightside.physics.heat.diurnal_solution` and lay out the columns."""
    places = checked_places(latitude_deg, albedo, h_parameter_m, slope_east_deg, slope_north_deg, emissivity)
    bounds.checked("solar_declination_deg", solar_declination_deg, bounds.DECLINATION, nan=False)
    if not isinstance(steps_per_day, numbers.Integral) or steps_per_day < LEAST_STEPS_PER_DAY:
        raise ValueError(
            f"steps_per_day is {steps_per_day}; expected a whole number of at least {LEAST_STEPS_PER_DAY}"
        )
    times = PROFILE_LOCAL_TIMES_H if local_time_h is None else np.asarray(local_time_h, np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError("local_time_h has to be one-dimensional and finite")
    check_local_times_h(times)
    depth = depth_grid_m(material, body, refinement) if depth_m is None else depth_m
    depth = checked_depth_m(depth, material, body)
    if depth.size > MAX_NODES:
        cause = f"refinement {refinement} needs" if depth_m is None else "depth_m has"
        raise ValueError(f"{cause} {depth.size} nodes; at most {MAX_NODES} are possible")
    horizon = _horizon(horizon_deg, places["albedo"].size)

    inverse, reference_midnight, reference_flux = _reference(material, body, steps_per_day, tuple(depth))
    flux = daily_mean_absorbed_flux(
        places["latitude_deg"],
        places["albedo"],
        places["slope_east_deg"],
        places["slope_north_deg"],
        solar_declination_deg,
        horizon_deg=None if horizon_deg is None else horizon,
        material=material,
        body=body,
        samples=96,
    )
    warmth = ((flux + body.interior_flux) / (reference_flux + body.interior_flux)) ** 0.25
    return Problem(
        places=places,
        solar_declination_deg=solar_declination_deg,
        local_time_h=times,
        depth_m=depth,
        steps=steps_per_day,
        columns=make_columns(places, solar_declination_deg, material, body, depth, horizon),
        guess=np.maximum(reference_midnight[:, None] * warmth, _COLDEST_GUESS_K),
        inverse=inverse,
        instants_s=np.mod(times, HOURS_PER_DAY) * (body.day_s / HOURS_PER_DAY),
    )


def check_local_times_h(times: Float) -> None:
    """Raise ValueError unless all are 0 to 24 hours after midnight."""
    beyond = times[~((times >= 0.0) & (times <= HOURS_PER_DAY))]
    if beyond.size:
        raise ValueError(f"local_time_h holds {beyond.flat[0]:g}; expected 0 to 24 hours after midnight")


def checked_places(*values: ArrayLike) -> dict[str, Float]:
    """Check and broadcast the arguments that vary from place to place, in the order of ``_BOUNDS``."""
    checked = {}
    for (name, allowed), value in zip(_BOUNDS.items(), values, strict=True):
        array = np.atleast_1d(np.asarray(value, np.float64))
        if array.ndim != 1:
            raise ValueError(f"{name} has {array.ndim} dimensions; expected a scalar or one dimension")
        checked[name] = bounds.checked(name, array, allowed, nan=False)
    try:
        arrays = np.broadcast_arrays(*checked.values())
    except ValueError:
        sizes = ", ".join(f"{name} {array.size}" for name, array in checked.items())
        raise ValueError(f"arguments of different lengths: {sizes}") from None
    # Copies, because numba takes no views that numpy is about to make read-only.
    return {name: array.copy() for name, array in zip(checked, arrays, strict=True)}


_BOUNDS = {
    "latitude_deg": bounds.LATITUDE,
    "albedo": bounds.ALBEDO,
    "h_parameter_m": bounds.H_PARAMETER,
    "slope_east_deg": bounds.SLOPE,
    "slope_north_deg": bounds.SLOPE,
    "emissivity": bounds.EMISSIVITY,
}


def _horizon(horizon_deg: ArrayLike | None, places: int) -> Float:
    """Return the horizon (places, k) in degrees, with k of 0 for the sphere's."""
    if horizon_deg is None:
        return np.empty((places, 0))
    horizon = bounds.checked_horizon(horizon_deg, nan=False)
    if horizon.ndim == 2 and horizon.shape[0] not in (1, places):
        raise ValueError(f"horizon_deg is for {horizon.shape[0]} places; expected {places}")
    return np.broadcast_to(horizon, (places, horizon.shape[-1]))


def make_columns(
    places: dict[str, Float],
    declination_deg: float,
    material: Material,
    body: Body,
    depth: Float,
    horizon_deg: Float | None = None,
) -> periodic.Columns:
    """Return the columns of checked places on the nodes ``depth``; ``horizon_deg`` is (n, k)."""
    latitude = places["latitude_deg"]
    face = 0.5 * (depth[1:] + depth[:-1])
    centre, thickness = cells(depth)
    h_parameter = places["h_parameter_m"]
    facet = hour_angle_series(latitude, places["slope_east_deg"], places["slope_north_deg"], declination_deg)
    horizon = np.empty((latitude.size, 0)) if horizon_deg is None else horizon_deg
    return periodic.Columns(
        capacity=density(centre[:, None], h_parameter, material) * thickness[:, None],
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
        horizon=np.ascontiguousarray(np.deg2rad(horizon)),
        compass=np.stack(compass_series(latitude, declination_deg)),
    )


def cells(depth: Float) -> tuple[Float, Float]:
    """Return centre and thickness (nodes), in m, of the cells around nodes; the first and the last are half cells."""
    edges = np.concatenate([depth[:1], 0.5 * (depth[1:] + depth[:-1]), depth[-1:]])
    return 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)


@lru_cache(maxsize=16)
def _reference(
    material: Material, body: Body, steps_per_day: int, nodes: tuple[float, ...]
) -> tuple[Float, Float, float]:
    """Return inverse Jacobian, midnight temperatures and mean flux of a flat place on the equator."""
    depth = np.array(nodes)
    place = checked_places(0.0, DEFAULT_ALBEDO, DEFAULT_H_PARAMETER_M, 0.0, 0.0, DEFAULT_EMISSIVITY)
    flux = float(daily_mean_absorbed_flux(0.0, DEFAULT_ALBEDO, material=material, body=body))
    guess = np.full(depth.size, 0.9 * (flux / (DEFAULT_EMISSIVITY * STEFAN_BOLTZMANN)) ** 0.25)
    columns = make_columns(place, 0.0, material, body, depth)
    inverse, midnight = periodic.reference_inverse(columns, guess, steps_per_day)
    return inverse, midnight, flux
