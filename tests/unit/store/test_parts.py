"""A large store is the same however it is cut, and survives the death of its writer."""

import errno
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nightside.store import NotFinished, Part, open_store, read_manifest, write_parts, write_store
from nightside.store.growing import begin
from nightside.store.windows import windows

SCRIPT = Path(__file__).with_name("growing_store.py")
growing = runpy.run_path(str(SCRIPT))
grow, make, GRID, SETTINGS = (growing[name] for name in ("grow", "make", "GRID", "SETTINGS"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The digest of the store, written from memory in one part."""
    path = tmp_path_factory.mktemp("whole") / "a.zarr"
    rows, columns = GRID.shape
    dataset = make({"y": slice(0, rows), "x": slice(0, columns)})
    write_store(dataset, path, kind="test", settings=SETTINGS, geobox=GRID)
    for name in ("t", "layer", "n", "longitude"):
        np.testing.assert_array_equal(open_store(path)[name], dataset[name])
    return read_manifest(path)["digest"]


def counted(make=make):
    asked = []

    def counting(window):
        asked.append((window["y"].start, window["x"].start, window["y"].stop))
        return make(window)

    return counting, asked


def writer(path, part="", until=""):
    return subprocess.Popen([sys.executable, str(SCRIPT), str(path), part, until])


def test_windows_are_whole_chunks_and_hold_each_pixel_once():
    seen = np.zeros((300, 150), int)
    for window in windows((300, 150), side=100):
        assert window["y"].start % 128 == window["x"].start % 128 == 0
        seen[window["y"], window["x"]] += 1
    assert (seen == 1).all()
    assert windows((300, 150), side=512) == [{"y": slice(0, 300), "x": slice(0, 150)}]


def test_parts_share_out_every_window_once():
    every = windows((1000, 1000), side=128)
    shared = [window for number in (1, 2, 3) for window in Part(number, 3).share(every)]
    assert sorted(map(str, shared)) == sorted(map(str, every))


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/"])
def test_a_part_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="is no part"):
        Part.parse(text)


@pytest.mark.parametrize("side", [128, 256, 1024])
def test_the_store_does_not_depend_on_the_number_of_windows(side, tmp_path, whole):
    grow(tmp_path / "a.zarr", side=side)
    assert read_manifest(tmp_path / "a.zarr")["digest"] == whole
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "a.zarr.json"]


def test_parts_may_come_in_any_order(tmp_path, whole):
    for part in ("3/3", "1/3", "1/3"):
        grow(tmp_path / "a.zarr", part=Part.parse(part))
        with pytest.raises(NotFinished):
            open_store(tmp_path / "a.zarr")
    counting, asked = counted()
    grow(tmp_path / "a.zarr", counting)
    assert [place[:2] for place in asked] == [(0, 0), (0, 128), (256, 0)]  # the first for the template
    assert read_manifest(tmp_path / "a.zarr")["digest"] == whole


def test_two_processes_write_one_store(tmp_path, whole):
    for process in [writer(tmp_path / "a.zarr", part) for part in ("1/2", "2/2")]:
        assert process.wait() == 0
    counting, asked = counted()
    grow(tmp_path / "a.zarr", counting)
    assert asked == [(0, 0, 0)]
    assert read_manifest(tmp_path / "a.zarr")["digest"] == whole


def test_a_writer_killed_within_a_window_leaves_nothing_half_written(tmp_path, whole):
    path = tmp_path / "a.zarr"
    assert writer(path, until="y128-x0").wait() == -signal.SIGKILL
    with pytest.raises(NotFinished):
        open_store(path)
    store = next(tmp_path.glob("a.zarr.partial/*/store.zarr"))
    assert (store / "t/c/1/0/0").is_file()
    assert not (store / "n/c/1/0").exists()
    # What zarr leaves when it is killed while it writes one chunk.
    (store / "t/c/1/0/0.0123456789abcdef.partial").write_bytes(b"half")
    counting, asked = counted()
    grow(path, counting)
    assert [place[:2] for place in asked[1:]] == [(128, 0), (128, 128), (256, 0), (256, 128)]
    assert read_manifest(path)["digest"] == whole
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "a.zarr.json"]


def test_a_writer_killed_before_the_manifest_does_the_work_again(tmp_path, whole):
    path = tmp_path / "a.zarr"
    grow(path, part=Part(1, 1))
    store = next(tmp_path.glob("a.zarr.partial/*/store.zarr"))
    store.rename(path)
    grow(path)
    assert read_manifest(path)["digest"] == whole


@pytest.mark.parametrize("change", ["depends", "inputs", "template"])
def test_work_on_other_premises_starts_anew(change, tmp_path):
    path, listed = tmp_path / "a.zarr", tmp_path / "in.txt"
    listed.write_text("one")
    options = {"inputs": [listed], "depends": {"noise_k": 1.0}}
    grow(path, part=Part(1, 2), **options)
    counting, asked = counted()
    if change == "depends":
        options["depends"] = {"noise_k": 2.0}
    elif change == "inputs":
        listed.write_text("two")
    else:
        counting, asked = counted(lambda window: make(window).assign_attrs(title="another"))
    grow(path, counting, **options)
    assert len(asked) == 1 + 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "a.zarr.json", "in.txt"]


def test_a_store_with_missing_windows_is_not_finished(tmp_path):
    dataset = make({"y": slice(0, 300), "x": slice(0, 150)})
    manifest = {"inputs": {}, "kind": "test"}
    store = begin(tmp_path / "a.zarr", dataset, windows((300, 150), 128), manifest, depends={})
    with pytest.raises(NotFinished, match=r"6 of 6 windows .*first: y0-x0"):
        store.finish()
    assert not (tmp_path / "a.zarr").exists()


def test_a_window_of_another_shape_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"y0-x128 of a\.zarr is"):
        grow(tmp_path / "a.zarr", lambda window: make({**window, "x": slice(0, min(128, window["x"].stop))}))


def test_a_variable_along_one_axis_only_is_refused(tmp_path):
    def striped(window):
        attrs = {"units": "1", "long_name": "row"}
        return make(window).assign(row=("y", np.arange(window["y"].start, window["y"].stop), attrs))

    with pytest.raises(ValueError, match=r"'row' of a\.zarr is not on "):
        grow(tmp_path / "a.zarr", striped)


def test_a_store_that_cannot_be_written_leaves_nothing(tmp_path, settings, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("zarr.consolidate_metadata", full)
    dataset = make({"y": slice(0, 8), "x": slice(0, 8)})
    with pytest.raises(OSError, match=r"no space left for .*a\.zarr; free some disk"):
        write_store(dataset, tmp_path / "a.zarr", kind="test", settings=settings)
    assert list(tmp_path.iterdir()) == []


def test_work_is_kept_when_the_disk_is_full(tmp_path, whole, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("zarr.consolidate_metadata", full)
        with pytest.raises(OSError, match="run the same command again"):
            grow(tmp_path / "a.zarr")
    counting, asked = counted()
    grow(tmp_path / "a.zarr", counting)
    assert len(asked) == 1
    assert read_manifest(tmp_path / "a.zarr")["digest"] == whole


STRIP = (2100, 1500)


def band(window):
    lines, samples = (np.arange(window[d].start, window[d].stop) for d in ("line", "sample"))
    image = (lines[:, None] * 7 + samples).astype(np.float32)
    meta = {"units": "1", "long_name": "a name"}
    return xr.Dataset(
        {
            "signal": (("line", "sample"), image, meta),
            "masked_dn": (("line", "masked"), np.stack([lines, -lines], axis=1), meta),
        }
    )


def test_a_strip_written_in_bands_equals_one_written_at_once(tmp_path):
    asked = []

    def make_band(window):
        asked.append(window["line"].stop - window["line"].start)
        return band(window)

    write_parts(tmp_path / "a.zarr", make_band, kind="test", settings=SETTINGS, strip=STRIP)
    whole = band({d: slice(0, n) for d, n in zip(("line", "sample"), STRIP, strict=True)})
    write_store(whole, tmp_path / "b.zarr", kind="test", settings=SETTINGS)
    assert asked == [0, 1024, 1024, 52]
    assert read_manifest(tmp_path / "a.zarr")["digest"] == read_manifest(tmp_path / "b.zarr")["digest"]
    xr.testing.assert_equal(open_store(tmp_path / "a.zarr").compute(), whole)


def test_a_strip_refuses_a_variable_that_every_band_would_write(tmp_path):
    def columns(window):
        return band(window).assign(
            flat=("sample", np.ones(window["sample"].stop), {"units": "1", "long_name": "f"})
        )

    with pytest.raises(ValueError, match="windows would share its chunks"):
        write_parts(tmp_path / "a.zarr", columns, kind="test", settings=SETTINGS, strip=STRIP)
