"""Time the interpolation of profiles against scikit-learn's GaussianProcessRegressor, in one run.

Both get the same bins, kernel, noise and prior mean, and give mean and standard deviation. scikit-learn gets a
fixed kernel (no optimiser), wrapped on the circle through a table look-up (no exponential to compute), and one
thread of BLAS or as many as there are cores, whichever is quicker. Compilation is done before the clock starts;
each figure is the best of several repeats. Two ratios are given: against one process of scikit-learn, and against
it multiplied by the number of our threads, as if it scaled perfectly. The load average at the start is recorded:
above 1 the machine had other work, and the figures of either side are too low.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path

import numba
import numpy as np
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel
from threadpoolctl import threadpool_limits

from nightside.config.thermal import Profiles
from nightside.thermal.periodic_gp import wrapped_matern32
from nightside.thermal.profiles import interpolate_profiles

BINS = 240
STEPS_PER_HOUR = 40  # bin centres and outputs both lie on multiples of 0.025 h
CONFIG = Profiles(gap_max_h=24.0)


class WrappedMatern(Kernel):
    """The kernel of ``interpolate_profiles`` on times given in whole steps of 0.025 h."""

    def __init__(self) -> None:
        lag = np.arange(-24 * STEPS_PER_HOUR, 24 * STEPS_PER_HOUR + 1) / STEPS_PER_HOUR
        self._table = CONFIG.amplitude_k**2 * wrapped_matern32(lag, CONFIG.length_scale_h)

    def __call__(self, x, y=None, eval_gradient=False):
        """Return the covariance (len(x), len(y)) in K^2."""
        y = x if y is None else y
        return self._table[(x[:, :1] - y[:, 0]).astype(np.int64) + 24 * STEPS_PER_HOUR]

    def diag(self, x):
        """Return the prior variance (len(x),) in K^2."""
        return np.full(x.shape[0], CONFIG.amplitude_k**2)

    def is_stationary(self) -> bool:
        """Return that only the lag counts."""
        return True


def cells(number: int, seen: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seen)
    chosen = np.argsort(rng.random((number, BINS)), axis=1) < seen
    count = np.where(chosen, rng.integers(1, 12, (number, BINS)), 0)
    hour = (np.arange(BINS) + 0.5) * 24 / BINS
    day = 95 + 280 * np.maximum(0, -np.cos(hour * np.pi / 12)) ** 0.25
    return day + rng.normal(0, 3, (number, BINS)), count


def with_sklearn(mean: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    outputs = np.arange(CONFIG.local_times)[:, None] * (24.0 * STEPS_PER_HOUR / CONFIG.local_times)
    kernel, results, deviations = WrappedMatern(), [], []
    for kelvins, n in zip(mean, count, strict=True):
        seen = np.flatnonzero(n)
        times = (seen + 0.5) * 24 / BINS
        apart = np.diff(times, append=times[0] + 24)
        centre = np.average(kelvins[seen], weights=apart + np.roll(apart, 1))
        noise = CONFIG.noise_k**2 / n[seen] + CONFIG.noise_floor_k**2
        process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None, copy_X_train=False)
        process.fit(times[:, None] * STEPS_PER_HOUR, kelvins[seen] - centre)
        value, deviation = process.predict(outputs, return_std=True)
        results.append(value + centre)
        deviations.append(deviation)
    return np.array(results), np.array(deviations)


def best_rate(call, number: int, repeats: int) -> float:
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return number / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profiles", type=int, default=40_000)
    parser.add_argument("--subset", type=int, default=400, help="profiles that scikit-learn does")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/profiles.json"))
    options = parser.parse_args()

    load_average = os.getloadavg()[0]
    figures = {}
    print(
        f"{'bins seen':>9} {'nightside/s':>12} {'sklearn/s':>10} {'ratio':>7} {'per thread':>10} {'differ by K':>12}"
    )
    for seen in (96, 30):
        mean, count = cells(options.profiles, seen)
        few, few_count = mean[: options.subset], count[: options.subset]
        ours = interpolate_profiles(few, few_count, CONFIG)
        rates = {}
        for threads in (1, numba.get_num_threads()):
            with threadpool_limits(threads, user_api="blas"):
                theirs = with_sklearn(few, few_count)
                rates[threads] = best_rate(
                    lambda a=few, b=few_count: with_sklearn(a, b), len(few), options.repeats
                )
        rate = best_rate(
            lambda a=mean, b=count: interpolate_profiles(a, b, CONFIG), len(mean), options.repeats
        )
        difference = [float(np.abs(a - b).max()) for a, b in zip(ours[:2], theirs, strict=True)]
        reference = max(rates.values())
        figures[f"{seen}_bins"] = {
            "profiles_per_s": rate,
            "sklearn_profiles_per_s": reference,
            "sklearn_blas_threads": max(rates, key=rates.__getitem__),
            "ratio": rate / reference,
            "ratio_per_thread": rate / reference / numba.get_num_threads(),
            "largest_difference_k": {"mean": difference[0], "std": difference[1]},
        }
        print(
            f"{seen:9d} {rate:12,.0f} {reference:10,.0f} {rate / reference:7.1f}"
            f" {rate / reference / numba.get_num_threads():10.1f} {max(difference):12.1e}"
        )
    report = {
        "benchmark": "profiles",
        "excluded": "compilation",
        "profiles": options.profiles,
        "sklearn_subset": options.subset,
        "repeats": options.repeats,
        "load_average_at_start": load_average,
        "figures": figures,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numba": numba.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "machine": {
            "processor": platform.machine(),
            "threads": numba.get_num_threads(),
            "system": platform.system(),
        },
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"ratio: to one process of scikit-learn; load average at the start {load_average:.2f}")
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()
