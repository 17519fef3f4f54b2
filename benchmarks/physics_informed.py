"""Physics-informed networks beside what else solves the same problems, in one run.

Three tables. The oscillator, w0 = 20 and 80: networks against scipy's solve_ivp. The unknown friction: networks
against least squares on the closed form. The regolith column, forward and inverse: networks against the heat
solver (compiled before the clock starts) and least squares with it. Errors are against the exact solution, and for
the column against the solver with eight times its steps and three times its nodes; that solver's own equations made
the truth of the inversions, which favours it by the error of its default grid, about 0.04 K at night. Seconds of
networks include the tracing of their gradients. ``--quick`` takes one seed, two noise draws and leaves out the slow rows of the column.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import scipy
import torch
from scipy.integrate import solve_ivp

from nightside.physics.informed import Oscillator
from nightside.physics_room import column_experiments, oscillator_experiments, oscillator_friction
from nightside.physics_room.oscillator_measures import TIMES, Curves


def integrated(stiffness: float) -> dict[str, float]:
    """Solve the oscillator by an eighth-order Runge-Kutta method."""
    problem = Oscillator(stiffness=stiffness)
    exact = problem.exact(TIMES).numpy()
    start = time.perf_counter()
    found = solve_ivp(
        lambda t, y: (y[1], -problem.friction * y[1] - stiffness * y[0]),
        (0.0, 1.0), (1.0, 0.0), method="DOP853", t_eval=TIMES[:, 0].numpy(), rtol=1e-9, atol=1e-9,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "relative_l2": float(np.linalg.norm(found.y[0] - exact) / np.linalg.norm(exact)),
    }


def row(name: str, values: dict[str, float]) -> None:
    cells = ("-" if np.isnan(value) else f"{value:.3g}" for value in values.values())
    print(f"  {name:44s}" + "".join(f"{cell:>13s}" for cell in cells))


def heading(title: str, names: list[str]) -> None:
    print(f"\n{title}\n  {'':44s}" + "".join(f"{name:>13s}" for name in names))


def oscillator(seeds: list[int], draws: int) -> dict[str, object]:
    def tell(line: str) -> None:
        print(line, file=sys.stderr)

    table, _ = oscillator_experiments.run("optimiser", seeds, draws, tell)
    table["frequency"] = oscillator_experiments.frequency(seeds, Curves(), tell)
    table["inverse"] = oscillator_friction.inverse(draws, tell)
    table["solve_ivp"] = {"w0 = 20": integrated(400.0), "w0 = 80": integrated(6400.0)}

    heading(
        "oscillator, w0 = 20, ten data points (medians of seeds)", ["L2 outside", "L2", "steps", "seconds"]
    )
    for name in ("naive", "informed"):
        rows = [entry[name] for entry in table["article"]]
        keys = ("relative_l2_outside", "relative_l2", "steps", "seconds")
        row(f"{name}, Adam", {key: float(np.median([r[key] for r in rows])) for key in keys})
    reached = [entry for entry in table["optimiser"] if entry["levenberg_marquardt"]]
    medians = {
        "L2 outside": np.nan,
        "L2": float(np.median([r["relative_l2_of_adam"] for r in reached])),
        "steps": float(np.median([r["levenberg_marquardt"]["steps"] for r in reached])),
        "seconds": float(np.median([r["levenberg_marquardt"]["seconds"] for r in reached])),
    }
    row(f"informed, Levenberg-Marquardt ({len(reached)}/{len(seeds)} seeds)", medians)
    row("  times fewer steps, times faster (least)", {
        "": np.nan, " ": np.nan,
        "steps": min(r["fewer_steps"] for r in reached), "seconds": min(r["less_time"] for r in reached),
    })  # fmt: skip
    peer = table["solve_ivp"]["w0 = 20"]
    row(
        "solve_ivp (DOP853)",
        {"L2 outside": np.nan, "L2": peer["relative_l2"], "steps": np.nan, "seconds": peer["seconds"]},
    )

    heading("oscillator, w0 = 80, from its start", ["worst L2", "weights", "steps", "seconds"])
    for name in dict.fromkeys(entry["method"] for entry in table["frequency"]):
        rows = [entry for entry in table["frequency"] if entry["method"] == name]
        row(name, {
            "relative_l2": max(r["relative_l2"] for r in rows), "weights": rows[0]["weights"],
            "steps": rows[0]["steps"], "seconds": float(np.median([r["seconds"] for r in rows])),
        })  # fmt: skip
    peer = table["solve_ivp"]["w0 = 80"]
    row(
        "solve_ivp (DOP853)", {"L2": peer["relative_l2"], "": np.nan, " ": np.nan, "seconds": peer["seconds"]}
    )

    heading(f"unknown friction, {draws} noise draws", ["rms error", "mean std", "rms z", "seconds"])
    for name in (*oscillator_friction.INVERSE_METHODS, "least_squares"):
        entry = table["inverse"][name]
        row(name, {key: entry[key] for key in ("rms_error", "mean_std", "rms_z", "seconds")})
    return table


def column(draws: int, quick: bool) -> dict[str, object]:
    table, _ = column_experiments.run(draws, quick=quick, tell=lambda line: print(line, file=sys.stderr))
    heading("regolith column, known ground: rms error in K", ["day", "night", "terminator", "seconds"])
    for entry in table["forward"]:
        row(entry["method"], {key: entry[key] for key in ("day_k", "night_k", "terminator_k", "seconds")})
    heading(
        f"regolith column, A0 and H unknown, {draws} noise draws",
        ["H rms error", "H std", "H rms z", "seconds"],
    )
    for name, entry in table["inverse"]["summary"].items():
        row(name, {key: entry[key] for key in ("h_rms_error", "mean_log_h_std", "h_rms_z", "seconds")})
    found = table["conductivity"]
    heading(
        f"conductivity as a function of depth, {draws} noise draws",
        ["depth (m)", "truth", "rms error", "rms z"],
    )
    for number, depth in enumerate(found["depth_m"]):
        error = [entry["log_conductivity"][number] - found["truth"][number] for entry in found["draws"]]
        z = [entry["z"][number] for entry in found["draws"]]
        row(f"ln conductivity at knot {number}", {
            "depth": depth, "truth": found["truth"][number],
            "error": float(np.sqrt(np.mean(np.square(error)))), "z": float(np.sqrt(np.mean(np.square(z)))),
        })  # fmt: skip
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed, two noise draws: about three minutes")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/physics_informed.json"))
    options = parser.parse_args()
    seeds, draws = ([123], 2) if options.quick else ([123, 0, 1], 8)

    load_average = os.getloadavg()[0]
    report = {
        "benchmark": "physics_informed",
        "quick": options.quick,
        "seeds": seeds,
        "draws": draws,
        "load_average_at_start": load_average,
        "oscillator": oscillator(seeds, draws),
        "column": column(draws, options.quick),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "torch": torch.__version__,
        },
        "machine": {
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
            "system": platform.system(),
        },
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nload average at the start {load_average:.2f}\nwritten: {options.out}")


if __name__ == "__main__":
    main()
