"""What the constants of the heat model, which temperatures cannot tell from H, do to an inversion."""

from dataclasses import replace

import numpy as np
import pytest

from nightside import physics

HOURS = (np.arange(48) + 0.5) * 0.5
DOMAIN = physics.Domain(amplitude=(0.6, 1.0), onset_max_h=0.5, h_parameter_m=(0.03, 0.2))
KNOWN = physics.Priors(slope_north=(0.0, 0.0))
LATITUDE = np.array([-40.0, 0.0, 25.0])


@pytest.fixture(scope="module")
def surrogate() -> physics.Surrogate:
    return physics.make_surrogate(DOMAIN)


def fit(surrogate, seen) -> physics.Inversion:
    return physics.invert(surrogate, LATITUDE, seen, np.ones_like(seen), HOURS, KNOWN, timing_std_h=0.0)


def systematic(surrogate, found, std) -> np.ndarray:
    moved = physics.moved_surrogates(surrogate, std)
    ones = np.ones((LATITUDE.size, HOURS.size))
    return physics.systematic_std(surrogate, moved, found, LATITUDE, ones, HOURS, timing_std_h=0.0)


@pytest.mark.parametrize("name", physics.CONSTANTS)
def test_the_systematic_deviation_is_the_shift_of_a_fit_to_ground_with_that_constant(surrogate, name):
    emissivity = 0.95
    value = emissivity if name == "emissivity" else getattr(physics.REGOLITH, name)
    step = 0.02 * value
    ground, changed = physics.REGOLITH, emissivity + step
    if name != "emissivity":
        ground, changed = replace(ground, **{name: value + step}), emissivity
    here, there = (
        physics.diurnal_temperatures(LATITUDE, 0.12, 0.07, emissivity=e, material=m, local_time_h=HOURS)
        for e, m in ((emissivity, physics.REGOLITH), (changed, ground))
    )
    found = fit(surrogate, here)
    shift = np.abs(fit(surrogate, there).estimate - found.estimate)
    got = systematic(surrogate, found, {name: step})
    np.testing.assert_allclose(got[:, 1], shift[:, 1], rtol=0.15, atol=5e-4)
    np.testing.assert_allclose(got[:, 0], shift[:, 0], rtol=0.15, atol=5e-4)


def test_independent_constants_add_in_squares_and_fixed_ones_cost_no_table(surrogate):
    seen = physics.diurnal_temperatures(LATITUDE, 0.12, 0.07, local_time_h=HOURS)
    found = fit(surrogate, seen)
    ks, chi = {"surface_conductivity": 7.4e-5}, {"radiative_conductivity": 0.27}
    both = systematic(surrogate, found, ks | chi)
    apart = np.hypot(systematic(surrogate, found, ks), systematic(surrogate, found, chi))
    np.testing.assert_allclose(both, apart)
    assert physics.moved_surrogates(surrogate, {"deep_conductivity": 0.0}) == ()
    found.quality[0] = 3
    assert np.isnan(systematic(surrogate, found, ks)[0]).all()


def test_a_table_of_other_constants_is_verified_by_a_solver_of_the_same():
    """And gives back H of ground with these constants, where the default table gives another."""
    material = replace(physics.REGOLITH, surface_conductivity=9e-4)
    seen = physics.diurnal_temperatures(
        LATITUDE, 0.12, 0.07, emissivity=0.98, material=material, local_time_h=HOURS
    )
    table = physics.make_surrogate(DOMAIN, emissivity=0.98, material=material)
    found = fit(table, seen)
    np.testing.assert_allclose(found.h_parameter_m, 0.07, rtol=0.02)
    ones = np.ones_like(seen)
    check = physics.verify(table, found, LATITUDE, ones, HOURS, timing_std_h=0.0)
    assert check.summary()["rms_away_from_sunrise_k"] < 0.05
    assert np.abs(np.log(fit(physics.make_surrogate(DOMAIN), seen).h_parameter_m / 0.07)).min() > 0.03


@pytest.mark.parametrize(
    ("std", "message"),
    [
        ({"porosity": 0.1}, "no constant 'porosity'"),
        ({"emissivity": -0.1}, "standard deviation of emissivity"),
    ],
)
def test_constants_that_are_unknown_or_make_no_sense_are_refused(surrogate, std, message):
    with pytest.raises(ValueError, match=message):
        physics.moved_surrogates(surrogate, std)
