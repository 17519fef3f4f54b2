"""The catalogue is valid STAC, holds every product, and goes where the run goes."""

import json
import shutil

import numpy as np
import pystac
import pytest
from PIL import Image
from shapely.geometry import shape
from typer.testing import CliRunner

from nightside.cli import app
from nightside.publish.check import faults
from nightside.store import NotFinished, read_manifest

pytestmark = pytest.mark.usefixtures("offline")


def publish(results):
    arguments = ["publish", "stac", "--config", results / "config.yaml", "--results", results]
    done = CliRunner().invoke(app, [str(a) for a in [*arguments, "--out", results / "stac.json"]])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return pystac.Catalog.from_file(str(results / "stac/catalog.json"))


def write_network(folder):
    folder.mkdir()
    (folder / "model.json").write_text('{"kind": "photon-net"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder / "model.safetensors"


def items(catalog):
    return {item.id: item for item in catalog.get_items(recursive=True)}


def test_the_catalogue_is_valid_stac(run):
    catalog = publish(run[0])
    assert (
        catalog.validate_all() == 5
    )  # it raises where one is not; the catalogue itself, and its collections, too
    assert catalog.catalog_type == pystac.CatalogType.SELF_CONTAINED


def test_the_validator_refuses_a_wrong_field(run):
    item = items(publish(run[0]))["thermal-maps"]
    item.assets["mean"].extra_fields["file:checksum"] = "no hash"
    with pytest.raises(pystac.STACValidationError, match="no hash"):
        item.validate()


def test_every_product_is_in_it_and_what_is_none_is_named(run):
    found = items(publish(run[0]))
    assert set(found) == {
        "thermal-cube", "thermal-maps", "optical-mosaic", "optical-denoised-M103595705LE",
        "optical-denoised-M243633951RE",
    }  # fmt: skip
    listed = json.loads((run[0] / "stac.json").read_text())
    assert listed["items"] == 5
    assert listed["left_out"] == ["optical/scenes.zarr: no observation, so that it has no time"]


def test_a_room_that_is_a_link_is_published_and_one_behind_a_broken_link_is_named(run, tmp_path):
    results = run[0]
    for room in ("thermal", "optical"):
        shutil.move(results / room, tmp_path / f"scratch_{room}")
        (results / room).symlink_to(tmp_path / f"scratch_{room}")
    assert len(items(publish(results))) == 5
    assert list(faults(results / "stac/catalog.json")) == []
    (tmp_path / "scratch_thermal").rename(tmp_path / "gone")
    assert {name.partition("-")[0] for name in items(publish(results))} == {"optical"}
    (said, _) = json.loads((results / "stac.json").read_text())["left_out"]
    assert said.startswith(
        f"{results / 'thermal'} is a link to {tmp_path / 'scratch_thermal'}, which is not there"
    )


def test_products_with_the_same_content_are_two(run):
    for suffix in ("", ".json"):
        source = run[0] / f"thermal/cube.zarr{suffix}"
        (shutil.copy if suffix else shutil.copytree)(source, run[0] / f"thermal/twin.zarr{suffix}")
    assert {"thermal-cube", "thermal-twin"} <= set(items(publish(run[0])))


def test_a_room_has_as_many_folders_of_geotiffs_as_it_lists(run):
    room = run[0] / "optical"
    for suffix in ("", ".json"):
        copied = shutil.copy if suffix else shutil.copytree
        copied(room / f"mosaic.zarr{suffix}", room / f"mosaic_standard.zarr{suffix}")
    shutil.copytree(room / "cog", room / "cog_standard")
    listed = {"folder": "cog_standard", "store": "mosaic_standard.zarr", "files": ["signal.tif"]}
    (room / "cog_standard.json").write_text(json.dumps(listed))
    found = items(publish(run[0]))
    for name in ("mosaic", "mosaic_standard"):
        assert "signal" in found[f"optical-{name}"].assets
    assert found["optical-mosaic_standard"].assets["signal"].href.endswith("optical/cog_standard/signal.tif")


def test_trained_networks_are_assets_of_their_room(run):
    write_network(run[0] / "optical/photon")
    catalog = publish(run[0])
    room = catalog.get_child("optical")
    room.validate()
    assert room.assets["photon_card"].href.endswith("optical/photon/model.json")
    weights = room.assets["photon_weights"]
    assert weights.extra_fields["file:size"] == len(b"weights")
    assert weights.title == "weights of a trained network, photon-net"


def test_a_network_without_weights_is_refused(run):
    write_network(run[0] / "optical/photon").unlink()
    with pytest.raises(NotFinished, match=r"model\.safetensors is not there, but its model\.json is"):
        publish(run[0])


def test_its_links_hold_when_the_run_is_moved(run, tmp_path):
    publish(run[0])
    moved = tmp_path / "elsewhere/copy"
    moved.parent.mkdir()
    shutil.move(run[0], moved)
    for path in moved.glob("stac/**/*.json"):
        document = json.loads(path.read_text())
        hrefs = [link["href"] for link in document["links"]]
        hrefs += [asset["href"] for asset in document.get("assets", {}).values()]
        for href in hrefs:
            assert "://" not in href
            assert not href.startswith("/")
            assert (path.parent / href).exists(), (path, href)


def test_an_item_says_where_on_the_moon_and_when(run):
    found = items(publish(run[0]))
    maps = found["thermal-maps"]
    assert maps.properties["ssys:targets"] == ["Moon"]
    assert shape(maps.geometry).contains(shape({"type": "Point", "coordinates": [348.67 - 360, -43.29]}))
    assert maps.properties["start_datetime"] == "2010-01-01T00:00:00Z"
    assert maps.properties["end_datetime"] == "2011-01-01T00:00:00Z"
    assert maps.properties["proj:code"] == "IAU_2015:30110"
    mosaic = found["optical-mosaic"]
    assert mosaic.bbox[:3:2] == [-180.0, 180.0]
    assert mosaic.bbox[1] == -90.0
    assert (
        mosaic.properties["start_datetime"] == "2009-02-03T04:05:06Z"
    )  # of the images that it was made from
    assert mosaic.properties["end_datetime"] == "2014-02-03T04:05:07.500000Z"
    strip = found["optical-denoised-M103595705LE"]
    assert strip.geometry is None
    assert "proj:code" not in strip.properties


def test_provenance_leads_from_a_product_to_what_it_was_made_from(run):
    results, settings = run
    found = items(publish(results))
    maps = found["thermal-maps"]
    manifest = read_manifest(results / "thermal/maps.zarr")
    assert maps.properties["nightside:digest"] == manifest["digest"]
    assert maps.properties["nightside:config_digest"] == settings.digest()
    assert maps.properties["nightside:inputs"] == manifest["inputs"]
    assert [link.get_absolute_href() for link in maps.get_links("derived_from")] == [
        found["thermal-cube"].get_self_href()
    ]
    assert len(found["optical-mosaic"].get_links("derived_from")) == 2


def test_a_map_says_what_its_values_are(run):
    asset = items(publish(run[0]))["thermal-maps"].assets["mean"]
    expected = {
        "data_type": "float32",
        "unit": "K",
        "nodata": "nan",
        "raster:scale": 2.0,
        "raster:offset": 1.0,
    }
    assert expected.items() <= asset.extra_fields.items()
    assert asset.media_type == pystac.MediaType.COG


def test_pictures_show_the_products(run):
    publish(run[0])
    pictures = {
        path.parent.name: np.asarray(Image.open(path)) for path in run[0].glob("stac/*/*/thumbnail.png")
    }
    assert len(pictures) == 5
    assert pictures["optical-mosaic"].shape == (300, 300, 4)
    assert (pictures["thermal-cube"][..., 3] == 255).all()
    assert np.unique(pictures["thermal-cube"][..., 0]).size > 10


def test_two_catalogues_of_one_run_are_the_same(run):
    publish(run[0])
    first = json.loads((run[0] / "stac.json").read_text())["digest"]
    publish(run[0])
    assert json.loads((run[0] / "stac.json").read_text())["digest"] == first


def test_a_geotiff_of_an_older_store_is_refused(run):
    manifest = run[0] / "thermal/maps.zarr.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "digest": "0" * 64}))
    with pytest.raises(
        NotFinished, match=r"mean\.tif was made from another maps\.zarr than the one beside it"
    ):
        publish(run[0])


def test_a_folder_that_is_no_run_is_named(run, tmp_path):
    (tmp_path / "empty").mkdir()
    shutil.copy(run[0] / "config.yaml", tmp_path / "empty")
    with pytest.raises(NotFinished, match="holds no finished store"):
        publish(tmp_path / "empty")


def test_a_catalogue_outside_the_run_is_refused(run, tmp_path):
    results = run[0]
    arguments = ["publish", "stac", "--config", results / "config.yaml", "--results", results]
    done = CliRunner().invoke(app, [str(a) for a in [*arguments, "--out", tmp_path / "stac.json"]])
    assert "so that links from it hold" in str(done.exception)
