"""Agreement with heat1d, the reference implementation of Hayne et al. (2017), run to convergence.

heat1d 0.3.2 is explicit and first-order in depth (it takes the conductivity of a node for the face below it), so
that "to convergence" means: to its periodic state, on three grids, extrapolated to zero spacing. Its grid,
properties, surface balance and time step are used as they are, on all places at once; its driver is not, because
it asks for a numpy alias that no longer exists, and its ``planets`` dependency downloads a kernel at import.
"""

import itertools
import sys
import types
from typing import NamedTuple

import numpy as np
import pytest

from nightside import physics

HOURS = physics.PROFILE_LOCAL_TIMES_H
SPACINGS = np.array([10, 20, 30])
AITKEN_DAYS = 3
AITKEN_ROUNDS = {10: 4, 20: 2, 30: 2}
"""For each grid: the finer ones start from what the coarser one has found."""
PERIODIC_K = 0.01
PLACES = list(itertools.product((0.0, 30.0, 60.0, 85.0), (0.02, 0.07, 0.15)))


class LargestOf:
    """A tolerance for arrays: ``array > tolerance`` asks whether any element is above it."""

    __array_ufunc__ = None

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance

    def __lt__(self, values: np.ndarray) -> bool:
        return bool((values > self.tolerance).any())


@pytest.fixture(scope="module")
def heat1d():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "planets", types.SimpleNamespace(Moon=None))
        patch.delitem(sys.modules, "heat1d", raising=False)
        yield pytest.importorskip("heat1d")


def moon(h_parameter_m: float) -> types.SimpleNamespace:
    """The Moon as heat1d describes a planet, with the constants of Table A1."""
    return types.SimpleNamespace(
        S=1361.0, rAU=1.0, day=physics.MOON.day_s, Qb=0.018, albedo=0.12, albedoCoef=(0.06, 0.25), emissivity=0.95,
        ks=7.4e-4, kd=3.4e-3, rhos=1100.0, rhod=1800.0, H=h_parameter_m, cp0=600.0,
        cpCoeff=[8.9093e-9, -1.234e-5, 2.3616e-3, 2.7431, -3.6125],
    )  # fmt: skip


class Reference(NamedTuple):
    """heat1d's periodic state on one grid.

    ``surface`` (places, times), in K, at HOURS; ``departure`` (nodes, places), in K, at midnight and ``depth_m``
    (nodes), from the solution of the package.
    """

    fineness: int
    surface: np.ndarray
    depth_m: np.ndarray
    departure: np.ndarray


def reference(heat1d, fineness: int, coarser: Reference | None) -> Reference:
    """Return heat1d's periodic state.

    The growth of the spacing is refined with the first spacing, so that all errors are of first order. So is the
    departure from a solution of second order: that of a ``coarser`` grid foretells where this one settles.
    """
    latitude, h_parameter = np.array(PLACES).T
    config = heat1d.Configurator(m=fineness, n=2 * fineness, b=14, DTSURF=LargestOf(1e-4))
    profiles = [heat1d.Profile(moon(each), 0.0, config) for each in h_parameter]
    planet, profile = profiles[0].planet, profiles[0]
    profile.kc = np.stack([each.kc for each in profiles], axis=1)
    profile.rho = np.stack([each.rho for each in profiles], axis=1)
    profile.g1, profile.g2 = profile.g1[:, None], profile.g2[:, None]
    start = physics.diurnal_solution(latitude, 0.12, h_parameter)
    own = on_depths(profile.z, start.depth_m, start.midnight_temperature.T)
    profile.T = own.copy()
    if coarser is not None:
        foretold = on_depths(profile.z, coarser.depth_m, coarser.departure)
        profile.T += foretold * coarser.fineness / fineness
    profile.update_cp()
    profile.update_k()
    # Stable at both ends of the surface's range: warm top cells, and cold ones of small heat capacity.
    limits = [
        heat1d.heatCapacity(planet, at_k) / heat1d.thermCond(profile.kc[:-1], hot_k)
        for at_k, hot_k in ((80.0, 150.0), (390.0, 400.0))
    ]
    longest = 0.5 * np.min(profile.rho[:-1] * profile.dz[:, None] ** 2 * np.minimum(*limits))
    steps = int(np.ceil(planet.day / longest))
    time = (np.arange(steps) + 1.0) / steps
    hour_angle = heat1d.orbits.hourAngle((time + 0.5) * planet.day, planet.day)
    mu = heat1d.orbits.cosSolarZenith(np.deg2rad(latitude), 0.0, hour_angle[:, None])
    sunlight = planet.S * (1.0 - heat1d.albedoVar(planet.albedo, *planet.albedoCoef, np.arccos(mu))) * mu
    surface = np.empty((steps, len(PLACES)))

    def day() -> np.ndarray:
        for step in range(steps):
            profile.update_T(planet.day / steps, sunlight[step], planet.Qb)
            profile.update_cp()
            profile.update_k()
            surface[step] = profile.T[0]
        return profile.T.copy()

    for _ in range(AITKEN_ROUNDS[fineness]):
        # The slowest mode decays by a constant ratio each day: its geometric series is summed (Aitken).
        days = [day() for _ in range(AITKEN_DAYS)]
        last, before = days[2] - days[1], days[1] - days[0]
        ratio = np.minimum((last * before).sum(axis=0) / (before**2).sum(axis=0), 0.95)
        profile.T = days[2] + last * ratio / (1.0 - ratio)
    before_last_day = profile.T.copy()
    assert np.abs(day() - before_last_day).max() < PERIODIC_K
    at_hours = np.stack([np.interp(HOURS, time * 24.0, each, period=24.0) for each in surface.T])
    return Reference(fineness, at_hours, profile.z, profile.T - own)


def on_depths(depth_m: np.ndarray, given_m: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return columns of values (nodes, places), given at other depths, at ``depth_m``."""
    return np.stack([np.interp(depth_m, given_m, column) for column in values.T], axis=1)


@pytest.mark.slow
def test_temperatures_are_those_of_converged_heat1d(heat1d):
    # The value at zero spacing of the parabola through the three (Richardson): with H of 0.02 m the second order
    # still counts.
    spacing = 1.0 / SPACINGS
    weights = [np.prod(np.delete(spacing, i) / (np.delete(spacing, i) - spacing[i])) for i in range(3)]
    found: list[Reference] = []
    for fineness in SPACINGS:
        found.append(reference(heat1d, int(fineness), found[-1] if found else None))
    converged = sum(w * each.surface for w, each in zip(weights, found, strict=True))
    latitude, h_parameter = np.array(PLACES).T
    difference = np.abs(physics.diurnal_temperatures(latitude, 0.12, h_parameter) - converged)
    terminator = np.minimum(np.abs(HOURS - 6.0), np.abs(HOURS - 18.0)) <= 1.0
    away, near = difference[:, ~terminator].max(axis=1), difference[:, terminator].max(axis=1)
    missed = {
        place: (round(float(a), 2), round(float(b), 2))
        for place, a, b in zip(PLACES, away, near, strict=True)
        if a >= 0.3 or b >= 1.0
    }
    assert not missed
