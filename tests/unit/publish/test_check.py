"""A copy that is not whole is found out."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from nightside.cli import app
from nightside.query.verify import verify
from nightside.store import NotFinished


def publish(results):
    arguments = ["publish", "stac", "--config", results / "config.yaml", "--results", results]
    assert (
        CliRunner().invoke(app, [str(a) for a in [*arguments, "--out", results / "stac.json"]]).exit_code == 0
    )
    return results


@pytest.fixture
def published(run):
    return publish(run[0])


def check(results):
    done = CliRunner().invoke(app, ["publish", "check", "--results", str(results)])
    return done.stdout + str(done.exception or "")


def test_a_whole_run_passes(published):
    assert "every file that the catalogue lists is there and whole" in check(published)


def test_a_half_copied_store_is_named(published):
    (published / "optical/mosaic.zarr/signal/c/0/1").unlink()
    assert "optical/mosaic.zarr has another digest than is listed: copied in part" in check(published)


def test_a_missing_store_is_named(published):
    shutil.rmtree(published / "thermal/cube.zarr")
    assert "thermal/cube.zarr: is listed but not there" in check(published)


def test_a_geotiff_cut_short_is_named(published):
    path = published / "thermal/cog/mean.tif"
    path.write_bytes(path.read_bytes()[:-10])
    assert "mean.tif: has " in check(published)


def test_weights_that_are_gone_or_cut_short_are_named(run):
    network = run[0] / "thermal/model"
    network.mkdir()
    (network / "model.json").write_text('{"kind": "profile-vae"}')
    (network / "model.safetensors").write_bytes(b"weights")
    publish(run[0])
    (network / "model.safetensors").write_bytes(b"weig")
    assert "model.safetensors: has 4 bytes, 7 are listed" in check(run[0])
    (network / "model.safetensors").unlink()
    assert "model.safetensors: is listed but not there" in check(run[0])
    with pytest.raises(NotFinished, match=r"model\.safetensors: is listed but not there"):
        verify(run[0])


def test_verify_reads_the_geotiffs_of_a_catalogue_too(published):
    assert verify(published)[1]
    path = published / "thermal/cog/mean.tif"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(NotFinished, match=r"mean\.tif: has .* bytes"):
        verify(published)


def test_a_geotiff_with_a_flipped_bit_is_named(published):
    path = published / "thermal/cog/mean.tif"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "mean.tif: its SHA-256 is not the one listed" in check(published)


def test_a_link_that_leads_nowhere_is_named(published):
    (published / "report.html").unlink()
    assert "its link 'describedby' leads to ../report.html, which is not there" in check(published)


def test_a_catalogue_that_is_no_json_is_named(published):
    (published / "stac/thermal/collection.json").write_text(json.dumps({})[:1])
    assert "collection.json: is not JSON" in check(published)


def test_a_run_without_a_catalogue_is_told_how_to_get_one(run):
    assert "run 'nightside publish stac'" in check(run[0])
