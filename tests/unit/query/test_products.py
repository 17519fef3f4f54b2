"""Results are found with and without a listing, with and without nightside, and damage is named."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import nightside
from nightside.config.thermal import Vae
from nightside.learning.model_folder import save_model
from nightside.query.files import write_region
from nightside.query.location import Location
from nightside.query.places import OutsideCoverage
from nightside.query.products import write_index
from nightside.query.provenance import origin
from nightside.query.verify import verify
from nightside.store import NotFinished
from nightside.thermal.model import ProfileModel

WITHOUT_NIGHTSIDE = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "nightside":
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
import xarray as xr
root = sys.argv[1]
tree = xr.open_datatree(root, engine="zarr", decode_coords="all", chunks={})
print(float(tree["thermal/maps.zarr"].anomaly_score[2, 3]))
print(float(xr.open_zarr(root + "/thermal/maps.zarr").anomaly_score[2, 3]))
print("spatial_ref" in tree["thermal/maps.zarr"].anomaly_score.coords, len(list(tree.leaves)))
assert "nightside" not in sys.modules
"""


def value(frame, layer):
    (found,) = frame.loc[frame["layer"] == layer, "value"]
    return found


def test_xarray_alone_opens_the_results_and_each_store(demo, served):
    expected = float(nightside.open(demo)["thermal/maps"].anomaly_score[2, 3])
    for root in (str(demo), served(demo)[0]):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_NIGHTSIDE, root], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        tree, store, said = done.stdout.splitlines()
        assert float(tree) == float(store) == expected
        assert said == "True 6"


def test_a_server_that_lists_nothing_answers_as_the_folder_does(demo, served):
    url, server = served(demo)
    here, there = nightside.open(demo).nightside, nightside.open(url).nightside
    lon, lat = 348.67, -43.29
    assert there.point(lon, lat).equals(here.point(lon, lat))
    xr.testing.assert_identical(there.profile(lon, lat).drop_attrs(), here.profile(lon, lat).drop_attrs())
    assert "reconstruction" in there.profile(lon, lat)
    box = (348.6, 348.7, -43.3, -43.28)
    for name in ("thermal/maps", "thermal/profiles"):
        a, b = (q.region(*box)[name].to_dataset() for q in (here, there))
        xr.testing.assert_identical(a.compute(), b.compute())
    assert there.anomalies(3.0).drop(columns="geometry").equals(here.anomalies(3.0).drop(columns="geometry"))
    assert not any(path.endswith("/") for path in server.asked)


def test_a_point_reads_no_chunk_of_what_is_not_asked(demo, served):
    url, server = served(demo)
    nightside.open(url).nightside.point(348.67, -43.29)
    assert not any("/temperature/c/" in path for path in server.asked)
    assert any("/anomaly_score/c/" in path for path in server.asked)


def test_ranges_read_a_part_of_a_sharded_store(tmp_path, served):
    """Stores of others may be sharded: one file holds many chunks, and a range of it is read."""
    root = tmp_path / "demo"
    whole = zarr.create_array(root / "v.zarr", shape=(64, 64), chunks=(8, 8), shards=(64, 64), dtype="f8")
    whole[:] = np.arange(64 * 64.0).reshape(64, 64)
    url, server = served(root)
    part = zarr.open_array(Location.of(url).store("v.zarr"), mode="r")
    assert float(part[9, 10]) == 9 * 64 + 10
    assert sum(server.ranges.values()) > 0


def test_a_served_folder_without_an_index_or_server_is_named(copy, served):
    (copy / "zarr.json").unlink()
    url, _ = served(copy)
    with pytest.raises(NotFinished, match=r"zarr\.json does not exist; run 'nightside index <results>'"):
        nightside.open(url)
    with pytest.raises(ValueError, match="cannot be read"):
        nightside.open("http://127.0.0.1:9/demo")


def left_out(results, warned, said):
    """Open results of which the maps are left out with a warning, and for which the rest answers all the same."""
    warned.clear()
    tree = nightside.open(results)
    (warning,) = warned
    assert warning.startswith("warning: left out: ")
    assert re.search(said, warning)
    assert tree.attrs["nightside_left_out"] == {"thermal/maps": warning.removeprefix("warning: left out: ")}
    assert "maps" not in tree["thermal"]
    query = tree.nightside
    assert set(query.point(348.67, -43.29)["product"]) == {"thermal/profiles"}
    assert "temperature" in query.profile(348.67, -43.29)
    with pytest.raises(NotFinished, match=said):
        query.anomalies(3.0)
    with pytest.raises(OutsideCoverage, match="left out: thermal/maps"):
        query.point(12.0, 5.0)


def test_a_store_that_is_not_the_one_of_the_index_is_left_out(copy, served, warned):
    path = copy / "thermal/maps.zarr.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "0" * 64}))
    left_out(served(copy)[0], warned, r"thermal/maps\.zarr is not the store that zarr\.json lists")
    write_index(copy)
    warned.clear()
    assert "maps" in nightside.open(served(copy)[0])["thermal"]
    assert warned == []


def test_a_store_of_another_version_is_left_out_by_name(copy, served, warned):
    path = copy / "thermal/maps.zarr.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 0}))
    url = served(copy)[0]
    for results in (copy, url):
        left_out(
            results,
            warned,
            r"maps\.zarr has format 0 of nightside .*, this is format 1 .*; remove its manifest",
        )


def test_a_store_without_manifest_is_not_finished(copy, warned):
    (copy / "thermal/maps.zarr.json").unlink()
    left_out(copy, warned, r"maps\.zarr is not finished")


def test_a_store_that_lacks_a_layer_is_left_out_at_once(copy, warned):
    path = copy / "thermal/maps.zarr.json"
    manifest = json.loads(path.read_text())
    manifest["variables"]["slope"] = {"shape": [3, 3], "dimensions": ["y", "x"], "units": "1"}
    path.write_text(json.dumps(manifest))
    left_out(copy, warned, "'slope' is absent, but its manifest records")


def test_results_of_which_nothing_can_be_opened_are_refused_store_by_store(copy):
    stores = sorted(copy.glob("*/*.zarr.json")) + sorted(copy.glob("optical/denoised/*.zarr.json"))
    for path in stores:
        path.unlink()
    with pytest.raises(NotFinished) as refused:
        nightside.open(copy)
    assert str(refused.value).count("is not finished") == 6  # bins are an input


def test_verify_and_the_index_are_strict(copy):
    (copy / "thermal/maps.zarr.json").unlink()
    for strict in (verify, write_index):
        with pytest.raises(NotFinished, match=r"maps\.zarr is not finished"):
            strict(copy)


def test_a_missing_product_is_named_with_those_there_are(copy):
    for path in ("thermal/maps.zarr", "thermal/profiles.zarr"):
        shutil.rmtree(copy / path)
        (copy / f"{path}.json").unlink()
    query = nightside.open(copy).nightside
    with pytest.raises(ValueError, match=r"has no thermal/maps; it has thermal/cube, "):
        query.anomalies(3.0)
    with pytest.raises(ValueError, match="has no thermal/profiles"):
        query.profile(348.67, -43.29)


def test_half_a_copy_is_found_by_its_digest(copy):
    assert verify(copy) == (6, False)
    next(p for p in (copy / "thermal/profiles.zarr/temperature/c").rglob("*") if p.is_file()).unlink()
    with pytest.raises(NotFinished, match=r"thermal/profiles\.zarr has another digest"):
        verify(copy)
    (copy / "thermal/maps.zarr/stray").write_text("")
    with pytest.raises(
        NotFinished, match=r"maps\.zarr has another digest .*\n.*profiles\.zarr has another digest"
    ):
        verify(copy)
    shutil.rmtree(copy / "thermal/profiles.zarr/temperature")


def test_a_store_without_its_metadata_was_copied_in_part(copy, warned):
    shutil.rmtree(copy / "thermal/maps.zarr/anomaly_score")
    (copy / "thermal/maps.zarr/zarr.json").unlink()
    left_out(copy, warned, r"thermal/maps\.zarr .* copied in part")


def test_a_layer_that_is_gone_is_named_and_not_read_as_nothing(copy, served, warned):
    shutil.rmtree(copy / "thermal/maps.zarr/anomaly_score")
    for results in (copy, served(copy)[0]):
        left_out(results, warned, r"thermal/maps\.zarr: .anomaly_score. is absent")


def test_a_layer_that_goes_while_results_are_open_is_named(copy, served, warned):
    queries = [nightside.open(results).nightside for results in (copy, served(copy)[0])]
    shutil.rmtree(copy / "thermal/maps.zarr/anomaly_score")
    for query in queries:
        with pytest.raises(NotFinished, match="'anomaly_score' is absent"):
            query.anomalies(3.0)
    assert warned == []


def test_scores_of_which_none_is_known_are_not_taken_for_calm_ground(copy, served, warned):
    nightside.open(copy).nightside.anomalies(1e9)
    assert warned == []  # nothing is found, but all is known
    shutil.rmtree(copy / "thermal/maps.zarr/anomaly_score/c")
    for results in (copy, served(copy)[0]):
        warned.clear()
        assert len(nightside.open(results).nightside.anomalies(0.0)) == 0
        (said,) = warned
        assert "no cell of these maps has a known anomaly score" in said


def test_a_server_that_refuses_a_layer_is_no_server_without_it(copy, served, warned, monkeypatch):
    url, server = served(copy)
    handler_class = server.RequestHandlerClass.func
    answer = handler_class._answer

    def refused(handler, with_body):
        if not handler.path.endswith("maps.zarr/anomaly_score/zarr.json"):
            return answer(handler, with_body)
        handler.send_response(403)
        handler.send_header("Content-Length", "0")
        return handler.end_headers()

    monkeypatch.setattr(handler_class, "_answer", refused)
    left_out(url, warned, r"thermal/maps\.zarr .*403")


def test_a_missing_chunk_of_codes_is_unknown_wherever_it_is_asked_for(copy, tmp_path):
    place, box = (348.67, -43.29), (348.6, 348.7, -43.3, -43.28)
    quality = "thermal/profiles/quality"
    assert value(nightside.open(copy).nightside.point(*place), "quality") == 0
    shutil.rmtree(copy / "thermal/profiles.zarr/quality/c")
    query = nightside.open(copy).nightside
    assert np.isnan(value(query.point(*place), "quality"))
    assert "reconstruction" not in query.profile(*place)  # of good profiles only
    part = query.region(*box)
    assert part[quality].dtype == np.uint8
    write_region(part, tmp_path / "part.zarr")
    shutil.rmtree(tmp_path / "part.zarr/thermal/profiles/quality/c", ignore_errors=True)
    assert (xr.open_datatree(tmp_path / "part.zarr", engine="zarr")[quality] == 255).all()


def test_a_torn_chunk_is_named_with_its_store_and_the_rest_answers(copy, warned):
    torn = r"thermal/maps\.zarr has a chunk that cannot be decoded"
    tear(copy / "thermal/maps.zarr/anomaly_score")
    query = nightside.open(copy).nightside
    assert set(query.point(348.67, -43.29)["product"]) == {"thermal/profiles"}
    assert re.search(torn, warned[0])
    with pytest.raises(NotFinished, match=torn):
        query.anomalies(3.0)
    tear(copy / "thermal/profiles.zarr/quality")
    with pytest.raises(NotFinished, match=rf"{torn}.*\n.*thermal/profiles\.zarr has a chunk"):
        query.point(348.67, -43.29)
    with pytest.raises(NotFinished, match=r"thermal/profiles\.zarr has a chunk"):
        query.profile(348.67, -43.29)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_damaged_model_is_named_where_it_lies_and_the_temperatures_are_told(copy, served, warned, name):
    whole = nightside.open(copy).nightside.profile(348.67, -43.29)
    path = copy / "thermal/model" / name
    path.write_bytes(path.read_bytes()[:20])
    for results in (str(copy), served(copy)[0]):
        warned.clear()
        query = nightside.open(results).nightside
        day = query.profile(348.67, -43.29)
        assert day["temperature"].equals(whole["temperature"])
        assert "reconstruction" not in day
        query.profile(348.67, -43.29)
        (said,) = warned  # once
        assert said.startswith(f"warning: nothing is reconstructed: {results}/thermal/model cannot be loaded")


def test_a_model_of_other_local_times_is_told_and_the_temperatures_too(copy, warned):
    hours, width = 16, 8
    other = ProfileModel.for_profiles(
        np.random.default_rng(1).normal(200.0, 50.0, (20, hours)).astype(np.float32),
        np.ones((20, hours), np.float32),
        Vae(latents=2, width=width, objective="beta_vae"),
        None,
    )
    shutil.rmtree(copy / "thermal/model")
    save_model(copy / "thermal/model", other, {"kind": "profile-vae", "network": other.shape()})
    day = nightside.open(copy).nightside.profile(348.67, -43.29)
    assert np.isfinite(day["temperature"]).all()
    assert "reconstruction" not in day
    (said,) = warned
    assert f"is of {hours} local times" in said


def tear(array):
    for chunk in (array / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(chunk.read_bytes()[:10])


@pytest.fixture
def unprivileged(demo):
    """A copy of the results in a folder open to all, asked by a user to whom permissions apply."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        root = Path(shutil.copytree(demo, Path(folder, "demo")))
        user, nobody = os.geteuid(), 65534
        if user == 0:
            for path in (root, *root.rglob("*")):
                os.chown(path, nobody, -1)
            os.seteuid(nobody)
        try:
            yield root
        finally:
            os.seteuid(user)
            for path in (root / "thermal", root / "thermal/maps.zarr"):
                path.chmod(0o755)


@pytest.mark.parametrize(
    "name",
    [
        "thermal/maps.zarr",
        "thermal/maps.zarr.json",
        "thermal/maps.zarr/zarr.json",
        "thermal/maps.zarr/latent_mean",
    ],
)
def test_a_product_that_may_not_be_read_is_left_out_and_nobody_is_told_to_remove_it(
    unprivileged, warned, name
):
    (unprivileged / name).chmod(0)
    said = rf"{unprivileged / name}(/\S+)? may not be read; check its permissions$"
    tree = nightside.open(unprivileged)
    here = tree.nightside.point(348.67, -43.29)
    assert set(here["product"]) == {"thermal/profiles"}
    (warning,) = warned
    assert re.search(said, warning)
    with pytest.raises(NotFinished, match=said):
        tree.nightside.anomalies(3.0)


def test_a_room_that_may_not_be_listed_is_named(unprivileged, warned):
    (unprivileged / "thermal").chmod(0)
    tree = nightside.open(unprivileged)
    assert "optical" in tree
    assert warned == [f"warning: left out: {unprivileged}/thermal may not be read; check its permissions"]
    with pytest.raises(NotFinished, match="thermal may not be read"):
        tree.nightside.profile(348.67, -43.29)
    unprivileged.chmod(0)
    with pytest.raises(NotFinished, match=rf"{unprivileged} may not be read"):
        nightside.open(unprivileged)
    unprivileged.chmod(0o755)


@pytest.fixture
def linked(copy, tmp_path):
    """Results whose rooms are links to another disk, as on a cluster."""
    for name in ("thermal", "optical/mosaic.zarr", "optical/denoised"):
        there = tmp_path / "scratch" / name
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(copy / name, there)
        (copy / name).symlink_to(there)
    return copy


def test_rooms_that_are_links_are_followed(linked, demo, warned):
    there = nightside.open(linked)
    assert {node.path for node in there.leaves} == {node.path for node in nightside.open(demo).leaves}
    place = (348.67, -43.29)
    assert there.nightside.point(*place).equals(nightside.open(demo).nightside.point(*place))
    assert verify(linked) == (6, False)
    assert warned == []
    found = [origin(results / "thermal/maps.zarr").as_dict() for results in (linked, demo)]
    assert found[0] == found[1]


def test_a_room_behind_a_broken_link_is_named(linked, tmp_path, warned):
    (tmp_path / "scratch/thermal").rename(tmp_path / "scratch/gone")
    (tmp_path / "scratch/optical/mosaic.zarr").rename(tmp_path / "scratch/gone.zarr")
    tree = nightside.open(linked)
    assert [re.search(r"demo/(\S+) is a link to \S+, which is not there", said)[1] for said in warned] == [
        "optical/mosaic.zarr",
        "thermal",
    ]
    with pytest.raises(NotFinished, match="thermal is a link to"):
        tree.nightside.profile(348.67, -43.29)
    with pytest.raises(NotFinished, match=r"mosaic\.zarr is a link to"):
        verify(linked)


def test_a_url_cannot_be_verified(demo, served):
    with pytest.raises(ValueError, match="a server lists no files"):
        verify(served(demo)[0])


def test_a_folder_that_holds_nothing_is_named(tmp_path):
    with pytest.raises(NotFinished, match="holds no product"):
        nightside.open(tmp_path)
    with pytest.raises(NotFinished, match="does not exist"):
        nightside.open(tmp_path / "absent")
