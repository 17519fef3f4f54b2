"""Grids lie where they should on the Moon."""

import numpy as np
import pytest

from nightside import moon
from nightside.config import Region
from nightside.store import cell_index, grid_of, lonlat
from nightside.store.grid import crs_code, crs_of, from_lonlat


def region(**keys):
    return Region(**{"width_km": 10, "pixels_per_degree": 128, **keys})


def test_whole_moon_at_half_a_degree_has_the_archives_cells():
    grid = grid_of(Region(whole_moon=True, pixels_per_degree=2))
    lon, lat = lonlat(grid)
    assert grid.shape == (360, 720)
    np.testing.assert_allclose([lon[0, 0], lat[0, 0]], [180.25, 89.75])
    np.testing.assert_allclose([lon[-1, -1], lat[-1, -1]], [179.75, -89.75])
    assert sorted(lon[0]) == pytest.approx(np.arange(720) / 2 + 0.25)


@pytest.mark.parametrize("longitude", [0.0, 348.67, -0.01, 12.3, 179.99, 180.0, 180.01, 200.0])
def test_cells_lie_where_the_projection_puts_their_longitude(longitude):
    grid = grid_of(region(longitude_deg=longitude, latitude_deg=-43.29))
    lon, lat = lonlat(grid)
    x, y = from_lonlat(crs_of(grid)).transform(lon, lat)
    a = grid.affine
    np.testing.assert_allclose(x[0], a.c + (np.arange(grid.shape[1]) + 0.5) * a.a, atol=1e-3)
    np.testing.assert_allclose(y[:, 0], a.f + (np.arange(grid.shape[0]) + 0.5) * a.e, atol=1e-3)


def test_pixels_fall_on_the_communitys_128_per_degree_grid():
    grid = grid_of(region(longitude_deg=348.67, latitude_deg=-43.29))
    edge = grid.affine.c / moon.metres_per_degree() * 128
    assert edge == pytest.approx(round(edge), abs=1e-6)
    assert grid.shape[0] * moon.metres_per_degree() / 128 >= 10_000


@pytest.mark.parametrize("longitude", [0.0, 359.99, -0.01, 180.0, 12.3])
def test_every_cell_centre_is_found_in_its_own_cell_across_the_seam(longitude):
    grid = grid_of(region(longitude_deg=longitude, latitude_deg=20.0))
    lon, lat = lonlat(grid)
    expected = np.arange(lon.size).reshape(lon.shape)
    for turn in (-360.0, 0.0, 360.0):
        np.testing.assert_array_equal(cell_index(grid, lon + turn, lat), expected)


def test_the_western_edge_belongs_to_the_first_column_in_both_conventions():
    # Grids whose edge rounding puts just before itself in one of them.
    for longitude in np.random.default_rng(4).uniform(-180, 180, 300):
        grid = grid_of(region(longitude_deg=float(longitude), latitude_deg=5.0))
        middle = float(lonlat(grid)[1][0, 0])
        west = float(lonlat(grid)[0][0, 0]) - 0.5 / 128
        for turn in (-360.0, 0.0, 360.0):
            assert cell_index(grid, west + turn, middle) == 0
    whole = grid_of(Region(whole_moon=True, pixels_per_degree=2))
    np.testing.assert_array_equal(cell_index(whole, [180.0, -180.0, 179.999999999999], 89.75), 0)


def test_points_outside_have_no_cell():
    grid = grid_of(region(longitude_deg=0.0, latitude_deg=0.0))
    np.testing.assert_array_equal(cell_index(grid, [180.0, 0.0, 1.0], [0.0, 5.0, 0.0]), [-1, -1, -1])


@pytest.mark.parametrize("latitude", [89.0, -89.0, 70.0])
def test_polar_grid_holds_its_centre_in_the_middle(latitude):
    grid = grid_of(
        Region(
            projection="polar_stereographic",
            longitude_deg=45.0,
            latitude_deg=latitude,
            width_km=20,
            pixel_m=240,
        )
    )
    row, column = divmod(int(cell_index(grid, 45.0, latitude)), grid.shape[1])
    assert abs(row - grid.shape[0] / 2) <= 1
    assert abs(column - grid.shape[1] / 2) <= 1
    lon, lat = lonlat(grid)
    np.testing.assert_array_equal(cell_index(grid, lon, lat).ravel(), np.arange(lon.size))


def test_places_of_a_window_are_those_of_the_whole(settings):
    grid = grid_of(settings.region)
    window = {"y": slice(3, 9), "x": slice(5, 11)}
    for part, whole in zip(lonlat(grid, window), lonlat(grid), strict=True):
        np.testing.assert_array_equal(part, whole[window["y"], window["x"]])


@pytest.mark.parametrize(("latitude", "code"), [(89.0, "IAU_2015:30130"), (-89.0, "IAU_2015:30135")])
def test_a_polar_grid_keeps_its_code(latitude, code):
    grid = grid_of(
        Region(
            projection="polar_stereographic",
            longitude_deg=45.0,
            latitude_deg=latitude,
            width_km=20,
            pixel_m=240,
        )
    )
    assert crs_code(grid) == code
