"""Two processes train as one does on their joint batch."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, sys
import torch
from nightside.config import load
from nightside.learning import fit
from nightside.thermal.model import ProfileModel
from nightside.thermal.profile_training import ProfileData, ProfileTraining

folder, devices, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
epochs, rate, precision = int(sys.argv[4]), float(sys.argv[5]), sys.argv[6]

if __name__ == "__main__":
    torch.manual_seed(0)
    hours = torch.arange(120) * 0.2
    level = torch.rand(128, 1) * 100
    temperature = (150 + level * torch.clamp(torch.sin((hours - 6) / 12 * torch.pi), min=0) + torch.randn(128, 120)).float()
    std = torch.full_like(temperature, 1.0)
    vae = load({
        "name": "two", "region": {"longitude_deg": 0, "latitude_deg": 0, "width_km": 4, "pixels_per_degree": 128},
        "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"}, "synthetic": {},
        "thermal": {"vae": {"objective": "beta_vae", "latents": 2, "width": 8}},
    }).thermal.vae
    model = ProfileModel.for_profiles(temperature.numpy(), std.numpy(), vae, None)
    data = ProfileData(temperature, std, batch_size=batch, validation_fraction=0.125, seed=3, workers=0)
    module = ProfileTraining(model, vae, rate, data.trained.numel(), None)
    losses = []
    class Keep(__import__("pytorch_lightning").Callback):
        def on_train_epoch_end(self, trainer, module):
            losses.append(float(trainer.callback_metrics["loss"]))
    module.configure_callbacks = lambda: [Keep()]
    kept = __import__("pathlib").Path(folder)
    trainer = fit(module, data, epochs=epochs, seed=3, checkpoint_folder=kept, devices=devices, precision=precision)
    if trainer.is_global_zero:
        print(json.dumps({"world": trainer.world_size, "losses": losses}))
"""


LAUNCH = Path(__file__).parents[3] / "workflow/scripts/launch"


BRIEF = ("3", "1e-3", "32-true")
"""Epochs, learning rate and precision."""


def trained(
    folder: Path,
    devices: int,
    batch: int,
    how: Sequence[str] = BRIEF,
    start: Sequence[str] = (),
    **slurm: str,
) -> dict[str, Any]:
    """Train in a process that is started by ``start``, and return the number of processes and the losses."""
    script = folder / "train.py"
    script.write_text(SCRIPT)
    command = [
        *start,
        sys.executable,
        str(script),
        str(folder / f"{devices}"),
        str(devices),
        str(batch),
        *how,
    ]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **slurm}
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("how", "rel"), [(BRIEF, 1e-4), (("20", "4e-3", "64-true"), 1e-9)])
def test_two_processes_have_the_loss_curve_of_one_at_the_same_global_batch(
    tmp_path: Path, how: tuple[str, str, str], rel: float
) -> None:
    """In single precision for as long as steps do not amplify its rounding; in double for a whole training."""
    one, two = trained(tmp_path, 1, 32, how), trained(tmp_path, 2, 16, how)
    assert (one["world"], two["world"]) == (1, 2)
    assert len(one["losses"]) == int(how[0])
    assert two["losses"] == pytest.approx(one["losses"], rel=rel)


@pytest.mark.slow
def test_in_a_slurm_job_without_srun_two_processes_are_started_all_the_same(tmp_path: Path) -> None:
    """As in a container: Lightning alone would wait for what srun should have started, or refuse."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to("/bin/sh")
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "workflow", "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}
    found = trained(tmp_path, 2, 16, start=(str(LAUNCH), "1", "2", "1"), PATH=str(tmp_path / "bin"), **job)
    assert found["world"] == 2
