"""The periodic temperatures of the ground: energy, limits, convergence, bad input."""

import dataclasses

import numpy as np
import pytest

from nightside import physics
from nightside.physics import column, heat, periodic
from nightside.physics.problem import checked_places, make_columns
from nightside.physics.regolith import STEFAN_BOLTZMANN
from nightside.physics.sunlight import step_sunlight

LATITUDES = np.array([0.0, 30.0, 60.0, 85.0])


def step_times(steps: int) -> np.ndarray:
    return (np.arange(steps) + 1.0) * 24.0 / steps


@pytest.mark.parametrize("material", [physics.REGOLITH, physics.ROCK])
def test_a_day_radiates_what_it_absorbs_and_what_the_interior_gives(material):
    latitude = np.array([0.0, 45.0, 80.0, -43.3, -43.3])
    slope_east = np.array([0.0, 0.0, 0.0, 15.0, -15.0])
    surface = physics.diurnal_temperatures(
        latitude,
        0.12,
        slope_east_deg=slope_east,
        material=material,
        local_time_h=step_times(heat.STEPS_PER_DAY),
    )
    emitted = 0.95 * STEFAN_BOLTZMANN * (surface**4).mean(axis=1)
    absorbed = physics.daily_mean_absorbed_flux(latitude, 0.12, slope_east, material=material, samples=48_000)
    np.testing.assert_allclose(emitted, absorbed + physics.MOON.interior_flux, rtol=1e-3)


@pytest.mark.parametrize(
    "body",
    [
        physics.Body(day_s=176.0 * 86_400.0, sun_distance_au=0.387, interior_flux=0.02),
        physics.Body(day_s=4.3 * 3600.0, sun_distance_au=1.1, interior_flux=0.0),
        physics.Body(day_s=9.1 * 3600.0, sun_distance_au=2.77, interior_flux=0.0),
    ],
    ids=["Mercury", "Bennu", "Ceres"],
)
def test_energy_closes_on_any_body(body):
    latitude, horizon = np.array([0.0, 50.0, 50.0]), np.array([[0.0], [0.0], [12.0]])
    surface = physics.diurnal_solution(
        latitude, 0.05, body=body, horizon_deg=horizon, local_time_h=step_times(heat.STEPS_PER_DAY)
    )
    assert surface.converged.all()
    emitted = 0.95 * STEFAN_BOLTZMANN * (surface.surface_temperature**4).mean(axis=1)
    absorbed = physics.daily_mean_absorbed_flux(
        latitude, 0.05, horizon_deg=horizon, body=body, samples=48_000
    )
    np.testing.assert_allclose(emitted, absorbed + body.interior_flux, rtol=1e-3)


@pytest.fixture(scope="module")
def jump():
    """Slopes whose sunlight jumps, around sunrise and sunset: places, hours after the jump, and finer temperatures."""
    slope, after = np.tile([2.0, 5.0, 10.0, 20.0], 3), np.linspace(-0.25, 0.25, 51)
    places = (np.repeat([0.0, 30.0, 60.0], 4), 0.12, 0.07)
    fine = {
        noon: physics.diurnal_temperatures(
            *places, noon * slope, local_time_h=12.0 - noon * 6.0 + after, steps_per_day=7680
        )
        for noon in (1.0, -1.0)
    }
    return places, slope, after, fine


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["east, sunrise", "west, sunset"])
def test_the_jump_of_the_sunlight_is_resolved(jump, side):
    places, slope, after, fine = jump
    hours = 12.0 - side * 6.0 + after
    surface = physics.diurnal_temperatures(*places, side * slope, local_time_h=hours)
    error = np.abs(surface - fine[side])
    assert error.max() < 0.75
    assert error[:, after > 0.045].max() < 0.4
    assert error[:, np.abs(after) < 1e-9].max() < 0.05
    assert error[:, after < -1e-9].max() < 0.1


@pytest.mark.parametrize(
    ("latitude", "declination", "horizon"), [(0.0, 0.0, None), (55.0, 1.5, None), (20.0, 0.0, [7.0])]
)
def test_before_the_sun_comes_over_the_horizon_a_lit_slope_is_as_cold_as_in_the_night(
    latitude, declination, horizon
):
    """Also where it rises between two steps of equal length, behind terrain or out of season."""
    options = {"solar_declination_deg": declination, "horizon_deg": horizon}
    fine = np.arange(4.0, 8.0, 1e-4)
    lit = physics.absorbed_flux(fine, latitude, 0.12, 20.0, 0.0, declination, horizon_deg=horizon) > 0.0
    rise = fine[np.argmax(lit)]
    hours = rise + np.array([-0.2, -0.05, -0.01, -1e-3, 0.05])
    surface = physics.diurnal_temperatures(latitude, slope_east_deg=20.0, local_time_h=hours, **options)[0]
    assert np.ptp(surface[:4]) < 1.5
    assert (np.diff(surface[:4]) < 0.0).all()
    assert surface[4] > surface[3] + 80.0


def test_temperatures_are_a_smooth_function_of_a_slope_that_turns_to_the_sun():
    """Steps are those of the horizon, not of the slope: no offset where sunlight begins to jump."""
    surface = physics.diurnal_temperatures(
        30.0, slope_east_deg=[-1e-3, 0.0, 1e-3], local_time_h=[2.0, 12.0, 22.0]
    )
    assert np.abs(surface[0] - 2.0 * surface[1] + surface[2]).max() < 1e-5


def test_a_column_holds_the_heat_that_went_in():
    """From midnight to every later step, against the sum of sunlight, emission and interior heat."""
    steps, depth = heat.STEPS_PER_DAY, physics.depth_grid_m()
    places = checked_places(LATITUDES, 0.12, [0.07, 0.02, 0.15, 0.07], [0.0, 10.0, 0.0, 0.0], 0.0, 0.95)
    columns = make_columns(places, 0.0, physics.REGOLITH, physics.MOON, depth)
    midnight = physics.diurnal_solution(*list(places.values())[:4]).midnight_temperature
    daylight = step_sunlight(columns, steps, column.LANES)
    day = column.trajectory(columns, daylight, midnight)
    power = np.polynomial.polynomial.polyint(physics.REGOLITH.heat_capacity_coefficients)
    heat_in_column = (np.polynomial.polynomial.polyval(day, power) * columns.capacity.T[:, None, :]).sum(
        axis=2
    )
    emitted = columns.emission[:, None] * day[:, :, 0] ** 4
    # By the trapezoidal rule, which here takes the sunlight after a jump for that before it: by the shortest step.
    net = np.concatenate([np.zeros((4, 1)), daylight.flux[0, :, :4].T], axis=1) - emitted + 0.018
    gained = 0.5 * (net[:, 1:] + net[:, :-1]) * daylight.length[0, :, :4].T
    gained = np.concatenate([np.zeros((4, 1)), np.cumsum(gained, axis=1)], axis=1)
    stored = heat_in_column - heat_in_column[:, :1]
    assert (np.abs(stored - gained).max(axis=1) < 0.01 * np.ptp(stored, axis=1)).all()


def test_at_midnight_the_surface_radiates_what_conduction_brings():
    fine = physics.diurnal_solution(LATITUDES, local_time_h=[0.0], steps_per_day=1920, refinement=4.0)
    t, z = fine.midnight_temperature, fine.depth_m
    # One-sided, third-order gradient at the surface.
    gradient = sum(
        t[:, i] * w for i, w in enumerate(np.linalg.solve(np.vander(z[:4], increasing=True).T, [0, 1, 0, 0]))
    )
    conducted = physics.conductivity(physics.contact_conductivity(0.0, 0.07), t[:, 0]) * gradient
    emitted = 0.95 * STEFAN_BOLTZMANN * fine.surface_temperature[:, 0] ** 4
    np.testing.assert_allclose(conducted, emitted, rtol=5e-3)


def test_a_deep_pit_wall_to_wall_is_as_cold_as_the_interior_heat_keeps_it():
    walled = physics.diurnal_temperatures(45.0, horizon_deg=[90.0], local_time_h=[0.0, 12.0])
    interior = (physics.MOON.interior_flux / (0.95 * STEFAN_BOLTZMANN)) ** 0.25
    np.testing.assert_allclose(walled, interior, atol=1e-3)


def test_a_ridge_in_the_east_keeps_the_morning_cold_and_the_evening_warm():
    hours = [7.0, 12.0, 17.0]
    ridge = [0.0, 25.0, 0.0, 0.0]
    cut, open_ = (
        physics.diurnal_temperatures(0.0, horizon_deg=each, local_time_h=hours)[0] for each in (ridge, None)
    )
    assert cut[0] < 110.0 < 180.0 < open_[0]
    np.testing.assert_allclose(cut[1:], open_[1:], atol=1.0)


def test_nodes_may_be_given():
    depth = physics.depth_grid_m(refinement=2.0)
    given = physics.diurnal_solution(30.0, depth_m=depth)
    np.testing.assert_array_equal(given.depth_m, depth)
    np.testing.assert_allclose(
        given.surface_temperature, physics.diurnal_temperatures(30.0, refinement=2.0), atol=1e-9
    )


def test_the_coarsest_nodes_that_pass_are_within_half_a_kelvin():
    """At Hayne's range of H, half an hour and more from sunrise and sunset."""
    places = np.repeat(LATITUDES, 2), 0.12, np.tile([0.02, 0.15], LATITUDES.size)
    hours = physics.PROFILE_LOCAL_TIMES_H
    away = (np.abs(hours - 6.0) > 0.5) & (np.abs(hours - 18.0) > 0.5)
    fine = physics.diurnal_temperatures(*places, refinement=4.0)
    skin, bottom = physics.skin_depth_m(), 4.0 * physics.skin_depth_m(deep=True)
    widest = [0.0]
    while widest[-1] < bottom:
        widest.append(widest[-1] + 0.2 * skin + 0.3 * widest[-1])
    for coarse in (physics.depth_grid_m(refinement=0.5), [*widest[:-1], bottom]):
        error = physics.diurnal_temperatures(*places, depth_m=coarse) - fine
        assert np.abs(error[:, away]).max() < 0.5


def test_below_the_heat_of_the_day_nodes_may_be_far_apart():
    depth = physics.depth_grid_m()
    deeper = physics.diurnal_temperatures(LATITUDES, depth_m=[*depth, 1.0, 5.0])
    np.testing.assert_allclose(deeper, physics.diurnal_temperatures(LATITUDES, depth_m=depth), atol=0.03)


def test_surface_without_conduction_is_in_radiative_equilibrium_at_noon():
    insulator = dataclasses.replace(
        physics.REGOLITH, surface_conductivity=1e-9, deep_conductivity=1e-9, radiative_conductivity=0.0
    )
    dead = physics.Body(interior_flux=0.0)
    noon = physics.diurnal_temperatures(LATITUDES, local_time_h=[12.0], material=insulator, body=dead)[:, 0]
    flux = physics.absorbed_flux(12.0, LATITUDES, 0.12)
    np.testing.assert_allclose(noon, (flux / (0.95 * STEFAN_BOLTZMANN)) ** 0.25, atol=0.1)


def test_ground_that_never_sees_the_sun_carries_the_interior_flux():
    solution = physics.diurnal_solution([90.0], solar_declination_deg=-1.5)
    surface = solution.surface_temperature[0]
    interior = physics.MOON.interior_flux
    np.testing.assert_allclose(surface, (interior / (0.95 * STEFAN_BOLTZMANN)) ** 0.25, atol=1e-3)
    depth, temperature = solution.depth_m, solution.midnight_temperature[0]
    face = 0.5 * (depth[1:] + depth[:-1])
    conductivity = physics.conductivity(
        physics.contact_conductivity(face, 0.07), 0.5 * (temperature[1:] + temperature[:-1])
    )
    np.testing.assert_allclose(conductivity * np.diff(temperature) / np.diff(depth), interior, rtol=2e-3)


def test_flat_equator_has_the_known_noon_midnight_and_minimum():
    """Reference temperatures of the equator are those of heat1d's validation, within 5 K of Diviner's."""
    surface = physics.diurnal_temperatures(0.0)[0]
    assert surface.shape == (120,)
    assert surface[60] == pytest.approx(385.0, abs=5.0)
    assert surface[0] == pytest.approx(101.0, abs=5.0)
    assert surface.min() == pytest.approx(95.0, abs=5.0)
    assert physics.PROFILE_LOCAL_TIMES_H[surface.argmin()] == pytest.approx(5.8, abs=0.4)


def test_the_state_repeats_to_a_millikelvin():
    solution = physics.diurnal_solution(LATITUDES, 0.12, [0.02, 0.07, 0.15, 0.07], [10.0, 0.0, -10.0, 0.0])
    assert solution.converged.all()
    assert (solution.residual_k < 1e-3).all()
    assert (solution.days < 12).all()


def test_refinement_in_time_and_depth_converges_at_second_order():
    night = np.array([0.0, 2.0, 4.0, 20.0, 22.0])

    def night_error(coarse: dict[str, float], fine: dict[str, float]) -> float:
        a = physics.diurnal_temperatures(LATITUDES, local_time_h=night, **coarse)
        b = physics.diurnal_temperatures(LATITUDES, local_time_h=night, **fine)
        return float(np.sqrt(((a - b) ** 2).mean()))

    in_time = [night_error({"steps_per_day": n}, {"steps_per_day": 3840}) for n in (240, 480)]
    in_depth = [night_error({"refinement": r}, {"refinement": 4.0}) for r in (0.5, 1.0)]
    assert in_time[0] / in_time[1] > 3.0
    assert in_depth[0] / in_depth[1] > 3.0
    assert in_time[1] < 0.02
    assert in_depth[1] < 0.05


def test_defaults_are_within_an_eighth_of_a_kelvin_of_the_refined_solution():
    hours = physics.PROFILE_LOCAL_TIMES_H
    away = (np.abs(hours - 6.0) > 1.0) & (np.abs(hours - 18.0) > 1.0)
    places = (np.repeat(LATITUDES, 3), 0.12, np.tile([0.02, 0.07, 0.15], 4))
    default = physics.diurnal_temperatures(*places)
    refined = physics.diurnal_temperatures(*places, steps_per_day=1920, refinement=3.0)
    assert np.abs(default - refined)[:, away].max() < 0.125


def test_a_place_does_not_depend_on_its_company():
    rng = np.random.default_rng(3)
    latitude, albedo, slope = rng.uniform(-80, 80, 45), rng.uniform(0.05, 0.3, 45), rng.normal(0.0, 10.0, 45)
    together = physics.diurnal_temperatures(latitude, albedo, 0.07, slope)
    alone = physics.diurnal_temperatures(latitude[40], albedo[40], 0.07, slope[40])
    np.testing.assert_allclose(together[40], alone[0], atol=1e-9)


def test_an_east_facing_slope_warms_first_and_a_west_facing_one_last():
    hours = np.linspace(0.0, 24.0, 481)
    surface = physics.diurnal_temperatures(-43.3, slope_east_deg=[10.0, 0.0, -10.0], local_time_h=hours)
    warm = hours[np.argmax(surface > 250.0, axis=1)]
    peak = hours[np.argmax(surface, axis=1)]
    assert (np.diff(warm) > 0.2).all()
    assert (np.diff(peak) > 0.2).all()


def test_denser_ground_keeps_more_heat_at_night():
    """A larger H is a deeper fluffy layer, and so a colder night; noon hardly notices."""
    surface = physics.diurnal_temperatures(0.0, 0.12, [0.02, 0.07, 0.15], local_time_h=[0.0, 12.0])
    assert (np.diff(surface[:, 0]) < -1.0).all()
    assert np.ptp(surface[:, 1]) < 1.0


def test_bare_rock_is_far_warmer_at_night_and_cooler_at_noon():
    night_and_noon = [0.0, 12.0]
    rock = physics.diurnal_temperatures(-43.3, local_time_h=night_and_noon, material=physics.ROCK)[0]
    regolith = physics.diurnal_temperatures(-43.3, local_time_h=night_and_noon)[0]
    assert rock[0] > regolith[0] + 80.0
    assert rock[1] < regolith[1]


def test_any_airless_body_by_its_constants():
    mercury = physics.Body(day_s=176.0 * 86_400.0, sun_distance_au=0.387, interior_flux=0.02)
    asteroid = physics.Body(day_s=4.3 * 3600.0, sun_distance_au=1.1, interior_flux=0.0)
    hot = physics.diurnal_temperatures([0.0, 60.0], body=mercury)
    spinning = physics.diurnal_temperatures([0.0, 60.0], body=asteroid)
    assert 600.0 < hot.max() < 650.0
    # A fast spin leaves a smaller swing than the Moon's.
    assert np.ptp(spinning[0]) < np.ptp(physics.diurnal_temperatures(0.0)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latitude_deg": [0.0, 91.0]}, r"latitude_deg\[1\] is 91"),
        ({"latitude_deg": np.nan}, r"latitude_deg\[0\] is nan"),
        ({"albedo": 1.2}, r"albedo\[0\] is 1.2; expected 0 to 1"),
        ({"albedo": -0.1}, "albedo"),
        ({"h_parameter_m": 1e-9}, r"h_parameter_m\[0\] is 1e-09; expected a depth of 0.001 to 1 m"),
        ({"h_parameter_m": 7.0}, "is it in mm or cm"),
        ({"h_parameter_m": np.inf}, "h_parameter_m"),
        ({"slope_east_deg": 90.0}, "slope_east_deg"),
        ({"slope_north_deg": np.nan}, "slope_north_deg"),
        ({"emissivity": 0.0}, "emissivity"),
        ({"solar_declination_deg": np.nan}, "solar_declination_deg"),
        ({"steps_per_day": 10}, "steps_per_day is 10; expected a whole number of at least 48"),
        ({"steps_per_day": 480.5}, "steps_per_day is 480.5; expected a whole number of at least 48"),
        ({"tolerance_k": 100.0}, r"tolerance_k is 100.0; expected above 0, to 0.1 K"),
        ({"local_time_h": [np.nan]}, "local_time_h"),
        ({"local_time_h": [24.5]}, "24.5; expected 0 to 24"),
        ({"local_time_h": [-1.0]}, "-1; expected 0 to 24"),
        ({"refinement": 0.1}, "too coarse for the skin depth"),
        ({"refinement": 50.0}, "refinement 50.0 needs"),
        ({"latitude_deg": [0.0, 1.0], "albedo": [0.1, 0.2, 0.3]}, "different lengths"),
        ({"albedo": [[0.1]]}, "albedo has 2 dimensions"),
        (
            {"depth_m": [0.0, 0.02, 0.1, 1.0]},
            r"depth_m\[1\] is 0.02 m, .*expected at most 0.0057 m below 0 m",
        ),
        ({"depth_m": [0.0, 0.005, 0.6]}, r"depth_m\[2\] is 0.6 m, 0.595 m .* at most 0.0072 m below 0.005 m"),
        (
            {"depth_m": [0.0, 0.004, 0.3, 0.6]},
            r"depth_m\[2\] is 0.3 m, .*too coarse for the skin depth of 0.0285 m",
        ),
        ({"depth_m": np.delete(physics.depth_grid_m(), slice(14, 18))}, r"depth_m\[14\] is .*too coarse"),
        ({"depth_m": np.linspace(0.0, 0.16, 60)}, "where the day is still felt; expected at least 0.19"),
        ({"depth_m": [0.0, 0.002, 0.001, 1.0]}, "start at 0 and to increase"),
        ({"depth_m": [0.001, 0.002, 1.0]}, "start at 0 and to increase"),
        ({"depth_m": [0.0, 0.002, np.nan]}, "one-dimensional and finite"),
        ({"depth_m": np.linspace(0.0, 1.0, 2000)}, "depth_m has 2000 nodes"),
        ({"horizon_deg": [0.0, 100.0]}, r"horizon_deg\[1\] is 100.0; expected -90 to 90"),
        ({"horizon_deg": [[0.0, np.nan]]}, r"horizon_deg\[0, 1\] is nan"),
        ({"horizon_deg": np.zeros((3, 4))}, "horizon_deg is for 3 places; expected 1"),
        ({"horizon_deg": 5.0}, "horizon_deg has the shape"),
    ],
)
def test_unphysical_input_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        physics.diurnal_temperatures(**{"latitude_deg": 0.0, **arguments})


def test_a_search_that_does_not_converge_says_so_and_gives_nan(monkeypatch):
    monkeypatch.setattr(heat, "_MAX_DAYS", 2)
    with pytest.warns(physics.ConvergenceWarning, match="1 of 2 places .* index 1"):
        surface = physics.diurnal_temperatures([0.0, 70.0], 0.12, 0.07)
    assert np.isnan(surface).all(axis=1).tolist() == [False, True]
    solution = physics.diurnal_solution([0.0, 70.0], 0.12, 0.07)
    assert solution.converged.tolist() == [True, False]
    assert physics.FAILURES[solution.status[1]] == "no periodic state found"


@pytest.mark.parametrize("of_capacity", [-1.0, np.inf])
def test_a_search_that_diverges_is_no_answer(of_capacity):
    """Ground that cools when it is heated has no stable day."""
    depth = physics.depth_grid_m()
    columns = make_columns(
        checked_places(LATITUDES, 0.12, 0.07, 0.0, 0.0, 0.95), 0.0, physics.REGOLITH, physics.MOON, depth
    )
    columns = columns._replace(capacity=of_capacity * columns.capacity)
    result = periodic.solve(
        columns,
        np.full((depth.size, 4), 250.0),
        -np.eye(depth.size),
        96,
        np.arange(4.0),
        tolerance_k=1e-4,
        max_days=20,
    )
    assert (result.status != column.PERIODIC).all()
    assert set(result.status.tolist()) <= set(physics.FAILURES)
    assert np.isnan(result.surface).all()


def test_no_places_give_no_temperatures():
    assert physics.diurnal_temperatures([]).shape == (0, 120)


def test_steep_slopes_bright_ground_and_poles_all_converge():
    rng = np.random.default_rng(1)
    n = 512
    solution = physics.diurnal_solution(
        rng.uniform(-90.0, 90.0, n),
        rng.uniform(0.0, 1.0, n),
        10.0 ** rng.uniform(-3.0, 0.0, n),
        rng.uniform(-60.0, 60.0, n),
        rng.uniform(-60.0, 60.0, n),
        rng.uniform(0.3, 1.0, n),
    )
    assert solution.converged.all()
    assert solution.surface_temperature.min() > 20.0
