"""Kill -9 in the middle of every step, then the same command: nothing half-written counts, nothing is lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from run_state import last_rename, tree, unfinished_stores

from nightside.store import open_store, read_manifest, write_store
from nightside.store.manifest import digest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.workflow

DECLARED = {
    "diviner": "tables.json",
    "acquire": "inventory/201001.json",
    "ingest": "thermal/bins/201001.zarr.json",
    "cube": "thermal/cube.zarr.json",
    "profiles": "thermal/profiles.zarr.json",
    "train": "thermal/model/model.json",
    "map": "thermal/maps.zarr.json",
    "cog": "thermal/cog.json",
    "invert": "physics/inversion.zarr.json",
    "physics_cog": "physics/cog.json",
    "evaluate": "thermal/evaluation.json",
    "report": "report.html",
}


@pytest.mark.parametrize("step", DECLARED)
def test_a_step_killed_twice_and_run_again_gives_what_an_undisturbed_one_gives(
    command, undisturbed, copied, step
):
    whole, events = tree(undisturbed.folder), undisturbed.events[step]
    (copied / DECLARED[step]).unlink()
    shutil.rmtree(copied / "checkpoints")
    for moment in (len(events) // 2, last_rename(events)):
        killed = command(copied, step, kill_at=moment)
        assert killed.status == -signal.SIGKILL
        assert not (copied / DECLARED[step]).exists()
        unfinished_stores(copied)
    ended = command(copied, step)
    assert ended.status == 0, ended.said
    assert tree(copied) == whole


def test_no_kill_while_a_result_is_replaced_by_another_leaves_a_mixture(command, undisturbed, copied):
    declared, store = copied / DECLARED["cube"], copied / "thermal/cube.zarr"
    old = (digest(declared), tree(store))
    of_one_block = "thermal cube --bins thermal/bins/201001.zarr --out thermal/cube.zarr"
    events = undisturbed.events["cube"]
    for moment in [*range(0, len(events), len(events) // 6), last_rename(events)]:
        shutil.rmtree(copied / "thermal")
        shutil.copytree(undisturbed.folder / "thermal", copied / "thermal")
        killed = command(copied, of_one_block, kill_at=moment)
        assert killed.status == -signal.SIGKILL
        unfinished_stores(copied)
        assert not declared.exists() or (digest(declared), tree(store)) == old
    assert command(copied, of_one_block).status == 0
    assert tree(store) != old[1]
    assert unfinished_stores(copied) == []


def test_a_kill_while_geotiffs_are_replaced_by_others_leaves_no_list_of_them(
    command, undisturbed, copied, settings
):
    path = copied / "thermal/maps.zarr"
    other = open_store(path).load()
    other["anomaly_score"] += 1
    write_store(other, path, kind="maps", settings=settings)
    old = tree(copied / "thermal/cog")
    killed = command(copied, "cog", kill_at=last_rename(undisturbed.events["cog"]))
    assert killed.status == -signal.SIGKILL
    assert tree(copied / "thermal/cog") != old
    assert not (copied / DECLARED["cog"]).exists()


@pytest.fixture
def workplace(undisturbed, tmp_path):
    """A folder with the workflow and the configuration of the undisturbed run."""
    for name in ("Snakefile", "workflow"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(undisturbed.folder / "config.yaml", tmp_path)
    return tmp_path


def snakemake(folder, target):
    """Start Snakemake as the leader of a process group, with the shipped profile."""
    command = f"-m snakemake --profile workflow/profiles/default --configfile config.yaml --cores 2 {target}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        [sys.executable, *command.split()],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_killed_workflow_goes_on_with_the_same_command_and_only_one_runs_at_a_time(workplace, undisturbed):
    target = "results/small/thermal/cube.zarr.json"
    results = workplace / "results/small"
    first = snakemake(workplace, target)
    second = None
    try:
        until = time.monotonic() + 100
        while not (results / "synthetic/truth.zarr.json").exists():
            assert first.poll() is None, first.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.02)
        second = snakemake(workplace, target)
        said, _ = second.communicate(timeout=100)
        assert second.returncode != 0
        assert "another run is at work in results/small; wait until it has ended" in said
        assert first.poll() is None
    finally:
        for process in (first, second):
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
    assert first.returncode == -signal.SIGKILL
    assert not (results / "thermal/cube.zarr.json").exists()
    unfinished_stores(results)
    again = snakemake(workplace, target)
    said, _ = again.communicate(timeout=200)
    assert again.returncode == 0, said
    made, wanted = (read_manifest(f / "thermal/cube.zarr")["digest"] for f in (results, undisturbed.folder))
    assert made == wanted
    assert unfinished_stores(results) == []
