"""Overviews show what the full resolution holds, at the same place, and leave the store as it was."""

import errno
import itertools
import runpy
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
import zarr_cm

from nightside.store import Part, open_store, overview_for, overviews_of, pyramid, read_manifest
from nightside.store.pyramid import factors, halve

growing = runpy.run_path(str(Path(__file__).with_name("growing_store.py")))
grow, make, GRID = (growing[name] for name in ("grow", "make", "GRID"))
CONVENTIONS = (zarr_cm.spatial, zarr_cm.proj, zarr_cm.multiscales)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Overviews down to 64 pixels a side: a store of 300 by 150 has three."""
    monkeypatch.setattr(pyramid, "SMALLEST", 64)


@pytest.fixture
def store(tmp_path):
    grow(tmp_path / "a.zarr", overviews=True)
    return tmp_path / "a.zarr"


def test_the_mean_of_a_map_is_that_of_its_overview():
    values = np.random.default_rng(1).normal(size=(3, 20, 30)).astype(np.float32)
    np.testing.assert_allclose(halve(values).mean(axis=(1, 2)), values.mean(axis=(1, 2)), atol=1e-6)


def test_cells_without_data_do_not_count():
    values = np.array([[1.0, np.nan, np.nan, np.nan], [3.0, np.nan, np.nan, np.nan]], np.float32)
    coarse = halve(values)
    assert coarse.dtype == np.float32
    np.testing.assert_array_equal(coarse, [[2.0, np.nan]])


def test_the_last_row_and_column_of_an_odd_map_are_kept():
    values = np.arange(15, dtype=np.float32).reshape(3, 5)
    np.testing.assert_array_equal(halve(values), [[3.0, 5.0, 6.5], [10.5, 12.5, 14.0]])


def test_of_codes_the_most_frequent_is_taken_never_one_that_is_not_there():
    codes = np.array([[0, 7, 4, 1, 9], [7, 2, 1, 4, 9]], np.uint8)
    coarse = halve(codes)
    assert coarse.dtype == np.uint8
    np.testing.assert_array_equal(coarse, [[7, 1, 9]])


def test_the_most_frequent_of_any_four_codes_is_that_of_counting_them():
    four = np.array(list(itertools.product(range(4), repeat=4)), np.int16).reshape(-1, 2, 2)
    counted = [min(set(codes), key=lambda c: (-list(codes).count(c), c)) for codes in four.reshape(-1, 4)]
    np.testing.assert_array_equal(halve(four)[:, 0, 0], counted)


@pytest.mark.parametrize(("shape", "expected"), [((64, 64), []), ((65, 3), [2]), ((300, 150), [2, 4, 8])])
def test_a_map_has_overviews_until_it_is_small(shape, expected):
    assert factors(shape) == expected


def test_an_overview_is_the_average_of_the_cells_that_it_covers(store):
    full, coarse = open_store(store)["t"].to_numpy(), open_store(store, overview=4)["t"].to_numpy()
    assert coarse.shape == (75, 38, 2)
    np.testing.assert_allclose(coarse[10, 7], full[40:44, 28:32].mean(axis=(0, 1)), rtol=1e-6)


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_coordinates_and_transform_put_an_overview_at_the_same_place(store, factor):
    overview = open_store(store, overview=factor)
    a, _, c, _, e, f = overview.attrs["spatial:transform"]
    np.testing.assert_allclose(overview["x"], c + (np.arange(overview.sizes["x"]) + 0.5) * a, atol=1e-6)
    np.testing.assert_allclose(overview["y"], f + (np.arange(overview.sizes["y"]) + 0.5) * e, atol=1e-6)
    assert (a, e, c, f) == (
        factor * GRID.affine.a, factor * GRID.affine.e, GRID.affine.c, GRID.affine.f
    )  # fmt: skip


def test_the_store_without_its_overviews_is_the_store(store, tmp_path):
    grow(tmp_path / "plain.zarr")
    plain, root = (xr.open_zarr(path, consolidated=True) for path in (tmp_path / "plain.zarr", store))
    xr.testing.assert_equal(root, plain)
    assert {k: v for k, v in root.attrs.items() if k not in ("multiscales", "zarr_conventions")} == {
        k: v for k, v in plain.attrs.items() if k != "zarr_conventions"
    }
    assert overviews_of(plain) == []
    assert overviews_of(root) == [2, 4, 8]


def test_xarray_alone_opens_the_store_as_a_tree(store):
    with xr.open_datatree(store, engine="zarr") as tree:
        assert set(tree.children) == {"overview_2", "overview_4", "overview_8"}
        np.testing.assert_array_equal(tree["overview_8"]["n"], open_store(store, overview=8)["n"])
    alone = xr.open_zarr(store, group="overview_2", consolidated=True)
    assert alone["n"].attrs["cell_methods"] == "area: mode"
    assert alone["layer"].attrs["cell_methods"] == "area: mean"
    assert "longitude" not in alone.variables


def test_every_group_follows_the_conventions_that_it_declares(store):
    root = zarr.open_group(store, mode="r")
    for convention in CONVENTIONS:
        convention.validate_node_metadata(_document(root))
    layout = root.attrs["multiscales"]["layout"]
    assert [level["asset"] for level in layout] == [".", "overview_2", "overview_4", "overview_8"]
    assert [level.get("derived_from") for level in layout] == [None, ".", "overview_2", "overview_4"]
    for level in layout[1:]:
        group = root[level["asset"]]
        for convention in CONVENTIONS[:2]:
            convention.validate_node_metadata(_document(group))
        for key in ("spatial:shape", "spatial:transform"):
            assert group.attrs[key] == level[key]
        dimensions = group["n"].metadata.dimension_names
        assert list(dimensions) == group.attrs["spatial:dimensions"]
        assert list(group["n"].shape) == group.attrs["spatial:shape"]


def _document(group):
    return {"zarr_format": 3, "node_type": "group", "attributes": group.attrs.asdict()}


@pytest.mark.parametrize("block", [128, 1024])
def test_overviews_do_not_depend_on_how_they_are_cut(store, tmp_path, monkeypatch, block):
    monkeypatch.setattr(pyramid, "_BLOCK", block)
    for part in ("2/2", "1/2"):
        grow(tmp_path / "b.zarr", part=Part.parse(part), overviews=True)
    grow(tmp_path / "b.zarr", overviews=True)
    assert read_manifest(tmp_path / "b.zarr")["digest"] == read_manifest(store)["digest"]


def test_overviews_that_were_cut_off_go_on_where_they_stopped(store, tmp_path, monkeypatch):
    path, filled, fill = tmp_path / "b.zarr", [], pyramid._fill

    def full_at_the_second(folder, factor, variable):
        filled.append(factor)
        if factor == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        fill(folder, factor, variable)

    with monkeypatch.context() as patched:
        patched.setattr(pyramid, "_fill", full_at_the_second)
        with pytest.raises(OSError, match="run the same command again"):
            grow(path, overviews=True)
    assert not path.exists()
    with monkeypatch.context() as patched:
        patched.setattr(pyramid, "_fill", lambda *job: (filled.append(job[1]), fill(*job)))
        grow(path, overviews=True)
    assert filled.count(2) == filled.count(8) == 3
    assert read_manifest(path)["digest"] == read_manifest(store)["digest"]
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("b.")) == ["b.zarr", "b.zarr.json"]


def test_a_screen_is_drawn_from_the_coarsest_overview_that_fills_it(store):
    dataset = open_store(store)
    assert [overview_for(dataset, pixels) for pixels in (1000, 300, 150, 100, 75, 10)] == [1, 1, 2, 2, 4, 8]


def test_an_overview_that_is_not_there_is_named_with_those_that_are(store):
    with pytest.raises(ValueError, match=r"has no overview 3; it has 2, 4, 8"):
        open_store(store, overview=3)
