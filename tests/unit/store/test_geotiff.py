"""Each GeoTIFF is one that rio-cogeo calls valid, of any kind of map, and says where it comes from."""

import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from rio_cogeo.cogeo import cog_validate

from nightside.config import Region
from nightside.store import Band, grid_of, read_manifest, write_cog, write_cogs, write_store
from nightside.store.geotiff import PROVENANCE

BAND = Band("t", "temperature", "K")


def valid(path):
    """Return what rio-cogeo finds wrong: errors, and warnings such as missing overviews."""
    ok, errors, warnings = cog_validate(path, strict=True, quiet=True)
    assert ok == (not errors and not warnings)
    return errors + warnings


def large(rows=1300, columns=1100):
    grid = grid_of(
        Region(projection="polar_stereographic", latitude_deg=-90.0, width_km=20, longitude_deg=0, pixel_m=10)
    )
    return GeoBox((rows, columns), grid.affine, grid.crs)


@pytest.fixture
def values():
    return np.random.default_rng(1).normal(200.0, 30.0, (1300, 1100)).astype(np.float32)


@pytest.mark.parametrize("holes", ["none", "some", "all"])
def test_a_map_of_numbers_is_a_valid_cog(tmp_path, values, holes):
    if holes != "none":
        values[: 700 if holes == "some" else None] = np.nan
    write_cog(values, large(), tmp_path / "m.tif", BAND)
    assert valid(tmp_path / "m.tif") == []
    with rasterio.open(tmp_path / "m.tif") as cog:
        assert np.isnan(cog.nodata)
        assert cog.overviews(1) == [2, 4]
        np.testing.assert_array_equal(cog.read(1), values)
        statistics = cog.tags(1)
    if holes == "all":
        assert "STATISTICS_MEAN" not in statistics
    else:
        assert float(statistics["STATISTICS_MEAN"]) == pytest.approx(np.nanmean(values), rel=1e-5)
        assert float(statistics["STATISTICS_MAXIMUM"]) == pytest.approx(np.nanmax(values), rel=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.int16])
def test_a_map_of_codes_is_a_valid_cog_whose_overviews_hold_codes_only(tmp_path, kind):
    codes = np.random.default_rng(1).choice(np.array([0, 3, 7], kind), (1300, 1100))
    write_cog(codes, large(), tmp_path / "m.tif", BAND)
    assert valid(tmp_path / "m.tif") == []
    with rasterio.open(tmp_path / "m.tif") as cog:
        assert cog.dtypes == (np.dtype(kind).name,)
        assert cog.nodata is None
        np.testing.assert_array_equal(cog.read(1), codes)
    for level in (0, 1):
        with rasterio.open(tmp_path / "m.tif", overview_level=level) as overview:
            assert set(np.unique(overview.read(1))) <= {0, 3, 7}


def test_a_small_map_is_a_valid_cog(tmp_path, settings):
    grid = grid_of(settings.region)
    write_cog(np.ones(grid.shape, np.float32), grid, tmp_path / "m.tif", BAND)
    assert valid(tmp_path / "m.tif") == []


def test_a_map_bears_the_provenance_of_its_store(tmp_path, settings):
    grid, attrs = grid_of(settings.region), {"units": "K", "long_name": "temperature"}
    for name, inputs in (("a", []), ("b", ["a"])):
        write_store(
            xr.Dataset({"t": (("y", "x"), np.ones(grid.shape, np.float32), attrs)}), tmp_path / f"{name}.zarr", kind=name, settings=settings, geobox=grid,
            inputs=[tmp_path / f"{one}.zarr" for one in inputs],
        )  # fmt: skip
    layers = [(np.ones(grid.shape, np.float32), BAND)]
    write_cogs(layers, grid, tmp_path / "cog", tmp_path / "cog.json", tmp_path / "b.zarr")
    with rasterio.open(tmp_path / "cog/t.tif") as cog:
        found = json.loads(cog.tags()[PROVENANCE])
    manifest = read_manifest(tmp_path / "b.zarr")
    assert (found["store"], found["digest"]) == ("b.zarr", manifest["digest"])
    assert found["config_digest"] == settings.digest()
    assert found["seed"] == settings.seed
    assert found["inputs"] == {"a.zarr": read_manifest(tmp_path / "a.zarr")["digest"]}
    assert {"python", "numpy", "zarr"} <= found["versions"].keys()
    assert valid(tmp_path / "cog/t.tif") == []
    assert json.loads((tmp_path / "cog.json").read_text())["store"] == "b.zarr"
