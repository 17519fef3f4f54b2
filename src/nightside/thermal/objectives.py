"""What the autoencoder minimises: likelihood, Kullback-Leibler divergence, total correlation, guidance.

All terms are in nats. A profile of m local times has m terms of likelihood, but they come from fewer independent
observations; ``beta`` > 1 compensates for that.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nightside.thermal.vae import Encoded


def negative_log_likelihood(residual: Tensor, variance: Tensor) -> Tensor:
    """Return -ln N(residual; 0, variance), per profile: the sum over (n, m), without its constant.

    Both arguments have one unit, for example kelvin and its square.
    """
    return 0.5 * (residual.square() / variance + torch.log(variance)).sum(dim=1)


def kl_per_latent(posterior: Encoded) -> Tensor:
    """Return KL(q(z|x) || N(0, 1)) in nats, (n, latents) (Kingma and Welling 2014, appendix B)."""
    mean, log_variance = posterior
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)


def total_correlation(latents: Tensor, posterior: Encoded, population: int) -> Tensor:
    """Estimate KL(q(z) || prod q(z_j)) in nats from one batch (Chen et al. 2018, NeurIPS, eq. S4).

    Args:
        latents: samples (n, latents) of the posterior.
        posterior: of the batch.
        population: number of profiles that the batch was drawn from.
    """
    mean, log_variance = posterior
    n = latents.shape[0]
    density = -0.5 * (
        (latents[:, None, :] - mean[None]).square() / log_variance.exp()[None]
        + log_variance[None]
        + math.log(2.0 * math.pi)
    )
    scale = math.log(n * population)
    joint = torch.logsumexp(density.sum(dim=2), dim=1) - scale
    product = (torch.logsumexp(density, dim=1) - scale).sum(dim=1)
    return (joint - product).mean()


def squared_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Return the sum of squared Pearson correlations between the columns of (n, a) and (n, b)."""
    first = (first - first.mean(dim=0)) / (first.std(dim=0) + 1e-3)
    second = (second - second.mean(dim=0)) / (second.std(dim=0) + 1e-3)
    return (first.T @ second / first.shape[0]).square().sum()
