"""The damped harmonic oscillator, m u'' + mu u' + k u = 0, as a physics-informed problem.

The example of Moseley, "So, what is a physics-informed neural network?" (2021): mass 1, friction 4 and
stiffness 400 on 0 <= t <= 1, released at rest from u = 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nightside.physics.informed.problem import Constraint, Field, Parameters, Problem, derivatives


@dataclass(frozen=True)
class Oscillator(Problem):
    """An underdamped oscillator, released at rest from u = 1.

    ``observed_t`` and ``observed_u`` (n) are measurements, with weight ``data_weight``; without them the start is
    prescribed: (u(0) - 1)^2 and ``velocity_weight`` u'(0)^2. The equation holds at ``collocation`` evenly spaced
    times from 0 to 1; with none of them the network only fits the measurements. With ``friction_start`` friction is unknown, and its search starts there.

    Raises ValueError for parameters without an underdamped motion, and for measurements that are not finite.
    """

    mass: float = 1.0
    friction: float = 4.0
    stiffness: float = 400.0
    observed_t: tuple[float, ...] = ()
    observed_u: tuple[float, ...] = ()
    collocation: int = 30
    equation_weight: float = 1e-4
    data_weight: float = 1.0
    velocity_weight: float = 1e-1
    friction_start: float | None = None
    dtype: torch.dtype = torch.float64

    def __post_init__(self) -> None:
        for name in ("mass", "stiffness"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0.0):
                raise ValueError(f"{name} is {getattr(self, name)}; expected a positive number")
        critical = 2.0 * math.sqrt(self.mass * self.stiffness)
        if not 0.0 <= self.friction < critical:
            raise ValueError(
                f"friction is {self.friction}; expected 0 to below {critical:g}, where the motion is critically damped"
            )
        if len(self.observed_t) != len(self.observed_u):
            raise ValueError(
                f"{len(self.observed_u)} values at {len(self.observed_t)} times; expected as many values as times"
            )
        for name, numbers in (("observed_t", self.observed_t), ("observed_u", self.observed_u)):
            for k, number in enumerate(numbers):
                if not math.isfinite(number):
                    raise ValueError(
                        f"{name}[{k}] is {number}; expected a finite number: leave out what was not measured"
                    )
        for k, time in enumerate(self.observed_t):
            if not 0.0 <= time <= 1.0:
                raise ValueError(f"observed_t[{k}] is {time:g}; expected 0 to 1, where the equation holds")
        for name in ("equation_weight", "data_weight", "velocity_weight"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a positive number")
        if self.friction_start is not None and not abs(self.friction_start) < critical:
            raise ValueError(
                f"friction_start is {self.friction_start}; expected below {critical:g}, the critical damping, in size"
            )
        if self.collocation < 0 or not (self.collocation or self.observed_t):
            raise ValueError(f"collocation is {self.collocation}; expected times where the equation holds")

    def fixed(self) -> Mapping[str, float]:
        """Return mass, friction and stiffness."""
        return {"mass": self.mass, "friction": self.friction, "stiffness": self.stiffness}

    def unknown(self) -> Mapping[str, float]:
        """Return the start of the search for the friction, if it is unknown."""
        return {} if self.friction_start is None else {"friction": self.friction_start}

    def constraints(self) -> tuple[Constraint, ...]:
        """Return the equation of motion, and the measurements or the start."""
        parts = []
        if self.collocation:
            everywhere = torch.linspace(0.0, 1.0, self.collocation, dtype=self.dtype)[:, None]
            parts.append(
                Constraint("equation of motion", everywhere, equation_of_motion, self.equation_weight)
            )
        if self.observed_t:
            times = torch.tensor(self.observed_t, dtype=self.dtype)[:, None]
            values = torch.tensor(self.observed_u, dtype=self.dtype)
            parts.append(Constraint("measurements", times, position, self.data_weight, values, True))
        else:
            start = torch.zeros(1, 1, dtype=self.dtype)
            parts.append(Constraint("start", start, position, self.data_weight, 1.0))
            parts.append(Constraint("start at rest", start, velocity, self.velocity_weight))
        return tuple(parts)

    def exact(self, x: Tensor) -> Tensor:
        """Return e^(-dt) (cos wt + d/w sin wt), d = mu / 2m, w^2 = k/m - d^2, at times x (..., 1)."""
        decay = self.friction / (2.0 * self.mass)
        frequency = math.sqrt(self.stiffness / self.mass - decay**2)
        t = x[..., 0]
        return torch.exp(-decay * t) * (
            torch.cos(frequency * t) + (decay / frequency) * torch.sin(frequency * t)
        )


def equation_of_motion(u: Field, t: Tensor, p: Parameters) -> Tensor:
    """Return m u'' + mu u' + k u."""
    value, slope, curvature = derivatives(u, t)
    return p["mass"] * curvature + p["friction"] * slope[..., 0] + p["stiffness"] * value


def position(u: Field, t: Tensor, p: Parameters) -> Tensor:
    """Return u."""
    return u(t)


def velocity(u: Field, t: Tensor, p: Parameters) -> Tensor:
    """Return u'."""
    return derivatives(u, t)[1][..., 0]
