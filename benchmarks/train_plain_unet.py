"""Train the benchmark's plain U-Net: PhotonNet's network and training, on scenes with white Gaussian noise.

It is what a user would train who knows no more of the camera than how large its noise is: the same network, scenes,
loss, averaging and batches, but an image's noise is white, of a standard deviation drawn between 0.7 and 12 DN. Of
PhotonNet's five inputs it is given three: the image, its level and its noise in the noise's units; the image before the
echo's removal and the camera's mode are zeros.

Run: python benchmarks/train_plain_unet.py --scenes <folder> --scenes rendered.zarr --out <folder>

It goes on from <folder>-checkpoints after a kill. Give the observations that the benchmark tests with --leave-out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from denoising_peers import white_noise_input
from numpy.typing import NDArray

from nightside.config.horus import Horus, PhotonTraining
from nightside.learning import fit, load_model, multiplies_in_bf16, save_model, versions
from nightside.optical.darkening import PATCH
from nightside.optical.photon_net import PhotonNet
from nightside.optical.photon_train import GRADIENT_CLIP
from nightside.optical.photon_training import Batch, DarkenedScenes, PhotonData
from nightside.optical.photon_training import PhotonTraining as Training
from nightside.optical.scenes import pool, read_scenes

MARGIN = 18
"""Pixels beside a patch that only the smoothing of the input sees."""

SIGMA_DN = (0.7, 12.0)


class NoisyScenes(DarkenedScenes):
    """Batches of scenes with white noise, in place of those that a camera darkens."""

    def __iter__(self) -> Iterator[Batch]:
        """Return inputs, image, noise and truth, of ``batches`` batches."""
        rng = np.random.default_rng([self.seed, self.rank, self.epoch])
        for _ in range(self.batches):
            pairs = [self._pair(rng) for _ in range(self.batch_size)]
            yield tuple(torch.from_numpy(np.stack(column)) for column in zip(*pairs, strict=True))  # type: ignore[misc]

    def _pair(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        level, sigma = (
            np.exp(rng.uniform(*np.log(bounds))).astype(np.float32) for bounds in (self.levels_dn, SIGMA_DN)
        )
        side = PATCH + 2 * MARGIN
        signal = self.scenes.draw(rng, side, side) * level
        noisy = signal + sigma * rng.standard_normal(signal.shape, np.float32)
        inner = slice(MARGIN, -MARGIN)
        std = np.full((PATCH, PATCH), sigma, np.float32)
        inputs = white_noise_input(noisy, float(sigma))[:, inner, inner]
        return np.ascontiguousarray(inputs), noisy[inner, inner], std, signal[inner, inner]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=Path, action="append", required=True, help="as of 'train-photon'")
    parser.add_argument("--leave-out", nargs="+", default=["115143943", "1229577647", "1275410097"])
    parser.add_argument("--steps", type=int, default=2700, help="of 8 patches of 96 x 96 pixels")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start-from", type=Path, help="folder of a plain U-Net that is trained further")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    options = parser.parse_args()
    config = Horus(
        devices=1,
        photon=PhotonTraining(
            leave_out=tuple(options.leave_out),
            steps=options.steps,
            steps_per_epoch=100,
            learning_rate=options.learning_rate,
        ),
    )
    photon = config.photon
    scenes = pool(read_scenes(options.scenes, photon.leave_out))
    data = NoisyScenes(
        scenes,
        seed=options.seed,
        batches=photon.steps_per_epoch,
        batch_size=photon.batch_size,
        cameras=photon.cameras,
        levels_dn=photon.levels_dn,
    )
    torch.manual_seed(options.seed)
    network, before = PhotonNet(photon.widths, photon.blocks), None
    if options.start_from:
        network, card = load_model(options.start_from, PhotonNet.from_card)
        network.train()
        before = {name: card.get(name) for name in ("training", "seed", "steps", "started_from")}
    module = Training(network, photon.learning_rate, photon.steps)
    trainer = fit(
        module,
        PhotonData(data, workers=0),
        epochs=-(-photon.steps // photon.steps_per_epoch),
        seed=options.seed,
        checkpoint_folder=options.out.with_name(f"{options.out.name}-checkpoints"),
        devices=1,
        precision="bf16-mixed" if multiplies_in_bf16("cpu") else "32-true",
        gradient_clip=GRADIENT_CLIP,
    )
    network = module.averaged.cpu().eval()
    card = {
        "kind": "plain-unet",
        "network": network.shape(),
        "training": photon.model_dump(mode="json", exclude={"weights", "scenes", "cameras"}),
        "sigma_dn": SIGMA_DN,
        "scenes": list(scenes.names),
        "seed": options.seed,
        "steps": int(trainer.global_step),
        "started_from": before,
        "versions": versions(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    save_model(options.out, network, card)


if __name__ == "__main__":
    main()
