"""Two processes train as one does on their joint batch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, sys
import torch
from nightside.config import load
from nightside.learning import fit
from nightside.thermal.model import ProfileModel
from nightside.thermal.profile_training import ProfileData, ProfileTraining

folder, devices, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

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
    module = ProfileTraining(model, vae, 1e-3, data.trained.numel(), None)
    losses = []
    class Keep(__import__("pytorch_lightning").Callback):
        def on_train_epoch_end(self, trainer, module):
            losses.append(float(trainer.callback_metrics["loss"]))
    module.configure_callbacks = lambda: [Keep()]
    trainer = fit(module, data, epochs=3, seed=3, checkpoint_folder=__import__("pathlib").Path(folder), devices=devices)
    if trainer.is_global_zero:
        print(json.dumps({"world": trainer.world_size, "losses": losses}))
"""


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one_at_the_same_global_batch(tmp_path: Path) -> None:
    found = {}
    for devices, batch in ((1, 32), (2, 16)):
        script = tmp_path / "train.py"
        script.write_text(SCRIPT)
        command = [sys.executable, str(script), str(tmp_path / f"{devices}"), str(devices), str(batch)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert ended.returncode == 0, ended.stderr
        found[devices] = json.loads(ended.stdout.splitlines()[-1])
    assert found[1]["world"] == 1
    assert found[2]["world"] == 2
    assert len(found[1]["losses"]) == 3
    assert found[2]["losses"] == pytest.approx(found[1]["losses"], rel=1e-4)
