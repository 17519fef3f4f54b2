"""Train the autoencoder on profiles, and say in kelvin how good it is."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from nightside.config import Settings
from nightside.config.thermal import Vae
from nightside.learning import Batches, batch_loader, fit, save_model, versions
from nightside.store import atomic_folder
from nightside.thermal.disentanglement import ACTIVE_NATS, active_units
from nightside.thermal.library import FACTOR_UNITS, FACTORS, Library, make_library, observe_like
from nightside.thermal.model import ProfileModel, Reconstruction
from nightside.thermal.objectives import (
    kl_per_latent,
    negative_log_likelihood,
    squared_correlation,
    total_correlation,
)

GRADIENT_CLIP = 5.0
LIBRARY_ERROR_K = 1.0
"""How closely the decoder has to follow the library."""

LIBRARY_FACTOR_ERROR = 0.05
"""How closely the encoder has to, in standard deviations of a factor."""


class LatentCollapsed(UserWarning):
    """A latent carries less than 0.01 nat: its map means nothing."""


@dataclass(frozen=True)
class Guidance:
    """What a guided training needs of its library, as float32: ``observed`` and ``truth`` (n, m), in K, and
    ``factors`` (n, 3) in the units of ``FACTOR_UNITS``.
    """

    observed: Tensor
    truth: Tensor
    factors: Tensor


class ProfileTraining(pl.LightningModule):
    """Minimise the objective of ``vae`` for a model of profiles; ``guidance`` is needed where it is "guided"."""

    def __init__(
        self, model: ProfileModel, vae: Vae, learning_rate: float, profiles: int, guidance: Guidance | None
    ) -> None:
        super().__init__()
        self.model, self.vae, self.learning_rate, self.profiles = model, vae, learning_rate, profiles
        self.guided = vae.objective == "guided"
        if self.guided and guidance is None:
            raise ValueError("objective 'guided' needs a library")
        if guidance is not None:
            for name in ("observed", "truth", "factors"):
                self.register_buffer(f"library_{name}", getattr(guidance, name), persistent=False)

    def configure_optimizers(self) -> Any:
        """Adam, with a rate that rises for a twentieth of the steps and falls to nothing by their end."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, max(steps, 1)))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def training_step(self, batch: list[Tensor], batch_index: int) -> Tensor:
        """Return the loss in nats per local time."""
        temperature, std = batch
        n = temperature.shape[0]
        inputs = temperature
        if self.guided:
            chosen = torch.randint(
                self.get_buffer("library_truth").shape[0], (max(n // 2, 2),), device=inputs.device
            )
            inputs = torch.cat([temperature, self.get_buffer("library_observed")[chosen]])
        posterior = self.model.encode(inputs)
        latents = posterior.sample()
        if not self.guided:
            decoded = self.model.decode(latents)
            loss = self._elbo(decoded, temperature, std, posterior)
            if self.vae.objective == "beta_tcvae":
                loss = loss + self.vae.total_correlation * total_correlation(
                    latents, posterior, self.profiles
                )
            return self._finished(loss)
        named = min(len(FACTORS), self.model.latents)
        factors = self.model.standardise(self.get_buffer("library_factors")[chosen])[:, :named]
        # The library's latents are its factors; only the free ones come from the encoder.
        decoded = self.model.decode(torch.cat([latents[:n], torch.cat([factors, latents[n:, named:]], 1)]))
        of_data = type(posterior)(posterior.mean[:n], posterior.log_variance[:n])
        of_library = type(posterior)(posterior.mean[n:], posterior.log_variance[n:])
        truth = self.get_buffer("library_truth")[chosen]
        loss = self._elbo(decoded[:n], temperature, std, of_data)
        loss = loss + 0.5 * ((decoded[n:] - truth) / LIBRARY_ERROR_K).square().sum(1).mean()
        loss = (
            loss
            + negative_log_likelihood(
                factors - of_library.mean[:, :named],
                of_library.log_variance[:, :named].exp() + LIBRARY_FACTOR_ERROR**2,
            ).mean()
            * self.vae.guidance
        )
        if named < self.model.latents:
            free = squared_correlation(of_data.mean[:, named:], of_data.mean[:, :named])
            free = free + squared_correlation(of_library.mean[:, named:], factors)
            loss = (
                loss
                + self.vae.independence * free
                + self.vae.beta * kl_per_latent(of_library)[:, named:].sum(1).mean()
            )
        return self._finished(loss)

    def validation_step(self, batch: list[Tensor], batch_index: int) -> None:
        """Log the root mean square residual in kelvin."""
        temperature, _ = batch
        residual = self.model.decode(self.model.encode(temperature).mean) - temperature
        self.log("residual_k", residual.square().mean().sqrt(), sync_dist=True)

    def _elbo(self, decoded: Tensor, temperature: Tensor, std: Tensor, posterior: Any) -> Tensor:
        fit_ = negative_log_likelihood(temperature - decoded, self.model.variance(std))
        return (fit_ + self.vae.beta * kl_per_latent(posterior).sum(dim=1)).mean()

    def _finished(self, loss: Tensor) -> Tensor:
        loss = loss / self.model.local_times
        self.log("loss", loss, on_step=False, on_epoch=True, sync_dist=True)
        return loss


class ProfileData(pl.LightningDataModule):
    """Profiles and their standard deviations (n, m), in K, split at random into training and validation."""

    def __init__(
        self,
        temperature: Tensor,
        std: Tensor,
        *,
        batch_size: int,
        validation_fraction: float,
        seed: int,
        workers: int,
    ) -> None:
        super().__init__()
        order = torch.randperm(temperature.shape[0], generator=torch.Generator().manual_seed(seed))
        held = max(1, round(validation_fraction * temperature.shape[0]))
        self.held_out, self.trained = order[:held], order[held:]
        self.tensors = temperature, std
        self.batch_size, self.seed, self.workers = batch_size, seed, workers

    def _loader(self, rows: Tensor, shuffle: bool) -> Any:
        trainer = self.trainer
        assert trainer is not None
        world = trainer.world_size
        # Where fewer are held out than processes run, each process sees all of them.
        rank, world = (trainer.global_rank, world) if shuffle or rows.numel() >= world else (0, 1)
        batches = Batches(rows.numel(), self.batch_size, self.seed, rank, world, shuffle=shuffle)
        return batch_loader(tuple(t[rows] for t in self.tensors), batches, self.workers)

    def train_dataloader(self) -> Any:
        """Shuffled batches of this process."""
        return self._loader(self.trained, shuffle=True)

    def val_dataloader(self) -> Any:
        """Batches of this process, in order."""
        return self._loader(self.held_out, shuffle=False)


def train(
    profiles: xr.Dataset, settings: Settings, out_folder: Path, checkpoint_folder: Path
) -> dict[str, Any]:
    """Train on the good profiles of a region; write the model folder and return its card.

    Args:
        profiles: ``temperature`` and ``temperature_std`` (y, x, local_time) in K, ``quality`` (y, x), 0 where
            good, and for the guided objective the coordinate ``latitude`` in degrees, broadcastable to (y, x).
        settings: the configuration; uses ``thermal.vae``, ``thermal.training``, ``thermal.profiles`` and ``seed``.
        out_folder: becomes the model (``model.safetensors``, ``model.json``), or stays as it is on failure.
        checkpoint_folder: for ``last.ckpt``; training goes on from there.

    Raises:
        ValueError: too few good profiles, or no latitudes for the guided objective.
    """
    thermal, seed = settings.thermal, settings.seed
    temperature, std, latitude = _good_profiles(profiles, needs_latitude=thermal.vae.objective == "guided")
    guidance, library = None, None
    if thermal.vae.objective == "guided":
        assert latitude is not None
        library = make_library(latitude, temperature.shape[1], thermal.vae.library_profiles, seed)
        guidance = guidance_for(library, std, settings)
    digest = hashlib.sha256(temperature.tobytes() + std.tobytes()).hexdigest()
    pl.seed_everything(seed, workers=True, verbose=False)
    model = ProfileModel.for_profiles(temperature, thermal.vae, library)
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
        epochs=thermal.training.epochs,
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
    card: dict[str, Any] = {
        "kind": "profile-vae",
        "network": model.shape(),
        "vae": thermal.vae.model_dump(mode="json"),
        "training": thermal.training.model_dump(mode="json"),
        "seed": seed,
        "config_digest": settings.digest(),
        "data_digest": digest,
        "profiles": int(temperature.shape[0]),
        "epochs": int(trainer.current_epoch),
        "latents": _latent_names(thermal.vae),
        "metrics": metrics,
        "warnings": collapsed(metrics["kl_nats"]),
        "versions": versions(),
    }
    if trainer.is_global_zero:
        with atomic_folder(out_folder) as partial:
            save_model(partial, model, card)
    return card


def collapsed(kl_nats: Sequence[float]) -> list[str]:
    """Warn of each latent whose mean divergence (nats) is below ``ACTIVE_NATS``; return the messages."""
    messages = [
        f"latent {k} has collapsed ({kl:.4f} nat); lower 'vae.beta' or ask for fewer 'vae.latents'"
        for k, kl in enumerate(kl_nats)
        if kl < ACTIVE_NATS
    ]
    for message in messages:
        warnings.warn(message, LatentCollapsed, stacklevel=3)
    return messages


def guidance_for(library: Library, std: NDArray[np.float32], settings: Settings) -> Guidance:
    """Make a library look like data with the standard deviations ``std`` (n, m), in K."""
    gp, seed = settings.thermal.profiles, settings.seed
    rows = np.random.default_rng(seed + 1).integers(std.shape[0], size=library.temperature.shape[0])
    observed = observe_like(
        library.temperature, std[rows].astype(np.float64), gp.length_scale_h, gp.amplitude_k, seed + 2
    )
    as_tensor = [
        torch.from_numpy(a.astype(np.float32)) for a in (observed, library.temperature, library.factors)
    ]
    return Guidance(*as_tensor)


def _good_profiles(
    profiles: xr.Dataset, *, needs_latitude: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64] | None]:
    temperature = profiles["temperature"].transpose("y", "x", "local_time").values.astype(np.float32)
    std = profiles["temperature_std"].transpose("y", "x", "local_time").values.astype(np.float32)
    good = (profiles["quality"].transpose("y", "x").values == 0) & np.isfinite(temperature).all(axis=2)
    if good.sum() < 16:
        raise ValueError(
            f"{int(good.sum())} of {good.size} cells have a good profile; training needs at least 16: "
            "choose a longer period, larger cells or a larger 'profiles.gap_max_h'"
        )
    if not needs_latitude:
        return temperature[good], std[good], None
    if "latitude" not in profiles.coords:
        raise ValueError("objective 'guided' needs the coordinate 'latitude' (degrees) on the profiles")
    latitude, _ = xr.broadcast(profiles["latitude"], profiles["quality"])
    return temperature[good], std[good], latitude.transpose("y", "x").values[good].astype(np.float64)


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


def _latent_names(vae: Vae) -> list[dict[str, str]]:
    named = list(zip(FACTORS, FACTOR_UNITS, strict=True)) if vae.objective == "guided" else []
    free = [(f"free_{k}", "1") for k in range(vae.latents)]
    return [{"name": n, "units": u} for n, u in (named + free[len(named) :])[: vae.latents]]


def _rate(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + float(np.cos(np.pi * min(1.0, (step - warm) / max(1, steps - warm)))))
