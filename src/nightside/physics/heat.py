"""Temperatures of the ground through a lunar day, in their periodic state, for many places at once.

The equations are those of Hayne et al. (2017), J. Geophys. Res. Planets 122, 2371-2400, Appendix A; the surface
may be a sloped facet (:mod:`nightside.physics.illumination`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.physics import periodic
from nightside.physics.bounds import PERIODICITY, checked
from nightside.physics.column import NOT_FINITE, NOT_PERIODIC, PERIODIC, SURFACE_NOT_BALANCED
from nightside.physics.compilation import announced
from nightside.physics.problem import (
    DEFAULT_ALBEDO,
    DEFAULT_EMISSIVITY,
    DEFAULT_H_PARAMETER_M,
    PROFILE_LOCAL_TIMES_H,
    STEPS_PER_DAY,
    Problem,
    problem,
)
from nightside.physics.regolith import MOON, REGOLITH, Body, Material

__all__ = [
    "PROFILE_LOCAL_TIMES_H",
    "STEPS_PER_DAY",
    "ConvergenceWarning",
    "DiurnalSolution",
    "diurnal_solution",
    "diurnal_temperatures",
]

Float = NDArray[np.float64]

Backend = Literal["numba", "torch"]
Precision = Literal["float64", "float32"]

TOLERANCE_K = 1e-4
"""Largest change of a periodic column over a day."""

SINGLE_TOLERANCE_K = 0.02
"""The same in single precision, where rounding moves a column by some millikelvins a day."""

FAILURES = {
    NOT_PERIODIC: "no periodic state found",
    SURFACE_NOT_BALANCED: "Newton's method did not balance the surface",
    NOT_FINITE: "temperatures became infinite or NaN",
}
"""What each non-zero ``status`` of a :class:`DiurnalSolution` means."""

_MAX_DAYS = 60


class ConvergenceWarning(RuntimeWarning):
    """Some places have no periodic state; their rows are NaN."""


@dataclass(frozen=True)
class DiurnalSolution:
    """Periodic temperatures of n places.

    ``surface_temperature`` (n, m) in K at ``local_time_h`` (m); ``midnight_temperature`` (n, nodes) in K at
    ``depth_m`` (nodes); ``residual_k`` (n) is the largest change of a column over a day; ``days`` (n) is how
    many days were stepped to find it; ``status`` (n) is 0 where it was found and a key of :data:`FAILURES`
    elsewhere, where temperatures are NaN.
    """

    local_time_h: Float
    surface_temperature: Float
    depth_m: Float
    midnight_temperature: Float
    residual_k: Float
    days: NDArray[np.int64]
    status: NDArray[np.int8]

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each place reached its periodic state."""
        return np.asarray(self.status == PERIODIC)


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
    horizon_deg: ArrayLike | None = None,
    material: Material = REGOLITH,
    body: Body = MOON,
    steps_per_day: int = STEPS_PER_DAY,
    refinement: float = 1.0,
    depth_m: ArrayLike | None = None,
    tolerance_k: float | None = None,
    backend: Backend = "numba",
    device: str = "cpu",
    precision: Precision = "float64",
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
        horizon_deg=horizon_deg,
        material=material,
        body=body,
        steps_per_day=steps_per_day,
        refinement=refinement,
        depth_m=depth_m,
        tolerance_k=tolerance_k,
        backend=backend,
        device=device,
        precision=precision,
    )
    warn_of_failures(solution)
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
    horizon_deg: ArrayLike | None = None,
    material: Material = REGOLITH,
    body: Body = MOON,
    steps_per_day: int = STEPS_PER_DAY,
    refinement: float = 1.0,
    depth_m: ArrayLike | None = None,
    tolerance_k: float | None = None,
    backend: Backend = "numba",
    device: str = "cpu",
    precision: Precision = "float64",
) -> DiurnalSolution:
    """Find the periodic temperatures of n places.

    The first six arguments are scalars or arrays of shape (n,): latitude, -90 to 90; albedo A0 at normal
    incidence, 0 to 1; e-folding depth H, 0.001 to 1 m (without effect in a uniform ``material``); slopes,
    between -90 and 90, positive where the surface faces east or north; infrared emissivity, above 0, to 1.
    ``local_time_h`` (m) is in lunar hours after midnight, by default the 120 times of a profile; between steps
    temperatures are interpolated by cubics, never across a jump of the sunlight, where the temperature is the limit
    from before. ``horizon_deg``, (k,) or (n, k), is the elevation of the terrain's
    horizon at equally spaced azimuths clockwise from north, -90 to 90; by default it is the sphere's.
    ``refinement`` multiplies the resolution in depth; ``depth_m`` gives the nodes themselves, within the bounds of
    :func:`nightside.physics.regolith.checked_depth_m`. A column is periodic when it changes by less than
    ``tolerance_k`` in a day, at most 0.1 K, by default 1e-4 K (0.02 K in float32).

    ``backend`` "numba" runs on all cores of the CPU; "torch" (the extra ``nightside[train]``) on the ``device``
    "cpu" or "cuda", with the ``precision`` "float64" or "float32".

    Raises ValueError, which names the argument and the first bad index, for unphysical input, and ImportError
    where torch is asked for and not installed.
    """
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
    return solve_problem(set_out, tolerance_k, backend=backend, device=device, precision=precision)


@announced("the heat model")
def solve_problem(
    set_out: Problem,
    tolerance_k: float | None = None,
    *,
    backend: Backend = "numba",
    device: str = "cpu",
    precision: Precision = "float64",
) -> DiurnalSolution:
    """Find the periodic temperatures of columns that are laid out; see :func:`diurnal_solution`."""
    if precision not in ("float64", "float32"):
        raise ValueError(f"precision is {precision!r}; expected 'float64' or 'float32'")
    if tolerance_k is None:
        tolerance_k = TOLERANCE_K if precision == "float64" else SINGLE_TOLERANCE_K
    checked("tolerance_k", tolerance_k, PERIODICITY, nan=False)
    search = (set_out.columns, set_out.guess, set_out.inverse, set_out.steps, set_out.instants_s)
    if backend == "numba":
        if (device, precision) != ("cpu", "float64"):
            raise ValueError(f"backend 'numba' runs on the CPU in float64, not on {device!r} in {precision}")
        result = periodic.solve(*search, tolerance_k=tolerance_k, max_days=_MAX_DAYS)
    elif backend == "torch":
        from nightside.physics import heat_torch

        result = heat_torch.solve(
            *search, tolerance_k=tolerance_k, max_days=_MAX_DAYS, device=device, precision=precision
        )
    else:
        raise ValueError(f"backend is {backend!r}; expected 'numba' or 'torch'")
    return DiurnalSolution(
        set_out.local_time_h,
        result.surface,
        set_out.depth_m,
        result.midnight,
        result.residual,
        result.days,
        result.status,
    )


def warn_of_failures(solution: DiurnalSolution, stacklevel: int = 3) -> None:
    """Warn, once, of the places whose temperatures are NaN, with the reason of the first."""
    failed = np.flatnonzero(~solution.converged)
    if failed.size:
        first = int(failed[0])
        warnings.warn(
            f"{failed.size} of {solution.residual_k.size} places (the first: index {first}) have no periodic state "
            f"after {solution.days[first]} days ({FAILURES[int(solution.status[first])]}, residual "
            f"{solution.residual_k[first]:.2g} K); their rows are NaN",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )
