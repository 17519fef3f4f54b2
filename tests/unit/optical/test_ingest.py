"""The verbs acquire and ingest, end to end."""

import json

import numpy as np
import pytest
import yaml
from numpy.testing import assert_array_equal
from typer.testing import CliRunner

from nightside.cli import app
from nightside.optical.data_quality import quality_bits, quality_warnings
from nightside.optical.edr import label_of, open_edr, open_file
from nightside.store import NotFinished, read_manifest
from nightside.synthetic.edr_writer import edr_bytes


@pytest.fixture
def config(tmp_path):
    def write(**images):
        path = tmp_path / "config.yaml"
        content = {
            "name": "test",
            "region": {"longitude_deg": 0, "latitude_deg": -43, "width_km": 4, "pixels_per_degree": 128},
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
            "optical": {"images": {"source": "local", "folder": str(tmp_path)} | images},
        }
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def run(*arguments):
    return CliRunner().invoke(app, ["optical", *map(str, arguments)], catch_exceptions=False)


@pytest.mark.parametrize(("camera", "summing", "version"), [("left", 1, "v1.8"), ("right", 2, "v1.2")])
def test_an_edr_becomes_a_store_with_its_numbers_and_its_label(
    config, write_edr, tmp_path, camera, summing, version
):
    path, number, _ = write_edr(camera=camera, summing=summing, version=version, code=3)
    out = tmp_path / "x.zarr"
    run("ingest", "--config", config(), "--edr", path, "--out", out)
    dataset = open_edr(out)
    assert dataset["number"].dtype == np.uint8
    assert_array_equal(dataset["number"], number)
    assert label_of(dataset) == open_file(path).label
    assert dataset.attrs["mirrored"] == (camera == "right")
    assert dataset.attrs["temperature_fpa_c"] == 16.89
    assert dataset.attrs["summing"] == summing
    manifest = read_manifest(out)
    assert manifest["kind"] == "nac_edr"
    assert list(manifest["inputs"]) == [path.name]


def test_a_damaged_edr_leaves_no_store(config, write_edr, tmp_path):
    path, _, _ = write_edr(lambda content: content[:-100])
    with pytest.raises(ValueError, match="is truncated: 5 of 6 lines are whole"):
        run("ingest", "--config", config(), "--edr", path, "--out", tmp_path / "x.zarr")
    with pytest.raises(NotFinished):
        open_edr(tmp_path / "x.zarr")
    done = run("ingest", "--config", config(keep_truncated=True), "--edr", path, "--out", tmp_path / "x.zarr")
    assert "lines from 5 on are missing" in done.stderr
    assert open_edr(tmp_path / "x.zarr").attrs["lines_whole"] == 5
    assert "lines from 5 on" in read_manifest(tmp_path / "x.zarr")["details"]["warnings"][0]


def test_a_gap_and_what_the_archive_says_of_it_are_told_with_the_image(config, make_label, tmp_path):
    described = make_label(raw={"DATA_QUALITY_ID": 40})
    number = np.random.default_rng(0).integers(1, 256, (6, 5064), dtype=np.uint8)
    number[2, 100:300] = 0
    path = tmp_path / "odd.IMG"
    path.write_bytes(edr_bytes(number, described))
    done = run("ingest", "--config", config(), "--edr", path, "--out", tmp_path / "x.zarr")
    *told, last = done.stderr.splitlines()
    assert last.startswith("wrote ")
    assert all(line.startswith("warning: M103595705LE (odd.IMG): ") for line in told)
    assert "DATA_QUALITY_ID is 40: telemetry packets are missing" in told[0]
    assert "observation or housekeeping information is bad or missing" in told[1]
    assert "200 pixels in 1 lines hold no data" in told[2]
    assert [
        f"warning: M103595705LE (odd.IMG): {w}" for w in open_edr(tmp_path / "x.zarr").attrs["warnings"]
    ] == told
    assert np.isfinite(open_edr(tmp_path / "x.zarr")["masked_dn"]).all()


@pytest.mark.parametrize(
    ("text", "bits"),
    [(0, set()), ("0", set()), (8, {4}), ("00001000", {4}), (34, {2, 6}), ("UNK", None), (999, None)],
)
def test_the_bits_of_data_quality_are_counted_from_the_lowest(make_label, text, bits):
    described = make_label(raw={"DATA_QUALITY_ID": text})
    assert quality_bits(described) == bits
    told = quality_warnings(described)
    assert len(told) == (1 if bits is None else len(bits))


def test_companding_modulo_256_is_told_and_kept_with_the_store(config, write_edr, tmp_path):
    path, _, _ = write_edr(code=1)
    done = run("ingest", "--config", config(), "--edr", path, "--out", tmp_path / "x.zarr")
    assert "companding table 1 keeps the DN modulo 256" in done.stderr
    assert "modulo 256" in open_edr(tmp_path / "x.zarr").attrs["warnings"][0]


def test_acquire_writes_an_inventory_and_tells_what_is_missing(config, write_edr, tmp_path):
    write_edr()
    settings = config(products=["M103595705LE", "M103595705RE"])
    done = run("acquire", "--config", settings, "--folder", tmp_path, "--out", tmp_path / "images.json")
    inventory = json.loads((tmp_path / "images.json").read_text())
    assert [f["path"] for f in inventory["files"]] == ["M103595705LE.IMG"]
    assert "missing M103595705RE" in done.stderr


def test_a_configuration_without_the_room_is_refused(config, write_edr, tmp_path):
    path, _, _ = write_edr()
    settings = config()
    content = yaml.safe_load(settings.read_text())
    del content["optical"]
    settings.write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match="has no section 'optical'"):
        run("ingest", "--config", settings, "--edr", path, "--out", tmp_path / "x.zarr")
