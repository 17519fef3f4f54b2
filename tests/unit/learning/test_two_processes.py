"""Two processes train as one does on their joint batch."""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("train_profiles.py")
LAUNCH = Path(__file__).parents[3] / "workflow/scripts/launch"

pytestmark = pytest.mark.slow


def one_process(folder: Path, epochs: int, rate: float, precision: str) -> list[float]:
    """Train in this process on batches of 32; return the losses."""
    _, found = runpy.run_path(str(SCRIPT))["train"](folder / "one", 1, 32, epochs, rate, precision)
    assert found["world"] == 1
    assert len(found["losses"]) == epochs
    losses: list[float] = found["losses"]
    return losses


def two_processes(
    folder: Path, epochs: int, rate: float, precision: str, start: Sequence[str] = (), **slurm: str
) -> list[float]:
    """Train in two processes of their own on batches of 16, started by ``start``; return the losses."""
    command = [*start, sys.executable, SCRIPT, folder / "two", 2, 16, epochs, rate, precision]
    ended = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, **slurm},
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    assert found["world"] == 2
    losses: list[float] = found["losses"]
    return losses


def test_two_processes_have_the_loss_curve_of_one_at_the_same_global_batch(tmp_path: Path) -> None:
    """In double precision, for a whole training."""
    how = (20, 4e-3, "64-true")
    assert two_processes(tmp_path, *how) == pytest.approx(one_process(tmp_path, *how), rel=1e-9)


def test_in_a_slurm_job_without_srun_two_processes_are_started_all_the_same(tmp_path: Path) -> None:
    """As in a container: Lightning alone would wait for what srun should have started, or refuse.

    The curve is that of one process; in single precision for as long as steps do not amplify its rounding.
    """
    how = (3, 1e-3, "32-true")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to("/bin/sh")
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "workflow", "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}
    found = two_processes(
        tmp_path, *how, start=(str(LAUNCH), "1", "2", "1"), PATH=str(tmp_path / "bin"), **job
    )
    assert found == pytest.approx(one_process(tmp_path, *how), rel=1e-4)
