"""Denoisers that a user would choose instead: each takes an image, its noise and a seed, and gives an image.

``bm3d`` (Tampere, non-commercial licence) is looked for on the path and is no dependency. Structured Noise2Void is the
masking scheme of Broaddus et al. (2020) on a small U-Net, trained on the very image, as the method allows.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating]


class Denoiser(Protocol):
    """Anything that takes noise off an image."""

    def __call__(self, image: Image, psd: Image, sigma_dn: float) -> Image:
        """Return the image (line, sample) in DN, given its noise's spectrum (of the same shape) and deviation."""


def bm3d_psd() -> Denoiser:
    """Return BM3D given the measured spectrum of the noise.

    Raises:
        ImportError: bm3d is not installed.
    """
    vars(np)["trapz"] = np.trapezoid  # bm3d 4.0.3 calls what NumPy 2.4 no longer has
    bm3d = importlib.import_module("bm3d")
    return lambda image, psd, sigma_dn: bm3d.bm3d(image.astype(np.float64), psd)


def bm3d_white() -> Denoiser:
    """Return BM3D given the noise's standard deviation alone.

    Raises:
        ImportError: bm3d is not installed.
    """
    bm3d_psd()
    bm3d = importlib.import_module("bm3d")
    return lambda image, psd, sigma_dn: bm3d.bm3d(image.astype(np.float64), sigma_dn)


def plain_unet(folder: Path) -> Denoiser:
    """Return the U-Net that was trained on white Gaussian noise.

    Raises:
        ImportError: the package has no such network.
    """
    denoise = importlib.import_module("nightside.optical.denoise")
    if not hasattr(denoise, "load_plain_unet"):
        raise ImportError("nightside.optical.denoise has no load_plain_unet")
    network = denoise.load_plain_unet(folder)
    return lambda image, psd, sigma_dn: network(image, sigma_dn)


def struct_noise2void(steps: int = 300, span: int = 5, seed: int = 1) -> Denoiser:
    """Return Noise2Void with a level mask of ``span`` pixels either side, trained on the image that it denoises.

    Args:
        steps: of training, each on 8 patches of 64 x 64.
        span: pixels to the left and right of a blind one that are hidden with it, as their noise is correlated.
        seed: of weights and patches.
    """
    import torch
    from torch import nn

    class Small(nn.Module):
        """A U-Net of two scales."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.low, self.last = _block(1, 32), _block(32, 64), _block(96, 32)
            self.out = nn.Conv2d(32, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return the denoised patches."""
            first = self.first(x)
            low = self.low(nn.functional.avg_pool2d(first, 2))
            up = nn.functional.interpolate(low, scale_factor=2.0, mode="bilinear")
            return self.out(self.last(torch.cat([first, up], 1)))

    def _block(inside: int, outside: int) -> nn.Sequential:
        layers = []
        for k in range(2):
            layers += [nn.Conv2d(inside if k == 0 else outside, outside, 3, padding=1), nn.LeakyReLU(0.1)]
        return nn.Sequential(*layers)

    def denoise(image: Image, psd: Image, sigma_dn: float) -> Image:
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        mean, scale = float(image.mean()), float(image.std())
        normal = ((image - mean) / scale).astype(np.float32)
        network = Small()
        optimiser = torch.optim.Adam(network.parameters(), 1e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        side, blind = 64, 40
        for _ in range(steps):
            corners = [[rng.integers(0, n - side + 1) for n in normal.shape] for _ in range(8)]
            target = np.stack([normal[y : y + side, x : x + side] for y, x in corners])
            hidden, at = target.copy(), np.zeros(target.shape, bool)
            k, y, x = (rng.integers(0, n, 8 * blind) for n in target.shape)
            at[k, y, x] = True
            for away in range(-span, span + 1):
                near = np.clip(x + away, 0, side - 1)
                hidden[k, y, near] = target[k, rng.integers(0, side, k.size), rng.integers(0, side, k.size)]
            optimiser.zero_grad()
            made = network(torch.from_numpy(hidden)[:, None])[:, 0]
            error = (made - torch.from_numpy(target))[torch.from_numpy(at)]
            (error**2).mean().backward()
            optimiser.step()
            schedule.step()
        pads = [(0, -n % 2) for n in normal.shape]
        with torch.inference_mode():
            made = network(torch.from_numpy(np.pad(normal, pads, mode="edge"))[None, None])[0, 0].numpy()
        return made[: image.shape[0], : image.shape[1]] * scale + mean

    return denoise


def available(makers: dict[str, Callable[[], Denoiser]]) -> tuple[dict[str, Denoiser], dict[str, str]]:
    """Return the denoisers that can be made, and of the others why not."""
    made, skipped = {}, {}
    for name, make in makers.items():
        try:
            made[name] = make()
        except (ImportError, OSError, ValueError) as error:
            skipped[name] = str(error)
    return made, skipped
