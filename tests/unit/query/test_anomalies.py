"""Anomalies are outlined where they are, with the area they have on the sphere."""

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr

from nightside import moon
from nightside.config import Region
from nightside.query.anomalies import anomalies, write_anomalies
from nightside.store import cell_area_m2, cell_index, grid_of, lonlat
from nightside.store.georeference import georeference

SPHERE_KM2 = 4 * np.pi * (moon.RADIUS_M / 1000) ** 2


def maps_on(grid, hot, score=9.0):
    """Maps whose score is ``score`` at the cells (flat indices) ``hot`` and 1 elsewhere; the latent is the longitude."""
    values = np.ones(grid.shape, np.float32)
    values.ravel()[np.asarray(hot, int)] = score
    lon, lat = lonlat(grid)
    maps = xr.Dataset(
        {
            "anomaly_score": (("y", "x"), values),
            "latent_mean": (("latent", "y", "x"), np.stack([lon, lat]).astype(np.float32)),
        },
        coords={"latent": ["lon", "lat"]},
    )
    return georeference(maps, grid)


def globe(ppd=1):
    return grid_of(Region(whole_moon=True, pixels_per_degree=ppd))


def polar(latitude=-90.0, longitude=0.0, pixel_m=1000.0, width_km=60.0):
    return grid_of(
        Region(
            projection="polar_stereographic",
            longitude_deg=longitude,
            latitude_deg=latitude,
            width_km=width_km,
            pixel_m=pixel_m,
        )
    )


def cells_at(grid, *places):
    return [int(cell_index(grid, lon, lat)) for lon, lat in places]


def test_the_areas_of_all_cells_are_the_sphere():
    assert cell_area_m2(globe()).sum() / 1e6 == pytest.approx(SPHERE_KM2, rel=1e-12)


def test_the_areas_of_a_polar_cap_are_that_of_the_cap():
    grid = polar(pixel_m=500.0, width_km=800.0)
    lat = lonlat(grid)[1]
    cap = 2 * np.pi * (moon.RADIUS_M / 1000) ** 2 * (1 - np.sin(np.deg2rad(80.0)))
    assert cell_area_m2(grid)[lat < -80.0].sum() / 1e6 == pytest.approx(cap, rel=1e-3)
    assert cell_area_m2(grid)[800, 800] / 1e6 == pytest.approx(0.25, rel=1e-6)


def test_cells_that_touch_at_a_corner_are_one_anomaly_and_others_are_not():
    grid = globe()
    found = anomalies(maps_on(grid, cells_at(grid, (10.5, 5.5), (11.5, 4.5), (13.5, 4.5))), 2.0)
    assert sorted(found.cells) == [1, 2]
    pair = found[found.cells == 2].iloc[0]
    assert pair.geometry.geom_type == "MultiPolygon"
    assert pair.geometry.is_valid
    np.testing.assert_allclose(
        [pair.lon_min, pair.lat_min, pair.lon_max, pair.lat_max], [10, 4, 12, 6], atol=1e-9
    )


@pytest.mark.parametrize("seam", [0.0, 180.0])
@pytest.mark.parametrize("step", [-1, 0, 1])
def test_an_anomaly_across_a_meridian_is_one(seam, step):
    grid = globe()
    found = anomalies(maps_on(grid, cells_at(grid, (seam - 0.5, 20.5), (seam + 0.5, 20.5 + step))), 2.0)
    assert list(found.cells) == [2]
    row = found.iloc[0]
    middle = (seam + 180) % 360 - 180
    assert abs((row.longitude - middle + 180) % 360 - 180) < 0.01
    assert row.geometry.bounds[0] >= -180
    assert row.geometry.bounds[2] <= 180
    west, east = (middle - 1, middle + 1) if seam == 0 else (179.0, -179.0)
    np.testing.assert_allclose([row.lon_min, row.lon_max], [west, east], atol=1e-9)


def test_a_chain_of_components_around_the_seam_is_one():
    grid = globe()
    places = [(179.5, 0.5), (179.5, 4.5), (-179.5, 1.5), (-179.5, 2.5), (-179.5, 3.5)]
    assert list(anomalies(maps_on(grid, cells_at(grid, *places)), 2.0).cells) == [5]


def test_a_region_across_180_degrees_is_split_there():
    grid = grid_of(Region(longitude_deg=180.0, latitude_deg=0.0, width_km=100, pixels_per_degree=4))
    row = anomalies(maps_on(grid, cells_at(grid, (179.9, 0.1), (-179.9, 0.1))), 2.0).iloc[0]
    assert row.cells == 2
    np.testing.assert_allclose([row.lon_min, row.lon_max], [179.75, -179.75], atol=1e-9)
    assert {round(abs(p.bounds[0])) for p in row.geometry.geoms} == {180}


@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_an_outline_around_a_pole_holds_it_and_all_longitudes(pole):
    grid = polar(pole)
    lat = lonlat(grid)[1]
    hot = np.flatnonzero(np.abs(lat.ravel()) > 89.5)
    row = anomalies(maps_on(grid, hot), 2.0).iloc[0]
    cap = 2 * np.pi * (moon.RADIUS_M / 1000) ** 2 * (1 - np.sin(np.deg2rad(89.5)))
    assert row.area_km2 == pytest.approx(cap, rel=0.02)
    assert abs(row.latitude - pole) < 0.01
    assert row.geometry.is_valid
    assert (row.lon_min, row.lon_max) == (-180.0, 180.0)
    assert np.sign(pole) * pole in (abs(row.geometry.bounds[1]), abs(row.geometry.bounds[3]))
    # In degrees, a cap of 0.5 degrees is a band of 360 x 0.5.
    assert row.geometry.area == pytest.approx(180.0, rel=0.02)


@pytest.mark.parametrize("longitude", [0.0, 45.0, 90.0, 179.0, 181.0, 270.0])
def test_polar_outlines_lie_at_their_cells(longitude):
    grid = polar(-88.0, longitude)
    (index,) = cells_at(grid, (longitude, -88.0))
    row = anomalies(maps_on(grid, [index]), 2.0).iloc[0]
    lon, lat = (v.ravel()[index] for v in lonlat(grid))
    assert row.longitude == pytest.approx((lon + 180) % 360 - 180)
    assert row.latitude == pytest.approx(lat)
    assert row.geometry.covers(gpd.points_from_xy([row.longitude], [row.latitude])[0])
    assert row.area_km2 == pytest.approx(1.0, rel=1e-3)


def test_statistics_are_those_of_the_cells_and_the_highest_peak_is_first():
    grid = globe()
    maps = maps_on(grid, cells_at(grid, (10.5, 60.5), (11.5, 60.5), (50.5, 0.5)))
    maps["anomaly_score"].values[30, :][maps["anomaly_score"].values[29, :] > 8] = 4.0
    maps["anomaly_score"].values.ravel()[cells_at(grid, (50.5, 0.5))] = 12.0
    found = anomalies(maps, 3.0)
    assert list(found.peak_score) == [12.0, 9.0]
    low = found.iloc[1]
    # Four cells: two at 9 and, a degree further south, where cells are larger, two at 4.
    assert low.cells == 4
    weights = [2 * (np.sin(np.deg2rad(top)) - np.sin(np.deg2rad(top - 1))) for top in (61, 60)]
    assert low.mean_score == pytest.approx(np.average([9.0, 4.0], weights=weights))
    assert low.latent_lon == pytest.approx(11.0)
    assert low.latent_lat == pytest.approx(np.average([60.5, 59.5], weights=weights))


def test_small_anomalies_are_left_out_by_their_area_on_the_sphere():
    grid = globe()
    maps = maps_on(grid, cells_at(grid, (10.5, 80.5), (50.5, 0.5)))
    assert list(anomalies(maps, 2.0, 500.0).latitude) == pytest.approx([0.5])


def test_unknown_cells_are_no_anomaly_and_none_at_all_is_an_empty_frame():
    grid = globe()
    maps = maps_on(grid, cells_at(grid, (10.5, 0.5)), np.nan)
    found = anomalies(maps, 2.0)
    assert len(found) == 0
    assert {"area_km2", "peak_score", "latent_lon", "lon_min", "geometry"} <= set(found.columns)


@pytest.mark.parametrize("name", ["a.gpkg", "a.parquet"])
def test_a_file_gives_back_what_was_written(tmp_path, name):
    grid = globe()
    for hot in ([], cells_at(grid, (179.5, 0.5), (-179.5, 0.5), (50.5, 0.5))):
        found = anomalies(maps_on(grid, hot), 2.0)
        path = tmp_path / name
        write_anomalies(found, path)
        read = gpd.read_file(path) if path.suffix == ".gpkg" else gpd.read_parquet(path)
        assert list(read.columns) == list(found.columns)
        assert read.geometry.geom_equals(found.geometry).all()
        np.testing.assert_allclose(read.area_km2.astype(float), found.area_km2.astype(float))
        assert read.crs.ellipsoid.semi_major_metre == moon.RADIUS_M


def test_faults_are_named(tmp_path):
    grid = globe()
    maps = maps_on(grid, [0])
    with pytest.raises(ValueError, match=r"no 'anomaly_score', but 'latent_mean'; give thermal/maps\.zarr"):
        anomalies(maps.drop_vars("anomaly_score"), 2.0)
    with pytest.raises(ValueError, match="least area -1"):
        anomalies(maps, 2.0, -1.0)
    with pytest.raises(ValueError, match=r"\.gpkg .* or \.parquet"):
        write_anomalies(anomalies(maps, 2.0), tmp_path / "a.shp")
