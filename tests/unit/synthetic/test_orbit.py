import numpy as np
from numpy.testing import assert_allclose

from nightside.synthetic import orbit as o

DAY_S = 86_400.0


def test_local_time_of_the_node_drifts_two_hours_a_month():
    flight = o.Orbit.from_seed(3)
    # The same phase of the orbit, about 30 days apart.
    argument = flight.argument_deg(np.arange(0, 40 * DAY_S, 5.0))
    rising = np.flatnonzero(np.diff(np.floor(argument / 360.0)) > 0) * 5.0
    first, later = rising[0], rising[np.argmin(np.abs(rising - rising[0] - 30 * DAY_S))]
    drift = np.diff(flight.local_time_h([first + 5, later + 5]))[0]
    drift = (drift + 12) % 24 - 12
    assert_allclose(drift, -1.97, atol=0.1)


def test_period_is_113_minutes_and_the_orbit_is_polar():
    assert 112 < o.PERIOD_S / 60 < 114
    latitude, longitude = o.Orbit.from_seed(1).subspacecraft(np.arange(0, o.PERIOD_S, 1.0))
    assert latitude.max() > 89.9
    assert latitude.min() < -89.9
    assert ((longitude >= 0) & (longitude < 360)).all()


def test_ascending_means_flying_north():
    flight = o.Orbit.from_seed(1)
    time = np.arange(0, 2 * o.PERIOD_S, 10.0)
    north = np.diff(flight.subspacecraft(time)[0]) > 0
    assert np.mean(north == flight.ascending(time)[:-1]) > 0.99


def test_swath_is_as_wide_as_21_detectors_across_the_track():
    lat, lon = o.swath(np.array([0.0]), np.array([359.99]), np.array([True]))
    degree_km = o.RADIUS_KM * np.pi / 180
    width = ((lon[0, 0] - lon[0, -1] + 180) % 360 - 180) * degree_km
    assert_allclose(width, o.SWATH_KM * 20 / 21, rtol=1e-4)
    assert_allclose(lat, 0.0, atol=1e-9)
    descending = o.swath(np.array([0.0]), np.array([359.99]), np.array([False]))[1]
    assert_allclose(descending, lon[:, ::-1], atol=1e-9)


def test_tilt_moves_the_swath_along_the_flight():
    north = o.swath(np.array([10.0]), np.array([20.0]), np.array([True]), np.array([10.0]))[0]
    south = o.swath(np.array([10.0]), np.array([20.0]), np.array([False]), np.array([10.0]))[0]
    assert north[0, 10] > 10.3
    assert south[0, 10] < 9.7


def test_samples_near_finds_every_pass():
    flight = o.Orbit.from_seed(2)
    duration = 20 * DAY_S
    found = o.samples_near(flight, duration, 100.0, -30.0, 60.0)
    every = np.arange(0, duration, 2.0)
    lat, lon = flight.subspacecraft(every)
    near = np.hypot(lat + 30.0, (lon - 100.0) * np.cos(np.deg2rad(30))) < 59.0 / 30.323
    expected = np.unique(np.floor(every[near] / 600))
    assert expected.size > 2
    assert np.isin(expected, np.floor(o.sample_time_s(found) / 600)).all()
    assert (np.diff(found) > 0).all()
