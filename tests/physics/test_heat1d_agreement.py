"""Agreement with heat1d, the reference implementation of Hayne et al. (2017), run to convergence.

heat1d 0.3.2 is explicit and first-order in depth (it takes the conductivity of a node for the face below it), so
that "to convergence" means: to its periodic state, on two grids, extrapolated to zero spacing. Its grid,
properties, surface balance and time step are used as they are; its driver is not, because it asks for a numpy
alias that no longer exists, and its ``planets`` dependency downloads a kernel at import.
"""

import sys
import types

import numpy as np
import pytest

from nightside import physics

HOURS = physics.PROFILE_LOCAL_TIMES_H
SPACINGS = (10, 20)
AITKEN_ROUNDS, AITKEN_DAYS = 4, 3
PERIODIC_K = 0.02


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


def reference_temperatures(heat1d, latitude_deg: float, h_parameter_m: float, fineness: int) -> np.ndarray:
    """Return heat1d's periodic surface temperature, in K, at HOURS.

    The growth of the spacing is refined with the first spacing, so that all errors are of first order.
    """
    planet = moon(h_parameter_m)
    config = heat1d.Configurator(m=fineness, n=2 * fineness, b=14, DTSURF=1e-4)
    profile = heat1d.Profile(planet, np.deg2rad(latitude_deg), config)
    start = physics.diurnal_solution(latitude_deg, 0.12, h_parameter_m)
    profile.T = np.interp(profile.z, start.depth_m, start.midnight_temperature[0])
    profile.update_cp()
    profile.update_k()
    # Stable at both ends of the surface's range: warm top cells, and cold ones of small heat capacity.
    limits = [
        heat1d.heatCapacity(planet, at_k) / heat1d.thermCond(profile.kc[:-1], hot_k)
        for at_k, hot_k in ((80.0, 150.0), (390.0, 400.0))
    ]
    longest = 0.5 * np.min(profile.rho[:-1] * profile.dz**2 * np.minimum(*limits))
    steps = int(np.ceil(planet.day / longest))
    time = (np.arange(steps) + 1.0) / steps
    hour_angle = heat1d.orbits.hourAngle((time + 0.5) * planet.day, planet.day)
    mu = heat1d.orbits.cosSolarZenith(np.deg2rad(latitude_deg), 0.0, hour_angle)
    sunlight = planet.S * (1.0 - heat1d.albedoVar(planet.albedo, *planet.albedoCoef, np.arccos(mu))) * mu
    surface = np.empty(steps)

    def day() -> np.ndarray:
        for step in range(steps):
            profile.update_T(planet.day / steps, sunlight[step], planet.Qb)
            profile.update_cp()
            profile.update_k()
            surface[step] = profile.T[0]
        return profile.T.copy()

    for _ in range(AITKEN_ROUNDS):
        # The slowest mode decays by a constant ratio each day: its geometric series is summed (Aitken).
        profiles = [day() for _ in range(AITKEN_DAYS)]
        last, before = profiles[2] - profiles[1], profiles[1] - profiles[0]
        ratio = min(float(last @ before / (before @ before)), 0.95)
        profile.T = profiles[2] + last * ratio / (1.0 - ratio)
    before_last_day = profile.T.copy()
    assert np.abs(day() - before_last_day).max() < PERIODIC_K
    return np.interp(HOURS, time * 24.0, surface, period=24.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("latitude_deg", "h_parameter_m"),
    [(0.0, 0.07), (30.0, 0.07), (60.0, 0.07), (85.0, 0.07), (0.0, 0.15)],
)
def test_temperatures_are_those_of_converged_heat1d(heat1d, latitude_deg, h_parameter_m):
    coarse, fine = (reference_temperatures(heat1d, latitude_deg, h_parameter_m, each) for each in SPACINGS)
    converged = 2.0 * fine - coarse
    difference = np.abs(physics.diurnal_temperatures(latitude_deg, 0.12, h_parameter_m)[0] - converged)
    terminator = np.minimum(np.abs(HOURS - 6.0), np.abs(HOURS - 18.0))
    assert difference[terminator > 1.0].max() < 0.3
    assert difference[terminator <= 1.0].max() < 1.0
