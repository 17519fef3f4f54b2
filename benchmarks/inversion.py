"""Time the inversion of maps against a fit of the true solver place by place, and show how good both are, in one run.

The truth comes from the true solver: random albedo, H and slopes between 60 S and 60 N, 1 K noise.

- ``48 local times``: moments half an hour apart, the case of the accuracy goals. Also the peer's:
  ``scipy.optimize.least_squares`` (trust region, two-point differences) on the solver itself, whose one place plus
  differences is one batched call. What it would take with heat1d in the solver's place is estimated from the time
  of heat1d's steps times the solutions that scipy asked for.
- ``rocks``: as before, with no rocks, with rocks after the prior for those that cannot be seen (exponential of 0.4 %, but of
  5 % in one place of twenty), and with exactly 1, 2 and 3 %: bias, rms and coverage, in metres, of H of ground without
  rocks and of H that allows for unseen ones. What is timed there is the complete default answer, both of them.
- ``many rocks``: 5 to 30 % of the area, fitted.
- ``constants``: what 10 % of each of the ground's constants, and 0.03 of emissivity, do to H.
- ``a cube``: 240 bins a day, one in six seen, 1.5 K noise: maps from a dataset in memory, errors, correlations and
  chi-square included, everything but reading and writing.
- ``with IO``: the command's own work: a cube from disk, the table, the check of 256 places by the solver, the maps, to disk.

Compilation is done before the clock starts; rates are the best of the repeats. As other work on the machine slows
them, there is a rate by processor time too: what two cores alone would do, if both were kept busy. The load average
at the start is recorded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import types
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import scipy
import xarray as xr
from scipy.optimize import least_squares

from nightside import physics
from nightside.config import load
from nightside.physics_room.invert_cells import tables_for
from nightside.physics_room.invert_commands import invert as invert_command
from nightside.physics_room.invert_maps import inversion_maps
from nightside.store import grid_of, lonlat, write_store

MOMENTS = (np.arange(48) + 0.5) * 0.5
BINS = 240
PRIORS = physics.Priors(slope_north=(0.0, 0.0))
UNSEEN = physics.UnseenRocks()
BOTH = replace(PRIORS, unseen_rocks=UNSEEN)
ROCKY = replace(BOTH, rock_fraction=(0.0, 0.2))


def places(n: int, seed: int, latitude: np.ndarray | None = None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    latitude = rng.uniform(-60.0, 60.0, n) if latitude is None else latitude
    slope = rng.normal(0.0, 5.0, n)
    return {
        "latitude": latitude,
        "albedo": rng.normal(0.12, 0.02, n).clip(0.03, 0.3),
        "h": 0.07 * np.exp(0.4 * rng.standard_normal(n)),
        "slope": slope,
        "onset": physics.onset_delay_h(latitude, slope),
    }


def solved(truth: dict[str, np.ndarray], hours: np.ndarray) -> np.ndarray:
    return physics.diurnal_temperatures(
        truth["latitude"], truth["albedo"], truth["h"], truth["slope"], local_time_h=hours
    )


def rocky(truth: dict[str, np.ndarray], fraction: np.ndarray) -> np.ndarray:
    """Return what is seen (n, 48) of places with a ``fraction`` (n) of rocks, without noise."""
    bare = physics.diurnal_temperatures(
        truth["latitude"],
        truth["albedo"],
        truth["h"],
        truth["slope"],
        local_time_h=MOMENTS,
        material=physics.ROCK,
    )
    return physics.mixed_brightness_temperature(solved(truth, MOMENTS), bare, fraction[:, None])


def drawn_rocks(rng: np.random.Generator, number: int) -> np.ndarray:
    """Return rock fractions after the prior of those that cannot be seen."""
    scale = np.where(rng.random(number) < UNSEEN.rocky_share, UNSEEN.rocky_mean, UNSEEN.mean)
    return rng.exponential(scale).clip(0.0, 0.9)


def of_h(log_h: np.ndarray, std: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Return bias and rms of H, and the parts of 95 % intervals of H in metres, and of ln H, that hold the truth."""
    h = np.exp(log_h)
    size = h / true - 1.0
    return {
        "bias": float(size.mean()),
        "rms": float(np.sqrt((size**2).mean())),
        "coverage": float((np.abs(h - true) < 1.96 * std * h).mean()),
        "coverage_of_log": float((np.abs(log_h - np.log(true)) < 1.96 * std).mean()),
        "median_std": float(np.median(std)),
    }


def rock_rows(number: int, repeats: int) -> dict[str, dict]:
    """Return rates and accuracies of fits to ground with and without rocks."""
    rng = np.random.default_rng(6)
    truth = places(number, 5)
    table = physics.make_surrogate(physics.Domain(amplitude=(0.45, 1.0)), rocks=True)
    rows = {}
    for name, fraction, priors in (
        ("no rocks", np.zeros(number), BOTH),
        ("rocks after the prior", drawn_rocks(rng, number), BOTH),
        ("1 % of rocks", np.full(number, 0.01), BOTH),
        ("2 % of rocks", np.full(number, 0.02), BOTH),
        ("3 % of rocks", np.full(number, 0.03), BOTH),
        ("5-30 % of rocks, fitted", rng.uniform(0.05, 0.3, number), ROCKY),
    ):
        seen = rocky(truth, fraction) + rng.normal(0.0, 1.0, (number, 48))
        ones = np.ones_like(seen)

        def fit(k=slice(None), seen=seen, ones=ones, priors=priors) -> physics.Inversion:
            return physics.invert(
                table, truth["latitude"][k], seen[k], ones[k], MOMENTS, priors, timing_std_h=0.0
            )

        found = fit()
        if priors is BOTH:
            # As the maps: rocks are fitted where ground without them does not fit.
            found = physics.with_rocks_where_needed(found, lambda k, fit=fit: fit(k, priors=ROCKY), 4.0)
        good = found.answered
        here = {key: value[good] for key, value in truth.items()}
        error = found.estimate_with_unseen_rocks[good, 4] - fraction[good]
        allowing = found.estimate_with_unseen_rocks[good, 1], found.std_with_unseen_rocks[good, 1]
        rows[name] = {
            **timed(fit, number, repeats),
            "answered": float(good.mean()),
            "given_rocks": float((found.best_fit[good, 4] > 0.0).mean()),
            "accuracy": accuracy(found.estimate[good], found.std[good], here)
            | {
                "h": of_h(found.estimate[good, 1], found.std[good, 1], here["h"]),
                "h_unseen": of_h(*allowing, here["h"]),
                "rocks": {
                    "bias": float(error.mean()),
                    "rms": float(np.sqrt((error**2).mean())),
                    "coverage": float((np.abs(error) < 1.96 * found.std_with_unseen_rocks[good, 4]).mean()),
                },
            },
        }
    return rows


def constant_rows() -> dict[str, dict[str, float]]:
    """Return what a constant of the ground taken wrongly does to H: a fit with the default table, noise-free."""
    table = physics.make_surrogate(physics.Domain(amplitude=(0.45, 1.0)))
    latitude, rows = np.array([0.0, 43.3]), {}
    for name in physics.CONSTANTS:
        ground, emissivity = physics.REGOLITH, physics.DEFAULT_EMISSIVITY
        if name == "emissivity":
            emissivity = 0.98
        else:
            ground = replace(ground, **{name: 1.1 * getattr(ground, name)})
        seen = physics.diurnal_temperatures(
            latitude, emissivity=emissivity, material=ground, local_time_h=MOMENTS
        )
        found = physics.invert(table, latitude, seen, np.ones_like(seen), MOMENTS, PRIORS, timing_std_h=0.0)
        rows[name] = {
            "h_changes_by": float((found.h_parameter_m / 0.07 - 1.0).mean()),
            "albedo_changes_by": float((found.estimate[:, 0] - 0.12).mean()),
            "chi_square_of_no_noise": float(found.chi_square.max()),
        }
    return rows


def timed(call, number: int, repeats: int) -> dict[str, float]:
    """Return profiles per second by the clock, and by processor time if both cores were kept busy."""
    call()
    clock, processor = [], []
    for _ in range(repeats):
        wall, used = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - wall)
        processor.append(time.process_time() - used)
    return {
        "profiles_per_s": number / min(clock),
        "profiles_per_s_of_two_processors": 2.0 * number / min(processor),
    }


def accuracy(
    estimate: np.ndarray, std: np.ndarray, truth: dict[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Return bias, rms (both relative for albedo and H, in hours for onset) and the coverage of 95 % intervals."""
    figures = {}
    scale = truth["albedo"].mean()
    for k, (name, true, unit) in enumerate(
        (("albedo", truth["albedo"], scale), ("h", np.log(truth["h"]), 1.0), ("onset_h", truth["onset"], 1.0))
    ):
        error = estimate[:, k] - true
        inside = np.abs(error) < 1.96 * std[:, k]
        size = np.expm1(error) if name == "h" else error / unit
        figures[name] = {
            "bias": float(size.mean()),
            "rms": float(np.sqrt((size**2).mean())),
            "coverage": float(inside.mean()),
        }
    return figures


def with_scipy(truth: dict[str, np.ndarray], observed: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return estimates (n, 3), their deviations, and the mean number of solutions for a place."""
    steps = np.array([1e-3, 1e-2, 1e-2])
    mean, sigma = PRIORS.mean[:3], PRIORS.std[:3]
    estimates, deviations, solutions = [], [], 0

    def model(p: np.ndarray, latitude: float) -> np.ndarray:
        nonlocal solutions
        p = np.atleast_2d(p)
        solutions += len(p)
        slope = np.rad2deg(np.arctan(-np.cos(np.deg2rad(latitude)) * np.tan(np.deg2rad(15.0 * p[:, 2]))))
        return physics.diurnal_temperatures(latitude, p[:, 0], np.exp(p[:, 1]), slope, local_time_h=MOMENTS)

    for i, latitude in enumerate(truth["latitude"]):

        def residual(p: np.ndarray, i: int = i, latitude: float = latitude) -> np.ndarray:
            return np.concatenate([model(p, latitude)[0] - observed[i], (p - mean) / sigma])

        def jacobian(p: np.ndarray, latitude: float = latitude) -> np.ndarray:
            moved = model(np.concatenate([p[None], p + np.diag(steps)]), latitude)
            slopes = (moved[1:] - moved[:1]) / steps[:, None]
            return np.concatenate([slopes.T, np.diag(1.0 / sigma)])

        # The peer starts from the right morning; the inversion has to find it.
        start = np.array([mean[0], mean[1], truth["onset"][i] + 0.05])
        found = least_squares(
            residual, start, jacobian, x_scale=sigma, bounds=([0.0, -5.0, -3.0], [0.4, -0.5, 3.0])
        )
        estimates.append(found.x)
        deviations.append(np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac))))
    return np.array(estimates), np.array(deviations), solutions / len(observed)


def heat1d_seconds() -> float | None:
    """Return what one periodic solution takes heat1d, in s, from the time of its steps; None without it.

    Its driver asks for a numpy alias that is gone and downloads a kernel, so its column is stepped here: default
    grid, its own explicit step (the stable one at 400 K), one year of spin-up, which is its default, and a day.
    """
    sys.modules.setdefault("planets", types.SimpleNamespace(Moon=None))
    try:
        import heat1d
    except ImportError:
        return None
    planet = types.SimpleNamespace(
        S=1361.0, rAU=1.0, day=physics.MOON.day_s, Qb=0.018, albedo=0.12, albedoCoef=(0.06, 0.25), emissivity=0.95,
        ks=7.4e-4, kd=3.4e-3, rhos=1100.0, rhod=1800.0, H=0.07, cp0=600.0,
        cpCoeff=[8.9093e-9, -1.234e-5, 2.3616e-3, 2.7431, -3.6125],
    )  # fmt: skip
    profile = heat1d.Profile(planet, 0.0, heat1d.Configurator())
    capacity = profile.rho[:-1] * profile.dz**2 * heat1d.heatCapacity(planet, 390.0)
    longest = 0.5 * np.min(capacity / heat1d.thermCond(profile.kc[:-1], 400.0))
    steps, trial = int(np.ceil(planet.day / longest)), 200
    profile.T = np.full_like(profile.T, 220.0)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(trial):
            profile.update_T(planet.day / steps, 300.0, planet.Qb)
            profile.update_cp()
            profile.update_k()
        seconds.append((time.perf_counter() - start) / trial)
    return min(seconds) * steps * (1.0 + 365.25 * 86_400.0 / planet.day)


def region(side_km: float) -> dict:
    return {
        "name": "benchmark",
        "region": {
            "longitude_deg": 10.0,
            "latitude_deg": -20.0,
            "width_km": side_km,
            "pixels_per_degree": 128,
        },
        "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
        "synthetic": {},
    }


def cube_of(latitude: np.ndarray) -> tuple[xr.Dataset, dict[str, np.ndarray]]:
    rng = np.random.default_rng(4)
    truth = places(latitude.size, 3, latitude.ravel())
    hours = (np.arange(BINS) + 0.5) * 24.0 / BINS
    mean = np.empty((latitude.size, BINS), np.float32)
    for start in range(0, latitude.size, 8192):
        part = slice(start, start + 8192)
        mean[part] = solved({name: values[part] for name, values in truth.items()}, hours)
    count = np.where(rng.random(mean.shape) < 1 / 6, rng.integers(1, 3, mean.shape), 0).astype(np.int32)
    mean += (1.5 * rng.standard_normal(mean.shape, np.float32)) / np.sqrt(np.maximum(count, 1))
    mean[count == 0] = np.nan
    shape = (*latitude.shape, BINS)
    kelvin = {"units": "K", "long_name": "brightness temperature"}
    return xr.Dataset(
        {
            "brightness_temperature": (("y", "x", "local_time"), mean.reshape(shape), kelvin),
            "count": (("y", "x", "local_time"), count.reshape(shape), {"units": "1", "long_name": "count"}),
        },
        coords={"local_time": hours},
    ), truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profiles", type=int, default=20_000)
    parser.add_argument("--side-km", type=float, default=45.0, help="of the square map, 237 m a pixel")
    parser.add_argument("--peers", type=int, default=20, help="places that scipy does")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/inversion.json"))
    options = parser.parse_args()
    load_average = os.getloadavg()[0]

    truth = places(options.profiles, 1)
    start = time.perf_counter()
    surrogate = physics.make_surrogate(physics.Domain(amplitude=(0.45, 1.0)))
    table_s = time.perf_counter() - start
    observed = solved(truth, MOMENTS) + np.random.default_rng(2).normal(0.0, 1.0, (options.profiles, 48))
    ones = np.ones_like(observed)

    def fit() -> physics.Inversion:
        return physics.invert(surrogate, truth["latitude"], observed, ones, MOMENTS, PRIORS, timing_std_h=0.0)

    figures: dict[str, dict] = {"48 local times": timed(fit, options.profiles, options.repeats)}
    found = fit()
    figures["48 local times"] |= {
        "good": float((found.quality == 0).mean()),
        "chi_square": float(np.nanmean(found.chi_square)),
        "accuracy": accuracy(found.estimate, found.std, truth),
        "verification": physics.verify(
            surrogate, found, truth["latitude"], ones, MOMENTS, timing_std_h=0.0, places=np.arange(1000)
        ).summary(),
    }

    figures |= rock_rows(options.profiles, options.repeats)

    few = {name: values[: options.peers] for name, values in truth.items()}
    with_scipy({name: values[:1] for name, values in few.items()}, observed[:1])
    start = time.perf_counter()
    estimate, std, solutions = with_scipy(few, observed[: options.peers])
    seconds = time.perf_counter() - start
    figures["scipy on the solver"] = {
        "profiles_per_s": options.peers / seconds,
        "solutions_a_place": solutions,
        "rms_difference_in_sigma": float(
            np.sqrt((((estimate - found.estimate[: options.peers, :3]) / std) ** 2).mean())
        ),
        "accuracy": accuracy(estimate, std, few),
    }
    one = heat1d_seconds()
    if one is not None:
        figures["heat1d, estimated"] = {
            "seconds_a_solution": one,
            "profiles_per_s": 2.0 / (one * solutions),
        }

    settings = load(region(options.side_km))
    grid = grid_of(settings.region)
    latitude = lonlat(grid)[1]
    cube, truth = cube_of(latitude)
    room = settings.physics.inversion
    table = tables_for(latitude, room)
    figures["a cube"] = timed(
        lambda: inversion_maps(cube, latitude, room, BINS, table), latitude.size, options.repeats
    )
    maps = inversion_maps(cube, latitude, room, BINS, table)
    good = maps["quality"].to_numpy().ravel() == 0
    names = ("albedo", "h_parameter", "onset_delay")
    values, errors = (
        np.stack([maps[f"{name}{end}"].to_numpy().ravel()[good] for name in names], 1).astype(np.float64)
        for end in ("", "_std")
    )
    errors[:, 1] /= values[:, 1]
    values[:, 1] = np.log(values[:, 1])
    figures["a cube"] |= {
        "cells": int(latitude.size),
        "good": float(good.mean()),
        "bins_seen": float((cube["count"].to_numpy() > 0).sum(axis=2).mean()),
        "accuracy": accuracy(values, errors, {name: value[good] for name, value in truth.items()}),
    }
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "config.yaml").write_text(settings.to_yaml())
        write_store(cube, at / "cube.zarr", kind="cube", settings=settings, geobox=grid)

        def command() -> None:
            invert_command(config=at / "config.yaml", cube=at / "cube.zarr", out=at / "i.zarr")

        figures["with IO"] = timed(command, latitude.size, max(options.repeats - 1, 1))

    peer = figures["scipy on the solver"]["profiles_per_s"]
    print(f"{'':26} {'profiles/s':>11} {'by CPU time':>12} {'ratio':>8}")
    for name, values_ in figures.items():
        rate, used = values_["profiles_per_s"], values_.get("profiles_per_s_of_two_processors")
        values_["ratio_to_scipy"] = rate / peer
        print(f"{name:26} {rate:11,.2f} {'' if used is None else f'{used:,.0f}':>12} {rate / peer:8,.1f}")
    print(f"{'':26} {'':10} {'bias':>9} {'rms':>9} {'coverage':>9}")
    for name, values_ in figures.items():
        for parameter, f in values_.get("accuracy", {}).items():
            print(f"{name:26} {parameter:10} {f['bias']:9.4f} {f['rms']:9.4f} {f['coverage']:9.3f}")
    constants = constant_rows()
    print(f"{'10 % more, emissivity 0.98':26} {'H by':>9} {'albedo by':>10} {'chi-square':>10}")
    for name, row in constants.items():
        print(
            f"{name:26} {row['h_changes_by']:9.3f} {row['albedo_changes_by']:10.4f} {row['chi_square_of_no_noise']:10.3f}"
        )
    report = {
        "benchmark": "inversion",
        "excluded": "compilation",
        "profiles": options.profiles,
        "table_s": table_s,
        "load_average_at_start": load_average,
        "figures": figures,
        "constants": constants,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numba": numba.__version__,
            "scipy": scipy.__version__,
        },
        "machine": {
            "processor": platform.machine(),
            "threads": numba.get_num_threads(),
            "system": platform.system(),
        },
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"table: {table_s:.1f} s; load average at the start {load_average:.2f}")
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()
