"""Map a region: encode every good profile, tile by tile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.learning import ModelError, load_model
from nightside.store import MAP_CHUNK
from nightside.thermal.model import ProfileModel


def load_profile_model(folder: Path) -> ProfileModel:
    """Return the model that ``training.train`` wrote.

    Raises:
        nightside.learning.ModelError: the folder holds no such model.
    """
    model, card = load_model(folder, lambda card: ProfileModel.from_shape(card["network"]))
    if card.get("kind") != "profile-vae":
        raise ModelError(f"{folder} is a model of kind {card.get('kind')!r}; expected 'profile-vae'")
    return model


def map_profiles(profiles: xr.Dataset, model_folder: Path, tile: int = MAP_CHUNK) -> xr.Dataset:
    """Encode and score the profiles of a region with the model in a folder; see :func:`map_with`.

    Raises:
        ModelError: the folder holds no model, or one of another number of local times.
    """
    return map_with(load_profile_model(model_folder), profiles, tile)


def map_with(model: ProfileModel, profiles: xr.Dataset, tile: int = MAP_CHUNK) -> xr.Dataset:
    """Encode and score the profiles of a region.

    Args:
        model: from training.
        profiles: ``temperature`` and ``temperature_std`` (y, x, local_time) in K, ``quality`` (y, x), 0 where good.
            Lazy arrays are read a tile at a time.
        tile: side of a tile in cells; memory is that of one tile of profiles. Rounding errors depend on which cells
            are encoded together: tiles of whole chunks give the same maps window by window.

    Returns:
        ``latent_mean`` and ``latent_std`` (latent, y, x), ``reconstruction_error`` (y, x), the root mean square
        residual in K, and ``anomaly_score`` (y, x), explained at :meth:`ProfileModel.anomaly_score`; float32, NaN
        where there is no good profile. The coordinate ``latent`` names each latent, and attributes of
        ``latent_mean`` say what it is: :meth:`ProfileModel.describe_latents`.

    Raises:
        ModelError: the model is of another number of local times.
    """
    ny, nx, times = (profiles.sizes[d] for d in ("y", "x", "local_time"))
    if times != model.local_times:
        raise ModelError(
            f"the model was trained on {model.local_times} local times, but the profiles have {times}; "
            "train again on these profiles"
        )
    maps = {
        "latent_mean": np.full((model.latents, ny, nx), np.nan, np.float32),
        "latent_std": np.full((model.latents, ny, nx), np.nan, np.float32),
        "reconstruction_error": np.full((ny, nx), np.nan, np.float32),
        "anomaly_score": np.full((ny, nx), np.nan, np.float32),
    }
    for top in range(0, ny, tile):
        for left in range(0, nx, tile):
            window = (slice(top, top + tile), slice(left, left + tile))
            found = map_tile(profiles.isel(y=window[0], x=window[1]), model)
            for name, values in found.items():
                maps[name][(..., *window)] = values
    coords: dict[str, Any] = {name: profiles.coords[name] for name in ("y", "x") if name in profiles.coords}
    latents = _by_key(model.describe_latents())
    coords["latent"] = ("latent", np.array(latents.pop("name"), object), {"long_name": "name of the latent"})
    attributes = {
        "latent_mean": {
            "units": "1",
            "long_name": "mean of the latent's posterior",
            # factor = centre + scale * latent, in the factor's units
            **{f"latent_{key}": values for key, values in latents.items()},
        },
        "latent_std": {"units": "1", "long_name": "standard deviation of the latent's posterior"},
        "reconstruction_error": {
            "units": "K",
            "long_name": "root mean square residual of the reconstruction",
        },
        "anomaly_score": {"units": "1", "long_name": "robust distance from the region's usual profiles"},
    }
    dims = {3: ("latent", "y", "x"), 2: ("y", "x")}
    return xr.Dataset(
        {name: (dims[values.ndim], values, attributes[name]) for name, values in maps.items()}, coords=coords
    )


def map_tile(tile: xr.Dataset, model: ProfileModel) -> dict[str, NDArray[np.float32]]:
    """Return the four maps of one tile as arrays; arguments and results are those of :func:`map_with`."""
    temperature = tile["temperature"].transpose("y", "x", "local_time").values
    std = tile["temperature_std"].transpose("y", "x", "local_time").values
    good = (tile["quality"].transpose("y", "x").values == 0) & np.isfinite(temperature).all(axis=2)
    observed = temperature[good].astype(np.float32)
    result = model.reconstruct(observed, std[good].astype(np.float32))
    error = np.sqrt(np.mean((result.temperature - observed) ** 2, axis=1))
    values = {
        "latent_mean": result.latent_mean.T,
        "latent_std": result.latent_std.T,
        "reconstruction_error": error,
        "anomaly_score": model.anomaly_score(result),
    }
    out = {}
    for name, value in values.items():
        out[name] = np.full((*value.shape[:-1], *good.shape), np.nan, np.float32)
        out[name][..., good] = value
    return out


def _by_key(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]}
