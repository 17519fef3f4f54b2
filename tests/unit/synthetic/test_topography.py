import numpy as np
import pytest
import rasterio

from nightside import moon
from nightside.config import Region
from nightside.store import grid_of, lonlat
from nightside.synthetic.topography import relief_m


def height(longitude, latitude):
    return 1000 * np.cos(np.deg2rad(longitude)) + 10 * latitude


@pytest.fixture
def elevation(tmp_path):
    """A map of the whole Moon at 2 pixels per degree, from 0 to 360 degrees east, as radii."""
    path = tmp_path / "elevation.tif"
    longitude, latitude = np.meshgrid((np.arange(720) + 0.5) / 2, 90 - (np.arange(360) + 0.5) / 2)
    pixel = moon.metres_per_degree() / 2
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=720,
        height=360,
        count=1,
        dtype="float64",
        crs=moon.crs("IAU_2015:30115").to_wkt(),  # longitude 180 in the middle, as LOLA's maps
        transform=rasterio.Affine(pixel, 0, -360 * pixel, 0, -pixel, 180 * pixel),
    ) as file:
        file.write(moon.RADIUS_M + height(longitude, latitude), 1)
    return path


@pytest.mark.parametrize("centre", [(348.67, -43.29), (0.0, 10.0), (-0.2, -89.0), (180.0, 30.0)])
def test_heights_lie_at_their_place_also_across_the_edge_of_the_map(elevation, centre):
    region = Region(longitude_deg=centre[0], latitude_deg=centre[1], width_km=40, pixels_per_degree=16)
    grid = grid_of(region)
    longitude, latitude = lonlat(grid)
    inner = np.abs(latitude) < 89
    error = relief_m(elevation, grid) - height(longitude, latitude)
    assert np.abs(error[inner]).max() < 0.1


def test_a_polar_grid_is_covered(elevation):
    region = Region(
        projection="polar_stereographic", longitude_deg=40, latitude_deg=-84, width_km=60, pixel_m=2000
    )
    grid = grid_of(region)
    assert np.abs(relief_m(elevation, grid) - height(*lonlat(grid))).max() < 1.0


def test_a_file_that_is_no_elevation_map_is_named(tmp_path):
    grid = grid_of(Region(longitude_deg=10, latitude_deg=0, width_km=10, pixels_per_degree=16))
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(ValueError, match=r"notes.txt: cannot be read as an elevation map"):
        relief_m(path, grid)
