"""What a step of training does: the loss of a batch, in nats per local time, and the batches themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from nightside.config.thermal import Vae
from nightside.learning import Batches, batch_loader, own_share
from nightside.thermal.library import FACTORS
from nightside.thermal.model import ProfileModel
from nightside.thermal.objectives import (
    kl_per_latent,
    negative_log_likelihood,
    squared_correlation,
    total_correlation,
)
from nightside.thermal.vae import Encoded

LIBRARY_ERROR_K = 1.0
"""How closely the decoder has to follow the library."""

LIBRARY_FACTOR_ERROR = 0.05
"""How closely the encoder has to, in standard deviations of a factor."""


@dataclass(frozen=True)
class Guidance:
    """A library as a guided training needs it, float32.

    ``observed`` and ``std`` (r n, m), in K, are n places observed r times, one turn after the other; ``truth``
    (n, m), in K, and ``factors`` (n, 3), in the units of ``FACTOR_UNITS``, are what they are.
    """

    observed: Tensor
    std: Tensor
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
            for name in ("observed", "std", "truth", "factors"):
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
        if self.guided:
            return self._finished(self._guided(temperature, std))
        posterior = self.model.encode(temperature, std)
        latents = self._sampled(posterior)
        divergence = self.vae.beta * kl_per_latent(posterior).sum(dim=1)
        loss = (self._misfit(self.model.decode(latents), temperature, std) + divergence).mean()
        if self.vae.objective == "beta_tcvae":
            loss = loss + self.vae.total_correlation * total_correlation(latents, posterior, self.profiles)
        return self._finished(loss)

    def _guided(self, temperature: Tensor, std: Tensor) -> Tensor:
        """Return the loss of profiles of the region joined by half as many of the library, in nats.

        The encoder learns the named latents from the library alone: what the decoder cannot follow in the region,
        such as a smeared sunrise, would otherwise be written into them. The free latents are for that.
        """
        n, named = temperature.shape[0], min(len(FACTORS), self.model.latents)
        observed, library_std, truth, factors = self._from_library(max(n // 2, 2))
        factors = self.model.standardise(factors)[:, :named]
        posterior = self.model.encode(torch.cat([temperature, observed]), torch.cat([std, library_std]))
        latents = self._sampled(posterior)
        of_region, of_library = (Encoded(*(part[rows] for part in posterior)) for rows in _split(n))
        # The library's latents are its factors; only the free ones come from the encoder.
        fixed = torch.cat([latents[:n, :named].detach(), factors])
        decoded = self.model.decode(torch.cat([fixed, latents[:, named:]], dim=1))
        loss = self.vae.region_weight * self._misfit(decoded[:n], temperature, std).mean()
        loss = loss + 0.5 * ((decoded[n:] - truth) / LIBRARY_ERROR_K).square().sum(dim=1).mean()
        of_factors = negative_log_likelihood(
            factors - of_library.mean[:, :named],
            of_library.log_variance[:, :named].exp() + LIBRARY_FACTOR_ERROR**2,
        )
        loss = loss + self.vae.guidance * of_factors.mean()
        if named == self.model.latents:
            return loss
        leaked = squared_correlation(of_region.mean[:, named:], of_region.mean[:, :named].detach())
        leaked = leaked + squared_correlation(of_library.mean[:, named:], factors)
        divergence = self.vae.region_weight * kl_per_latent(of_region)[:, named:].sum(dim=1).mean()
        divergence = divergence + kl_per_latent(of_library)[:, named:].sum(dim=1).mean()
        return loss + self.vae.independence * leaked + self.vae.free_beta * divergence

    def _sampled(self, posterior: Encoded) -> Tensor:
        """Return latents drawn from the posterior."""
        rows, latents = posterior.mean.shape
        noise = own_share(self.trainer, rows, lambda n: torch.randn(n, latents))
        return posterior.sample(noise.to(posterior.mean))

    def _from_library(self, rows: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Draw ``rows`` of the library: observed, its standard deviation, truth and factors."""
        observed, truth = self.get_buffer("library_observed"), self.get_buffer("library_truth")
        chosen = own_share(self.trainer, rows, lambda n: torch.randint(observed.shape[0], (n,))).to(
            observed.device
        )
        place = chosen % truth.shape[0]
        std, factors = self.get_buffer("library_std"), self.get_buffer("library_factors")
        return observed[chosen], std[chosen], truth[place], factors[place]

    def validation_step(self, batch: list[Tensor], batch_index: int) -> None:
        """Log the root mean square residual in kelvin."""
        temperature, std = batch
        residual = self.model.decode(self.model.encode(temperature, std).mean) - temperature
        self.log("residual_k", residual.square().mean().sqrt(), sync_dist=True)

    def _misfit(self, decoded: Tensor, temperature: Tensor, std: Tensor) -> Tensor:
        """Return the negative log-likelihood (n) of profiles, in nats, given what was decoded."""
        return negative_log_likelihood(temperature - decoded, self.model.variance(std))

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

    @property
    def batches_an_epoch(self) -> int:
        """Return the batches of an epoch in one process; with more processes each has fewer."""
        return max(1, self.trained.numel() // self.batch_size)

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


def _split(n: int) -> tuple[slice, slice]:
    return slice(None, n), slice(n, None)


def _rate(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + float(np.cos(np.pi * min(1.0, (step - warm) / max(1, steps - warm)))))
