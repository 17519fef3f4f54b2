"""Derivatives of the periodic temperatures: exact, and what they say about what a day can tell."""

import dataclasses

import numpy as np
import pytest

from nightside import physics
from nightside.physics import heat

LATITUDE = np.array([0.3, 60.0, -43.3, 85.0])
PLACES = {
    "albedo": np.array([0.12, 0.2, 0.1, 0.12]),
    "h_parameter_m": np.array([0.07, 0.15, 0.02, 0.05]),
    "slope_east_deg": np.array([0.3, -9.0, 15.0, 1.3]),
    "slope_north_deg": np.array([0.2, 5.0, 2.0, -3.0]),
    "emissivity": np.array([0.95, 0.95, 0.9, 0.8]),
}
STEPS = {
    "albedo": 2e-4,
    "h_parameter_m": 2e-5,
    "surface_conductivity": 3e-7,
    "deep_conductivity": 1e-6,
    "radiative_conductivity": 1e-3,
    "emissivity": 2e-4,
    "slope_east_deg": 2e-3,
    "slope_north_deg": 2e-3,
}
TIGHT = {"solar_declination_deg": 1.2, "tolerance_k": 1e-10}


def shifted(name: str, shift: float, **options) -> np.ndarray:
    """Return the temperatures with one parameter changed, on the nodes of the unchanged ground."""
    places, material = dict(PLACES), physics.REGOLITH
    if name in places:
        places[name] = places[name] + shift
    else:
        material = dataclasses.replace(material, **{name: getattr(material, name) + shift})
    return physics.diurnal_temperatures(LATITUDE, **places, material=material, **TIGHT, **options)


def central_difference(name: str, **options) -> np.ndarray:
    """Return the derivative by a parameter from four solutions (fourth order in the step)."""
    step = STEPS[name]
    near = shifted(name, step, **options) - shifted(name, -step, **options)
    far = shifted(name, 2.0 * step, **options) - shifted(name, -2.0 * step, **options)
    return (8.0 * near - far) / (12.0 * step)


def test_every_parameter_has_a_step():
    assert set(STEPS) == set(physics.PARAMETER_UNITS)


@pytest.fixture(scope="module")
def exact():
    return physics.diurnal_sensitivities(LATITUDE, **PLACES, depth_m=physics.depth_grid_m(), **TIGHT)


@pytest.mark.parametrize("name", STEPS)
def test_derivatives_are_those_of_central_differences(exact, name):
    differences = central_difference(name, depth_m=physics.depth_grid_m())
    largest = np.abs(differences).max(axis=1, keepdims=True)
    np.testing.assert_allclose(exact.by(name) / largest, differences / largest, rtol=0.0, atol=1e-6)


def test_derivatives_hold_with_more_nodes_than_are_stepped_at_once():
    depth = physics.depth_grid_m(refinement=2.0)
    assert depth.size > 32
    fine = physics.diurnal_sensitivities(
        LATITUDE, **PLACES, depth_m=depth, parameters=["h_parameter_m", "emissivity"], **TIGHT
    )
    for name in fine.parameters:
        differences = central_difference(name, depth_m=depth)
        largest = np.abs(differences).max(axis=1, keepdims=True)
        np.testing.assert_allclose(fine.by(name) / largest, differences / largest, rtol=0.0, atol=1e-6)


def test_derivatives_hold_where_terrain_cuts_the_sunlight():
    terrain = {"depth_m": physics.depth_grid_m(), "horizon_deg": [0.0, 18.0, 3.0, 12.0]}
    cut = physics.diurnal_sensitivities(LATITUDE, **PLACES, **terrain, **TIGHT, parameters=["slope_east_deg"])
    differences = central_difference("slope_east_deg", **terrain)
    largest = np.abs(differences).max(axis=1, keepdims=True)
    np.testing.assert_allclose(cut.derivative[:, :, 0] / largest, differences / largest, rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("name", ["albedo", "slope_east_deg", "h_parameter_m"])
def test_derivatives_hold_through_a_jump_of_the_sunlight(name):
    """A slope to the east and one to the west, at hours around sunrise and sunset, and at either exactly."""
    near = np.array([-0.1, -0.02, 0.0, 0.003, 0.02, 0.1])
    options = {"depth_m": physics.depth_grid_m(), "local_time_h": np.concatenate([6.0 + near, 18.0 + near])}
    options |= {"solar_declination_deg": 0.0, "tolerance_k": 1e-10}
    facets = {"slope_east_deg": np.array([9.3, -8.7]), "h_parameter_m": 0.07, "albedo": 0.12}

    def at(shift: float) -> np.ndarray:
        return physics.diurnal_temperatures([20.0, 20.0], **{**facets, name: facets[name] + shift}, **options)

    exact = physics.diurnal_sensitivities([20.0, 20.0], **facets, **options, parameters=[name]).by(name)
    step = STEPS[name]
    differences = (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step)
    largest = np.abs(differences).max(axis=1, keepdims=True)
    np.testing.assert_allclose(exact / largest, differences / largest, rtol=0.0, atol=1e-6)


def test_the_usual_tolerance_gives_derivatives_to_a_hundred_thousandth(exact):
    usual = physics.diurnal_sensitivities(LATITUDE, **PLACES, solar_declination_deg=1.2)
    largest = np.abs(exact.derivative).max(axis=1, keepdims=True)
    assert (np.abs(usual.derivative - exact.derivative) / largest).max() < 1e-5


def test_the_sizes_are_those_of_an_independent_differentiable_column():
    """Changes by a tenth, from a column written in another framework with automatic differentiation."""
    ground = physics.diurnal_sensitivities(0.0, local_time_h=[0.0, 12.0])
    tenth = {
        "albedo": 0.012,
        "h_parameter_m": 0.007,
        "surface_conductivity": 7.4e-5,
        "deep_conductivity": 3.4e-4,
        "radiative_conductivity": 0.27,
    }
    midnight, noon = ({name: ground.by(name)[0, k] * step for name, step in tenth.items()} for k in (0, 1))
    assert noon["albedo"] == pytest.approx(-1.3, abs=0.05)
    for name, kelvin in (("h_parameter_m", -0.65), ("surface_conductivity", 0.67), ("deep_conductivity", 0.83),
                         ("radiative_conductivity", 0.68)):  # fmt: skip
        assert midnight[name] == pytest.approx(kelvin, abs=0.05), name
        assert abs(noon[name]) < 0.04, name


def test_a_day_tells_albedo_from_h_but_not_h_from_the_radiative_conductivity():
    times = np.arange(48) * 0.5
    ground = physics.diurnal_sensitivities(0.0, local_time_h=times)
    pair = ["albedo", "h_parameter_m", "radiative_conductivity"]
    derivative = np.stack([ground.by(name)[0] for name in pair], axis=-1)
    separable = physics.parameter_covariance(derivative[:, :2])
    assert np.sqrt(separable[1, 1]) / 0.07 < 0.05
    joint = physics.parameter_covariance(derivative)
    assert np.sqrt(joint[1, 1]) / 0.07 > 0.2
    assert abs(joint[1, 2]) / np.sqrt(joint[1, 1] * joint[2, 2]) > 0.98


def test_covariance_is_that_of_repeated_least_squares():
    rng = np.random.default_rng(5)
    derivative = rng.normal(size=(48, 3)) * [1.0, 100.0, 1e-3]
    noise = rng.uniform(0.5, 2.0, 48)
    weighted = derivative / noise[:, None]
    fits = rng.normal(size=(20_000, 48)) @ np.linalg.pinv(weighted).T
    computed = physics.parameter_covariance(derivative, noise)
    np.testing.assert_allclose(np.diag(computed), fits.var(axis=0), rtol=0.05)
    np.testing.assert_allclose(computed, np.linalg.inv(weighted.T @ weighted), rtol=1e-8)


def test_two_parameters_of_one_effect_have_infinite_covariance():
    column = np.linspace(0.0, 1.0, 20)
    pair = np.stack([column, 2.0 * column], axis=-1)
    assert np.isinf(physics.parameter_covariance(pair)).all()


def test_a_parameter_without_effect_has_infinite_covariance():
    derivative = np.random.default_rng(0).standard_normal((2, 48, 3))
    derivative[0, :, 1] = 0.0
    covariance = physics.parameter_covariance(derivative)
    assert np.isinf(covariance[0]).all()
    assert np.isfinite(covariance[1]).all()


@pytest.mark.parametrize("noise", [0.0, -1.0, np.nan])
def test_noise_has_to_be_positive(noise):
    with pytest.raises(ValueError, match="noise_k has to be above 0"):
        physics.parameter_covariance(np.ones((4, 1)), noise)


def test_a_place_without_a_periodic_state_has_no_derivative(monkeypatch):
    monkeypatch.setattr(heat, "_MAX_DAYS", 2)
    with pytest.warns(physics.ConvergenceWarning, match="1 of 2 places"):
        ground = physics.diurnal_sensitivities([0.0, 70.0])
    assert np.isnan(ground.derivative).all(axis=(1, 2)).tolist() == [False, True]


def test_many_places_are_those_of_one_at_a_time():
    rng = np.random.default_rng(2)
    latitude = rng.uniform(-80.0, 80.0, 600)
    many = physics.diurnal_sensitivities(latitude, parameters=["albedo"], local_time_h=[0.0, 13.0])
    one = physics.diurnal_sensitivities(latitude[555], parameters=["albedo"], local_time_h=[0.0, 13.0])
    np.testing.assert_allclose(many.derivative[555], one.derivative[0], rtol=1e-9)


def test_no_places_have_no_derivatives():
    assert physics.diurnal_sensitivities(np.empty(0)).derivative.shape == (0, 120, 8)


@pytest.mark.parametrize("parameters", [["albedo", "latitude_deg"], []])
def test_unknown_parameters_are_refused(parameters):
    with pytest.raises(ValueError, match="expected some of albedo, h_parameter_m"):
        physics.diurnal_sensitivities(0.0, parameters=parameters)
