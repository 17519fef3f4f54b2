"""What is said of a file's origin is true: of weights, models, GeoTIFFs, and of files that nightside did not write."""

import hashlib
import json

import numpy as np
import pytest
import xarray as xr
from rasterio.transform import from_origin
from typer.testing import CliRunner

from nightside.cli import app
from nightside.optical.models import SHIPPED
from nightside.query.provenance import origin
from nightside.store import Band, grid_of, write_cogs, write_store
from nightside.store.manifest import input_digests

META = {"units": "DN", "long_name": "signal"}


def write_denoised(root, settings, *networks):
    strip = xr.Dataset({"signal": (("line", "sample"), np.ones((8, 4), np.float32), META)})
    path = root / "optical/denoised/M2LE.zarr"
    write_store(strip, path, kind="nac_denoised", settings=settings, inputs=networks)
    return path


def write_model(folder, card, weights=b"weights"):
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"seed": 1, **card}))
    (folder / "model.safetensors").write_bytes(weights)
    return folder / "model.safetensors"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_weights_of_the_package_are_told_from_those_that_were_trained(copy, shared_settings):
    write_model(copy / "optical/photon", {"kind": "photon-net", "inputs": {}})  # trained, but not used
    image = write_denoised(copy, shared_settings, SHIPPED / "model.safetensors")
    (weights,) = origin(image).inputs
    assert weights.name == "nightside/optical/weights/photon/model.safetensors"
    assert weights.note == "the package's weights"
    assert weights.digest == sha256(SHIPPED / "model.safetensors")
    assert weights.about["kind"] == "photon-net"


def test_the_trained_weights_are_told_where_they_were_used(copy, shared_settings):
    trained = write_model(copy / "optical/photon", {"kind": "photon-net", "inputs": {}})
    (weights,) = origin(write_denoised(copy, shared_settings, trained)).inputs
    assert (weights.name, weights.note) == ("optical/photon/model.safetensors", "")


def test_weights_that_are_neither_are_not_said_to_be_made_again(copy, shared_settings, tmp_path):
    write_model(copy / "optical/photon", {"kind": "photon-net", "inputs": {}})
    other = write_model(tmp_path / "photon", {"kind": "photon-net"}, b"of another run")
    (weights,) = origin(write_denoised(copy, shared_settings, other)).inputs
    assert weights.note.endswith("made again since, or is another file")


def test_under_a_model_stands_what_it_was_trained_on(copy):
    profiles = copy / "thermal/profiles.zarr"
    card = copy / "thermal/model/model.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "inputs": input_digests([profiles])}))
    for path in (card, card.parent, card.with_name("model.safetensors")):
        found = origin(path)
        assert [each.name for each in found.inputs] == ["thermal/profiles.zarr"]
        assert [each.name for each in found.inputs[0].inputs] == ["thermal/cube.zarr"]
    assert found.digest == sha256(card.with_name("model.safetensors"))


def test_an_older_card_without_inputs_is_read_and_said(demo):
    found = origin(demo / "thermal/model")
    assert found.inputs == []
    assert "does not name its inputs" in found.note


def test_a_digest_is_what_sha256sum_says(demo):
    assert origin(demo / "thermal/model/model.json").digest == sha256(demo / "thermal/model/model.json")
    manifest = json.loads((demo / "thermal/maps.zarr.json").read_text())
    assert manifest["inputs"]["model.json"] == sha256(demo / "thermal/model/model.json")


def test_a_manifest_with_the_older_digest_of_a_file_still_leads_to_it(copy):
    path = copy / "thermal/maps.zarr.json"
    manifest = json.loads(path.read_text())
    plain = manifest["inputs"]["model.json"]
    manifest["inputs"]["model.json"] = hashlib.sha256(bytes.fromhex(plain)).hexdigest()
    path.write_text(json.dumps(manifest))
    model = origin(copy / "thermal/maps.zarr").inputs[1]
    assert (model.name, model.digest) == ("thermal/model/model.json", plain)


def test_a_geotiff_leads_to_its_store(copy, shared_settings):
    grid = grid_of(shared_settings.region)
    room = copy / "optical"
    layers = [(np.ones(grid.shape, np.float32), Band("signal", "signal", "DN"))]
    for folder, store in (("cog", "mosaic"), ("cog_standard", "mosaic_standard")):
        write_cogs(layers, grid, room / folder, room / f"{folder}.json", room / f"{store}.zarr")
        found = origin(room / folder / "signal.tif")
        assert [each.name for each in found.inputs] == [f"optical/{store}.zarr"]
        assert (found.about["kind"], found.note) == ("nac_mosaic", "")


def test_the_oscillator_is_made_of_no_data(copy):
    (copy / "physics").mkdir(exist_ok=True)
    (copy / "physics/oscillator.json").write_text("{}")
    found = origin(copy / "physics/oscillator.json")
    assert (found.inputs, found.note) == ([], "made of no data")


@pytest.mark.parametrize(
    "name", ["thermal/figures/notes.txt", "thermal/figures/mine.png", "thermal/model/notes.txt"]
)
def test_a_file_of_someone_else_has_no_origin(copy, name):
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text("x")
    with pytest.raises(ValueError, match="has no known origin"):
        origin(copy / name)


def test_a_geotiff_of_someone_else_has_no_origin(copy):
    import rasterio

    path = copy / "thermal/cog/mine.tif"
    path.parent.mkdir()
    made = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", transform=from_origin(0, 0, 2, 2), **made) as file:
        file.write(np.ones((1, 2, 2), np.uint8))
    with pytest.raises(ValueError, match=r"mine\.tif has no known origin: it lacks the tag"):
        origin(path)


def test_a_geotiff_that_cannot_be_read_is_said(copy):
    path = copy / "thermal/cog/maps.tif"
    path.parent.mkdir()
    path.write_text("no image")
    with pytest.raises(ValueError, match=r"maps\.tif cannot be read as a GeoTIFF"):
        origin(path)


def test_a_url_is_refused_as_one():
    done = CliRunner().invoke(app, ["provenance", "http://127.0.0.1:9/demo/thermal/maps.zarr"])
    assert str(done.exception).startswith("http://127.0.0.1:9/demo/thermal/maps.zarr is a URL; give the file")
