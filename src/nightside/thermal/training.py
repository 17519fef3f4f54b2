"""Train the autoencoder on profiles, and say in kelvin how good it is."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import xarray as xr
from numpy.typing import NDArray

from nightside.config import Settings
from nightside.learning import LAST, fit, save_model, versions
from nightside.physics import DIVINER_BANDS
from nightside.store import atomic_folder
from nightside.store.manifest import input_digests
from nightside.thermal.disentanglement import ACTIVE_NATS, active_units
from nightside.thermal.library import Library, make_library
from nightside.thermal.library_observation import Sampling, observe, sampling_of
from nightside.thermal.model import ProfileModel, Reconstruction
from nightside.thermal.named_latents import followed_factors, not_followed
from nightside.thermal.profile_training import Guidance, ProfileData, ProfileTraining
from nightside.thermal.profiles import good_latitudes

GRADIENT_CLIP = 5.0


UNSEEN_SHARE, UNSEEN_MIN = 16, 16
"""One in so many of the library's places, but at least so many, are kept from training: the named latents' exam."""


class LatentCollapsed(UserWarning):
    """A latent carries less than 0.01 nat: its map means nothing."""


def train(
    profiles: xr.Dataset,
    cube: xr.Dataset | None,
    settings: Settings,
    out_folder: Path,
    checkpoint_folder: Path,
    inputs: Iterable[Path] = (),
) -> dict[str, Any]:
    """Train on the good profiles of a region; write the model folder and return its card.

    Args:
        profiles: ``temperature`` and ``temperature_std`` (y, x, local_time) in K, ``quality`` (y, x), 0 where
            good, and for the guided objective the coordinate ``latitude`` in degrees, broadcastable to (y, x).
        cube: that the profiles were made of; only the guided objective needs it, for ``count`` and
            ``brightness_temperature_std`` (y, x, local_time).
        settings: the configuration; uses ``thermal.vae``, ``thermal.training``, ``thermal.profiles`` and ``seed``.
        out_folder: becomes the model (``model.safetensors``, ``model.json``), or stays as it is on failure.
        checkpoint_folder: for ``last.ckpt``; training goes on from there. It is removed when the model is written.
        inputs: files and stores that profiles and cube were read from; the card names them with their digests.

    Raises:
        ValueError: too few good profiles, or no cube or latitudes for the guided objective.
    """
    thermal, seed = settings.thermal, settings.seed
    good = _good(profiles)
    temperature, std = _profiles(profiles, good)
    library, unseen, sampling, guidance = None, None, None, None
    if thermal.vae.objective == "guided":
        if cube is None:
            raise ValueError("objective 'guided' needs the cube that the profiles were made of")
        places = thermal.vae.library_profiles
        whole = make_library(
            good_latitudes(profiles, good),
            temperature.shape[1],
            places,
            seed,
            band=DIVINER_BANDS[settings.filter.channel],
        )
        unseen_places = max(places // UNSEEN_SHARE, UNSEEN_MIN)
        unseen, library = whole[:unseen_places], whole[unseen_places:]
        sampling = sampling_of(cube, good, places, seed, thermal.profiles.noise_k)
        guidance = guidance_for(library, sampling, settings)
    made_from = input_digests(inputs)
    pl.seed_everything(seed, workers=True, verbose=False)
    model = ProfileModel.for_profiles(temperature, std, thermal.vae, library)
    if guidance is not None:
        turns = guidance.observed.shape[0] // guidance.truth.shape[0]
        model.learn_gain(guidance.observed, guidance.std, guidance.truth.repeat(turns, 1))
    data = ProfileData(
        torch.from_numpy(temperature),
        torch.from_numpy(std),
        batch_size=thermal.training.batch_size,
        validation_fraction=thermal.training.validation_fraction,
        seed=seed,
        workers=thermal.training.workers,
    )
    module = ProfileTraining(
        model, thermal.vae, thermal.training.learning_rate, data.trained.numel(), guidance
    )
    trainer = fit(
        module,
        data,
        epochs=max(thermal.training.epochs, -(-thermal.training.steps_min // data.batches_an_epoch)),
        seed=seed,
        checkpoint_folder=checkpoint_folder,
        devices=thermal.training.devices,
        nodes=thermal.training.nodes,
        precision=thermal.training.precision,
        gradient_clip=GRADIENT_CLIP,
    )
    result = model.cpu().eval().reconstruct(temperature, std)
    model.calibrate(result)
    metrics = _metrics(temperature, result, data.held_out.numpy())
    messages = collapsed(metrics["kl_nats"])
    if unseen is not None and sampling is not None:
        metrics["library"] = followed_factors(model, unseen, sampling, settings)
        messages += not_followed(metrics["library"])
        model.name_only([name for name, found in metrics["library"].items() if found["followed"]])
    card: dict[str, Any] = {
        "kind": "profile-vae",
        "network": model.shape(),
        "vae": thermal.vae.model_dump(mode="json"),
        "training": thermal.training.model_dump(mode="json"),
        "seed": seed,
        "config_digest": settings.digest(),
        "inputs": made_from,
        "profiles": int(temperature.shape[0]),
        "epochs": int(trainer.current_epoch),
        "processes": int(trainer.world_size),
        "latents": model.describe_latents(),
        "metrics": metrics,
        "warnings": messages,
        "versions": versions(),
    }
    if trainer.is_global_zero:
        with atomic_folder(out_folder) as partial:
            save_model(partial, model, card)
        # Finished: resumed by newer code it would be taken for that code's result.
        (checkpoint_folder / LAST).unlink(missing_ok=True)
    return card


def collapsed(kl_nats: Sequence[float]) -> list[str]:
    """Warn of each latent whose mean divergence (nats) is below ``ACTIVE_NATS``; return the messages."""
    messages = [
        f"latent {k + 1} has collapsed ({kl:.4f} nat); lower 'vae.beta' (guided: 'vae.free_beta') or ask for fewer 'vae.latents'"
        for k, kl in enumerate(kl_nats)
        if kl < ACTIVE_NATS
    ]
    for message in messages:
        warnings.warn(message, LatentCollapsed, stacklevel=3)
    return messages


def guidance_for(library: Library, sampling: Sampling, settings: Settings) -> Guidance:
    """Observe each place of a library ``thermal.vae.library_observations`` times, as the region was."""
    turns = settings.thermal.vae.library_observations
    seen = [
        observe(library.temperature, sampling, settings.thermal.profiles, settings.seed + turn)
        for turn in range(turns)
    ]
    observed, std = (np.concatenate(column) for column in zip(*seen, strict=True))
    arrays = (observed, std, library.temperature.astype(np.float32), library.factors.astype(np.float32))
    return Guidance(*(torch.from_numpy(a) for a in arrays))


def _good(profiles: xr.Dataset) -> NDArray[np.bool_]:
    quality = profiles["quality"].transpose("y", "x").to_numpy()
    good = np.asarray(quality == 0)
    if good.sum() < 16:
        raise ValueError(
            f"{int(good.sum())} of {good.size} cells have a good profile; training needs at least 16: "
            "choose a longer period, larger cells or a larger 'profiles.gap_max_h'"
        )
    return good


def _profiles(
    profiles: xr.Dataset, good: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    names = ("temperature", "temperature_std")
    values = (profiles[n].transpose("y", "x", "local_time").to_numpy()[good] for n in names)
    temperature, std = (v.astype(np.float32, copy=False) for v in values)
    return temperature, std


def _metrics(
    temperature: NDArray[np.float32], result: Reconstruction, held_out: NDArray[np.int64]
) -> dict[str, Any]:
    residual = result.temperature - temperature
    out = residual[held_out]
    return {
        "rmse_k": float(np.sqrt(np.mean(residual**2))),
        "mae_k": float(np.mean(np.abs(residual))),
        "validation_rmse_k": float(np.sqrt(np.mean(out**2))),
        "validation_mae_k": float(np.mean(np.abs(out))),
        "rmse_k_per_local_time": [float(v) for v in np.sqrt(np.mean(out**2, axis=0))],
        "mae_k_per_local_time": [float(v) for v in np.mean(np.abs(out), axis=0)],
        "kl_nats": [float(v) for v in result.kl_nats],
        "active_latents": active_units(result.kl_nats),
    }
