"""The same ground is the same pixel, whether it is read from GeoTIFF, from Zarr, or found by the CRS."""

import numpy as np
import pytest
import rasterio
import xarray as xr

from nightside import moon
from nightside.config import Region
from nightside.store import (
    Band,
    cell_index,
    grid_of,
    open_store,
    overviews_of,
    write_cog,
    write_parts,
)
from nightside.store.grid import crs_of, from_lonlat

POLAR = {"projection": "polar_stereographic", "longitude_deg": 0.0, "width_km": 153.6, "pixel_m": 100}
GRIDS = {
    "south pole": Region(latitude_deg=-90.0, **POLAR),
    "north pole": Region(latitude_deg=90.0, **POLAR),
    "whole Moon": Region(whole_moon=True, pixels_per_degree=4),
    "seam at 0": Region(longitude_deg=0.0, latitude_deg=40.0, width_km=300, pixels_per_degree=128),
    "seam at 180": Region(longitude_deg=179.9, latitude_deg=-40.0, width_km=300, pixels_per_degree=128),
    "Tycho": Region(longitude_deg=348.67, latitude_deg=-43.29, width_km=201, pixels_per_degree=128),
}
"""With and without a number of pixels that halves evenly."""

ATTRIBUTES = {
    "units": "1",
    "long_name": "number of the row or column, and a half: where the pixel's centre is",
}


@pytest.fixture(scope="module", params=GRIDS, ids=lambda name: name.replace(" ", "_"))
def published(request, tmp_path_factory):
    """A store with overviews and its GeoTIFFs: maps of each pixel's own row and column."""
    folder = tmp_path_factory.mktemp("published")
    grid = grid_of(GRIDS[request.param])
    settings = request.getfixturevalue("module_settings")

    def make(window):
        rows, columns = (np.arange(window[d].start, window[d].stop, dtype=np.float32) + 0.5 for d in "yx")
        rows, columns = np.meshgrid(rows, columns, indexing="ij")
        return xr.Dataset(
            {"row": (("y", "x"), rows, ATTRIBUTES), "column": (("y", "x"), columns, ATTRIBUTES)}
        )

    write_parts(folder / "a.zarr", make, kind="t", settings=settings, geobox=grid, side=1024, overviews=True)
    for name, values in open_store(folder / "a.zarr").data_vars.items():
        write_cog(values.to_numpy(), grid, folder / f"{name}.tif", Band(str(name), "place", "1"))
    return folder, grid


@pytest.fixture(scope="module")
def module_settings():
    from nightside.config import load

    region = {"longitude_deg": 0, "latitude_deg": 0, "width_km": 4, "pixels_per_degree": 128}
    diviner = {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"}
    return load({"name": "test", "region": region, "diviner": diviner, "synthetic": {}})


def places(grid):
    """Return longitudes and latitudes on the grid: at random, at the edges, at the seams, and at a pole."""
    rng = np.random.default_rng(7)
    rows, columns = (int(n) for n in grid.shape)
    a, inverse = grid.affine, from_lonlat(crs_of(grid))
    u = np.concatenate([rng.uniform(0, columns, 200), [0.3, columns - 0.3, columns / 2]])
    v = np.concatenate([rng.uniform(0, rows, 200), [0.3, rows - 0.3, rows / 2]])
    lon, lat = (np.asarray(q) for q in inverse.transform(a.c + u * a.a, a.f + v * a.e, direction="INVERSE"))
    seams = np.array([0.0, 360.0, -1e-3, 359.9995, 180.0, -180.0, 179.9995, 180.0005])
    special_lon = np.concatenate([lon, seams, seams])
    special_lat = np.concatenate([lat, np.full(8, 40.0005), np.full(8, -40.0005)])
    if abs(lat).max() > 89.0:
        pole = float(np.sign(lat[0])) * 90.0
        special_lon, special_lat = np.append(special_lon, [0.0, 123.0]), np.append(special_lat, [pole, pole])
    inside = cell_index(grid, special_lon, special_lat) >= 0
    return special_lon[inside], special_lat[inside]


def map_coordinates(grid, lon, lat):
    """Return x and y by the CRS, in the turn of the circle in which the grid lies."""
    x, y = (np.asarray(q) for q in from_lonlat(crs_of(grid)).transform(lon, lat))
    turn = 2 * np.pi * moon.RADIUS_M
    left, right = grid.boundingbox.left, grid.boundingbox.right
    if right - left <= turn * 1.001 and "Equi" in crs_of(grid).name:
        x = np.where(x < left, x + turn, np.where(x >= right, x - turn, x))
    return x, y


def test_a_place_is_the_same_pixel_in_every_format(published):
    folder, grid = published
    lon, lat = places(grid)
    assert lon.size > 200
    expected_row, expected_column = np.divmod(cell_index(grid, lon, lat), grid.shape[1])
    x, y = map_coordinates(grid, lon, lat)
    # By the GeoTIFF's own transform and pixels; an edge belongs to the cell east and south of it.
    shift = 1e-6 * grid.affine.a
    sampled = {}
    for name in ("row", "column"):
        with rasterio.open(folder / f"{name}.tif") as cog:
            sampled[name] = np.array(
                [value[0] for value in cog.sample(zip(x + shift, y - shift, strict=True))]
            )
    np.testing.assert_array_equal(sampled["row"], expected_row + 0.5)
    np.testing.assert_array_equal(sampled["column"], expected_column + 0.5)
    # By the coordinates of the Zarr store.
    dataset = open_store(folder / "a.zarr").compute()
    at = {"x": xr.DataArray(x + shift, dims="p"), "y": xr.DataArray(y - shift, dims="p")}
    nearest = dataset.sel(at, method="nearest")
    np.testing.assert_array_equal(nearest["row"], expected_row + 0.5)
    np.testing.assert_array_equal(nearest["column"], expected_column + 0.5)
    # By its attribute spatial:transform.
    a, _, c, _, e, f = dataset.attrs["spatial:transform"]
    np.testing.assert_array_equal(np.floor((x + shift - c) / a), expected_column)
    np.testing.assert_array_equal(np.floor((y - shift - f) / e), expected_row)


def test_an_overview_of_the_store_lies_where_its_pixels_say(published):
    folder, grid = published
    for factor in overviews_of(open_store(folder / "a.zarr")):
        overview = open_store(folder / "a.zarr", overview=factor).compute()
        a = grid.affine
        # A pixel's number is that of its centre, averaged: any shift would show as half a pixel. The last may be cut.
        columns = ((overview["x"] - a.c) / a.a).to_numpy()
        rows = ((overview["y"] - a.f) / a.e).to_numpy()
        np.testing.assert_allclose(overview["column"].to_numpy()[0, :-1], columns[:-1], rtol=1e-6)
        np.testing.assert_allclose(overview["row"].to_numpy()[:-1, 0], rows[:-1], rtol=1e-6)


def test_an_overview_of_the_geotiff_lies_where_that_of_the_store_does(published):
    folder, grid = published
    with rasterio.open(folder / "column.tif") as whole:
        levels = whole.overviews(1)
    assert levels
    has = overviews_of(open_store(folder / "a.zarr"))
    for number, factor in enumerate(levels):
        if factor not in has or any(n % factor for n in grid.shape):
            continue  # GDAL stretches an uneven overview over the whole map
        ours = open_store(folder / "a.zarr", overview=factor).compute()
        for name in ("row", "column"):
            with rasterio.open(folder / f"{name}.tif", overview_level=number) as cog:
                assert cog.shape == ours[name].shape
                np.testing.assert_allclose(cog.transform[:6], ours.attrs["spatial:transform"], atol=1e-6)
                np.testing.assert_allclose(cog.read(1), ours[name], rtol=1e-6)
