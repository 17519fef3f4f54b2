import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys
from pathlib import Path
import pytorch_lightning as pl, torch
from nightside.learning import Batches, batch_loader, fit, save_model

class Line(pl.LightningModule):
    def __init__(self, kill_in_epoch):
        super().__init__()
        self.layer, self.kill = torch.nn.Linear(3, 1), kill_in_epoch
    def training_step(self, batch, _):
        x, y = batch
        if self.current_epoch == self.kill:
            os.kill(os.getpid(), 9)
        noisy = self.layer(x) + 0.01 * torch.randn_like(y)
        return (noisy - y).square().mean()
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)

class Data(pl.LightningDataModule):
    def train_dataloader(self):
        x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
        rank, world = self.trainer.global_rank, self.trainer.world_size
        return batch_loader((x, x.sum(1, keepdim=True)), Batches(64, 8, 5, rank, world))

if __name__ == "__main__":
    folder, kill, devices = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(3)
    module = Line(kill)
    trainer = fit(module, Data(), epochs=4, seed=3, checkpoint_folder=folder / "ckpt", devices=devices)
    if trainer.is_global_zero:
        save_model(folder / "model", module, {"epochs": trainer.current_epoch, "world": trainer.world_size})
"""


def run(
    folder: Path, kill_in_epoch: int = -1, devices: int = 1, script: str = SCRIPT
) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    file = folder / "script.py"
    file.write_text(script)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(file), str(folder), str(kill_in_epoch), str(devices)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)


def test_training_killed_with_sigkill_resumes_to_the_same_weights(tmp_path: Path) -> None:
    import json

    whole = run(tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    assert run(tmp_path / "killed", kill_in_epoch=2).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "model").exists()
    resumed = run(tmp_path / "killed")
    assert resumed.returncode == 0, resumed.stderr
    assert "epoch 3/4" in resumed.stderr
    assert "epoch 2/4" not in resumed.stderr
    card = json.loads((tmp_path / "killed" / "model" / "model.json").read_text())
    assert card == {"epochs": 4, "world": 1}
    weights = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]


def test_a_checkpoint_of_another_network_is_put_aside(tmp_path: Path) -> None:
    assert run(tmp_path / "a", kill_in_epoch=2).returncode == -signal.SIGKILL
    script = SCRIPT.replace("Linear(3, 1)", "Linear(3, 1, bias=False)")
    result = run(tmp_path / "a", script=script)
    assert result.returncode == 0, result.stderr
    assert "is of another network; training starts anew" in result.stderr
    assert "epoch 1/4" in result.stderr


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path: Path) -> None:
    import json

    result = run(tmp_path / "two", devices=2)
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "two" / "model" / "model.json").read_text())["world"] == 2
    assert result.stderr.count("epoch 4/4") == 1
