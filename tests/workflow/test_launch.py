"""How a distributed training is started: by srun within a Slurm job, else by itself, and never by half."""

import subprocess
from pathlib import Path

import pytest

LAUNCH = Path(__file__).parents[2] / "workflow/scripts/launch"

pytestmark = pytest.mark.workflow


@pytest.fixture
def programs(tmp_path):
    """A folder of the programs that are there: the shell, and a training that says how it was started."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    put(folder, "train", 'echo "$@ ntasks=${SLURM_NTASKS:-none}"')
    return folder


def put(folder, name, line):
    (folder / name).write_text(f"#!/bin/sh\n{line}\n")
    (folder / name).chmod(0o755)


def run(programs, *counts, **slurm):
    command = [str(LAUNCH), *map(str, counts), "train", "--config", "a b.yaml"]
    return subprocess.run(command, env={"PATH": str(programs), **slurm}, capture_output=True, text=True)


def test_outside_slurm_the_command_runs_as_it_is(programs):
    put(programs, "srun", "exit 9")
    ended = run(programs, 1, 2, 4)
    assert ended.stdout == "--config a b.yaml ntasks=none\n"
    assert (ended.returncode, ended.stderr) == (0, "")


def test_within_a_job_srun_starts_every_process(programs):
    put(programs, "srun", 'for word in "$@"; do echo "$word"; done')
    ended = run(programs, 2, 4, 8, SLURM_JOB_ID="7", SLURM_NTASKS="1")
    assert ended.stdout.splitlines() == [
        "--nodes=2",
        "--ntasks=8",
        "--ntasks-per-node=4",
        "--cpus-per-task=8",
        "train",
        "--config",
        "a b.yaml",
    ]


def test_in_a_container_without_srun_one_node_trains_by_itself_and_says_so(programs):
    ended = run(programs, 1, 2, 4, SLURM_JOB_ID="7", SLURM_NTASKS="1")
    assert ended.returncode == 0
    assert ended.stdout == "--config a b.yaml ntasks=none\n"
    assert "no srun, as in a container; training starts its 2 processes itself" in ended.stderr


def test_in_a_container_without_srun_several_nodes_are_refused_with_the_remedy(programs):
    ended = run(programs, 2, 2, 4, SLURM_JOB_ID="7", SLURM_NTASKS="1")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "configured for 2 nodes" in ended.stderr
    assert "'nodes: 1'" in ended.stderr
