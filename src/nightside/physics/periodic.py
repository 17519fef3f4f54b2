"""The periodic state of many columns, and the reference column that the search for it starts from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightside.physics import column
from nightside.physics.column import LANES
from nightside.physics.sunlight import locate, step_sunlight

Float = NDArray[np.float64]

_DIFFERENCE_K = 0.05
_REFERENCE_TOLERANCE_K = 1e-3
_CHUNK = 8_192  # places whose steps are held at a time: 100 MB


class Columns(NamedTuple):
    """Columns of ``nodes`` nodes and their sunlight, at n places.

    ``capacity`` (nodes, n): density x cell depth, kg m-2. ``conductance`` (nodes - 1, n): contact conductivity /
    distance of the nodes, W m-2 K-1. ``emission`` (n): emissivity x Stefan-Boltzmann, W m-2 K-4. ``ground`` (8):
    chi / 350^3 (K-3), interior flux (W m-2), the temperature (K) below which the heat capacity is constant, and
    its five ascending coefficients (J kg-1 K-1). ``sunlight``: solar flux at normal incidence, W m-2. ``facet`` and
    ``sphere`` (3, n): the hour-angle series of the cosine of incidence on the facet and on level ground.
    ``albedo`` (n): A0, with its two incidence coefficients. ``horizon`` (n, k): elevation of the terrain's horizon,
    in radians, at equally spaced azimuths clockwise from north; with k of 0 it is the sphere's. ``compass`` (3, n):
    the Sun's direction is compass[0] + compass[1] cos h to the north and compass[2] sin h to the east.
    """

    capacity: Float
    conductance: Float
    emission: Float
    ground: Float
    day_s: float
    sunlight: float
    facet: Float
    sphere: Float
    albedo: Float
    albedo_cubic: float
    albedo_eighth: float
    horizon: Float
    compass: Float


class Periodic(NamedTuple):
    """Periodic states: ``surface`` (n, m) K, ``midnight`` (n, nodes) K, ``residual`` (n) K, ``days``, ``status`` (n)."""

    surface: Float
    midnight: Float
    residual: Float
    days: NDArray[np.int64]
    status: NDArray[np.int8]


def solve(
    columns: Columns,
    guess: Float,
    inverse: Float,
    steps: int,
    instants_s: Float,
    *,
    tolerance_k: float,
    max_days: int,
) -> Periodic:
    """Find the periodic state of every place.

    ``guess`` (nodes, n) are midnight temperatures in K; ``inverse`` (nodes, nodes) is the inverse of dg/dT that
    the search starts with; ``instants_s`` (m), in [0, day), are the wanted times in seconds after midnight. Places that did not converge hold NaN and the residual they reached.
    """
    parts = []
    for members in chunks(guess.shape[1], _CHUNK):
        some = part(columns, members)
        daylight = step_sunlight(some, steps, LANES)
        start = np.ascontiguousarray(guess[:, members])
        first_of, weights = locate(daylight.length, daylight.ratio, start.shape[1], instants_s)
        parts.append(column.solve(some, daylight, start, inverse, first_of, weights, tolerance_k, max_days))
    return Periodic(*(np.concatenate(results) for results in zip(*parts, strict=True)))


def chunks(places: int, size: int) -> list[slice]:
    """Return slices of at most ``size`` places that cover all ``places``; one that is empty, if there are none."""
    return [slice(low, min(low + size, places)) for low in range(0, max(places, 1), size)]


def part(columns: Columns, members: slice) -> Columns:
    """Return the columns of some of the places."""
    return columns._replace(
        capacity=np.ascontiguousarray(columns.capacity[:, members]),
        conductance=np.ascontiguousarray(columns.conductance[:, members]),
        emission=np.ascontiguousarray(columns.emission[members]),
        facet=np.ascontiguousarray(columns.facet[:, members]),
        sphere=np.ascontiguousarray(columns.sphere[:, members]),
        albedo=np.ascontiguousarray(columns.albedo[members]),
        horizon=np.ascontiguousarray(columns.horizon[members]),
        compass=np.ascontiguousarray(columns.compass[:, members]),
    )


def reference_inverse(columns: Columns, guess: Float, steps: int) -> tuple[Float, Float]:
    """Return (inverse, midnight) of the first of ``columns``, by Newton's method with a differenced Jacobian.

    ``inverse`` (nodes, nodes) is that of dg/dT, where g is the change of the profile in a day, at the periodic
    state ``midnight`` (nodes) in K; ``guess`` (nodes) is where the iteration starts.
    """
    midnight = guess.copy()
    inverse: Float = -np.eye(guess.size)
    for _ in range(8):
        shifted = midnight[:, None] + _DIFFERENCE_K * np.eye(guess.size)
        ends = _after_a_day(columns, np.column_stack([midnight, shifted]), steps)
        jacobian = (ends[:, 1:] - ends[:, :1]) / _DIFFERENCE_K - np.eye(guess.size)
        inverse = np.asarray(np.linalg.inv(jacobian), np.float64)
        correction = -inverse @ (ends[:, 0] - midnight)
        limit = column.LARGEST_CORRECTION_K
        midnight = np.maximum(midnight + np.clip(correction, -limit, limit), column.MINIMUM_TEMPERATURE_K)
        if float(np.abs(correction).max()) < _REFERENCE_TOLERANCE_K:
            break
    return inverse, midnight


def _after_a_day(columns: Columns, profiles: Float, steps: int) -> Float:
    """Return what the first of ``columns`` makes of each of ``profiles`` (nodes, k), in K, in a day."""
    sunlight, length, ratio = (
        np.repeat(x[0, :, :1], LANES, axis=1) for x in step_sunlight(columns, steps, LANES)
    )
    nothing = np.empty((0, 0, 0))
    capacity, conductance = (
        np.repeat(x[:, :1], LANES, axis=1) for x in (columns.capacity, columns.conductance)
    )
    emission, surface, change = np.full(LANES, columns.emission[0]), np.empty_like(sunlight), np.empty(LANES)
    ends = []
    for low in range(0, profiles.shape[1], LANES):
        members = np.minimum(np.arange(low, low + LANES), profiles.shape[1] - 1)
        start = np.ascontiguousarray(profiles[:, members])
        end = np.empty_like(start)
        column.day(
            start, sunlight, length, ratio, capacity, conductance, emission, columns.ground, surface, end, change,
            nothing,
        )  # fmt: skip
        ends.append(end)
    return np.concatenate(ends, axis=1)[:, : profiles.shape[1]]
