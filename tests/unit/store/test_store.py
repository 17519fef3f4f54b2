"""A result is finished or absent."""

import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import odc.geo.xr  # noqa: F401  registers the accessor
import pytest
import rasterio
import rasterio.warp
import xarray as xr
from rasterio.vrt import WarpedVRT

from nightside import moon
from nightside.store import (
    Band,
    Busy,
    NotFinished,
    atomic_file,
    atomic_folder,
    cell_index,
    geotiff,
    grid_of,
    open_store,
    own_folder,
    read_manifest,
    write_cog,
    write_store,
)
from nightside.store.manifest import digest, fault_of


def dataset(grid, value=1.0):
    attrs = {"units": "K", "long_name": "temperature"}
    return xr.Dataset({"t": (("y", "x"), np.full(grid.shape, value, np.float32), attrs)})


def test_a_store_comes_back_with_its_place_on_the_moon(tmp_path, settings):
    grid = grid_of(settings.region)
    write_store(dataset(grid), tmp_path / "a.zarr", kind="test", settings=settings, geobox=grid)
    back = open_store(tmp_path / "a.zarr", kind="test")
    assert back["t"].odc.geobox.affine == grid.affine
    assert "1737400" in back.spatial_ref.attrs["spatial_ref"]
    assert back.attrs["iau_code"] == moon.EQUIRECTANGULAR_CODE
    assert read_manifest(tmp_path / "a.zarr")["digest"] == digest(tmp_path / "a.zarr")


def test_a_changed_byte_is_found_beside_the_manifest_or_a_digest_known_elsewhere(tmp_path, settings):
    path = tmp_path / "a.zarr"
    write_store(dataset(grid_of(settings.region)), path, kind="test", settings=settings)
    listed = read_manifest(path)["digest"]
    assert fault_of(path) == fault_of(path, listed) == ""
    chunk = next(p for p in (path / "t/c").rglob("*") if p.is_file())
    content = bytearray(chunk.read_bytes())
    content[-1] ^= 1
    chunk.write_bytes(content)
    assert "a.zarr has another digest than its manifest says" in fault_of(path)
    assert "a.zarr has another digest than is listed" in fault_of(path, listed)
    assert fault_of(path, digest(path)) == ""


def test_inputs_are_recorded_by_digest(tmp_path, settings):
    grid = grid_of(settings.region)
    write_store(dataset(grid), tmp_path / "a.zarr", kind="test", settings=settings)
    write_store(
        dataset(grid), tmp_path / "b.zarr", kind="test", settings=settings, inputs=[tmp_path / "a.zarr"]
    )
    assert read_manifest(tmp_path / "b.zarr")["inputs"] == {
        "a.zarr": read_manifest(tmp_path / "a.zarr")["digest"]
    }


def test_inputs_of_one_name_are_told_apart_by_their_folders(tmp_path, settings):
    grid = grid_of(settings.region)
    places = [tmp_path / folder / "a.zarr" for folder in ("denoised", "standard")]
    for place, name in zip(places, ("one", "two"), strict=True):
        write_store(dataset(grid), place, kind="test", settings=settings, details={"name": name})
    write_store(dataset(grid), tmp_path / "b.zarr", kind="test", settings=settings, inputs=places)
    assert set(read_manifest(tmp_path / "b.zarr")["inputs"]) == {"denoised/a.zarr", "standard/a.zarr"}


def test_a_store_without_its_manifest_is_not_read(tmp_path, settings):
    grid = grid_of(settings.region)
    write_store(dataset(grid), tmp_path / "a.zarr", kind="test", settings=settings)
    (tmp_path / "a.zarr.json").unlink()
    with pytest.raises(NotFinished, match="run its step again"):
        open_store(tmp_path / "a.zarr")


def test_what_is_no_store_is_called_so(tmp_path):
    (tmp_path / "cube.txt").write_text("1 2 3")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFinished, match=r"cube\.txt is not a Zarr store, but a file; give the store"):
        open_store(tmp_path / "cube.txt")
    with pytest.raises(NotFinished, match=r"empty is not a Zarr store, but a folder without zarr\.json"):
        open_store(tmp_path / "empty")


def test_a_store_beside_the_manifest_of_another_run_is_refused(tmp_path, settings):
    grid = grid_of(settings.region)
    half = grid[: grid.shape[0] // 2]
    for name, where in (("a.zarr", grid), ("b.zarr", half)):
        write_store(dataset(where), tmp_path / name, kind="test", settings=settings, geobox=where)
    (tmp_path / "b.zarr.json").replace(tmp_path / "a.zarr.json")
    with pytest.raises(NotFinished, match=r"'t' is .* records .* not of one run"):
        open_store(tmp_path / "a.zarr")


def test_a_store_of_another_kind_is_refused(tmp_path, settings):
    write_store(dataset(grid_of(settings.region)), tmp_path / "a.zarr", kind="cube", settings=settings)
    with pytest.raises(NotFinished, match="'cube', not a 'maps'"):
        open_store(tmp_path / "a.zarr", kind="maps")


def test_a_writer_killed_in_the_middle_leaves_nothing_that_reads_as_finished(tmp_path, settings):
    script = f"""
import os, signal
from pathlib import Path
from nightside.store import atomic_folder
with atomic_folder(Path({str(tmp_path / "a.zarr")!r})) as partial:
    (partial / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(NotFinished):
        open_store(tmp_path / "a.zarr")
    assert (tmp_path / "a.zarr.partial").is_dir()
    write_store(dataset(grid_of(settings.region)), tmp_path / "a.zarr", kind="test", settings=settings)
    assert open_store(tmp_path / "a.zarr")["t"].mean() == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "a.zarr.json"]


def test_a_full_disk_is_named_and_leaves_no_file(tmp_path):
    def fill_disk():
        with atomic_file(tmp_path / "map.tif") as partial:
            partial.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"no space left for .*map\.tif; free some disk"):
        fill_disk()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_of_a_file_is_removed_by_the_next(tmp_path):
    script = f"""
import os, signal
from pathlib import Path
from nightside.store import atomic_file
with atomic_file(Path({str(tmp_path / "a.json")!r})) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with atomic_file(tmp_path / "a.json") as partial:
        partial.write_text("whole")
        with atomic_file(tmp_path / "b.json") as other:
            other.write_text("another file")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_a_file_that_another_process_is_writing_is_left_alone(tmp_path):
    theirs = tmp_path / f".a.{os.getppid()}.partial.json"
    theirs.write_text("half")
    with atomic_file(tmp_path / "a.json") as partial:
        partial.write_text("whole")
    assert theirs.exists()


def test_a_file_larger_than_allowed_is_named_with_the_remedy(tmp_path):
    def exceed():
        with atomic_file(tmp_path / "map.tif"):
            raise OSError(errno.EFBIG, "File too large")

    with pytest.raises(OSError, match=r"map\.tif exceeds the largest size of a file; raise it"):
        exceed()


def test_a_folder_that_another_holds_is_not_written_to(tmp_path):
    with atomic_folder(tmp_path / "a.zarr") as partial:
        (partial / "part").write_text("mine")
        with pytest.raises(Busy, match="wait until it has ended"), atomic_folder(tmp_path / "a.zarr"):
            pass
        assert (partial / "part").read_text() == "mine"
    assert (tmp_path / "a.zarr/part").read_text() == "mine"


def test_a_folder_of_other_files_is_not_replaced(tmp_path, settings):
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(ValueError, match=r"would be replaced, but it holds thesis\.doc"):
        write_store(dataset(grid_of(settings.region)), tmp_path, kind="test", settings=settings)
    own_folder(tmp_path, "*.tif", "*.doc")
    assert (tmp_path / "thesis.doc").exists()


def test_a_variable_without_units_is_refused(tmp_path, settings):
    with pytest.raises(ValueError, match="units"):
        write_store(xr.Dataset({"t": ("y", [1.0])}), tmp_path / "a.zarr", kind="test", settings=settings)


def test_a_cog_lies_at_the_right_place_and_says_what_it_is(tmp_path, settings):
    grid = grid_of(settings.region)
    values = np.arange(np.prod(grid.shape), dtype=np.float32).reshape(grid.shape)
    values[0, 0] = np.nan
    write_cog(values, grid, tmp_path / "m.tif", Band("t", "temperature", "K"))
    lon, lat = 348.67, -43.29
    with rasterio.open(tmp_path / "m.tif") as cog:
        assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert cog.units == ("K",)
        assert cog.descriptions == ("t",)
        assert cog.crs.to_dict()["R"] == moon.RADIUS_M
        assert np.isnan(cog.read(1)[0, 0])
        x, y = rasterio.warp.transform(moon.crs(moon.GEOGRAPHIC_CODE).to_wkt(), cog.crs, [lon], [lat])
        sampled = next(cog.sample([(x[0], y[0])]))[0]
        with WarpedVRT(cog, crs=moon.crs(moon.GEOGRAPHIC_CODE).to_wkt()) as on_degrees:
            assert np.isfinite(on_degrees.read(1)).mean() > 0.9  # what a GIS shows on longitude and latitude
        low, high = (float(cog.tags()[f"display_{k}"]) for k in ("minimum", "maximum"))
        assert float(cog.tags(1)["STATISTICS_MAXIMUM"]) == np.nanmax(values)
    assert sampled == values.ravel()[cell_index(grid, lon, lat)]
    np.testing.assert_allclose([low, high], np.nanpercentile(values, [2, 98]), rtol=1e-4)


def read_all(path):
    """Return every level of a GeoTIFF, the finest first, and its tags."""
    with rasterio.open(path) as cog:
        levels = [cog.read(1)]
        for number in range(len(cog.overviews(1))):
            with rasterio.open(path, overview_level=number) as coarse:
                levels.append(coarse.read(1))
        return levels, cog.tags(), cog.tags(1)


@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_a_cog_is_the_same_in_whatever_windows_it_is_written(tmp_path, settings, monkeypatch, kind):
    region = settings.region.model_copy(update={"width_km": 150, "height_km": 300})
    grid = grid_of(region)
    rng = np.random.default_rng(1)
    values = (100 + 20 * rng.standard_normal(grid.shape)).astype(kind)
    if kind is np.float32:
        values[200:300, :50] = np.nan
    band = Band("t", "temperature", "K")
    write_cog(values, grid, tmp_path / "whole.tif", band)
    monkeypatch.setattr(geotiff, "_WINDOW", 256)
    write_cog(values, grid, tmp_path / "cut.tif", band)
    (whole, *tags), (cut, *same_tags) = (read_all(tmp_path / name) for name in ("whole.tif", "cut.tif"))
    assert len(whole) == len(cut) > 1
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one, other)
    assert tags == same_tags
    np.testing.assert_array_equal(whole[0], values)
    assert whole[1].shape == tuple(n // 2 for n in grid.shape)
    blocks = values[: values.shape[0] // 2 * 2, : values.shape[1] // 2 * 2]
    if kind is np.float32:  # an overview shows the mean of what it covers
        assert np.nanmean(whole[1]) == pytest.approx(np.nanmean(blocks), rel=1e-3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.tif", "whole.tif"]


def test_the_displayed_range_of_a_large_map_is_that_of_some_rows_and_columns(tmp_path, settings, monkeypatch):
    grid = grid_of(settings.region.model_copy(update={"width_km": 100}))
    values = np.random.default_rng(1).standard_normal(grid.shape).astype(np.float32)
    monkeypatch.setattr(geotiff, "_RANGE_PIXELS", 20_000)
    monkeypatch.setattr(geotiff, "_WINDOW", 128)
    write_cog(values, grid, tmp_path / "m.tif", Band("t", "temperature", "K"))
    with rasterio.open(tmp_path / "m.tif") as cog:
        shown = [float(cog.tags()[f"display_{k}"]) for k in ("minimum", "maximum")]
    every = int(np.ceil(np.sqrt(values.size / 20_000)))
    assert every > 1
    np.testing.assert_allclose(shown, np.percentile(values[::every, ::every], [2, 98]), rtol=1e-5)


def test_the_manifest_names_the_grid_and_the_configuration(tmp_path, settings):
    grid = grid_of(settings.region)
    write_store(dataset(grid), tmp_path / "a.zarr", kind="test", settings=settings, geobox=grid)
    manifest = json.loads((tmp_path / "a.zarr.json").read_text())
    assert manifest["config_digest"] == settings.digest()
    assert manifest["variables"]["t"] == {"dimensions": ["y", "x"], "shape": list(grid.shape), "units": "K"}
