"""A column of regolith, solved and inverted by networks, beside the solver: the same days and the same noise for all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares
from torch import Tensor

from nightside import physics
from nightside.physics import informed
from nightside.physics.informed import FullyConnected, Model, RegolithColumn
from nightside.physics.informed.regolith import coordinate_of_hour, depth_of

Tell = Callable[[str], None]
Array = NDArray[np.floating[Any]]

LOCAL_TIMES_H: Array = np.arange(480) * 0.05
"""Where errors are measured."""

OBSERVED_H: Array = (np.arange(48) + 0.5) * 0.5
"""The local times of the noisy temperatures that are inverted."""

ALBEDO, H_PARAMETER_M = 0.12, 0.07
FIRST_ALBEDO, FIRST_H_PARAMETER_M = 0.2, 0.12
NOISE_K = 1.0
TIMES, DEPTHS = 88, 20
FORWARD_STEPS = 10
ADAM_STEPS = 4000

TANH = informed.Harmonics(FullyConnected(inputs=13, width=20, hidden=2), count=6)

KNOTS = 5
OTHER_GROUND = replace(physics.REGOLITH, surface_conductivity=1.1e-3)
"""The truth of the unknown conductivity: half as much again at the surface, in no family that is assumed."""


def elements(count: int, in_time: int, in_depth: int) -> informed.Windows:
    """Return ``count`` periodic windows, three spacings wide, of ``in_time`` x ``in_depth`` Chebyshev polynomials."""
    turn = 2.0 * math.pi
    return informed.Windows(
        informed.ChebyshevFeatures((in_time, in_depth)), 0.0, turn, count, 3.0 * turn / count, periodic=True
    )


ELEMENTS = elements(20, 3, 14)


@dataclass
class Curves:
    """What the picture shows: surface temperature less the refined solver's, and the conductivity."""

    difference: dict[str, Array] = field(default_factory=dict)
    truth: Array | None = None


def run(draws: int, *, quick: bool = False, tell: Tell = lambda line: None) -> tuple[dict[str, Any], Curves]:
    """Return the tables of the forward problem, the inversions and the unknown conductivity, and the curves."""
    curves = Curves()
    return {
        "forward": forward(quick, curves, tell),
        "inverse": inverse(draws, tell),
        "conductivity": conductivity(draws, tell),
    }, curves


def refined(local_time_h: Array, material: physics.Material = physics.REGOLITH) -> Array:
    """Return surface temperatures (n), in K, of the solver with eight times its steps and three times its nodes."""
    surface: Array = physics.diurnal_temperatures(
        0.0, ALBEDO, H_PARAMETER_M, local_time_h=local_time_h, material=material, steps_per_day=3840, refinement=3.0
    )[0]  # fmt: skip
    return surface


def surface(model: Model, vector: Tensor) -> Array:
    """Return the surface temperatures (480), in K, that a model gives at LOCAL_TIMES_H."""
    s = coordinate_of_hour(torch.from_numpy(LOCAL_TIMES_H))
    with torch.no_grad():
        temperatures: Array = model.field(vector)(torch.stack([s, torch.full_like(s, -1.0)], dim=-1)).numpy()
    return temperatures


def split(difference: Array) -> dict[str, float]:
    """Return the rms of a difference (480), in K, by day, by night, and within an hour of sunrise or sunset."""
    near = (np.abs(LOCAL_TIMES_H - 6.0) < 1.0) | (np.abs(LOCAL_TIMES_H - 18.0) < 1.0)
    day = (LOCAL_TIMES_H > 6.0) & (LOCAL_TIMES_H < 18.0)

    def rms(where: NDArray[np.bool_]) -> float:
        return float(np.sqrt((difference[where] ** 2).mean()))

    return {"day_k": rms(day & ~near), "night_k": rms(~day & ~near), "terminator_k": rms(near)}


def forward(quick: bool, curves: Curves, tell: Tell) -> list[dict[str, Any]]:
    """Solve the column with known parameters; errors are against the refined solver. Quick leaves the slow rows out."""
    truth = curves.truth = refined(LOCAL_TIMES_H)
    rows: list[dict[str, Any]] = []

    def keep(name: str, temperatures: Array, seconds: float, **more: Any) -> None:
        curves.difference[name] = temperatures - truth
        rows.append({"method": name, **split(curves.difference[name]), "seconds": seconds, **more})
        row = rows[-1]
        tell(
            f"forward: {name}: {row['day_k']:.3f} K by day, {row['night_k']:.3f} K by night, {seconds:.3g} s"
        )

    physics.diurnal_temperatures(0.0)  # compiles
    start = time.perf_counter()
    solved = physics.diurnal_temperatures(0.0, ALBEDO, H_PARAMETER_M, local_time_h=LOCAL_TIMES_H)[0]
    keep("solver", solved, time.perf_counter() - start)
    problem = RegolithColumn(albedo=ALBEDO, h_parameter_m=H_PARAMETER_M, times=TIMES, depths=DEPTHS)
    if not quick:
        model = Model(problem, TANH)
        trained = informed.adam(model, model.initial(0), ADAM_STEPS, 2e-3)
        keep("tanh network, Adam", surface(model, trained.vector), trained.seconds,
             weights=trained.vector.shape[0], steps=trained.steps)  # fmt: skip
    methods: tuple[tuple[str, RegolithColumn, informed.Network, float, int], ...] = (
        ("tanh network, Levenberg-Marquardt", problem, TANH, 1.0, 75),
        ("spectral elements, Levenberg-Marquardt", problem, ELEMENTS, 1e-2, FORWARD_STEPS),
        ("fine spectral elements, Levenberg-Marquardt", replace(problem, times=144, depths=28),
         elements(28, 4, 20), 1e-2, FORWARD_STEPS),
    )  # fmt: skip
    for name, column, network, damping, steps in methods[: 2 if quick else 3]:
        model = Model(column, network)
        trained = informed.levenberg_marquardt(model, model.initial(0), steps, damping=damping)
        keep(name, surface(model, trained.vector), trained.seconds,
             weights=trained.vector.shape[0], steps=trained.steps)  # fmt: skip
    return rows


def inverse(draws: int, tell: Tell) -> dict[str, Any]:
    """Find albedo and H from 48 temperatures with 1 K of noise, by four methods."""
    methods: dict[str, Callable[[Array], dict[str, float]]] = {
        "solver and least squares": solver_fit,
        "one loss, tanh network": lambda seen: one_loss_fit(seen, TANH, 60, 1.0),
        "one loss, spectral elements": lambda seen: one_loss_fit(seen, ELEMENTS, FORWARD_STEPS, 1e-2),
        "elimination, spectral elements": elimination_fit,
    }
    clean = refined(OBSERVED_H)
    rows: list[dict[str, Any]] = []
    for draw in range(draws):
        seen = clean + NOISE_K * np.random.default_rng(draw).normal(size=clean.size)
        for name, fit in methods.items():
            start = time.perf_counter()
            found = fit(seen)
            found["seconds"] = time.perf_counter() - start
            found["h_error"] = found["h_parameter_m"] / H_PARAMETER_M - 1.0
            found["h_z"] = math.log(found["h_parameter_m"] / H_PARAMETER_M) / found["log_h_std"]
            found["albedo_z"] = (found["albedo"] - ALBEDO) / found["albedo_std"]
            rows.append({"draw": draw, "method": name, **found})
            tell(
                f"inverse: draw {draw}, {name}: A0 {found['albedo']:.4f} ± {found['albedo_std']:.4f}, "
                f"H {found['h_parameter_m']:.4f} m ± {100 * found['log_h_std']:.1f} %, {found['seconds']:.2g} s"
            )
    summary = {name: _summary([row for row in rows if row["method"] == name]) for name in methods}
    return {"truth": {"albedo": ALBEDO, "h_parameter_m": H_PARAMETER_M}, "summary": summary, "draws": rows}


def solver_fit(seen: Array) -> dict[str, float]:
    """Fit with the solver, its sensitivities by differences."""

    def misfit(parameters: Array) -> Array:
        model = physics.diurnal_temperatures(
            0.0, parameters[0], math.exp(parameters[1]), local_time_h=OBSERVED_H
        )
        return np.asarray((model[0] - seen) / NOISE_K, np.float64)

    start = [FIRST_ALBEDO, math.log(FIRST_H_PARAMETER_M)]
    found = least_squares(
        misfit, start, bounds=([0.0, -7.0], [0.9, 0.0]), diff_step=[1e-3, 1e-3], x_scale=[0.01, 0.1]
    )
    jacobian = np.asarray(found.jac, np.float64)
    covariance = np.linalg.inv(jacobian.T @ jacobian)
    return _estimate(found.x[0], found.x[1], covariance)


def one_loss_fit(seen: Array, network: informed.Network, steps: int, damping: float) -> dict[str, float]:
    """Fit equations and temperatures together, in one loss, from the solution of the first parameters."""
    problem = observed_column(seen, weight=100.0)
    model, vector = _first_solution(problem, network, steps, damping)
    vector = informed.levenberg_marquardt(model, vector, steps, damping=1e-2).vector
    covariance = informed.parameter_covariance(model, vector, prior_precision=1e-6).numpy()
    return _estimate(float(vector[-2]), float(vector[-1]), covariance)


def elimination_fit(seen: Array) -> dict[str, float]:
    """Solve the equations first, and fit the temperatures along their solutions."""
    model, vector = _first_solution(observed_column(seen), ELEMENTS, FORWARD_STEPS, 1e-2)
    found = informed.fit_by_elimination(model, vector)
    return _estimate(found.parameters["albedo"], found.parameters["log_h"], found.covariance.numpy())


def conductivity(draws: int, tell: Tell) -> dict[str, Any]:
    """Find the conductivity as a function of depth, of ground that is not in the family of H, and albedo with it.

    The surface of the true ground conducts half as much again; its density is known. 96 temperatures, 0.3 K.
    """
    hours, noise_k = (np.arange(96) + 0.5) * 0.25, 0.3
    clean = refined(hours, OTHER_GROUND)
    depth = depth_of(torch.linspace(-1.0, 1.0, KNOTS, dtype=torch.float64)).numpy()
    true = np.log(
        physics.contact_conductivity(depth, H_PARAMETER_M, OTHER_GROUND)
        / physics.contact_conductivity(depth, H_PARAMETER_M)
    )
    rows: list[dict[str, Any]] = []
    for draw in range(draws):
        seen = clean + noise_k * np.random.default_rng(draw).normal(size=clean.size)
        problem = replace(
            observed_column(seen, hours, noise_k),
            albedo=ALBEDO,
            h_parameter_m=H_PARAMETER_M,
            knots=KNOTS,
        )
        start = time.perf_counter()
        model, vector = _first_solution(problem, ELEMENTS, FORWARD_STEPS, 1e-2)
        found = informed.fit_by_elimination(model, vector)
        std = found.covariance.diagonal().sqrt().numpy()
        value = np.array([found.parameters[f"log_k_{i}"] for i in range(KNOTS)])
        rows.append({
            "draw": draw,
            "log_conductivity": value.tolist(),
            "std": std[1:].tolist(),
            "z": ((value - true) / std[1:]).tolist(),
            "albedo": found.parameters["albedo"],
            "chi_square": found.chi_square,
            "equation_loss": found.equation_loss,
            "converged": found.converged,
            "seconds": time.perf_counter() - start,
        })  # fmt: skip
        tell(
            f"conductivity: draw {draw}: "
            + ", ".join(f"{100 * z:.0f} cm {v:+.2f} ± {s:.2f} ({t:+.2f})"
                        for z, v, s, t in zip(depth, value, std[1:], true, strict=True))
        )  # fmt: skip
    return {"depth_m": depth.tolist(), "truth": true.tolist(), "noise_k": noise_k, "draws": rows}


def observed_column(
    seen: Array, hours: Array = OBSERVED_H, noise_k: float = NOISE_K, weight: float = 1.0
) -> RegolithColumn:
    """Return the column with observed temperatures, its parameters far from the truth."""
    return RegolithColumn(
        albedo=FIRST_ALBEDO,
        h_parameter_m=FIRST_H_PARAMETER_M,
        observed_h=tuple(hours.tolist()),
        observed_k=tuple(seen.tolist()),
        noise_k=noise_k,
        times=TIMES,
        depths=DEPTHS,
        weight=weight,
    )


def _first_solution(
    problem: RegolithColumn, network: informed.Network, steps: int, damping: float
) -> tuple[Model, Tensor]:
    """Return the model of an inverse problem and a vector that solves it for its first parameters, unfitted."""
    unobserved = Model(replace(problem, observed_h=(), observed_k=(), weight=1.0), network)
    solved = informed.levenberg_marquardt(unobserved, unobserved.initial(0), steps, damping=damping).vector
    model = Model(problem, network)
    return model, torch.cat([solved, model.initial(0)[solved.shape[0] :]])


def _estimate(albedo: float, log_h: float, covariance: Array) -> dict[str, float]:
    return {
        "albedo": float(albedo),
        "albedo_std": float(np.sqrt(covariance[0, 0])),
        "h_parameter_m": math.exp(log_h),
        "log_h_std": float(np.sqrt(covariance[1, 1])),
    }


def _summary(rows: list[dict[str, Any]]) -> dict[str, float]:
    def rms(name: str) -> float:
        return float(np.sqrt(np.mean([row[name] ** 2 for row in rows])))

    return {
        "h_rms_error": rms("h_error"),
        "h_rms_z": rms("h_z"),
        "albedo_rms_z": rms("albedo_z"),
        "mean_log_h_std": float(np.mean([row["log_h_std"] for row in rows])),
        "seconds": float(np.median([row["seconds"] for row in rows])),
    }
