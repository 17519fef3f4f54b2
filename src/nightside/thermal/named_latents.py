"""Whether a latent that was taught to follow a factor deserves its name; no truth of the region is needed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from nightside.config import Settings
from nightside.thermal.disentanglement import spearman_matrix
from nightside.thermal.library import FACTORS, Library
from nightside.thermal.library_observation import Sampling, observe
from nightside.thermal.model import ProfileModel

FOLLOWED_SPEARMAN, FOLLOWED_NEXT_BEST = 0.8, 0.5
"""A latent keeps its factor's name where Spearman reaches the first, and no other named latent's the second.

A free latent may follow a factor somewhat: it refines what the named one says, and takes nothing from it.
"""


class FactorNotFollowed(UserWarning):
    """A latent that was to follow a factor does not: it loses the name."""


def followed_factors(
    model: ProfileModel, unseen: Library, sampling: Sampling, settings: Settings
) -> dict[str, dict[str, Any]]:
    """Say for each named latent how well it follows its factor in unseen places, observed as the region was.

    Places with rocks are left out: what the night tells of them is the rock, not the soil's conductivity.

    Returns:
        By factor ``spearman``, its rank correlation with its latent; ``next_best``, the largest absolute one of any
        other named latent; and ``followed``, whether both pass.
    """
    turn = settings.thermal.vae.library_observations
    unseen = unseen[unseen.rock == 0.0]
    observed = observe(unseen.temperature, sampling, settings.thermal.profiles, settings.seed + turn)
    rho = spearman_matrix(model.reconstruct(*observed).latent_mean, unseen.factors)
    found = {}
    named = FACTORS[: model.latents]
    for k, name in enumerate(named):
        spearman, others = float(rho[k, k]), np.abs(np.delete(rho[: len(named), k], k))
        next_best = float(others.max(initial=0.0))
        found[name] = {
            "spearman": spearman,
            "next_best": next_best,
            "followed": spearman >= FOLLOWED_SPEARMAN and next_best < FOLLOWED_NEXT_BEST,
        }
    return found


def not_followed(library: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Warn of each factor that :func:`followed_factors` found not to be followed; return the messages."""
    messages = [
        f"latent {k + 1} is not {name} alone in unseen places of the library (Spearman {found['spearman']:.2f}, next best "
        f"{found['next_best']:.2f}) and is called 'unsure_{name}'; these latitudes, or so few observations, do not tell "
        "it: take more years or larger cells, or train for more epochs"
        for k, (name, found) in enumerate(library.items())
        if not found["followed"]
    ]
    for message in messages:
        warnings.warn(message, FactorNotFollowed, stacklevel=3)
    return messages
