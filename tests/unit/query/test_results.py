"""Places are found on every grid, and what is told of them is what the stores hold."""

import re

import numpy as np
import pytest
import xarray as xr
import zarr

import nightside
from nightside import moon
from nightside.config import Region
from nightside.query.places import OutsideCoverage, extent
from nightside.store import grid_from, grid_of, lonlat

KM = moon.metres_per_degree() / 1000.0


def value(frame, layer, product=None):
    wanted = (frame["layer"] == layer) & ((frame["product"] == product) | (product is None))
    (found,) = frame.loc[wanted, "value"]
    return found


def test_the_tree_holds_every_product_lazily_and_with_its_crs(demo):
    tree = nightside.open(demo)
    assert {node.path for node in tree.leaves} == {
        "/thermal/cube",
        "/thermal/profiles",
        "/thermal/maps",
        "/optical/mosaic",
        "/optical/mosaic_standard",
        "/optical/denoised/M1LE",
    }
    temperature = tree["thermal/profiles/temperature"]
    assert temperature.chunks is not None
    assert "spatial_ref" in temperature.coords
    assert tree["optical/mosaic"].spatial_ref.attrs["crs_wkt"].startswith("PROJCRS")


@pytest.mark.parametrize("turn", [0.0, -360.0])
def test_a_point_has_the_value_of_the_cell_that_holds_it(demo, turn):
    tree = nightside.open(demo)
    maps = tree["thermal/maps"].to_dataset()
    lon, lat = lonlat(grid_from(maps))
    row, column = 3, 5
    found = tree.nightside.point(lon[row, column] + turn, lat[row, column])
    assert value(found, "anomaly_score") == maps.anomaly_score.values[row, column]
    np.testing.assert_array_equal(
        [value(found, f"latent_mean[{name}]") for name in maps.latent.values],
        maps.latent_mean.values[:, row, column],
    )
    assert set(found["product"]) == {"thermal/maps", "thermal/profiles"}
    assert found.attrs["not_covered"] == ["optical/mosaic", "optical/mosaic_standard"]
    assert found.set_index("layer").loc["reconstruction_error", "units"] == "K"


def test_a_cell_holds_its_western_and_northern_edge(globe):
    query = nightside.open(globe).nightside
    here = value(query.point(12.0, 20.0), "reconstruction_error")
    inside = value(query.point(13.9, 18.1), "reconstruction_error")
    west = value(query.point(11.9, 19.0), "reconstruction_error")
    assert here == inside != west


def test_all_names_of_the_seam_and_of_the_poles_are_places(globe):
    query = nightside.open(globe).nightside
    for names in ((0.0, 360.0), (180.0, -180.0), (359.0, -1.0)):
        assert len({value(query.point(lon, 20.0), "reconstruction_error") for lon in names}) == 1
    for lat in (90.0, -90.0):
        assert np.isfinite(value(query.point(77.0, lat), "reconstruction_error"))


@pytest.mark.parametrize("lon", [0.5, 89.0, 91.0, 179.9, 180.1, 270.5, 359.5, -45.0])
def test_a_polar_map_is_asked_in_degrees(demo, lon):
    found = nightside.open(demo).nightside.point(lon, -86.0)
    pixel_deg = 2.0 / 121.2  # 2 km on the parallel of 86 degrees, in degrees of the great circle
    signal = value(found, "signal", "optical/mosaic")
    off = (signal - lon + 180) % 360 - 180
    assert abs(off) * np.cos(np.deg2rad(86.0)) < 360 * pixel_deg / 30
    before = value(found, "signal", "optical/mosaic_standard")
    assert before == pytest.approx(signal + 10.0, rel=1e-6)  # before, beside after
    assert value(found, "signal_std") == pytest.approx(-86.0, abs=0.05)


def test_the_pole_is_a_place_of_a_polar_map(demo):
    assert value(nightside.open(demo).nightside.point(123.0, -90.0), "signal_std") < -89.9


def test_a_profile_is_the_cells_and_its_reconstruction_has_the_error_of_the_map(demo):
    tree = nightside.open(demo)
    profiles = tree["thermal/profiles"].to_dataset()
    lon, lat = (v[4, 6] for v in lonlat(grid_from(profiles)))
    found = tree.nightside.profile(lon, lat)
    np.testing.assert_array_equal(found.temperature, profiles.temperature[4, 6])
    np.testing.assert_array_equal(found.temperature_std, profiles.temperature_std[4, 6])
    assert found.local_time.attrs["units"] == "h"
    assert found.attrs["cell_longitude"] == pytest.approx(lon)
    error = float(np.sqrt(((found.reconstruction - found.temperature) ** 2).mean()))
    assert error == pytest.approx(float(tree["thermal/maps"].reconstruction_error[4, 6]), rel=1e-4)
    np.testing.assert_allclose(
        found.latent_mean, tree["thermal/maps"].latent_mean[:, 4, 6], rtol=1e-3, atol=1e-5
    )
    assert "reconstruction" not in tree.nightside.profile(lon, lat, reconstruct=False)


def test_a_region_is_lazy_and_its_cells_are_those_that_the_box_touches(globe):
    tree = nightside.open(globe)
    part = tree.nightside.region(10.0, 21.0, -5.0, 9.0)["thermal/maps"].to_dataset()
    assert part.anomaly_score.chunks is not None
    lon, lat = lonlat(grid_from(part))
    assert sorted(set(np.round(lon.ravel(), 6))) == [11, 13, 15, 17, 19, 21]
    assert sorted(set(np.round(lat.ravel(), 6))) == [-5, -3, -1, 1, 3, 5, 7, 9]
    np.testing.assert_allclose(part.x, lon[0] * moon.metres_per_degree(), rtol=1e-9)
    whole = tree["thermal/maps"].to_dataset()
    assert float(part.anomaly_score[0, 0]) == float(
        whole.anomaly_score.sel(y=part.y[0], x=part.x[0], method="nearest")
    )


@pytest.mark.parametrize(
    ("lon_min", "lon_max", "centres"),
    [
        (-8.0, 8.0, [353, 355, 357, 359, 1, 3, 5, 7]),
        (352.0, 8.0, [353, 355, 357, 359, 1, 3, 5, 7]),
        (172.0, 188.0, [173, 175, 177, 179, 181, 183, 185, 187]),
        (172.0, -172.0, [173, 175, 177, 179, 181, 183, 185, 187]),
    ],
)
def test_a_region_across_0_or_180_is_one(globe, lon_min, lon_max, centres):
    tree = nightside.open(globe)
    part = tree.nightside.region(lon_min, lon_max, 0.0, 8.0)["thermal/maps"].to_dataset()
    lon, lat = lonlat(grid_from(part))
    np.testing.assert_allclose(lon[0], centres)
    assert np.all(np.diff(part.x) > 0)
    for k in range(8):
        asked = tree.nightside.point(float(lon[0, k]), float(lat[0, k]))
        assert value(asked, "anomaly_score") == float(part.anomaly_score[0, k])


def test_a_region_of_all_longitudes_has_every_column_once(globe):
    for west, east in ((-180.0, 180.0), (0.0, 360.0)):
        part = nightside.open(globe).nightside.region(west, east, -90.0, 90.0)["thermal/maps"].to_dataset()
        lon = lonlat(grid_from(part))[0][0]
        assert len(lon) == 180 == len(set(np.round(lon, 6)))


def test_a_place_outside_is_told_the_edges_of_the_maps(demo):
    tree = nightside.open(demo)
    lon = lonlat(grid_from(tree["thermal/maps"].to_dataset()))[0]
    half = abs(lon[0, 1] - lon[0, 0]) / 2
    with pytest.raises(ValueError, match="is outside of all maps") as said:
        tree.nightside.point(10.0, 10.0)
    west, east = (float(v) for v in (lon.min() - half, lon.max() + half))
    found = [float(v) for v in re.search(r"thermal/maps: ([-.\d]+) to ([-.\d]+) E", str(said.value)).groups()]
    np.testing.assert_allclose(np.mod(found, 360), np.mod([west, east], 360), atol=0.006)


def polar(x_km, y_km):
    """Return the grid of 100 x 80 km around a place of the plane of the south pole, 1 km a pixel."""
    place = Region(
        projection="polar_stereographic",
        longitude_deg=0.0,
        latitude_deg=-90.0,
        width_km=100.0,
        height_km=80.0,
        pixel_m=1000.0,
    )
    return grid_of(place).translate_pix(x_km, -y_km)


@pytest.mark.parametrize(
    ("grid", "lons", "lats"),
    [
        (grid_of(Region(whole_moon=True, pixels_per_degree=0.5)), (-180, 180), (-90, 90)),
        (
            grid_of(Region(longitude_deg=180.0, latitude_deg=0.0, width_km=60.0, pixels_per_degree=1)),
            (179, 181),
            (-1, 1),
        ),
        (polar(0, 0), (-180, 180), (-90, -90 + np.hypot(50, 40) / KM)),
        (polar(50, 40), (0, 90), (-90, -90 + np.hypot(100, 80) / KM)),
        (polar(0, 90), (-45, 45), (-90 + 50 / KM, -90 + np.hypot(50, 130) / KM)),
        (polar(0, -90), (135, 225), (-90 + 50 / KM, -90 + np.hypot(50, 130) / KM)),
    ],
)
def test_the_edges_of_a_map_are_told_in_degrees(grid, lons, lats):
    found = [float(v) for v in re.findall(r"-?[\d.]+", extent(grid))]
    # The plane is stretched by less than 0.1 % this near the pole.
    np.testing.assert_allclose(found, [*lons, *lats], atol=0.005)


def test_results_are_asked_wherever_the_process_goes(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(demo.parent)
    tree = nightside.open("demo")
    monkeypatch.chdir(tmp_path)
    day = tree.nightside.profile(348.67, -43.29)
    assert "reconstruction" in day
    np.testing.assert_array_equal(
        tree["thermal/maps/anomaly_score"], nightside.open(demo)["thermal/maps/anomaly_score"]
    )


def test_a_region_all_round_the_moon_has_all_of_a_small_map(demo):
    tree = nightside.open(demo)
    whole = tree["thermal/maps"].sizes
    for west, east in ((-180.0, 180.0), (0.0, 360.0), (-11.33, 348.67)):
        part = tree.nightside.region(west, east, -90.0, 90.0)["thermal/maps"].sizes
        assert (part["x"], part["y"]) == (whole["x"], whole["y"])


@pytest.mark.parametrize("lons", [(0.0, 90.0), (80.0, 100.0), (170.0, 190.0), (350.0, 10.0), (350.0, 349.0)])
def test_a_polar_region_holds_every_cell_of_the_box(demo, lons):
    tree = nightside.open(demo)
    part = tree.nightside.region(*lons, -88.0, -86.0)["optical/mosaic"].to_dataset()

    def inside(dataset):
        lon, lat = lonlat(grid_from(dataset))
        return (np.mod(lon - lons[0], 360) <= (lons[1] - lons[0]) % 360) & (lat >= -88) & (lat <= -86)

    found, whole = inside(part), inside(tree["optical/mosaic"].to_dataset())
    assert found.sum() == whole.sum() > 0
    assert found.any(axis=0)[[1, -2]].all()
    assert found.any(axis=1)[[1, -2]].all()


def test_anomalies_are_those_of_the_maps(globe):
    tree = nightside.open(globe)
    maps = tree["thermal/maps"].to_dataset()
    threshold = float(maps.anomaly_score.quantile(0.97))
    found = tree.nightside.anomalies(threshold, 20_000.0)
    assert len(found) > 0
    assert found.cells.sum() <= int((maps.anomaly_score > threshold).sum())
    assert found.area_km2.min() >= 20_000.0
    for row in tree.nightside.anomalies(threshold).itertuples():
        inside = row.geometry.representative_point()
        assert value(tree.nightside.point(inside.x, inside.y), "anomaly_score") > threshold


def test_places_are_asked_at_once_as_one_by_one(globe):
    query = nightside.open(globe).nightside
    lon, lat = np.array([0.0, 359.0, -179.5, 77.0]), np.array([-90.0, -86.5, 12.0, 44.0])
    every = query.point(lon, lat)
    assert list(every.columns[:3]) == ["place", "longitude", "latitude"]
    for number, place in enumerate(zip(lon, lat, strict=True)):
        here = every[every["place"] == number]
        assert set(here["longitude"]) == {place[0]}
        alone = query.point(*place)
        assert here[alone.columns].reset_index(drop=True).equals(alone)
    days = query.profile(lon.tolist(), lat.tolist())
    assert days["temperature"].dims == ("place", "local_time")
    for number, place in enumerate(zip(lon, lat, strict=True)):
        alone, here = query.profile(*place), days.isel(place=number)
        for name in ("temperature", "temperature_std", "quality", "reconstruction", "latent_mean"):
            np.testing.assert_allclose(here[name], alone[name], rtol=1e-5)
        assert float(here["cell_longitude"]) == alone.attrs["cell_longitude"]


def test_of_several_places_those_outside_are_told_by_number(demo):
    query = nightside.open(demo).nightside
    found = query.point([12.0, 348.67, 10.0, 348.67], [5.0, -43.29, -86.0, -43.29])
    assert found.attrs["outside"] == [0]
    assert set(found.loc[found["place"] == 2, "product"]) == {"optical/mosaic", "optical/mosaic_standard"}
    again = [found.loc[found["place"] == number, "value"].tolist() for number in (1, 3)]
    assert again[0] == again[1]
    assert query.profile([12.0, 348.67], [5.0, -43.29])["place"].values.tolist() == [1]
    with pytest.raises(OutsideCoverage, match="each of 2 places is outside"):
        query.point([12.0, 13.0], [5.0, 5.0])


def test_a_bad_profile_among_several_has_no_reconstruction(copy):
    lon, lat = (v[3, 2:5] for v in lonlat(grid_from(nightside.open(copy)["thermal/profiles"].to_dataset())))
    zarr.open_array(copy / "thermal/profiles.zarr/quality", mode="r+")[3, 3] = 2
    found = nightside.open(copy).nightside.profile(lon, lat)
    known = np.isfinite(found["reconstruction"]).all("local_time")
    assert known.values.tolist() == [True, False, True]
    assert np.isfinite(found["temperature"]).all()


def test_what_is_no_table_of_places_is_said(demo):
    query = nightside.open(demo).nightside
    with pytest.raises(ValueError, match=r"longitudes of shape \(2,\) and latitudes of shape \(1,\)"):
        query.point([1.0, 2.0], [3.0])
    with pytest.raises(ValueError, match=r"shape \(0,\)"):
        query.profile([], [])
    with pytest.raises(ValueError, match="are no numbers"):
        query.point(["here"], [3.0])
    with pytest.raises(ValueError, match="place 1: latitude 91 is no latitude"):
        query.point([1.0, 2.0], [3.0, 91.0])


def test_what_is_no_place_or_not_covered_is_said(demo):
    query = nightside.open(demo).nightside
    with pytest.raises(ValueError, match="latitude 91 is no latitude; give degrees north, -90 to 90"):
        query.point(0.0, 91.0)
    with pytest.raises(ValueError, match="longitude 361"):
        query.profile(361.0, 0.0)
    with pytest.raises(ValueError, match="longitude nan"):
        query.point(np.nan, 0.0)
    with pytest.raises(OutsideCoverage, match=r"12 E, 5 N is outside.*thermal/maps: -11\.\d+ to -11\.\d+ E"):
        query.point(12.0, 5.0)
    with pytest.raises(OutsideCoverage, match="thermal/profiles"):
        query.profile(10.0, -86.0)
    with pytest.raises(OutsideCoverage):
        query.region(10.0, 12.0, 5.0, 6.0)
    for box in (
        (10.0, 12.0, 6.0, 5.0),
        (180.0, -180.0, 0.0, 1.0),
        (360.0, 0.0, 0.0, 1.0),
        (3.0, 3.0, 0.0, 1.0),
    ):
        with pytest.raises(ValueError, match="is empty"):
            query.region(*box)
    with pytest.raises(ValueError, match="open them with"):
        xr.DataTree(xr.Dataset()).nightside  # noqa: B018
