"""Time the periodic heat model, its sensitivities and its torch backend against heat1d, in one run.

Every row states its error against one reference, this model on four times the nodes with 3,840 steps a day, at
the places of the accuracy table (0, 30, 60, 85 degrees; H of 0.02, 0.07, 0.15 m), apart from the hour around
sunrise and sunset, and near them. heat1d 0.3.2 has one solver, explicit in time: its grid, properties and surface
balance are used as they are; its driver is replaced, because it asks for a numpy alias that no longer exists, and its time step is computed for the whole range of temperatures, because the
one for the starting temperatures diverges at some of the places. It starts where it starts by itself, and runs for
a year of days, as its driver does, or until its column changes by less than 0.1 K in a day, the tolerance of its
configuration. It is timed on one process; two ratios are given, the second as if it scaled perfectly to our
threads. Its C program is timed where ``--c-program`` names an executable that does one place a run.

Compilation is done before the clock starts; each rate is the best of the repeats. The load average at the start
is recorded: above 1 the machine had other work, and the figures of either side are too low.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import time
import types
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numba
import numpy as np

from nightside import physics

HOURS = physics.PROFILE_LOCAL_TIMES_H
AWAY = np.minimum(np.abs(HOURS - 6.0), np.abs(HOURS - 18.0)) > 1.0
TABLE = np.array(list(itertools.product((0.0, 30.0, 60.0, 85.0), (0.02, 0.07, 0.15)))).T
HEAT1D_PERIODIC_K = 0.1
HEAT1D_YEAR_DAYS = 13
HEAT1D_MOST_DAYS = 400

# Reads and writes of a number for each node and step of ``heat_torch.day``, counted operation by operation.
TENSOR_PASSES = 168


def places(number: int) -> tuple[np.ndarray, ...]:
    """Return latitude, albedo, H and two slopes of mixed places."""
    rng = np.random.default_rng(0)
    return (
        rng.uniform(-85.0, 85.0, number),
        rng.uniform(0.05, 0.25, number),
        rng.uniform(0.02, 0.15, number),
        rng.normal(0.0, 8.0, number),
        rng.normal(0.0, 8.0, number),
    )


def best_rate(call: Callable[[], object], number: int, repeats: int) -> float:
    """Return how many a second."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return number / best


def errors(surface: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Return the largest and the root mean square difference, K, and the largest near sunrise and sunset."""
    difference = surface - reference
    return {
        "max_k": float(np.abs(difference[:, AWAY]).max()),
        "rms_k": float(np.sqrt((difference[:, AWAY] ** 2).mean())),
        "max_near_terminator_k": float(np.abs(difference[:, ~AWAY]).max()),
    }


def ours(number: int, repeats: int, reference: np.ndarray) -> dict[str, dict[str, float]]:
    """Time the compiled solver, and the same with sensitivities."""
    sample, few = places(number), tuple(x[: number // 4] for x in places(number))
    table = physics.diurnal_temperatures(TABLE[0], 0.12, TABLE[1])
    coarse = {"steps_per_day": 240}
    quick = physics.diurnal_temperatures(TABLE[0], 0.12, TABLE[1], **coarse)
    physics.diurnal_sensitivities(*few)
    return {
        "nightside": {
            "solutions_per_s": best_rate(lambda: physics.diurnal_temperatures(*sample), number, repeats),
            **errors(table, reference),
        },
        "nightside, 240 steps": {
            "solutions_per_s": best_rate(
                lambda: physics.diurnal_temperatures(*sample, **coarse), number, repeats
            ),
            **errors(quick, reference),
        },
        "nightside + 8 sensitivities": {
            "solutions_per_s": best_rate(lambda: physics.diurnal_sensitivities(*few), len(few[0]), repeats),
            **errors(table, reference),
        },
    }


def with_torch(
    device: str, precision: str, number: int, repeats: int, reference: np.ndarray
) -> dict[str, float]:
    """Time the torch backend, and say what fraction of the memory's speed its reads and writes are."""
    options = {"backend": "torch", "device": device, "precision": precision}
    sample = places(number)
    table = physics.diurnal_temperatures(TABLE[0], 0.12, TABLE[1], **options)
    solution = physics.diurnal_solution(*sample, **options)
    rate = best_rate(lambda: physics.diurnal_temperatures(*sample, **options), number, repeats)
    nodes = rate * float(solution.days.mean()) * 480 * solution.depth_m.size
    traffic = nodes * TENSOR_PASSES * np.dtype(precision).itemsize
    return {
        "solutions_per_s": rate,
        **errors(table, reference),
        "batch": number,
        # On a CPU most of the traffic stays in the caches.
        **({"fraction_of_memory_limit": traffic / copy_bytes_per_s(device)} if device == "cuda" else {}),
    }


def copy_bytes_per_s(device: str) -> float:
    """Measure how fast a large tensor is copied on a GPU, reads and writes together."""
    import torch

    source = torch.rand(1 << 28, device=device)
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        torch.cuda.synchronize()

    copy()
    return 2.0 * source.nbytes * best_rate(copy, 1, 5)


def heat1d_module() -> types.ModuleType | None:
    """Import heat1d without its planets, which are downloaded at import."""
    sys.modules.setdefault("planets", types.SimpleNamespace(Moon=None))  # type: ignore[arg-type]
    try:
        import heat1d
    except ImportError:
        return None
    return heat1d


def heat1d_periodic(
    heat1d: types.ModuleType, latitude: float, h_parameter: float, layers: int, converged: bool
) -> tuple[np.ndarray, int]:
    """Return heat1d's surface temperature, K, at HOURS of its last day, and the days that it took."""
    planet = types.SimpleNamespace(
        S=1361.0, rAU=1.0, day=physics.MOON.day_s, Qb=0.018, albedo=0.12, albedoCoef=(0.06, 0.25),
        emissivity=0.95, ks=7.4e-4, kd=3.4e-3, rhos=1100.0, rhod=1800.0, H=h_parameter, cp0=600.0,
        cpCoeff=[8.9093e-9, -1.234e-5, 2.3616e-3, 2.7431, -3.6125],
    )  # fmt: skip
    config = heat1d.Configurator(m=layers, n=layers // 2)
    profile = heat1d.Profile(planet, np.deg2rad(latitude), config)
    limits = [
        heat1d.heatCapacity(planet, at_k) / heat1d.thermCond(profile.kc[:-1], hot_k)
        for at_k, hot_k in ((80.0, 150.0), (390.0, 400.0))
    ]
    longest = config.F * np.min(profile.rho[:-1] * profile.dz**2 * np.minimum(*limits))
    steps = int(np.ceil(planet.day / longest))
    clock = (np.arange(steps) + 1.0) / steps
    hour_angle = heat1d.orbits.hourAngle((clock + 0.5) * planet.day, planet.day)
    mu = heat1d.orbits.cosSolarZenith(np.deg2rad(latitude), 0.0, hour_angle)
    albedo = heat1d.albedoVar(planet.albedo, *planet.albedoCoef, np.arccos(mu))
    sunlight = planet.S * (1.0 - albedo) * mu
    surface = np.empty(steps)
    for days in range(1, HEAT1D_MOST_DAYS + 1):
        before = profile.T.copy()
        for step in range(steps):
            profile.update_T(planet.day / steps, sunlight[step], planet.Qb)
            profile.update_cp()
            profile.update_k()
            surface[step] = profile.T[0]
        settled = np.abs(profile.T - before).max() < HEAT1D_PERIODIC_K
        if settled if converged else days == HEAT1D_YEAR_DAYS:
            break
    return np.interp(HOURS, clock * 24.0, surface, period=24.0), days


def with_heat1d(
    heat1d: types.ModuleType, layers: int, converged: bool, chosen: np.ndarray, reference: np.ndarray
) -> dict[str, float]:
    """Time heat1d at the ``chosen`` places of the table."""
    start = time.perf_counter()
    runs = [heat1d_periodic(heat1d, *TABLE[:, k], layers, converged) for k in chosen]
    seconds = time.perf_counter() - start
    return {
        "solutions_per_s": len(chosen) / seconds,
        **errors(np.array([surface for surface, _ in runs]), reference[chosen]),
        "days": float(np.mean([days for _, days in runs])),
        "places": len(chosen),
    }


def with_c_program(command: str, repeats: int) -> dict[str, float]:
    """Time heat1d's C program; what it writes is not compared."""
    call = best_rate(lambda: subprocess.run(command.split(), check=True, capture_output=True), 1, repeats)
    return {"solutions_per_s": call}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--places", type=int, default=5_000)
    parser.add_argument("--torch-places", type=int, default=2_048, help="of a batch on the CPU")
    parser.add_argument("--gpu-places", type=int, default=65_536, help="of a batch on a GPU")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--c-program", help="heat1d's C program with its arguments, for one place")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/heat_model.json"))
    options = parser.parse_args()

    load_average, threads = os.getloadavg()[0], numba.get_num_threads()
    reference = physics.diurnal_temperatures(TABLE[0], 0.12, TABLE[1], steps_per_day=3840, refinement=4.0)
    figures = ours(options.places, options.repeats, reference)
    not_run = {}
    try:
        import torch
    except ImportError:
        not_run["torch"] = "not installed"
    else:
        for precision in ("float64", "float32"):
            figures[f"torch, CPU, {precision}"] = with_torch(
                "cpu", precision, options.torch_places, 1, reference
            )
            if torch.cuda.is_available():
                name = f"torch, {torch.cuda.get_device_name()}, {precision}"
                figures[name] = with_torch("cuda", precision, options.gpu_places, options.repeats, reference)
        if not torch.cuda.is_available():
            not_run["torch, GPU"] = "no GPU here"
    heat1d = heat1d_module()
    if heat1d is None:
        not_run["heat1d"] = "not installed"
    else:
        every, level = np.arange(TABLE.shape[1]), np.flatnonzero(TABLE[1] == 0.07)
        for name, layers, converged, chosen in (
            ("heat1d explicit, a year, 10 layers", 10, False, every),
            ("heat1d explicit, converged, 10 layers", 10, True, level),
            ("heat1d explicit, converged, 20 layers", 20, True, level[:2]),
            ("heat1d explicit, converged, 40 layers", 40, True, level[:1]),
        ):
            figures[name] = with_heat1d(heat1d, layers, converged, chosen, reference)
    if options.c_program:
        figures["heat1d C"] = with_c_program(options.c_program, options.repeats)
    else:
        not_run["heat1d C"] = "not built (--c-program)"

    peers = {name: row["solutions_per_s"] for name, row in figures.items() if name.startswith("heat1d")}
    rate = figures["nightside"]["solutions_per_s"]
    for name, row in figures.items():
        if name in peers:
            row["ratio"] = rate / row["solutions_per_s"]
            row["ratio_per_thread"] = row["ratio"] / threads
    print_table(figures, not_run)
    if peers:
        fastest = max(peers, key=peers.__getitem__)
        print(
            f"nightside is {rate / peers[fastest]:,.0f} times the fastest of heat1d ({fastest}), "
            f"{rate / peers[fastest] / threads:,.0f} times on each thread"
        )
    print(f"{threads} threads; load average at the start {load_average:.2f}")
    report = {
        "benchmark": "heat_model",
        "excluded": "compilation",
        "places": options.places,
        "repeats": options.repeats,
        "load_average_at_start": load_average,
        "figures": figures,
        "not_run": not_run,
        "versions": {
            "python": platform.python_version(),
            **{name: installed(name) for name in ("numpy", "numba", "torch", "heat1d")},
        },
        "machine": {"processor": platform.machine(), "threads": threads, "system": platform.system()},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"written: {options.out}")


def print_table(figures: dict[str, dict[str, float]], not_run: dict[str, str]) -> None:
    """Print a row for each solver."""
    print(f"{'':40} {'solutions/s':>11} {'max K':>6} {'rms K':>6} {'near 6, 18 h':>12} {'ratio':>7}")
    for name, row in figures.items():
        figure = "".join(
            f" {row[key]:{width}.{digits}f}" if key in row else " " * (width + 1)
            for key, width, digits in (("max_k", 6, 2), ("rms_k", 6, 2), ("max_near_terminator_k", 12, 2))
        )
        ratio = f" {row['ratio']:7,.0f}" if "ratio" in row else ""
        memory = (
            f"  {100.0 * row['fraction_of_memory_limit']:.0f} % of the memory's speed"
            if "fraction_of_memory_limit" in row
            else ""
        )
        print(f"{name:40} {row['solutions_per_s']:11,.2f}{figure}{ratio}{memory}")
    for name, reason in not_run.items():
        print(f"{name:40} {reason}")


def installed(name: str) -> str:
    """Return the version of a package, or "absent"."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


if __name__ == "__main__":
    main()
