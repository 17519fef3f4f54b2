"""Denoisers that a user would choose instead: each takes an image, its noise and a seed, and gives an image.

``bm3d`` (Tampere, non-commercial licence) and ``careamics`` are looked for on the path and are no dependencies:

    pip install --target <peers> --no-deps bm3d==4.0.3 bm4d==4.2.5 PyWavelets careamics==0.3.5 lightning==2.5.5 \\
        bioimageio.core==0.11.0 tifffile scikit-image imageio lazy_loader microssim ml_collections absl-py loguru \\
        pydantic-settings python-dotenv ruyaml exceptiongroup genericache httpx httpcore h11 anyio email-validator \\
        dnspython markdown imagecodecs wandb
    pip install --target <spec> --no-deps bioimageio.spec==0.5.12.0 && cp -r <spec>/bioimageio/* <peers>/bioimageio/
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import logging
import sys
import tempfile
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nightside.learning import fast_autocast, load_model
from nightside.optical.photon_net import SMOOTH, TRUNCATE, PhotonNet

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


def white_noise_input(image: Image, sigma_dn: float) -> NDArray[np.float32]:
    """Return what the plain U-Net sees of an image (line, sample) in DN with white noise, float32, (5, line, sample).

    As :func:`nightside.optical.photon_net.network_input`, without what only one who knows the camera can give.
    """
    noisy = np.asarray(image, np.float32)
    level = gaussian_filter(noisy, SMOOTH, truncate=TRUNCATE, mode="nearest")
    std = np.float32(sigma_dn)
    nothing = np.zeros_like(noisy)
    return np.stack(
        [
            (noisy - level) / std,
            nothing,
            np.log1p(np.maximum(level / std, 0)) / 4,
            np.full_like(noisy, np.log(std) / 2),
            nothing,
        ]
    )


def plain_unet(folder: Path | None) -> Denoiser:
    """Return the U-Net of ``train_plain_unet.py``, given the noise's standard deviation.

    Raises:
        ValueError: no folder is given, or the model in it is of another kind.
    """
    if folder is None:
        raise ValueError("give the folder of train_plain_unet.py by --plain-unet")
    network, card = load_model(folder, PhotonNet.from_card)
    if card.get("kind") != "plain-unet":
        raise ValueError(f"{folder} holds a '{card.get('kind')}', not the model of train_plain_unet.py")
    network.eval()

    def denoise(image: Image, psd: Image, sigma_dn: float) -> Image:
        pads = [(0, 0), *((0, -n % network.stride) for n in image.shape)]
        inputs = torch.from_numpy(np.pad(white_noise_input(image, sigma_dn), pads, mode="edge"))
        with torch.inference_mode(), fast_autocast("cpu"):
            noise = network(inputs[None])[0, 0].float().numpy()
        return image - sigma_dn * noise[: image.shape[0], : image.shape[1]]

    return denoise


def struct_noise2void(images: Sequence[Image], steps: int, seed: int = 1) -> list[Image]:
    """Return images that CAREamics' Noise2Void with a level mask of 9 pixels denoises, trained on these very images.

    Args:
        images: (line, sample), all of one shape, of the same mean signal and mode.
        steps: of training, about; each on 8 patches of 64 x 64.
        seed: of the weights and patches.
    """
    careamics, config_of = _careamics()
    from lightning.pytorch import seed_everything

    seed_everything(seed, verbose=False)
    patches = sum((image.shape[0] // 64) * (image.shape[1] // 64) for image in images) - VALIDATION
    with tempfile.TemporaryDirectory() as folder:
        config = config_of(
            "noise2void",
            "array",
            "SYX",
            [64, 64],
            8,
            augmentations=[],  # as CAREamics has it where masks have a direction
            num_workers=0,
            struct_n2v_axes="horizontal",
            struct_n2v_span=9,
            num_epochs=max(1, round(steps / -(-patches // 8))),
            n_val_patches=VALIDATION,
        )
        trainer = careamics.CAREamist(config, work_dir=folder, enable_progress_bar=False)
        trainer.train(train_data=np.stack(images).astype(np.float32))
        made, _ = trainer.predict(pred_data=np.stack(images).astype(np.float32))
    return list(np.concatenate([np.reshape(part, (-1, *images[0].shape)) for part in made]))


VALIDATION = 3


def has_careamics() -> None:
    """Raise ImportError where CAREamics is not there."""
    _careamics()


def _careamics() -> tuple[Any, Callable[..., Any]]:
    """Return CAREamics and its recipe of StructN2V.

    Its other methods want a torchvision that fits no PyTorch as new as ours; Noise2Void does not use it.
    """
    importlib.import_module("torchmetrics.functional.image")  # looks for torchvision itself, and does without
    if importlib.util.find_spec("torchvision") is None:
        _stand_in("torchvision").__version__ = "none"
        _stand_in("torchvision.transforms")
        _stand_in("torchvision.transforms.functional")
    careamics = importlib.import_module("careamics")
    for name in ("careamics", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    recipes = importlib.import_module("careamics.config.factories.n2v_factory")
    return careamics, recipes.create_advanced_n2v_config


def _stand_in(name: str) -> Any:
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    sys.modules[name] = module
    above, _, last = name.rpartition(".")
    if above:
        setattr(sys.modules[above], last, module)
    return module
