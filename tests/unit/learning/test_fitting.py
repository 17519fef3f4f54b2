import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("train_line.py")


def run(
    folder: Path, kill_in_epoch: int = -1, devices: int = 1, bias: bool = True
) -> subprocess.CompletedProcess[str]:
    """Train in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(SCRIPT), str(folder), str(kill_in_epoch), str(devices), str(int(bias))]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)


@pytest.fixture(scope="module")
def left_by_a_kill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training leaves that got SIGKILL in its third epoch of four."""
    folder = tmp_path_factory.mktemp("killed")
    assert run(folder, kill_in_epoch=2).returncode == -signal.SIGKILL
    assert not (folder / "model").exists()
    return folder


@pytest.fixture
def killed(left_by_a_kill: Path, tmp_path: Path) -> Path:
    return shutil.copytree(left_by_a_kill, tmp_path / "killed")


def test_training_killed_with_sigkill_resumes_to_the_same_weights(killed: Path, tmp_path: Path) -> None:
    runpy.run_path(str(SCRIPT))["train"](tmp_path / "whole")
    resumed = run(killed)
    assert resumed.returncode == 0, resumed.stderr
    assert "epoch 3/4" in resumed.stderr
    assert "epoch 2/4" not in resumed.stderr
    card = json.loads((killed / "model" / "model.json").read_text())
    assert card == {"epochs": 4, "world": 1}
    weights = [(folder / "model/model.safetensors").read_bytes() for folder in (tmp_path / "whole", killed)]
    assert weights[0] == weights[1]


def test_a_checkpoint_of_another_network_is_put_aside(killed: Path) -> None:
    result = run(killed, bias=False)
    assert result.returncode == 0, result.stderr
    assert "is of another network; training starts anew" in result.stderr
    assert "epoch 1/4" in result.stderr


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path: Path) -> None:
    result = run(tmp_path / "two", devices=2)
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "two" / "model" / "model.json").read_text())["world"] == 2
    assert result.stderr.count("epoch 4/4") == 1
