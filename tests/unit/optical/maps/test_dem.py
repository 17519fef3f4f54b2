"""Elevation models are heights at the right places, whatever their projection and wherever their edge."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine
from nac_strips import flight, kernels, strip

from nightside import moon
from nightside.optical.dem import read_terrain
from nightside.store.grid import from_lonlat


def hills(lon, lat):
    """Return heights in metres that are one function on the sphere, smooth at the poles and at every meridian."""
    lon, lat = np.deg2rad(lon), np.deg2rad(lat)
    return 500 * np.cos(lat) * np.cos(lon) + 300 * np.sin(lat) - 200 * np.cos(lat) * np.sin(lon)


def write(path, crs, left, top, pixel, shape, *, scale=1.0, offset=0.0, nodata=None, **profile):
    """Write the hills as a raster."""
    transform = Affine(pixel, 0, left, 0, -pixel, top)
    columns, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    x, y = transform @ (columns, rows)
    lon, lat = from_lonlat(moon.crs(crs)).transform(x, y, direction="INVERSE")
    values = ((hills(np.asarray(lon), np.asarray(lat)) - offset) / scale).astype(np.float32)
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, height=shape[0], width=shape[1],
        crs=moon.crs(crs).to_wkt(), transform=transform, nodata=nodata, **profile,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
        raster.scales, raster.offsets = (scale,), (offset,)
    return path


def check(terrain, lon, lat, atol=1.0):
    np.testing.assert_allclose(terrain.at(lon, lat), hills(np.asarray(lon), np.asarray(lat)), atol=atol)


def globe(path, **options):
    pixel = moon.metres_per_degree() / 4
    return write(
        path, options.pop("crs", "IAU_2015:30110"), -720 * pixel, 360 * pixel, pixel, (720, 1440), **options
    )


@pytest.mark.parametrize("crs", ["IAU_2015:30110", "IAU_2015:30115"])
@pytest.mark.parametrize("longitude", [0.0, 179.9, 180.1, 359.95, -90.0])
def test_a_map_of_the_globe_has_no_edge(tmp_path, crs, longitude):
    path = globe(tmp_path / "globe.tif", crs=crs)
    lon, lat = longitude + np.array([-0.4, 0.0, 0.4]), np.array([10.0, 10.2, 9.9])
    terrain = read_terrain(path, (lon, lat))
    assert terrain.height_m.shape[1] < 200
    check(terrain, lon, lat)
    check(terrain, lon + 360, lat)


@pytest.mark.parametrize("pole", [-1, 1])
def test_a_map_of_the_globe_serves_an_image_over_a_pole(tmp_path, pole):
    path = globe(tmp_path / "globe.tif")
    lon, lat = np.array([0.0, 90.0, 180.0, 270.0]), pole * np.array([89.8, 89.9, 89.95, 89.7])
    terrain = read_terrain(path, (lon, lat))
    check(terrain, [0, 45, 133, 359.99, 300], pole * np.array([89.5, 89.7, 89.99, 89.9, 90.0]), atol=2.0)


@pytest.mark.parametrize(("crs", "pole"), [("IAU_2015:30130", 1), ("IAU_2015:30135", -1)])
def test_a_polar_map_has_its_heights_where_they_lie(tmp_path, crs, pole):
    path = write(tmp_path / "polar.tif", crs, -60e3, 60e3, 250.0, (480, 480))
    lon, lat = np.array([10.0, 100.0, 200.0, 359.0]), pole * np.array([89.5, 88.9, 89.9, 89.0])
    terrain = read_terrain(path, (lon, lat), margin_m=2000)
    assert terrain.projection == {1: "north_polar", -1: "south_polar"}[pole]
    check(terrain, lon, lat, atol=0.1)


def test_radii_and_scaled_integers_are_heights_too(tmp_path):
    lon, lat = np.array([20.0, 20.5]), np.array([30.0, 30.2])
    radii = globe(tmp_path / "radii.tif", scale=0.5, offset=0.0)
    check(read_terrain(radii, (lon, lat)), lon, lat)
    with rasterio.open(radii, "r+") as raster:
        raster.write(raster.read(1) + np.float32(moon.RADIUS_M / 0.5), 1)
    check(read_terrain(radii, (lon, lat)), lon, lat)


def test_no_data_is_no_height(tmp_path):
    path = globe(tmp_path / "holes.tif", nodata=-9999.0)
    with rasterio.open(path, "r+") as raster:
        values = raster.read(1)
        values[:, 722] = -9999.0
        raster.write(values, 1)
    terrain = read_terrain(path, ([0.2, 1.2], [0.2, 0.4]))
    assert np.isnan(terrain.at(0.6, 0.3))
    check(terrain, 1.2, 0.4)
    assert terrain.bounds[0] > -1000


def test_a_part_of_the_moon_ends_where_it_ends(tmp_path):
    pixel = moon.metres_per_degree() / 16
    path = write(tmp_path / "part.tif", "IAU_2015:30110", 40 * 16 * pixel, 10 * 16 * pixel, pixel, (160, 160))
    terrain = read_terrain(path, (np.array([41.0, 42.0]), np.array([5.0, 6.0])))
    check(terrain, [41.5, 401.5], [5.5, 5.5])
    assert np.isnan(terrain.at([39.0, 60.0], [5.5, 5.5])).all()
    with pytest.raises(ValueError, match=r"part\.tif: does not cover the image"):
        read_terrain(path, (np.array([141.0, 142.0]), np.array([5.0, 6.0])))


def test_files_that_are_no_elevation_models_are_named(tmp_path):
    (tmp_path / "x.tif").write_text("nothing")
    with pytest.raises(ValueError, match=r"x\.tif: cannot be read as an elevation map"):
        read_terrain(tmp_path / "x.tif", ([0.0], [0.0]))
    path = write(tmp_path / "lambert.tif", "IAU_2015:30175", -60e3, 60e3, 250.0, (48, 48))
    with pytest.raises(ValueError, match="neither equirectangular nor polar stereographic"):
        read_terrain(path, ([0.0], [0.0]))


def test_an_image_over_hills_returns_to_itself(tmp_path):
    planned = flight(0, aim="left", roll_deg=12.0)
    folder = kernels(tmp_path / "kernels", planned)
    image = strip(planned, folder)
    terrain = read_terrain(globe(tmp_path / "globe.tif"), image.camera.outline())
    camera = replace(image.camera, terrain=terrain)
    line, sample = np.meshgrid(np.linspace(0, 255, 21), np.linspace(0, 2531, 31), indexing="ij")
    lon, lat = camera.ground(line, sample)
    height = np.linalg.norm(camera.ground_m(line, sample), axis=-1) - moon.RADIUS_M
    np.testing.assert_allclose(height, hills(lon, lat), atol=2.0)
    back = camera.image(lon, lat)
    np.testing.assert_allclose(back[0], line, atol=0.01)
    np.testing.assert_allclose(back[1], sample, atol=0.01)
