"""The Sun above sloped facets."""

import dataclasses

import numpy as np
import pytest

from nightside import physics
from nightside.physics import sunlight
from nightside.physics.problem import checked_places, make_columns
from nightside.physics.regolith import SOLAR_CONSTANT

LAMBERT = dataclasses.replace(physics.REGOLITH, albedo_cubic=0.0, albedo_eighth=0.0)
HOURS = np.arange(240) * 0.1


def test_flat_equator_sees_the_sun_rise_at_six_and_culminate_at_noon():
    mu = physics.cos_incidence(np.array([0.0, 5.9, 6.1, 12.0, 17.9, 18.1]), 0.0)
    assert (mu[[0, 1, 5]] == 0.0).all()
    assert mu[3] == pytest.approx(1.0)
    assert mu[2] == pytest.approx(mu[4])
    assert mu[2] > 0.0


def test_daily_mean_of_a_lambert_equator_is_the_solar_constant_over_pi():
    mean = physics.daily_mean_absorbed_flux(0.0, 0.12, material=LAMBERT)
    assert float(mean[()]) == pytest.approx(SOLAR_CONSTANT * 0.88 / np.pi, rel=1e-4)


def test_flux_falls_with_the_square_of_the_distance_from_the_sun():
    near = physics.daily_mean_absorbed_flux(20.0, 0.1)
    far = physics.daily_mean_absorbed_flux(20.0, 0.1, body=physics.Body(sun_distance_au=2.0))
    assert float(near) == pytest.approx(4.0 * float(far))


def test_fifteen_degrees_of_slope_are_one_hour_of_delay_at_the_equator():
    east, west = physics.onset_delay_h(0.0, [15.0, -15.0])
    assert east == pytest.approx(-1.0)
    assert west == pytest.approx(1.0)


def test_delay_is_the_time_at_which_the_facet_lights_up():
    hours = np.arange(0.0, 12.0, 1e-3)
    latitude, slope_east, slope_north, declination = -43.3, -12.0, 5.0, 1.5
    facet = physics.cos_incidence(hours, latitude, slope_east, slope_north, declination)
    flat = physics.cos_incidence(hours, latitude, 0.0, 0.0, declination)
    delay = hours[np.argmax(facet > 0.0)] - hours[np.argmax(flat > 0.0)]
    computed = physics.onset_delay_h(latitude, slope_east, slope_north, declination)
    assert float(computed) == pytest.approx(delay, abs=2e-3)


def test_the_spheres_horizon_holds_back_a_facet_that_faces_east():
    assert float(physics.onset_delay_h(0.0, 15.0, horizon=True)) == 0.0
    mu = physics.cos_incidence(HOURS, 0.0, 15.0)
    assert (mu[HOURS < 6.0] == 0.0).all()
    assert mu[HOURS > 6.0].max() == pytest.approx(1.0, abs=1e-3)
    assert mu[np.searchsorted(HOURS, 6.05)] > np.sin(np.deg2rad(15.0))


def test_east_and_west_facets_mirror_each_other_about_noon():
    times = np.array([7.0, 9.0, 11.5])
    east = physics.cos_incidence(times, 40.0, 10.0, 3.0)
    west = physics.cos_incidence(24.0 - times, 40.0, -10.0, 3.0)
    np.testing.assert_allclose(east, west)


def test_a_slope_towards_the_equator_receives_more():
    south_of_equator = physics.daily_mean_absorbed_flux(-43.3, 0.12, 0.0, [-10.0, 0.0, 10.0])
    assert (np.diff(south_of_equator) > 0.0).all()


def test_summer_pole_has_no_sunrise_and_winter_pole_no_light():
    assert np.isnan(physics.onset_delay_h(89.9, 1.0, 0.0, 1.5))
    assert (physics.cos_incidence(HOURS, 89.9, 0.0, 0.0, 1.5) > 0.0).all()
    assert (physics.cos_incidence(HOURS, 89.9, 0.0, 0.0, -1.5) == 0.0).all()


def test_height_that_falls_to_the_east_is_a_positive_east_slope():
    east, north = physics.slope_angles_deg(-1.0, np.tan(np.deg2rad(5.0)))
    assert float(east) == pytest.approx(45.0)
    assert float(north) == pytest.approx(-5.0)


def test_compiled_sunlight_of_the_solver_is_the_published_law():
    places = checked_places(
        [0.0, 60.0, -43.3, -43.3], [0.12, 0.3, 0.05, 0.9], 0.07, [0.0, 0.0, 20.0, -8.0], 4.0, 0.95
    )
    columns = make_columns(places, 1.2, physics.REGOLITH, physics.MOON, physics.depth_grid_m())
    steps = 480
    daylight = sunlight.step_sunlight(columns, steps, 4)
    compiled, seconds = daylight.flux[0], daylight.length[0].cumsum(axis=0)
    np.testing.assert_allclose(seconds[-1], physics.MOON.day_s, rtol=1e-12)
    hours = seconds.T * 24.0 / physics.MOON.day_s
    arguments = (
        places["latitude_deg"],
        places["albedo"],
        places["slope_east_deg"],
        places["slope_north_deg"],
    )
    for k in range(4):
        # Where the Sun rises or sets at the end of a step, the step has the sunlight of the moment before.
        one = [argument[k] for argument in arguments]
        before = physics.absorbed_flux(hours[k] - 1e-8, *one, 1.2)
        np.testing.assert_allclose(compiled[:, k], before, rtol=1e-6, atol=1e-4)


def test_a_horizon_of_zero_is_the_spheres():
    arguments = (HOURS, [0.0, -43.3], [10.0, -5.0], 2.0, 1.2)
    np.testing.assert_allclose(
        physics.cos_incidence(*arguments, horizon_deg=np.zeros(8)),
        physics.cos_incidence(*arguments),
        atol=1e-12,
    )


def test_a_ridge_in_the_east_delays_sunrise_and_not_sunset():
    """At the equator the Sun climbs 15 degrees an hour: a ridge of 20 degrees is 80 minutes."""
    hours = np.arange(0.0, 24.0, 1e-3)
    ridge = np.zeros(4)
    ridge[1] = 20.0  # azimuth 90 degrees, east
    lit = hours[physics.cos_incidence(hours, 0.0, horizon_deg=ridge) > 0.0]
    assert lit[0] == pytest.approx(6.0 + 20.0 / 15.0, abs=2e-3)
    assert lit[-1] == pytest.approx(18.0, abs=2e-3)


def test_a_ridge_in_the_north_hides_the_noon_of_the_southern_hemisphere():
    ridge = np.zeros(36)
    ridge[[35, 0, 1]] = 60.0
    south, north = physics.cos_incidence([9.0, 12.0, 15.0], [-43.3, 43.3], horizon_deg=ridge)
    assert (south > 0.0).tolist() == [True, False, True]
    assert (north > 0.0).tolist() == [True, True, True]


def test_a_place_above_its_surroundings_sees_the_sun_early():
    hours = np.arange(0.0, 12.0, 1e-3)
    lit = hours[physics.cos_incidence(hours, 0.0, 15.0, horizon_deg=[-3.0]) > 0.0]
    assert lit[0] == pytest.approx(6.0 - 3.0 / 15.0, abs=2e-3)


def test_each_place_has_its_own_horizon():
    own = np.array([[0.0], [30.0]])
    mu = physics.cos_incidence([7.0, 12.0], [0.0, 0.0], horizon_deg=own)
    assert (mu > 0.0).tolist() == [[True, True], [False, True]]


def test_compiled_sunlight_meets_the_terrain_of_the_published_law():
    rng = np.random.default_rng(4)
    horizon = rng.uniform(-2.0, 15.0, (4, 24))
    places = checked_places([0.0, 60.0, -43.3, 80.0], 0.12, 0.07, [0.0, 5.0, 20.0, -8.0], 4.0, 0.95)
    columns = make_columns(places, 1.2, physics.REGOLITH, physics.MOON, physics.depth_grid_m(), horizon)
    daylight = sunlight.step_sunlight(columns, 480, 4)
    # By the trapezoidal rule: what it gets wrong at a jump is half of the short step after it.
    flux = np.concatenate([daylight.flux[0, -1:], daylight.flux[0]])
    compiled = (0.5 * (flux[1:] + flux[:-1]) * daylight.length[0]).sum(axis=0) / physics.MOON.day_s
    arguments = (places["latitude_deg"], 0.12, places["slope_east_deg"], places["slope_north_deg"], 1.2)
    mean = physics.daily_mean_absorbed_flux(*arguments, horizon_deg=horizon, samples=48_000)
    np.testing.assert_allclose(compiled, mean, rtol=2e-3)
    assert (mean < physics.daily_mean_absorbed_flux(*arguments, samples=48_000)).all()


def test_gradient_of_the_sunlight_is_that_of_differences():
    def flux(shift: float, to: str) -> np.ndarray:
        places = checked_places([0.0, -43.3, 70.0], 0.12, 0.07, [0.3, 15.0, -8.0], 4.0, 0.95)
        columns = make_columns(places, 1.2, physics.REGOLITH, physics.MOON, physics.depth_grid_m())
        if to == "albedo":
            columns = columns._replace(albedo=columns.albedo + shift)
        else:
            facet = columns.facet.copy()
            facet[int(to)] += shift
            columns = columns._replace(facet=facet)
        if shift:
            return sunlight.step_sunlight(columns, 480, 3).flux[0].T
        return sunlight.sunlight_gradient(columns, 480)

    gradient = flux(0.0, "albedo")
    for k, to in enumerate(("albedo", "0", "1", "2")):
        differences = (flux(1e-6, to) - flux(-1e-6, to)) / 2e-6
        np.testing.assert_allclose(gradient[:, :, k], differences, rtol=1e-6, atol=1e-3)
