"""Both networks learn what they should, from little, and a killed training goes on."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nightside.camera.companding import decompand
from nightside.camera.noise import draw_camera
from nightside.camera.plausible import draw_housekeeping
from nightside.config.horus import DestripeTraining, Horus, PhotonTraining
from nightside.learning import load_model
from nightside.optical.darkening import darkened_patches
from nightside.optical.destripe_net import DestripeNet
from nightside.optical.destripe_training import DarkLines, train_destripe
from nightside.optical.photon_net import PhotonNet
from nightside.optical.photon_train import train_photon
from nightside.optical.photon_training import DarkenedScenes, EpochLoader
from nightside.optical.photon_training import PhotonTraining as PhotonNetTraining
from nightside.optical.scenes import pool, read_scenes

CAMERA = draw_camera("right", 2, 900_200)


def dark_frames(count, lines=48, seed=0):
    rng = np.random.default_rng(seed)
    every = [draw_housekeeping(CAMERA.dark, rng) for _ in range(count)]
    nothing = np.zeros((lines, CAMERA.layout.samples), np.float32)
    number = np.stack([CAMERA.record(nothing, known, 1.0, 1, rng) for known in every])
    inputs = np.stack([np.append(known.as_array(), np.float32(1.0)) for known in every]).astype(np.float32)
    column = np.stack([decompand(frame, 1).mean(0) for frame in number])
    return DarkLines(CAMERA.layout, number, np.full(count, 1), inputs, column)


def scenes():
    rng = np.random.default_rng(4)
    waves = np.cumsum(np.cumsum(rng.standard_normal((2, 160, 160)), 1), 2)
    return pool({f"scene {k}": 3 + wave / np.abs(wave).max() for k, wave in enumerate(waves)})


def test_destripe_net_tells_a_dark_it_has_not_seen_better_than_the_mean_of_the_library(tmp_path):
    darks = dark_frames(16)
    config = Horus(destripe=DestripeTraining(epochs=12, components=8, batch_size=128), devices=1)
    (tmp_path / "darks.nc").write_bytes(b"darks")
    card = train_destripe(
        darks, config, 1, tmp_path / "model", tmp_path / "checkpoints", inputs=[tmp_path / "darks.nc"]
    )
    network, read = load_model(tmp_path / "model", DestripeNet.from_card)
    assert read == card
    assert card["inputs"] == {"darks.nc": hashlib.sha256(b"darks").hexdigest()}
    unseen = dark_frames(4, seed=9)
    dn = decompand(unseen.number, 1)
    scene = slice(*CAMERA.layout.scene)
    plain = dn - darks.column_dn.mean(0)
    plain -= plain[..., CAMERA.layout.masked].mean(-1, keepdims=True)
    with torch.no_grad():
        expected = np.stack(
            [
                network(torch.from_numpy(d[:, CAMERA.layout.masked]), torch.from_numpy(h[None])).numpy()
                for d, h in zip(dn, unseen.housekeeping, strict=True)
            ]
        )
    assert np.mean((dn - expected)[..., scene] ** 2) < np.mean(plain[..., scene] ** 2)


def test_too_few_darks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 4"):
        train_destripe(dark_frames(2, lines=8), Horus(), 1, tmp_path / "model", tmp_path / "checkpoints")


def test_darkened_patches_are_the_same_for_the_same_random_numbers_and_about_as_noisy_as_stated():
    one, two = (darkened_patches(scenes(), np.random.default_rng(5), (1, 9), (2.0, 30.0)) for _ in range(2))
    np.testing.assert_array_equal(one.inputs, two.inputs)
    assert one.inputs.shape[1:] == (5, 96, 96)
    z = (one.sharp - one.signal) / one.std
    # The echo's removal raises white noise by 1.4; wander and stripes, which are left, are not in the stated noise.
    assert 1.38 < np.median(z.std((1, 2))) < 1.75
    assert abs(np.median(z)) < 0.2


def config(steps=9):
    photon = PhotonTraining(
        widths=(8, 8), blocks=(1, 1), steps=steps, steps_per_epoch=3, batch_size=4, levels_dn=(2.0, 20.0)
    )
    return Horus(photon=photon, workers=0, devices=1, precision="32-true")


def test_a_killed_training_ends_as_one_that_was_not(tmp_path, monkeypatch):
    whole = train_photon(scenes(), config(), 1, tmp_path / "whole", tmp_path / "a")
    step = PhotonNetTraining.training_step
    seen = []

    def dies(self, batch, batch_idx):
        seen.append(float(batch[0].sum()))
        if len(seen) == 5:
            raise RuntimeError("killed")
        return step(self, batch, batch_idx)

    monkeypatch.setattr(PhotonNetTraining, "training_step", dies)
    with pytest.raises(RuntimeError, match="killed"):
        train_photon(scenes(), config(), 1, tmp_path / "killed", tmp_path / "b")
    assert not (tmp_path / "killed").exists()
    assert len(set(seen)) == 5, "each epoch has data of its own"
    monkeypatch.undo()
    train_photon(scenes(), config(), 1, tmp_path / "killed", tmp_path / "b")
    one, two = (
        load_model(tmp_path / name, PhotonNet.from_card)[0].state_dict() for name in ("whole", "killed")
    )
    for name, value in one.items():
        torch.testing.assert_close(two[name], value)
    assert whole["steps"] == 9
    assert whole["scenes"] == list(scenes().names)
    assert not (tmp_path / "b" / "last.ckpt").exists()


def test_epochs_differ_where_a_worker_makes_the_data():
    data = DarkenedScenes(
        scenes(), seed=1, batches=1, batch_size=2, cameras=(1, 3), levels_dn=(2.0, 20.0), frames=1
    )
    loader = EpochLoader(data, batch_size=None, num_workers=1, multiprocessing_context="forkserver")
    drawn = []
    for epoch in range(2):
        loader.trainer = SimpleNamespace(global_step=epoch)
        drawn.append(next(iter(loader))[0])
    first, second = drawn
    assert not torch.equal(first, second)


def test_scenes_that_cannot_be_darkened_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no scenes to darken"):
        pool({})
    with pytest.raises(ValueError, match="at least 128 pixels"):
        pool({"small": np.ones((64, 64))})
    with pytest.raises(ValueError, match="no scene to train with"):
        read_scenes([tmp_path])


def test_training_goes_on_from_a_trained_network_and_its_card_says_so(tmp_path):
    photon = PhotonTraining(
        widths=(8, 8), blocks=(1, 1), steps=2, steps_per_epoch=2, batch_size=2, learning_rate=1e-3
    )
    config = Horus(photon=photon, devices=1, workers=0, precision="32-true")
    first = train_photon(scenes(), config, 1, tmp_path / "first", tmp_path / "checkpoints")
    still = Horus(
        photon=photon.model_copy(update={"learning_rate": 1e-12}), devices=1, workers=0, precision="32-true"
    )
    (tmp_path / "lit.nc").write_bytes(b"scenes")
    card = train_photon(
        scenes(),
        still,
        1,
        tmp_path / "second",
        tmp_path / "more",
        start_from=tmp_path / "first",
        inputs=[tmp_path / "lit.nc"],
    )
    before, after = (load_model(tmp_path / name, PhotonNet.from_card)[0] for name in ("first", "second"))
    for a, b in zip(before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    assert card["started_from"]["steps"] == 2
    assert card["started_from"]["check"] == first["check"]
    assert first["started_from"] is None
    weights = (tmp_path / "first/model.safetensors").read_bytes()
    assert card["inputs"] == {
        "lit.nc": hashlib.sha256(b"scenes").hexdigest(),
        "model.safetensors": hashlib.sha256(weights).hexdigest(),
    }
