"""A small region run step by step: its commands, and the folder of an undisturbed run."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # run_state is importable by the tests of this folder

CONFIG = """\
name: small
seed: 1
region: {longitude_deg: 348.67, latitude_deg: -43.29, width_km: 2.5, pixels_per_degree: 128}
diviner: {source: synthetic, start: 2010-01-01, end: 2010-12-31, block_months: 6}
thermal:
  profiles: {gap_max_h: 24}
  vae: {objective: beta_vae, latents: 1, width: 4}
  training: {epochs: 2, steps_min: 0, batch_size: 16}
synthetic: {}
"""

COMMANDS = {
    "diviner": "synthetic diviner --tables tables --truth truth.zarr --inventory tables.json",
    "acquire": "thermal acquire --block 201001 --folder tables --out inventory/201001.json",
    "acquire_rest": "thermal acquire --block 201007 --folder tables --out inventory/201007.json",
    "ingest": "thermal ingest --inventory inventory/201001.json --out thermal/bins/201001.zarr",
    "ingest_rest": "thermal ingest --inventory inventory/201007.json --out thermal/bins/201007.zarr",
    "cube": "thermal cube --bins thermal/bins/201001.zarr --bins thermal/bins/201007.zarr --out thermal/cube.zarr",
    "profiles": "thermal profiles --cube thermal/cube.zarr --out thermal/profiles.zarr",
    "train": "thermal train --profiles thermal/profiles.zarr --cube thermal/cube.zarr --out thermal/model/model.json --checkpoints checkpoints",
    "map": "thermal map --profiles thermal/profiles.zarr --model thermal/model/model.json --out thermal/maps.zarr",
    "cog": "thermal cog --maps thermal/maps.zarr --folder thermal/cog --out thermal/cog.json",
    "invert": "physics invert --cube thermal/cube.zarr --out physics/inversion.zarr --verify 8",
    "physics_cog": "physics cog --inversion physics/inversion.zarr --folder physics/cog --out physics/cog.json",
    "evaluate": "thermal evaluate --profiles thermal/profiles.zarr --maps thermal/maps.zarr --truth truth.zarr"
    " --model thermal/model/model.json --inversion physics/inversion.zarr --figures thermal/figures --out thermal/evaluation.json",
    "report": "thermal report --results . --out report.html",
}
"""The steps in their order, each as the workflow runs it."""

WITHOUT_CONFIG = {("optical", "cog"), ("optical", "evaluate")}


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit status, what it said, and the changes it made to files."""

    status: int
    said: str
    events: list[str]


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Run ``nightside`` with arguments (or a step's name) in a folder; ``kill_at`` a change of a file."""
    kept = tmp_path_factory.mktemp("command")
    log, events = kept / "log", kept / "events"
    script = Path(__file__).with_name("command_server.py")
    one_at_a_time = threading.Lock()
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:

        def run(folder: Path, arguments: str, kill_at: int | str | None = None) -> Ended:
            words = COMMANDS.get(arguments, arguments).split()
            if "--config" not in words and tuple(words[:2]) not in WITHOUT_CONFIG:
                words += ["--config", "config.yaml"]
            job = {"folder": str(folder), "arguments": words, "kill_at": kill_at}
            job |= {"log": str(log), "events": str(events)}
            with one_at_a_time:
                server.stdin.write(json.dumps(job) + "\n")
                server.stdin.flush()
                status = int(server.stdout.readline())
            return Ended(status, log.read_text(), events.read_text().splitlines())

        yield run
        server.stdin.close()


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and the changes that each step made to files."""

    folder: Path
    events: dict[str, list[str]]


@pytest.fixture(scope="session")
def undisturbed(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every step, run once for all processes that share out the tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, kept = shared / "undisturbed", shared / "undisturbed.json"
    with (shared / "undisturbed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder.mkdir()
            (folder / "config.yaml").write_text(CONFIG)
            events = {}
            for step in COMMANDS:
                ended = command(folder, step)
                assert ended.status == 0, ended.said
                events[step] = ended.events
            kept.write_text(json.dumps(events))
    return Run(folder, json.loads(kept.read_text()))


@pytest.fixture
def copied(undisturbed: Run, tmp_path: Path) -> Path:
    """A copy of the finished run, to disturb."""
    folder = tmp_path / "run"
    shutil.copytree(undisturbed.folder, folder)
    return folder
