"""A table that was repaired is read by the same command, and what fails is tried again where that helps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nightside.config import load
from nightside.store import read_manifest
from nightside.synthetic.truth import make_truth
from nightside.synthetic.write import write_tables

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.workflow

REGION = {"longitude_deg": 348.67, "latitude_deg": -43.29, "width_km": 60, "pixels_per_degree": 4}
PERIOD = {"start": "2010-01-01", "end": "2010-02-14"}


def snakemake(folder, *arguments):
    """Run a target with the shipped profile."""
    command = "-m snakemake --profile workflow/profiles/default --configfile config.yaml --cores 2"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, *command.split(), *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def cube(folder):
    """Make the cube; return what Snakemake says."""
    done = snakemake(folder, "results/small/thermal/cube.zarr.json")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_repaired_table_of_your_own_folder_is_read_and_other_blocks_are_left_alone(tmp_path):
    for name in ("Snakefile", "workflow"):
        (tmp_path / name).symlink_to(ROOT / name)
    tables = tmp_path / "tables"
    content = {"name": "small", "region": REGION, "synthetic": {}}
    moon = load({**content, "diviner": {"source": "synthetic", **PERIOD}})
    write_tables(moon, make_truth(moon), tables)
    config = {"name": "small", "region": REGION, "diviner": {"source": "local", "folder": "tables", **PERIOD}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    damaged = min(tables.rglob("201002*_rdr.zip"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    bins = tmp_path / "results/small/thermal/bins"

    cube(tmp_path)
    assert [Path(p).name for p in read_manifest(bins / "201002.zarr")["details"]["set_aside"]] == [
        damaged.name
    ]
    other = (bins / "201001.zarr.json").stat().st_mtime_ns
    first = read_manifest(tmp_path / "results/small/thermal/cube.zarr")["digest"]
    damaged.write_bytes(whole)
    cube(tmp_path)
    assert read_manifest(bins / "201002.zarr")["details"]["set_aside"] == {}
    assert read_manifest(tmp_path / "results/small/thermal/cube.zarr")["digest"] != first
    assert (bins / "201001.zarr.json").stat().st_mtime_ns == other
    assert "Nothing to be done" in cube(tmp_path)


@pytest.mark.parametrize(("retries", "attempts"), [(None, 1), (1, 2)])
def test_a_copy_that_fails_is_tried_again_only_as_the_profile_says(tmp_path, retries, attempts):
    """On one machine it would fail again; a cluster's profile lets every rule try on another node, with more memory."""
    for name in ("Snakefile", "workflow"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "tables").mkdir()  # without a table
    config = {
        "name": "small",
        "region": REGION,
        "diviner": {"source": "local", "folder": "tables", **PERIOD},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    ended = snakemake(
        tmp_path,
        "results/small/inventory/201001.json",
        *([] if retries is None else ["--retries", str(retries)]),
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "no RDR table" in said
    assert said.count("Error in rule acquire") == attempts
