"""A chunk that is not there is never taken for data."""

import shutil

import numpy as np
import pytest
import xarray as xr

from nightside.store import grid_of, open_store, pyramid, write_parts, write_store
from nightside.store.template import missing_code

CODES = {"flag_values": [0, 1, 2], "flag_meanings": "good absent gap"}
MASKS = {"flag_masks": [1, 2, 4], "flag_meanings": "saturated missing no_data"}
LAYERS = {
    "quality": (np.uint8, CODES, 255),
    "image": (np.int16, CODES, -1),
    "mask": (np.uint8, MASKS, 255),
    "count": (np.uint16, {}, 0),
    "signal": (np.float32, {}, np.nan),
}


def zeros(shape):
    return xr.Dataset(
        {
            name: (("y", "x"), np.zeros(shape, kind), {"units": "1", "long_name": name, **about})
            for name, (kind, about, _) in LAYERS.items()
        }
    )


@pytest.fixture
def store(tmp_path, settings, monkeypatch):
    """All layers are 0 everywhere, in a store with an overview."""
    grid = grid_of(settings.region)
    monkeypatch.setattr(pyramid, "SMALLEST", max(grid.shape) - 1)
    path = tmp_path / "a.zarr"

    def make(window):
        return zeros([window[d].stop - window[d].start for d in ("y", "x")])

    write_parts(path, make, kind="test", settings=settings, geobox=grid, overviews=True)
    return path


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("group", [None, "overview_2"])
def test_without_its_chunks_a_layer_reads_as_no_data_and_keeps_its_type(store, name, group):
    kind, about, expected = LAYERS[name]
    folder = store / (group or "") / name
    assert (folder / "c").is_dir() == (expected != 0)  # good everywhere is written, no count anywhere is not
    assert (xr.open_zarr(store, group=group)[name] == 0).all()
    shutil.rmtree(folder / "c", ignore_errors=True)
    read = xr.open_zarr(store, group=group)[name]
    assert read.dtype == kind
    np.testing.assert_array_equal(read, np.full(read.shape, expected, kind))
    assert int(np.nan_to_num(expected)) not in about.get("flag_values", ())


def test_every_mask_is_set_where_a_chunk_is_missing(store):
    shutil.rmtree(store / "mask/c")
    mask = open_store(store)["mask"].to_numpy()
    for bit in MASKS["flag_masks"]:
        assert (mask & bit).all()


def test_a_store_from_before_is_read_as_it_was_written(tmp_path, settings, monkeypatch):
    monkeypatch.setattr("nightside.store.template.missing_code", lambda _: None)
    write_store(zeros((8, 8)), tmp_path / "a.zarr", kind="test", settings=settings)
    assert not (tmp_path / "a.zarr/quality/c").exists()
    assert (open_store(tmp_path / "a.zarr")["quality"] == 0).all()


def codes(kind, **about):
    return xr.Variable(("y", "x"), np.zeros((2, 2), kind), about)


def test_what_stands_for_no_data_is_no_code():
    assert missing_code(codes(np.int8, flag_values=[-1, 0, 1])) == -128
    assert missing_code(codes(np.uint8, flag_masks=[1 << bit for bit in range(7)])) == 255
    assert missing_code(codes(np.float32, flag_values=[0])) is None
    for taken in ({"flag_values": [0, 255]}, {"flag_masks": [1 << bit for bit in range(8)]}):
        with pytest.raises(ValueError, match="take a wider type"):
            missing_code(codes(np.uint8, **taken))
