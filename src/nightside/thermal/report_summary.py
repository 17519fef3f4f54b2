"""The figures of merit of a region beside their goals, as its report has them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from nightside.style import table, verdict
from nightside.thermal.figures import NAMES
from nightside.thermal.named_latents import FOLLOWED_NEXT_BEST, FOLLOWED_SPEARMAN

GOAL_RMSE_K = 1.5
GOAL_SPEARMAN = 0.9
GOAL_NEXT_BEST = 0.4
GOAL_AUC = 0.95


def summary(evaluation: Mapping[str, Any]) -> str:
    """Return the figures of merit of :func:`evaluate.evaluate` beside their goals, as a table."""
    truth = evaluation["rmse_against"] == "truth"
    rmse, pca = evaluation["rmse_k"], evaluation["pca_rmse_k"]
    against = "noise-free truth" if truth else "observed profiles"
    goal = f"≤ {GOAL_RMSE_K} K" if truth else ""
    rows = [
        ("Profiles", f"{evaluation['profiles']:,} good, {evaluation['masked_profiles']:,} masked", "", ""),
        (
            f"RMSE against the {against}",
            _number(rmse, " K"),
            goal,
            verdict(rmse <= GOAL_RMSE_K) if truth else "",
        ),
        (
            f"RMSE of PCA-{evaluation['latents']}",
            _number(pca, " K"),
            "above the model's",
            verdict(rmse < pca),
        ),
        (
            "Active latents",
            f"{evaluation['active_latents']} of {evaluation['latents']}",
            "all",
            verdict(evaluation["active_latents"] == evaluation["latents"]),
        ),
    ]
    if evaluation.get("library_pca_rmse_k") is not None:
        rows.append(
            (
                f"RMSE of PCA-{evaluation['latents']} of the heat model's library",
                _number(evaluation["library_pca_rmse_k"], " K"),
                "above the model's",
                verdict(rmse < evaluation["library_pca_rmse_k"]),
            )
        )
    training = evaluation.get("training", {})
    for name, found in training.get("metrics", {}).get("library", {}).items():
        rows.append(
            (
                escape(f"Name: {NAMES.get(name, name)}"),
                f"in unseen library places: Spearman {found['spearman']:+.3f}, next best {found['next_best']:.3f}",
                f"≥ {FOLLOWED_SPEARMAN} and < {FOLLOWED_NEXT_BEST}",
                verdict(found["followed"]),
            )
        )
    rows += [("Warning", escape(message), "", "") for message in training.get("warnings", [])]
    for name, found in (evaluation["factors"] or {}).items():
        rho, other = found["spearman"], found["next_best"]
        rows.append(
            (
                escape(f"Factor: {NAMES.get(name, name)}"),
                f"latent {found['latent'] + 1}: Spearman {rho:+.3f}, next best {other:.3f}",
                f"≥ {GOAL_SPEARMAN} and < {GOAL_NEXT_BEST}",
                verdict(abs(rho) >= GOAL_SPEARMAN and other < GOAL_NEXT_BEST),
            )
        )
    if evaluation["mig"] is not None:
        rows.append(("Mutual information gap", _number(evaluation["mig"]), "", ""))
    if evaluation["anomaly_auc"] is not None:
        auc = evaluation["anomaly_auc"]
        rows.append(("Hot craters, ROC AUC", f"{auc:.3f}", f"≥ {GOAL_AUC}", verdict(auc >= GOAL_AUC)))
    if evaluation.get("odd_patch_auc") is not None:
        auc = evaluation["odd_patch_auc"]
        rows.append(("Patches that no model knows, ROC AUC", f"{auc:.3f}", "", ""))
    return table(("Figure", "Measured", "Goal", "Reached"), rows)


def _number(value: float | None, units: str = "") -> str:
    return "none" if value is None else f"{value:.2f}{units}"
