"""What a model of a region is worth in figures: errors in kelvin beside PCA, and latents beside the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from nightside.config import Settings
from nightside.physics import DIVINER_BANDS
from nightside.thermal.disentanglement import active_units, match_factors, mutual_information_gap, roc_auc
from nightside.thermal.library import Library, make_library
from nightside.thermal.pca import pca_reconstruction, weighted_pca_reconstruction
from nightside.thermal.profiles import good_latitudes

TRUTH_OF_FACTOR = {
    "onset": "onset_delay_h",
    "absorbed_flux": "absorbed_flux",
    "conductivity": "h_parameter",
}
"""The variable of the truth that each factor is."""

TRAVERSAL_STEPS = 9
PEER_PROFILES = 4000
_CUBE = ("y", "x", "local_time")
_PROFILES_AT_ONCE = 20_000


def evaluate(
    profiles: xr.Dataset,
    maps: xr.Dataset,
    reconstruction: ArrayLike,
    truth: xr.Dataset | None,
    card: Mapping[str, Any],
    library: Library | None = None,
) -> dict[str, Any]:
    """Return the figures of ``evaluation.json``.

    Errors are against the noise-free truth where there is one, else against the observed profiles;
    ``rmse_against`` says which. PCA has as many components as there are latents and is fitted on the same profiles.

    Args:
        profiles: ``temperature`` (y, x, local_time) in K, ``quality`` (y, x), 0 where good.
        maps: ``latent_mean``, ``latent_std`` (latent, y, x) and ``anomaly_score`` (y, x).
        reconstruction: decoded profiles (y, x, local_time) in K, NaN where masked.
        truth: the synthetic Moon's, on the same grid, or None.
        card: of the model; its ``metrics`` and ``warnings`` are passed on as ``training``.
        library: of noise-free profiles at the region's latitudes, for a peer that knows the physics too:
            ``library_pca_rmse_k`` is the error of its principal components, fitted to each profile by its own
            standard deviations.

    Returns:
        JSON without NaN. ``factors``, ``mig`` and ``anomaly_auc`` are None where there is no truth,
        ``anomaly_auc`` also where the truth has no hot crater, and ``odd_patch_auc`` where it has no odd patch; the
        one does not count the other's places.

    Raises:
        ValueError: no profile is good, or the grids differ.
    """
    rebuilt = np.asarray(reconstruction, np.float32)
    observed = profiles["temperature"].transpose(*_CUBE).to_numpy()
    _same_shape("reconstruction", rebuilt.shape, observed.shape)
    latents = maps["latent_mean"].transpose("latent", "y", "x").to_numpy()
    _same_shape("maps", latents.shape[1:], observed.shape[:2])
    good = good_profiles(profiles) & np.isfinite(rebuilt).all(axis=2) & np.isfinite(latents).all(axis=0)
    if not good.any():
        raise ValueError(
            "no good profile to evaluate; widen the period or raise thermal.profiles' longest gap"
        )
    target = observed[good]
    if truth is not None:
        known = truth["temperature"].transpose(*_CUBE).to_numpy()
        _same_shape("truth", known.shape, observed.shape)
        target = known[good]
    posterior_std = maps["latent_std"].transpose("latent", "y", "x").to_numpy()[:, good]
    mean = latents[:, good].T
    pca = pca_reconstruction(observed[good], mean.shape[1])
    per_time, pca_per_time = (_rmse(values, target) for values in (rebuilt[good], pca))
    library_pca = None
    if library is not None:
        std = profiles["temperature_std"].transpose(*_CUBE).to_numpy()[good]
        fitted = weighted_pca_reconstruction(observed[good], std, library.temperature, mean.shape[1])
        library_pca = _overall(_rmse(fitted, target))
    result: dict[str, Any] = {
        "profiles": int(good.sum()),
        "masked_profiles": int(good.size - good.sum()),
        "latents": int(mean.shape[1]),
        "latent_names": latent_names(maps),
        "rmse_against": "truth" if truth is not None else "observed",
        "rmse_k": _overall(per_time),
        "pca_rmse_k": _overall(pca_per_time),
        "library_pca_rmse_k": library_pca,
        "local_time_h": profiles["local_time"].to_numpy().tolist(),
        "rmse_per_local_time_k": per_time.tolist(),
        "pca_rmse_per_local_time_k": pca_per_time.tolist(),
        "active_latents": active_units(_divergence(mean, posterior_std.T)),
        "factors": None,
        "mig": None,
        "anomaly_auc": None,
        "odd_patch_auc": None,
        "training": {name: card[name] for name in ("metrics", "warnings") if name in card},
    }
    if truth is not None:
        factors = {name: truth[variable].to_numpy()[good] for name, variable in TRUTH_OF_FACTOR.items()}
        result["factors"] = match_factors(mean, factors)
        result["mig"] = mutual_information_gap(mean, np.stack(list(factors.values()), axis=1))
        score = maps["anomaly_score"].to_numpy()[good]
        result["anomaly_auc"] = _auc(score, truth, good, "hot_crater", "odd_patch")
        result["odd_patch_auc"] = _auc(score, truth, good, "odd_patch", "hot_crater")
    finite: dict[str, Any] = _without_nan(result)
    return finite


def peer_library(profiles: xr.Dataset, settings: Settings) -> Library:
    """Return noise-free profiles at the region's latitudes, not those of training, for :func:`evaluate`."""
    return make_library(
        good_latitudes(profiles, good_profiles(profiles)),
        profiles.sizes["local_time"],
        PEER_PROFILES,
        settings.seed + 1,
        band=DIVINER_BANDS[settings.filter.channel],
    )


def latent_names(maps: xr.Dataset) -> list[str]:
    """Return what the model called each latent of its maps; empty where the maps do not say."""
    return [str(name) for name in maps["latent"].to_numpy()] if "latent" in maps.coords else []


def good_profiles(profiles: xr.Dataset) -> NDArray[np.bool_]:
    """Return where (y, x) a profile is of quality 0 and complete."""
    complete = np.isfinite(profiles["temperature"].transpose(*_CUBE).to_numpy()).all(axis=2)
    return np.asarray((profiles["quality"].transpose("y", "x").to_numpy() == 0) & complete)


def reconstruct(profiles: xr.Dataset, model_folder: Path) -> xr.DataArray:
    """Return what the model makes of each good profile: (y, x, local_time) in K, NaN elsewhere.

    Raises:
        nightside.learning.ModelError: the folder holds no model.
    """
    from nightside.thermal.mapping import load_profile_model

    model = load_profile_model(model_folder)
    temperature = profiles["temperature"].transpose(*_CUBE).to_numpy().astype(np.float32)
    std = profiles["temperature_std"].transpose(*_CUBE).to_numpy().astype(np.float32)
    good = np.flatnonzero(good_profiles(profiles))
    out = np.full((temperature.shape[0] * temperature.shape[1], temperature.shape[2]), np.nan, np.float32)
    flat, flat_std = (a.reshape(out.shape) for a in (temperature, std))
    for start in range(0, good.size, _PROFILES_AT_ONCE):
        rows = good[start : start + _PROFILES_AT_ONCE]
        out[rows] = model.reconstruct(flat[rows], flat_std[rows]).temperature
    coords = {"local_time": profiles["local_time"]}
    attrs = {"units": "K", "long_name": "reconstructed brightness temperature"}
    return xr.DataArray(out.reshape(temperature.shape), dims=_CUBE, coords=coords, attrs=attrs)


def traverse(maps: xr.Dataset, local_time_h: ArrayLike, model_folder: Path) -> xr.DataArray:
    """Return what each latent does to a profile: temperature in K on (latent, sigma, local_time).

    One latent moves from -2 to +2 of its own standard deviations in the region, around its median, while the
    others rest at theirs.

    Raises:
        nightside.learning.ModelError: the folder holds no model.
    """
    import torch

    from nightside.thermal.mapping import load_profile_model

    model = load_profile_model(model_folder)
    latents = maps["latent_mean"].transpose("latent", "y", "x").to_numpy()
    middle, spread = np.nanmedian(latents, axis=(1, 2)), np.nanstd(latents, axis=(1, 2))
    sigma = np.linspace(-2.0, 2.0, TRAVERSAL_STEPS)
    points = np.broadcast_to(middle, (middle.size, sigma.size, middle.size)).copy()
    for k in range(middle.size):
        points[k, :, k] += sigma * spread[k]
    with torch.inference_mode():
        flat = torch.as_tensor(points.reshape(-1, middle.size), dtype=torch.float32)
        profiles = model.decode(flat).cpu().numpy()
    return xr.DataArray(
        profiles.reshape(middle.size, sigma.size, -1),
        dims=("latent", "sigma", "local_time"),
        coords={"sigma": sigma, "local_time": np.asarray(local_time_h)},
        attrs={"units": "K", "long_name": "profile along a latent"},
    )


def _auc(
    score: NDArray[Any], truth: xr.Dataset, good: NDArray[np.bool_], positive: str, uncounted: str
) -> float | None:
    found, other = (
        truth[name].to_numpy()[good].astype(bool) if name in truth else np.zeros(score.size, np.bool_)
        for name in (positive, uncounted)
    )
    found, score = found[~other], score[~other]
    return roc_auc(score, found) if found.any() and not found.all() else None


def _rmse(values: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.mean((values.astype(np.float64) - target) ** 2, axis=0)))


def _overall(rmse_per_time: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(rmse_per_time**2)))


def _divergence(mean: NDArray[Any], std: NDArray[Any]) -> NDArray[np.float64]:
    variance = np.maximum(std.astype(np.float64) ** 2, 1e-30)
    return np.asarray(0.5 * (mean.astype(np.float64) ** 2 + variance - 1.0 - np.log(variance)).mean(axis=0))


def _same_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise ValueError(f"{name} of shape {shape}; expected {expected}, the grid of the profiles")


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
