"""The Moon's clock and longitudes."""

import numpy as np
import pytest

from nightside import moon


def test_noon_is_below_the_sun_and_midnight_opposite():
    np.testing.assert_allclose(moon.local_time_h([10.0, 190.0, 100.0, 280.0], 10.0), [12.0, 0.0, 18.0, 6.0])


def test_longitudes_wrap_into_one_turn():
    np.testing.assert_allclose(moon.longitude_360([-11.33, 360.0, 725.0, -1e-15]), [348.67, 0.0, 5.0, 0.0])


@pytest.mark.parametrize(
    "code",
    [moon.GEOGRAPHIC_CODE, moon.EQUIRECTANGULAR_CODE, moon.NORTH_POLAR_CODE, moon.SOUTH_POLAR_CODE],
)
def test_every_projection_stands_on_the_same_sphere(code):
    ellipsoid = moon.crs(code).ellipsoid
    assert ellipsoid.semi_major_metre == ellipsoid.semi_minor_metre == moon.RADIUS_M
