"""What the trained autoencoder makes of a profile: the model of the results, fetched once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from nightside.formats.model_files import CARD, WEIGHTS
from nightside.query.latents import physical
from nightside.query.location import Location
from nightside.store import warn

if TYPE_CHECKING:
    from nightside.thermal.model import ProfileModel

_FOLDER, _FILES = "thermal/model", (CARD, WEIGHTS)

Reconstructor = Callable[[xr.Dataset], xr.Dataset]


def reconstructor(at: Location) -> Reconstructor | None:
    """Return what reconstructs good profiles with the model of the results; None without a model or torch.

    None also of a model that cannot be used, and nothing of profiles of other local times, with a warning each.

    It takes ``temperature`` and ``temperature_std`` (place, local_time) in K, and returns ``reconstruction`` (place,
    local_time) in K and ``latent_mean`` (place, latent) in ``latent_units``.
    """
    if find_spec("torch") is None or find_spec("safetensors") is None:
        return None
    try:
        model = _model(at)
    except (ValueError, TypeError, OSError) as error:
        warn(f"nothing is reconstructed: {error}")
        return None
    if model is None:
        return None
    described = model.describe_latents()
    names = [latent["name"] for latent in described]
    latent = {
        "long_name": "mean of the latent's posterior",
        **{f"latent_{key}": [each[key] for each in described] for key in ("units", "centre", "scale")},
    }

    def reconstruct(profiles: xr.Dataset) -> xr.Dataset:
        observed, std = (
            profiles[name].to_numpy().astype(np.float32) for name in ("temperature", "temperature_std")
        )
        if observed.shape[1] != model.local_times:
            warn(
                f"nothing is reconstructed: {at}/{_FOLDER} is of {model.local_times} local times, and the profiles have "
                f"{observed.shape[1]}; run the training step again"
            )
            return xr.Dataset(coords={"place": profiles["place"].to_numpy()})
        found = model.reconstruct(observed, std)
        about = {"units": "K", "long_name": "temperature as the autoencoder reconstructs it"}
        made = xr.Dataset(
            {
                "reconstruction": (("place", "local_time"), found.temperature, about),
                "latent_mean": (("place", "latent"), found.latent_mean, latent),
            },
            coords={"latent": names, "place": profiles["place"].to_numpy()},
        )
        return physical(made)

    return reconstruct


def _model(at: Location) -> ProfileModel | None:
    """Return the model of the results, None where they hold none.

    Raises:
        ValueError: it cannot be used; the message tells where the results have it.
        OSError: its files cannot be read.
    """
    files = {name: at.read(f"{_FOLDER}/{name}") for name in _FILES}
    if None in files.values():
        return None
    from nightside.thermal.mapping import load_profile_model  # seconds, for torch

    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content or b"")
        try:
            return load_profile_model(Path(folder))
        except ValueError as error:
            raise ValueError(str(error).replace(folder, f"{at}/{_FOLDER}")) from error
