"""The experiments on the damped oscillator: the article's two networks, then the inverse problem, high frequency, and
a second-order optimiser. Each returns a table, ready for JSON; the curves for the pictures come beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nightside.physics import informed
from nightside.physics.informed import FullyConnected, Model, Oscillator

Tell = Callable[[str], None]
Array = NDArray[np.float64]

TIMES = torch.linspace(0.0, 1.0, 500, dtype=torch.float64)[:, None]
"""Where errors are measured."""

DATA_STEPS = range(0, 200, 20)
"""The article's ten data points, as indices of TIMES."""

NETWORK = FullyConnected(inputs=1, width=32, hidden=3)
NAIVE_STEPS, NAIVE_RATE = 1000, 1e-3
INFORMED_STEPS, INFORMED_RATE = 20_000, 1e-4
SECOND_ORDER_STEPS, QUICK_STEPS = 400, 100
FRAMES = 50

HIGH_STIFFNESS = 80.0**2
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


@dataclass
class Curves:
    """What the pictures show: frames are (step, loss, u on TIMES), logs (step, seconds, relative L2)."""

    exact: Array = field(default_factory=lambda: Oscillator().exact(TIMES).numpy())
    naive: list[tuple[int, float, Array]] = field(default_factory=list)
    informed: list[tuple[int, float, Array]] = field(default_factory=list)
    logs: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    high_exact: Array | None = None
    high: dict[str, Array] = field(default_factory=dict)


def quick(seed: int, tell: Tell = lambda line: None) -> tuple[dict[str, Any], Curves]:
    """Train the article's two networks in seconds, the informed one by Levenberg-Marquardt; table and curves.

    One thread: with more, matrices as small as these are slower, by far where cores are shared.
    """
    curves, row = Curves(), dict[str, Any](seed=seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = Model(article_problem(collocation=0, dtype=torch.float32), NETWORK, torch.float32)
        log = _Log(model, curves.naive)
        trained = informed.adam(model, model.initial(seed), NAIVE_STEPS, NAIVE_RATE, observe=log, every=100)
        row["naive"] = {"steps": trained.steps, "seconds": trained.seconds, **errors(model, trained.vector)}
        model = Model(article_problem(collocation=30, dtype=torch.float64), NETWORK)
        log = _Log(model, curves.informed)
        trained = informed.levenberg_marquardt(model, model.initial(seed), QUICK_STEPS, observe=log)
        row["informed"] = {
            "steps": trained.steps,
            "seconds": trained.seconds,
            **errors(model, trained.vector),
        }
    finally:
        torch.set_num_threads(threads)
    for name in ("naive", "informed"):
        tell(f"quick: seed {seed}, {name}: {_in_words(row[name])}")
    return {"quick": row}, curves


def run(
    experiment: str, seeds: Sequence[int], draws: int, tell: Tell = lambda line: None
) -> tuple[dict[str, Any], Curves]:
    """Run one experiment, or ``all``; return the tables and the curves of the first seed."""
    curves, table = Curves(), dict[str, Any]()
    if experiment in ("article", "optimiser", "all"):
        table["article"] = article(seeds, curves, tell)
    if experiment in ("optimiser", "all"):
        table["optimiser"] = optimiser(seeds, table["article"], curves, tell)
    if experiment in ("frequency", "all"):
        table["frequency"] = frequency(seeds, curves, tell)
    if experiment in ("inverse", "all"):
        table["inverse"] = inverse(draws, tell)
    return table, curves


def article(seeds: Sequence[int], curves: Curves, tell: Tell) -> list[dict[str, Any]]:
    """Train the article's two networks as it does: errors inside and outside the data, and through the steps."""
    naive = article_problem(collocation=0, dtype=torch.float32)
    physics = article_problem(collocation=30, dtype=torch.float32)
    rows = []
    for seed in seeds:
        first = seed == seeds[0]
        frames = (curves.naive, curves.informed) if first else ([], [])
        row: dict[str, Any] = {"seed": seed}
        for name, problem, steps, rate, shown in (
            ("naive", naive, NAIVE_STEPS, NAIVE_RATE, frames[0]),
            ("informed", physics, INFORMED_STEPS, INFORMED_RATE, frames[1]),
        ):
            model = Model(problem, NETWORK, torch.float32)
            log = _Log(model, shown)
            trained = informed.adam(
                model, model.initial(seed), steps, rate, observe=log, every=steps // FRAMES
            )
            row[name] = {
                "steps": steps,
                "seconds": trained.seconds,
                "loss": trained.loss,
                **errors(model, trained.vector),
                "relative_l2_through_steps": {str(step): error for step, _, error in log.entries},
            }
            if first:
                curves.logs[f"{name}, Adam"] = log.entries
            tell(f"article: seed {seed}, {name}: {_in_words(row[name])}")
        rows.append(row)
    return rows


def optimiser(
    seeds: Sequence[int], adam_rows: Sequence[dict[str, Any]], curves: Curves, tell: Tell
) -> list[dict[str, Any]]:
    """Train the article's network by Levenberg-Marquardt to the error that 20,000 steps of Adam reach, and beyond."""
    rows = []
    for seed, adam_row in zip(seeds, adam_rows, strict=True):
        model = Model(article_problem(collocation=30, dtype=torch.float64), NETWORK)
        log = _Log(model, [])
        informed.levenberg_marquardt(model, model.initial(seed), SECOND_ORDER_STEPS, observe=log)
        adam_end = adam_row["informed"]
        reached = next((entry for entry in log.entries if entry[2] <= adam_end["relative_l2"]), None)
        row = {
            "seed": seed,
            "relative_l2_of_adam": adam_end["relative_l2"],
            "adam": {"steps": adam_end["steps"], "seconds": adam_end["seconds"]},
            "levenberg_marquardt": reached and {"steps": reached[0], "seconds": reached[1]},
            "fewer_steps": reached and adam_end["steps"] / reached[0],
            "less_time": reached and adam_end["seconds"] / reached[1],
            "final": {
                "steps": log.entries[-1][0],
                "seconds": log.entries[-1][1],
                "relative_l2": log.entries[-1][2],
            },
        }
        if seed == seeds[0]:
            curves.logs["informed, Levenberg-Marquardt"] = log.entries
        tell(
            f"optimiser: seed {seed}: Adam's error after {reached and reached[0]} steps, then {log.entries[-1][2]:.1e}"
        )
        rows.append(row)
    return rows


def frequency(seeds: Sequence[int], curves: Curves, tell: Tell) -> list[dict[str, Any]]:
    """Solve the oscillator at w0 = 80 from its start, by networks that can and that cannot."""
    single = Oscillator(stiffness=HIGH_STIFFNESS, collocation=60, dtype=torch.float32)
    plain = Oscillator(stiffness=HIGH_STIFFNESS, collocation=60)
    dense = replace(plain, collocation=200)
    curves.high_exact = plain.exact(TIMES).numpy()
    methods: tuple[tuple[str, Oscillator, informed.Network, int, float], ...] = (
        ("plain, Adam", single, NETWORK, 15_000, 0.0),
        ("plain, Levenberg-Marquardt", plain, NETWORK, 300, 1.0),
        ("windows, Levenberg-Marquardt", dense, informed.Windows(FullyConnected(width=16, hidden=1)), 300, 1.0),
        ("windows of random features, linear solves", dense,
         informed.Windows(informed.RandomFeatures(count=32, slope=2.0)), 10, 1e-8),
        ("carrier wave, Levenberg-Marquardt", plain, informed.CarrierWave(NETWORK, frequency=70.0), 60, 1.0),
    )  # fmt: skip
    rows = []
    for name, problem, network, steps, damping in methods:
        model = Model(problem, network, problem.dtype)
        for seed in seeds:
            start = model.initial(seed)
            if damping:
                trained = informed.levenberg_marquardt(model, start, steps, damping=damping)
            else:
                trained = informed.adam(model, start, steps, 1e-3)
            row = {
                "method": name,
                "seed": seed,
                "weights": start.shape[0],
                "steps": trained.steps,
                "seconds": trained.seconds,
                "relative_l2": errors(model, trained.vector)["relative_l2"],
            }
            if seed == seeds[0]:
                curves.high[name] = values(model, trained.vector)
            tell(f"frequency: {name}, seed {seed}: {_in_words(row)}")
            rows.append(row)
    return rows


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


def article_problem(collocation: int, dtype: torch.dtype) -> Oscillator:
    """Return the oscillator with the article's ten exact positions from t = 0 to 0.36."""
    times = TIMES[list(DATA_STEPS)]
    positions = Oscillator().exact(times)
    return Oscillator(
        observed_t=tuple(times[:, 0].tolist()),
        observed_u=tuple(positions.tolist()),
        collocation=collocation,
        dtype=dtype,
    )


def values(model: Model, vector: Tensor) -> Array:
    """Return the field (500) on TIMES."""
    with torch.no_grad():
        return model.field(vector)(TIMES.to(model.dtype)).double().numpy()


def errors(model: Model, vector: Tensor) -> dict[str, float]:
    """Return the relative L2 error over the whole domain, inside the article's data, and outside."""
    exact, found = model.problem.exact(TIMES).numpy(), values(model, vector)
    inside = TIMES[:, 0].numpy() <= float(TIMES[DATA_STEPS[-1], 0])

    def relative(where: NDArray[np.bool_]) -> float:
        return float(np.linalg.norm((found - exact)[where]) / np.linalg.norm(exact[where]))

    return {
        "relative_l2": relative(np.ones_like(inside)),
        "relative_l2_inside": relative(inside),
        "relative_l2_outside": relative(~inside),
    }


class _Log:
    """Keeps the error at each observed step, and the field as a frame."""

    def __init__(self, model: Model, frames: list[tuple[int, float, Array]]) -> None:
        self.entries: list[tuple[int, float, float]] = []
        self._model, self._frames = model, frames

    def __call__(self, step: int, seconds: float, loss: float, vector: Tensor) -> None:
        self.entries.append((step, seconds, errors(self._model, vector)["relative_l2"]))
        self._frames.append((step, loss, values(self._model, vector)))


def _in_words(row: dict[str, Any]) -> str:
    return f"relative L2 {row['relative_l2']:.2e} after {row['steps']} steps, {row['seconds']:.1f} s"
