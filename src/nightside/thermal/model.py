"""The autoencoder in kelvin: network, normalisation, calibrated noise, and the anomaly score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nightside.config.thermal import Vae
from nightside.thermal.library import FACTOR_UNITS, FACTORS, Library
from nightside.thermal.objectives import kl_per_latent
from nightside.thermal.vae import Encoded, ProfileVae

NORMAL_FROM_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

MIN_STD_K = 0.01
"""Below this a standard deviation is taken for this, so that its logarithm exists."""

_ROWS = 4096


@dataclass(frozen=True)
class Reconstruction:
    """What a model says of n profiles of m local times, all float32.

    ``latent_mean`` and ``latent_std`` (n, k); ``temperature`` (n, m) in K; ``misfit`` (n) the mean squared residual
    in units of its variance; ``kl_nats`` (k) the mean divergence of each latent from the prior.
    """

    latent_mean: NDArray[np.float32]
    latent_std: NDArray[np.float32]
    temperature: NDArray[np.float32]
    misfit: NDArray[np.float32]
    kl_nats: NDArray[np.float32]


class ProfileModel(nn.Module):
    """A :class:`ProfileVae` that takes and gives kelvin.

    A profile is centred by ``centre`` (m) and divided by ``scale`` (m); the logarithm of its standard deviation
    by one number each. The residual's variance is (gain std)^2 + floor^2 with a learned ``log_gain`` (m): the interpolation is worse at the terminators than a
    stationary kernel knows.
    """

    def __init__(
        self, local_times: int, latents: int, width: int, noise_floor_k: float, guided: bool
    ) -> None:
        super().__init__()
        self.network = ProfileVae(local_times, latents, width)
        self.local_times, self.latents, self.width = local_times, latents, width
        self.noise_floor_k, self.guided = noise_floor_k, guided
        self.log_gain = nn.Parameter(torch.zeros(local_times))
        self.register_buffer("centre", torch.zeros(local_times))
        self.register_buffer("scale", torch.ones(local_times))
        # Mean and standard deviation of ln std, over all profiles and local times.
        self.register_buffer("log_std", torch.tensor([0.0, 1.0]))
        self.register_buffer("factor_mean", torch.zeros(len(FACTORS)))
        self.register_buffer("factor_std", torch.ones(len(FACTORS)))
        # Whether a factor's latent follows it in places that training did not see.
        self.register_buffer("followed", torch.ones(len(FACTORS), dtype=torch.bool))
        # Median and robust spread of ln misfit, then of each latent.
        self.register_buffer("usual", torch.zeros(1 + latents))
        self.register_buffer("spread", torch.ones(1 + latents))

    @classmethod
    def for_profiles(
        cls, temperature: NDArray[np.float32], std: NDArray[np.float32], vae: Vae, library: Library | None
    ) -> ProfileModel:
        """Return an untrained model normalised by profiles and their deviations, both (n, m) in K, and by a library."""
        model = cls(
            temperature.shape[1], vae.latents, vae.width, vae.noise_floor_k, vae.objective == "guided"
        )
        per_time = np.maximum(temperature.std(axis=0, dtype=np.float64), 1e-3)
        overall = np.sqrt(np.mean(per_time**2))
        model.get_buffer("centre").copy_(torch.from_numpy(temperature.mean(axis=0, dtype=np.float64)))
        model.get_buffer("scale").copy_(
            torch.from_numpy(per_time**vae.standardisation * overall ** (1.0 - vae.standardisation))
        )
        log_std = np.log(np.maximum(std, MIN_STD_K), dtype=np.float64)
        model.get_buffer("log_std").copy_(torch.tensor([log_std.mean(), max(log_std.std(), 0.1)]))
        if library is not None:
            model.get_buffer("factor_mean").copy_(torch.from_numpy(library.factors.mean(axis=0)))
            model.get_buffer("factor_std").copy_(torch.from_numpy(library.factors.std(axis=0)))
        return model

    @classmethod
    def from_shape(cls, shape: dict[str, Any]) -> ProfileModel:
        """Return a model without its weights from what :meth:`shape` gave."""
        return cls(**shape)

    def shape(self) -> dict[str, Any]:
        """Return what builds this model again, as JSON."""
        return {
            "local_times": self.local_times,
            "latents": self.latents,
            "width": self.width,
            "noise_floor_k": self.noise_floor_k,
            "guided": self.guided,
        }

    def learn_gain(self, observed: Tensor, std: Tensor, truth: Tensor) -> None:
        """Start ``log_gain`` from profiles (n, m) whose truth is known, all in K: the error over its expectation."""
        error = (observed - truth).square().mean(dim=0) / std.square().mean(dim=0)
        self.log_gain.data.copy_(0.5 * error.clamp_min(1e-6).log())

    def encode(self, temperature: Tensor, std: Tensor) -> Encoded:
        """Return the posterior of the latents of profiles with standard deviations ``std``, both (n, m) in K."""
        middle, spread = self.get_buffer("log_std")
        seen = [
            (temperature - self.get_buffer("centre")) / self.get_buffer("scale"),
            (std.clamp_min(MIN_STD_K).log() - middle) / spread,
        ]
        posterior: Encoded = self.network.encode(torch.stack(seen, dim=2))
        return posterior

    def decode(self, latents: Tensor) -> Tensor:
        """Return the profiles (n, m), in K, of latents (n, k)."""
        return self.network.decode(latents) * self.get_buffer("scale") + self.get_buffer("centre")

    def variance(self, std: Tensor) -> Tensor:
        """Return the variance (n, m), in K^2, of the residual of profiles with standard deviations ``std``."""
        return (std * self.log_gain.clamp(-4.0, 4.0).exp()).square() + self.noise_floor_k**2

    def describe_latents(self) -> list[dict[str, Any]]:
        """Return ``name``, ``units``, ``centre`` and ``scale`` of each latent, as JSON.

        A named latent z is its factor: centre + scale z, in units. A free one is only itself, and so is one that
        was to follow a factor and does not: it is called ``unsure_`` and the factor.
        """
        mean, std = (self.get_buffer(f"factor_{name}").tolist() for name in ("mean", "std"))
        followed = self.get_buffer("followed").tolist()
        named = [
            {"name": name, "units": units, "centre": centre, "scale": scale}
            if sure
            else _dimensionless(f"unsure_{name}")
            for name, units, centre, scale, sure in zip(
                FACTORS, FACTOR_UNITS, mean, std, followed, strict=True
            )
        ]
        named = named[: self.latents] if self.guided else []
        free = range(1, self.latents - len(named) + 1)
        return named + [_dimensionless(f"free_{k}") for k in free]

    def name_only(self, followed: Sequence[str]) -> None:
        """Let only these of ``FACTORS`` give their names to latents."""
        self.get_buffer("followed").copy_(torch.tensor([name in followed for name in FACTORS]))

    def standardise(self, factors: Tensor) -> Tensor:
        """Return factors (n, 3), in their units, in the units of the named latents."""
        return (factors - self.get_buffer("factor_mean")) / self.get_buffer("factor_std")

    @torch.inference_mode()
    def reconstruct(self, temperature: NDArray[np.float32], std: NDArray[np.float32]) -> Reconstruction:
        """Encode and decode profiles (n, m) with standard deviations (n, m), both in K, in bounded memory."""
        parts: list[list[Tensor]] = []
        device = self.get_buffer("centre").device
        for start in range(0, temperature.shape[0], _ROWS):
            rows = slice(start, start + _ROWS)
            observed = torch.as_tensor(temperature[rows], dtype=torch.float32, device=device)
            observed_std = torch.as_tensor(std[rows], dtype=torch.float32, device=device)
            posterior = self.encode(observed, observed_std)
            decoded = self.decode(posterior.mean)
            variance = self.variance(observed_std)
            misfit = ((observed - decoded).square() / variance).mean(dim=1)
            parts.append(
                [
                    posterior.mean,
                    (0.5 * posterior.log_variance).exp(),
                    decoded,
                    misfit,
                    kl_per_latent(posterior),
                ]
            )
        if not parts:
            k, m = self.latents, self.local_times
            empty = [np.zeros(s, np.float32) for s in ((0, k), (0, k), (0, m), (0,), (k,))]
            return Reconstruction(*empty)
        columns = [torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)]
        *values, kl = columns
        values.append(kl.mean(axis=0))
        return Reconstruction(*values)

    def calibrate(self, result: Reconstruction) -> None:
        """Learn from all profiles of the region what is usual, for the anomaly score."""
        values = self._values(result)
        usual = np.median(values, axis=0)
        spread = NORMAL_FROM_MAD * np.median(np.abs(values - usual), axis=0)
        self.get_buffer("usual").copy_(torch.from_numpy(usual))
        self.get_buffer("spread").copy_(torch.from_numpy(np.maximum(spread, 1e-6)))

    @staticmethod
    def _values(result: Reconstruction) -> NDArray[np.float64]:
        misfit = np.log(np.maximum(result.misfit.astype(np.float64), 1e-12))
        return np.concatenate([misfit[:, None], result.latent_mean.astype(np.float64)], axis=1)

    def anomaly_score(self, result: Reconstruction) -> NDArray[np.float32]:
        """Return how unusual the ground of each profile (n) is in its region: 1 or 2 is usual, 5 and more is not.

        The score is sqrt(sum_j ((z_j - median_j) / spread_j)^2 + max(0, (ln misfit - median) / spread)^2): a
        robust Mahalanobis distance over the latents, joined by the noise-normalised misfit of the reconstruction.
        With the guided objective the latents of onset and absorbed flux are left out: a steep slope or a bright soil
        is no thermal anomaly. Chosen by ROC AUC on hot craters: rocks are far out in the free latent and well
        reconstructed, so that the misfit alone misses them (docs/disentanglement.md).
        """
        usual, spread = (self.get_buffer(name).cpu().numpy() for name in ("usual", "spread"))
        deviation = (self._values(result) - usual) / spread
        misfit = np.maximum(deviation[:, 0], 0.0)
        first = FACTORS.index("conductivity") if self.guided else 0
        score = np.sqrt(misfit**2 + (deviation[:, 1 + first :] ** 2).sum(axis=1))
        return np.asarray(score, np.float32)


def _dimensionless(name: str) -> dict[str, Any]:
    return {"name": name, "units": "1", "centre": 0.0, "scale": 1.0}
