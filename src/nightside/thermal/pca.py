"""Principal components of profiles: the linear peer of the autoencoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]

_MIN_STD_K = 0.5
_ROWS = 2048


def pca_reconstruction(profiles_k: ArrayLike, components: int) -> Float:
    """Return profiles (n, m), in K, rebuilt from their mean and first principal components (Pearson 1901).

    The components are eigenvectors of the covariance (m, m), not standardised per local time.
    """
    values = np.asarray(profiles_k, np.float64)
    mean, axes, _ = _components(values, components)
    rebuilt: Float = mean + (values - mean) @ axes.T @ axes
    return rebuilt


def weighted_pca_reconstruction(
    profiles_k: ArrayLike, std_k: ArrayLike, examples_k: ArrayLike, components: int
) -> Float:
    """Return profiles (n, m), in K, rebuilt from the mean and principal components of noise-free examples (r, m).

    Each profile is fitted by least squares, weighted by its standard deviations ``std_k`` (n, m) but with at least
    0.5 K, with the variances of the examples as the prior of the components: the posterior mean of a linear Gaussian
    model.
    """
    values, deviation = np.asarray(profiles_k, np.float64), np.asarray(std_k, np.float64)
    mean, axes, variance = _components(np.asarray(examples_k, np.float64), components)
    rebuilt = np.empty_like(values)
    for start in range(0, values.shape[0], _ROWS):
        rows = slice(start, start + _ROWS)
        weight = 1.0 / np.maximum(deviation[rows], _MIN_STD_K) ** 2
        normal = np.einsum("km,nm,lm->nkl", axes, weight, axes, optimize=True)
        normal += np.diag(1.0 / np.maximum(variance, 1e-12))
        right = ((values[rows] - mean) * weight) @ axes.T
        rebuilt[rows] = mean + np.linalg.solve(normal, right[:, :, None])[:, :, 0] @ axes
    return rebuilt


def _components(values: Float, components: int) -> tuple[Float, Float, Float]:
    """Return mean (m), axes (k, m) and variances (k) of values (n, m)."""
    _, variance, axes = np.linalg.svd(np.cov(values, rowvar=False, bias=True), hermitian=True)
    return values.mean(axis=0), axes[:components], variance[:components]
