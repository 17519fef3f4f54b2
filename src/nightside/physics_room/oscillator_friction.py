"""The oscillator's friction, found in noisy positions by networks and by least squares on the closed form."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nightside.physics import informed
from nightside.physics.informed import Model, Oscillator
from nightside.physics_room.oscillator_measures import NETWORK, Array, Tell

NOISE, OBSERVATIONS = 0.04, 40
INVERSE_METHODS: dict[str, tuple[informed.Network, tuple[tuple[float, int, float], ...], float]] = {
    "network": (NETWORK, ((1.0, 150, 1.0), (10.0, 30, 1e-2), (100.0, 40, 1e-2)), 1.0),
    "random_features": (
        informed.Windows(informed.RandomFeatures(count=16, slope=2.0), count=5, width=0.4),
        ((1.0, 12, 1.0), (100.0, 8, 1e-2)),
        1e-6,
    ),
}
"""Each with the weight of the equation, steps and first damping of its stages, and the prior precision of its weights.
Started at the equation's full weight a network settles on u = 0, which obeys it."""


def inverse(draws: int, tell: Tell) -> dict[str, Any]:
    """Find the friction from noisy positions, with its standard deviation, beside least squares on the closed form."""
    truth = Oscillator().friction
    names = (*INVERSE_METHODS, "least_squares")
    rows: list[dict[str, Any]] = []
    for draw in range(draws):
        times, noisy = noisy_observations(draw)
        row: dict[str, Any] = {"draw": draw}
        for name in names:
            start = time.perf_counter()
            if name == "least_squares":
                found = informed.fit_friction(times, noisy, NOISE)
            else:
                found = informed_friction(times, noisy, name, seed=draw)
            row[name] = {
                "friction": found.value,
                "std": found.std,
                "z": (found.value - truth) / found.std,
                "seconds": time.perf_counter() - start,
            }
        rows.append(row)
        tell(
            f"inverse: draw {draw}: "
            + ", ".join(f"{name} {row[name]['friction']:.3f} ± {row[name]['std']:.3f}" for name in names)
        )
    summary: dict[str, Any] = {"truth": truth, "noise": NOISE, "observations": OBSERVATIONS, "draws": rows}
    for name in names:
        z = np.array([row[name]["z"] for row in rows])
        error = np.array([row[name]["friction"] - truth for row in rows])
        summary[name] = {
            "rms_error": float(np.sqrt((error**2).mean())),
            "rms_z": float(np.sqrt((z**2).mean())),
            "mean_std": float(np.mean([row[name]["std"] for row in rows])),
            "seconds": float(np.median([row[name]["seconds"] for row in rows])),
        }
    return summary


def informed_friction(times: Array, noisy: Array, method: str, seed: int) -> informed.Estimate:
    """Return the friction that one of INVERSE_METHODS finds in noisy positions (n) at ``times`` (n)."""
    network, stages, prior_precision = INVERSE_METHODS[method]
    problem = Oscillator(
        observed_t=tuple(times.tolist()),
        observed_u=tuple(noisy.tolist()),
        collocation=60,
        data_weight=len(times) / NOISE**2,
        friction_start=0.0,
    )
    model = Model(problem, network)
    vector = model.initial(seed)
    for weight, steps, damping in stages:
        model = Model(replace(problem, equation_weight=weight), network)
        vector = informed.levenberg_marquardt(model, vector, steps, damping=damping).vector
    variance = informed.parameter_covariance(model, vector, prior_precision)[0, 0]
    return informed.Estimate(float(vector[-1]), float(variance.sqrt()))


def noisy_observations(draw: int) -> tuple[Array, Array]:
    """Return 40 random times and the positions there with noise of 0.04, as the workshop of the article has them."""
    rng = np.random.default_rng(draw)
    times = np.sort(rng.random(OBSERVATIONS))
    exact = Oscillator().exact(torch.from_numpy(times)[:, None]).numpy()
    return times, exact + NOISE * rng.normal(size=OBSERVATIONS)
