"""What a sceptical user tries: each fault ends in one message that names the file and the remedy."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from nightside.store import hold
from nightside.store.manifest import digest

pytestmark = pytest.mark.workflow


def tree(folder):
    return {p.relative_to(folder).as_posix(): digest(p) for p in folder.rglob("*") if p.is_file()}


def refusal(ended):
    """Return the one message of a command that was refused."""
    assert ended.status == 1, ended.said
    assert "Traceback" not in ended.said
    at = ended.said.index("nightside: ")
    assert at == 0 or ended.said[at - 1] == "\n"
    return ended.said[at:]


EVALUATE = "thermal evaluate --figures f --out e.json"
WRONG_FILES = {
    "no configuration": (
        "thermal acquire --config no.yaml --block 201001 --folder tables --out i.json",
        r"no\.yaml: cannot be read .*; give the path of a YAML file",
    ),
    "an inventory for a configuration": (
        "thermal acquire --config inventory/201001.json --block 201001 --folder tables --out i.json",
        r"inventory/201001\.json: \d+ fault\(s\).*\n.*block: no such key; valid keys here: name",
    ),
    "a block of another configuration": (
        "thermal acquire --block 201002 --folder tables --out i.json",
        "no block '201002' in this configuration; it has 201001, 201007",
    ),
    "no folder": (
        "thermal acquire --block 201001 --folder no --out i.json",
        "no: no such folder; set diviner",
    ),
    "a folder without tables": (
        "thermal acquire --block 201001 --folder truth.zarr --out i.json",
        "truth.zarr: no RDR table .*; correct diviner.folder",
    ),
    "no inventory": (
        "thermal ingest --inventory no.json --out b.zarr",
        "no.json does not exist; run the step that makes it",
    ),
    "a table for an inventory": (
        "thermal ingest --inventory config.yaml --out b.zarr",
        "config.yaml is not JSON; give the right file",
    ),
    "a manifest for an inventory": (
        "thermal ingest --inventory truth.zarr.json --out b.zarr",
        "truth.zarr.json has no 'folder', 'files', 'failed'.*; give the right one",
    ),
    "bins that are a cube": (
        "thermal cube --bins thermal/cube.zarr --out c.zarr",
        "thermal/cube.zarr is a 'cube', not a 'bins'; give the right store",
    ),
    "bins given twice": (
        "thermal cube --bins thermal/bins/201001.zarr --bins ./thermal/bins/201001.zarr --out c.zarr",
        "given twice; give each once",
    ),
    "bins that are a JSON": (
        "thermal cube --bins config.yaml --out c.zarr",
        r"config\.yaml is not a Zarr store, but a file; give the store that the step before has made",
    ),
    "an output that is the input": (
        "thermal profiles --cube thermal/cube.zarr --out ./thermal/cube.zarr",
        "cube.zarr is an input of this step; give another place",
    ),
    "an output that holds other files": (
        "thermal profiles --cube thermal/cube.zarr --out thermal",
        "thermal would be replaced, but it holds .*; give a folder of its own",
    ),
    "an output in a file": (
        "thermal profiles --cube thermal/cube.zarr --out config.yaml/p.zarr",
        "config.yaml.*; one of its folders is a file",
    ),
    "a model beside other results": (
        "thermal train --profiles thermal/profiles.zarr --cube thermal/cube.zarr --out thermal/model.json --checkpoints c",
        "thermal would be replaced, but it holds .*; give a folder of its own",
    ),
    "a model in this folder": (
        "thermal train --profiles thermal/profiles.zarr --cube thermal/cube.zarr --out model.json --checkpoints c",
        "would be replaced, but it holds .*; give a folder of its own",
    ),
    "a model of another name": (
        "thermal train --profiles thermal/profiles.zarr --cube thermal/cube.zarr --out m/card.json --checkpoints c",
        "m/card.json: the model card has to be called model.json",
    ),
    "no model": (
        "thermal map --profiles thermal/profiles.zarr --model m/model.json --out m.zarr",
        "m holds no finished model .*; run the training step",
    ),
    "GeoTIFFs over other results": (
        "thermal cog --maps thermal/maps.zarr --folder thermal --out c.json",
        "thermal would be replaced, but it holds .*; give a folder of its own",
    ),
    "maps that are profiles": (
        "thermal cog --maps thermal/profiles.zarr --folder c --out c.json",
        "is a 'profiles', not a 'maps'; give the right store",
    ),
    "a manifest for a model": (
        f"{EVALUATE} --profiles thermal/profiles.zarr --maps thermal/maps.zarr --model truth.zarr.json",
        "truth.zarr.json has no 'network'.*; give the right one",
    ),
    "a truth that is a cube": (
        f"{EVALUATE} --profiles thermal/profiles.zarr --maps thermal/maps.zarr --model thermal/model/model.json"
        " --truth thermal/cube.zarr",
        "is a 'cube', not a 'truth'; give the right store",
    ),
    "an inversion of nothing": (
        "physics invert --out i.zarr",
        "give one of --cube and --profiles",
    ),
    "profiles that are a cube": (
        "physics invert --profiles thermal/cube.zarr --out i.zarr",
        "is a 'cube', not a 'profiles'; give the right store",
    ),
    "an inversion over its cube": (
        "physics invert --cube thermal/cube.zarr --out thermal/cube.zarr --verify 0",
        "cube.zarr is an input of this step; give another place",
    ),
    "maps for an inversion": (
        f"{EVALUATE} --profiles thermal/profiles.zarr --maps thermal/maps.zarr --model thermal/model/model.json"
        " --inversion thermal/maps.zarr",
        "is a 'maps', not a 'inversion'; give the right store",
    ),
    "results elsewhere": (
        "thermal report --results thermal --out r.html",
        "thermal/thermal/cube.zarr does not exist; run the step that makes it",
    ),
    "tables over other files": (
        "synthetic diviner --tables . --truth t.zarr --inventory t.json",
        "would be replaced, but it holds .*; give a folder of its own",
    ),
}


def test_a_wrong_file_for_an_option_is_named_with_the_remedy_and_nothing_is_touched(command, copied):
    before = tree(copied)
    for case, (arguments, message) in WRONG_FILES.items():
        said = refusal(command(copied, arguments))
        assert re.match(rf"nightside: .*{message}", said, re.DOTALL), f"{case}: {said}"
        assert len(said.splitlines()) <= 2 or "fault(s)" in said, case
    assert tree(copied) == before


def test_a_store_of_another_place_is_refused(command, copied):
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace("348.67", "349.67"))
    for step in ("cube", "profiles", "train", "map", "cog", "invert", "physics_cog", "evaluate", "report"):
        assert "lies on another grid than the configured region; give" in refusal(command(copied, step))


def test_a_store_of_another_version_is_refused(command, copied):
    manifest = copied / "thermal/cube.zarr.json"
    content = json.loads(manifest.read_text())
    for number, version in ((0, "0.0.1"), (99, "9.9")):
        manifest.write_text(json.dumps({**content, "format": number, "nightside": version}))
        said = refusal(command(copied, "profiles"))
        assert f"cube.zarr has format {number} of nightside {version}" in said
        assert "run its step again" in said


def test_a_damaged_result_is_named(command, copied):
    (copied / "thermal/cube.zarr/zarr.json").unlink()
    assert "cube.zarr was finished but has been damaged" in refusal(command(copied, "profiles"))
    (copied / "thermal/maps.zarr.json").write_text('{"kind": "ma')
    assert "maps.zarr.json is not JSON" in refusal(command(copied, "cog"))
    (copied / "thermal/profiles.zarr.json").write_text("[]")
    assert "profiles.zarr.json has no 'kind'" in refusal(command(copied, "train"))
    (copied / "thermal/model/model.safetensors").write_bytes(b"short")
    shutil.copytree(copied / "thermal/model", copied / "m")
    (copied / "thermal/evaluation.json").unlink()
    assert "evaluation.json does not exist; run the step" in refusal(command(copied, "report"))


def test_bins_of_another_period_stay_out_of_the_report(command, copied):
    before = digest(copied / "report.html")
    shutil.copytree(copied / "thermal/bins/201001.zarr", copied / "thermal/bins/201101.zarr")
    ended = command(copied, "report")
    assert ended.status == 0, ended.said
    assert digest(copied / "report.html") == before


def test_a_model_whose_weights_are_cut_is_named(command, copied):
    weights = copied / "thermal/model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    assert re.search("thermal/model cannot be loaded .*remove it and run", refusal(command(copied, "map")))


def test_a_place_that_cannot_be_written_is_named(command, copied):
    place = copied / "fixed"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode != 0:
        place.chmod(0o500)
        if os.access(place, os.W_OK):
            pytest.skip("this user may write anywhere")
    try:
        for arguments in (
            "thermal acquire --block 201001 --folder tables --out fixed/i.json",
            "thermal profiles --cube thermal/cube.zarr --out fixed/p.zarr",
            "thermal report --results . --out fixed/r.html",
        ):
            said = refusal(command(copied, arguments))
            assert re.match("nightside: fixed/.*; (give a place|check its permissions)", said), said
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", str(place)], check=True)


def test_two_writers_of_one_result_do_not_mix(command, copied):
    partial = copied / "thermal/cube.zarr.partial"
    partial.mkdir()
    descriptor = hold(partial)
    try:
        said = refusal(command(copied, "cube"))
    finally:
        os.close(descriptor)
    assert "another process is writing thermal/cube.zarr.partial; wait until it has ended" in said
    assert partial.is_dir()
    assert command(copied, "cube").status == 0


def steps(command, folder, *names):
    for name in names:
        ended = command(folder, name)
        assert ended.status == 0, ended.said
    return ended


def broken(path: Path, fault: str) -> None:
    """Damage a table as archives and hands do."""
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        name, content = archive.namelist()[0], archive.read(archive.namelist()[0])
    rows = content.split(b"\r\n")
    if fault == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
        return
    if fault == "empty":
        path.write_bytes(b"")
        return
    if fault == "short row":
        rows[10] = rows[10][:-7]
    elif fault == "letters":
        rows[4:] = [row.replace(b"-43.", b"-4x.") for row in rows[4:]]
    elif fault == "columns":
        rows = [row.rpartition(b",")[0] for row in rows]
    elif fault == "other instrument":
        rows = [b"PDS_VERSION_ID = PDS3", b"INSTRUMENT_ID = LROC", b"END", *[b"1, 2, 3"] * 20]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"\r\n".join(rows))


FAULTS = ("truncated", "empty", "short row", "letters", "columns", "other instrument")


def test_broken_tables_end_no_run_and_stand_in_manifest_and_report(command, copied):
    tables = sorted((copied / "tables").rglob("2010*_rdr.zip"))
    # Nothing of the first block can be read, which ends no run either: a block may hold a single table.
    assert [path.name < "201007" for path in tables[: len(FAULTS)]] == [True] * 5 + [False]
    for path, fault in zip(tables, FAULTS, strict=False):
        broken(path, fault)
    said = [
        steps(command, copied, "acquire", "acquire_rest", step).said for step in ("ingest", "ingest_rest")
    ]
    listed = {}
    for block in ("201001", "201007"):
        manifest = json.loads((copied / f"thermal/bins/{block}.zarr.json").read_text())
        listed |= manifest["details"]["set_aside"]
    steps(command, copied, "cube", "profiles", "train", "map", "cog", "invert", "evaluate", "report")
    report = (copied / "report.html").read_text()
    assert len(listed) == len(FAULTS)
    for path, fault in zip(tables, FAULTS, strict=False):
        (reason,) = [reason for name, reason in listed.items() if name.endswith(path.name)]
        assert re.search(f"{path.name}: .*(; fetch|; the file is cut: fetch|another instrument)", reason), (
            fault
        )
        assert path.name in "".join(said)
        assert path.name in report


def test_a_run_in_which_every_table_is_broken_fails_and_says_so(command, copied):
    for path in (copied / "tables").rglob("*_rdr.zip"):
        broken(path, "empty")
    (copied / "thermal/cube.zarr.json").unlink()
    steps(command, copied, "acquire", "acquire_rest", "ingest", "ingest_rest")
    said = refusal(command(copied, "cube"))
    assert re.match(
        r"nightside: none of \d+ tables could be read; the first: .*_rdr\.zip: is empty; fetch it", said
    )
    assert not (copied / "thermal/cube.zarr.json").exists()


def test_a_region_without_data_says_where_it_stops_and_why(command, copied):
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace("348.67", "120.0"))
    steps(command, copied, "acquire", "acquire_rest", "ingest", "ingest_rest")
    said = refusal(command(copied, "cube"))
    assert "no observation fell in the region" in said
    assert "correct region, period or filter" in said
    assert "outside_region" in said
