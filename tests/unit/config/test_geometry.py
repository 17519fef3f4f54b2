import pytest

from nightside.config import Region
from nightside.config.geometry import Geometry, Mosaic


def test_the_sphere_without_corrections_is_the_default():
    geometry = Geometry()
    assert (geometry.dem, geometry.light_time, geometry.frame) == (None, False, "auto")


def test_a_metre_grid_can_be_configured_in_both_projections():
    centre = {"longitude_deg": 0.0, "latitude_deg": -88.0, "width_km": 5.0}
    assert (
        Mosaic(extent=Region(**centre, projection="polar_stereographic", pixel_m=0.5)).extent.pixel_m == 0.5
    )
    assert Mosaic(extent=Region(**centre, pixels_per_degree=60_646)).extent.pixels_per_degree == 60_646


def test_the_whole_moon_is_no_mosaic():
    with pytest.raises(ValueError, match="no extent of a mosaic"):
        Mosaic(extent=Region(whole_moon=True, pixels_per_degree=128))
