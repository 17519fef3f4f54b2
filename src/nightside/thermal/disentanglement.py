"""How well latents and physical factors correspond, one to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

ACTIVE_NATS = 0.01
"""A latent whose mean Kullback-Leibler divergence is smaller carries nothing: it has collapsed."""


def spearman_matrix(latents: ArrayLike, factors: ArrayLike) -> NDArray[np.float64]:
    """Return Spearman's rank correlations (k, f) of latents (n, k) with factors (n, f); 0 for a constant column.

    Rows with a value that is not finite are left out.

    Raises:
        ValueError: shapes disagree, or fewer than three rows are finite.
    """
    z, v = _finite_rows(latents, factors)
    z, v = (np.apply_along_axis(stats.rankdata, 0, a) for a in (z, v))
    z, v = (a - a.mean(axis=0) for a in (z, v))
    norm = np.linalg.norm(z, axis=0)[:, None] * np.linalg.norm(v, axis=0)
    return np.asarray(np.divide(z.T @ v, norm, out=np.zeros_like(norm), where=norm > 0.0))


def match_factors(latents: ArrayLike, factors: Mapping[str, ArrayLike]) -> dict[str, dict[str, Any]]:
    """Say for each factor which latent follows it: ``{latent, spearman, next_best}``.

    ``latents`` is (n, k), a factor (n,). ``spearman`` is the signed correlation with the latent of the largest
    absolute correlation, ``next_best`` the largest absolute correlation of any other latent.
    """
    rho = spearman_matrix(latents, np.stack([np.asarray(v) for v in factors.values()], axis=1))
    found = {}
    for name, column in zip(factors, rho.T, strict=True):
        best = int(np.argmax(np.abs(column)))
        others = np.delete(np.abs(column), best)
        found[name] = {
            "latent": best,
            "spearman": float(column[best]),
            "next_best": float(others.max()) if others.size else 0.0,
        }
    return found


def mutual_information_gap(latents: ArrayLike, factors: ArrayLike, bins: int = 20) -> float:
    """Return the mutual information gap, 0 to 1 (Chen et al. 2018, NeurIPS, eq. 6), over all factors.

    Latents (n, k) and factors (n, f) are cut into ``bins`` of equal count (Locatello et al. 2019 use 20); the gap
    between the two most informative latents is divided by the factor's entropy. With one latent the second is 0.
    """
    z, v = _finite_rows(latents, factors)
    codes_z = [_quantile_codes(column, bins) for column in z.T]
    gaps = []
    for column in v.T:
        code = _quantile_codes(column, bins)
        entropy = _mutual_information(code, code)
        information = sorted((_mutual_information(c, code) for c in codes_z), reverse=True)
        second = information[1] if len(information) > 1 else 0.0
        gaps.append((information[0] - second) / entropy if entropy > 0.0 else 0.0)
    return float(np.mean(gaps))


def active_units(kl_nats: ArrayLike, threshold: float = ACTIVE_NATS) -> int:
    """Return how many latents have not collapsed; ``kl_nats`` (k) is the mean divergence of each, in nats."""
    return int((np.asarray(kl_nats) >= threshold).sum())


def roc_auc(score: ArrayLike, positive: ArrayLike) -> float:
    """Return the chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947).

    ``score`` and the truth value ``positive`` have the same shape; non-finite scores are left out.

    Raises:
        ValueError: there is no positive, or no negative.
    """
    s, p = np.ravel(np.asarray(score, np.float64)), np.ravel(np.asarray(positive)).astype(bool)
    finite = np.isfinite(s)
    s, p = s[finite], p[finite]
    positives = int(p.sum())
    negatives = int(p.size - positives)
    if not positives or not negatives:
        raise ValueError(f"{positives} positives and {negatives} negatives; a ROC curve needs both")
    ranks = stats.rankdata(s)
    return float((ranks[p].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _finite_rows(latents: ArrayLike, factors: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z, v = np.asarray(latents, np.float64), np.asarray(factors, np.float64)
    if z.ndim != 2 or v.ndim != 2 or z.shape[0] != v.shape[0]:
        raise ValueError(f"latents {z.shape} and factors {v.shape}; expected (n, k) and (n, f)")
    finite = np.isfinite(z).all(axis=1) & np.isfinite(v).all(axis=1)
    if finite.sum() < 3:
        raise ValueError(f"{finite.sum()} of {finite.size} rows are finite; expected at least three")
    return z[finite], v[finite]


def _quantile_codes(column: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    edges = np.quantile(column, np.linspace(0.0, 1.0, bins + 1)[1:-1])
    return np.searchsorted(edges, column, side="right").astype(np.int64)


def _mutual_information(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1.0 / a.size)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    filled = joint > 0.0
    return float((joint[filled] * np.log(joint[filled] / independent[filled])).sum())
