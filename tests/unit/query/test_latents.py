"""A latent that follows a factor has that factor's value and units, wherever it is asked for."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from typer.testing import CliRunner

import nightside
from nightside.cli import app
from nightside.query.anomalies import anomalies
from nightside.query.latents import column
from nightside.store import grid_from, lonlat, open_store, write_cogs
from nightside.store.grid import crs_of, from_lonlat
from nightside.thermal.layers import layers

NAMES = ["onset", "unsure_absorbed_flux"]
ROW, COLUMN = 5, 7


@pytest.fixture(scope="module")
def stored(demo):
    """The maps as the store has them, for xarray alone: normalised."""
    return xr.open_zarr(demo / "thermal/maps.zarr", decode_coords="all").load()


@pytest.fixture(scope="module")
def place(stored):
    lon, lat = lonlat(grid_from(stored))
    return float(lon[ROW, COLUMN]), float(lat[ROW, COLUMN])


@pytest.mark.parametrize("layer", ["latent_mean", "latent_std"])
def test_a_place_has_one_value_in_geotiff_tree_and_point(demo, stored, place, layer, tmp_path):
    tree = nightside.open(demo)
    store = demo / "thermal/maps.zarr"
    write_cogs(layers(open_store(store)), grid_from(stored), tmp_path / "cog", tmp_path / "cog.json", store)
    asked = tree.nightside.point(*place).set_index("layer")
    for name, units in zip(NAMES, ["h", "1"], strict=True):
        with rasterio.open(tmp_path / f"cog/{layer}_{name}.tif") as cog:
            here = cog.index(*from_lonlat(crs_of(grid_from(stored))).transform(*place))
            in_geotiff = float(cog.read(1)[here]) * cog.scales[0] + cog.offsets[0]
            assert cog.units[0] == units
        in_tree = tree["thermal/maps"][layer].sel(latent=name)
        assert str(in_tree.latent_units.values) == units
        of_point = asked.loc[f"{layer}[{name}]"]
        assert of_point["units"] == units
        assert of_point["value"] == in_geotiff == float(in_tree[ROW, COLUMN])
    raw = stored[layer].sel(latent="onset").values[ROW, COLUMN]
    expected = 0.25 + 0.5 * raw if layer == "latent_mean" else 0.5 * raw
    assert asked.loc[f"{layer}[onset]", "value"] == pytest.approx(expected, rel=1e-6)
    assert asked.loc[f"{layer}[unsure_absorbed_flux]", "value"] == stored[layer].values[1, ROW, COLUMN]


def test_the_raw_latents_are_what_the_stores_attributes_make_of_it(demo, stored):
    about = stored.latent_mean.attrs
    scale, centre = (xr.DataArray(about[f"latent_{key}"], dims="latent") for key in ("scale", "centre"))
    told = nightside.open(demo)["thermal/maps"]
    np.testing.assert_array_equal(told.latent_mean, centre + scale * stored.latent_mean)
    assert "units" not in told.latent_mean.attrs


def test_a_profiles_latents_are_the_maps(demo, place):
    tree = nightside.open(demo)
    day = tree.nightside.profile(*place)
    here = tree["thermal/maps"].latent_mean[:, ROW, COLUMN]
    np.testing.assert_allclose(day.latent_mean, here, rtol=1e-4, atol=1e-5)
    assert list(day.latent_units.values) == ["h", "1"]


def test_a_region_keeps_values_and_units_in_its_files(demo, tmp_path):
    words = ["--lon-min", "-11.36", "--lon-max", "-11.3", "--lat-min", "-43.3", "--lat-max", "-43.28"]
    expected = nightside.open(demo).nightside.region(-11.36, -11.3, -43.3, -43.28)["thermal/maps"]
    for name, engine in (("a.zarr", "zarr"), ("a.nc", "h5netcdf")):
        CliRunner().invoke(app, ["query", "region", str(demo), *words, "--out", str(tmp_path / name)])
        with xr.open_datatree(tmp_path / name, engine=engine, decode_coords="all") as written:
            maps = written["thermal/maps"]
            np.testing.assert_array_equal(maps.latent_mean, expected.latent_mean)
            assert list(maps.latent_units.values) == ["h", "1"]
    said = CliRunner().invoke(app, ["query", "region", str(demo), *words, "--format", "json"]).stdout
    units = {row["layer"]: row["units"] for row in json.loads(said)}
    assert units["latent_mean[onset]"] == "h"
    assert units["latent_std[unsure_absorbed_flux]"] == "1"


def test_the_latents_of_anomalies_are_means_in_the_units_that_their_columns_name(demo, tmp_path):
    tree = nightside.open(demo)
    threshold = float(np.sort(tree["thermal/maps"].anomaly_score.values.ravel())[-2])
    found = tree.nightside.anomalies(threshold)
    assert {"latent_onset_h", "latent_unsure_absorbed_flux"} <= set(found.columns)
    assert list(found.cells) == [1]
    here = tree.nightside.point(found.longitude[0], found.latitude[0]).set_index("layer")["value"]
    assert found.latent_onset_h[0] == pytest.approx(here["latent_mean[onset]"], rel=1e-12)
    for name, read in (("a.gpkg", gpd.read_file), ("a.parquet", gpd.read_parquet), ("a.csv", pd.read_csv)):
        CliRunner().invoke(
            app,
            ["query", "anomalies", str(demo), "--threshold", str(threshold), "--out", str(tmp_path / name)],
        )
        np.testing.assert_allclose(read(tmp_path / name)["latent_onset_h"], found.latent_onset_h)


def test_maps_of_the_tree_and_of_the_store_have_the_same_anomalies(demo, stored):
    told = nightside.open(demo)["thermal/maps"].to_dataset()
    threshold = float(stored.anomaly_score.quantile(0.9))
    of_tree, of_store = anomalies(told, threshold), anomalies(stored, threshold)
    pd.testing.assert_frame_equal(
        pd.DataFrame(of_tree.drop(columns="geometry")),
        pd.DataFrame(of_store.drop(columns="geometry")),
        rtol=1e-12,  # the mean of what is scaled, and the mean scaled
    )
    assert of_tree.geometry.equals(of_store.geometry)


def test_a_column_ends_in_its_units():
    assert column("absorbed_flux", "W m-2") == "latent_absorbed_flux_w_m2"
    assert column("conductivity", "ln m") == "latent_conductivity_ln_m"
    assert column("free_1", "1") == "latent_free_1"
