"""The experiments on the damped oscillator: the article's two networks, then a second-order optimiser and high frequency;
the inverse problem is in ``oscillator_friction``. Each returns a table, ready for JSON; the curves for the pictures come
beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from nightside.physics import informed
from nightside.physics.informed import FullyConnected, Model, Oscillator
from nightside.physics_room.oscillator_friction import inverse
from nightside.physics_room.oscillator_measures import (
    NETWORK,
    TIMES,
    Curves,
    Log,
    Tell,
    article_problem,
    errors,
    in_words,
    values,
)

NAIVE_STEPS, NAIVE_RATE = 1000, 1e-3
INFORMED_STEPS, INFORMED_RATE = 20_000, 1e-4
SECOND_ORDER_STEPS, QUICK_STEPS = 400, 100
FRAMES = 50

HIGH_STIFFNESS = 80.0**2


def quick(seed: int, tell: Tell = lambda line: None) -> tuple[dict[str, Any], Curves]:
    """Train the article's two networks in seconds, the informed one by Levenberg-Marquardt; table and curves.

    One thread: with more, matrices as small as these are slower, by far where cores are shared.
    """
    curves, row = Curves(), dict[str, Any](seed=seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = Model(article_problem(collocation=0, dtype=torch.float32), NETWORK, torch.float32)
        log = Log(model, curves.naive)
        trained = informed.adam(model, model.initial(seed), NAIVE_STEPS, NAIVE_RATE, observe=log, every=100)
        row["naive"] = {"steps": trained.steps, "seconds": trained.seconds, **errors(model, trained.vector)}
        model = Model(article_problem(collocation=30, dtype=torch.float64), NETWORK)
        log = Log(model, curves.informed)
        trained = informed.levenberg_marquardt(model, model.initial(seed), QUICK_STEPS, observe=log)
        row["informed"] = {
            "steps": trained.steps,
            "seconds": trained.seconds,
            **errors(model, trained.vector),
        }
    finally:
        torch.set_num_threads(threads)
    for name in ("naive", "informed"):
        tell(f"quick: seed {seed}, {name}: {in_words(row[name])}")
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
            log = Log(model, shown)
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
            tell(f"article: seed {seed}, {name}: {in_words(row[name])}")
        rows.append(row)
    return rows


def optimiser(
    seeds: Sequence[int], adam_rows: Sequence[dict[str, Any]], curves: Curves, tell: Tell
) -> list[dict[str, Any]]:
    """Train the article's network by Levenberg-Marquardt to the error that 20,000 steps of Adam reach, and beyond."""
    rows = []
    for seed, adam_row in zip(seeds, adam_rows, strict=True):
        model = Model(article_problem(collocation=30, dtype=torch.float64), NETWORK)
        log = Log(model, [])
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
            tell(f"frequency: {name}, seed {seed}: {in_words(row)}")
            rows.append(row)
    return rows
