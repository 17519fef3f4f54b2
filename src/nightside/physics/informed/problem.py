"""What a physics-informed problem is: parameters, points, what has to hold there, and the exact solution.

A problem is a frozen dataclass that inherits :class:`Problem`. Its residuals are functions of a *field* u, which
maps points (..., d) to values (...): written with :func:`derivatives`, the same lines serve one point, a batch of
points, and their Jacobian with respect to the weights of a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.func import grad

Field = Callable[[Tensor], Tensor]
"""Maps points (..., d) to values (...), each value from its own point alone."""

Parameters = Mapping[str, Tensor]
"""Physical parameters by name, fixed and unknown together; each a tensor without dimensions."""

Residual = Callable[[Field, Tensor, Parameters], Tensor]
"""Maps a field, points (..., d) and parameters to values (...)."""


@dataclass(frozen=True)
class Constraint:
    """``residual(field, points, parameters)`` has to equal ``target`` at ``points``.

    ``points`` is (n, d), ``target`` (n) or one value. ``weight`` multiplies the mean square of the difference in the loss; with
    n / sigma^2 the constraint adds chi-square to it. ``measured`` marks measurements and priors, as against
    equations.

    Raises ValueError for points or targets that are not finite, or of the wrong shape.
    """

    name: str
    points: Tensor
    residual: Residual
    weight: float = 1.0
    target: Tensor | float = 0.0
    measured: bool = False

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[0] == 0:
            raise ValueError(
                f"{self.name}: points are {tuple(self.points.shape)}; expected (n, d), n above 0"
            )
        if not bool(torch.isfinite(self.points).all()):
            raise ValueError(f"{self.name}: a point is not finite")
        target = torch.as_tensor(self.target)
        if target.ndim and target.shape != self.points.shape[:1]:
            raise ValueError(
                f"{self.name}: {tuple(target.shape)} targets for {self.points.shape[0]} points; expected as many"
            )
        if not bool(torch.isfinite(target).all()):
            raise ValueError(f"{self.name}: a target is not finite; leave out what was not measured")
        if not 0.0 < self.weight < float("inf"):
            raise ValueError(f"{self.name}: weight is {self.weight}; expected a positive number")

    @property
    def targets(self) -> Tensor:
        """The target of each point (n)."""
        return torch.as_tensor(self.target, dtype=self.points.dtype).expand(self.points.shape[0])

    @property
    def scale(self) -> float:
        """What each difference is multiplied by, so that the sum of squares is weight times mean square."""
        return float((self.weight / self.points.shape[0]) ** 0.5)


class Problem(Protocol):
    """A problem; inherit from it and give :meth:`fixed`, :meth:`constraints` and, where known, :meth:`exact`."""

    def fixed(self) -> Mapping[str, float]:
        """Return the physical parameters, by name."""
        ...

    def unknown(self) -> Mapping[str, float]:
        """Return where the search for each unknown parameter starts; an unknown one replaces a fixed one."""
        return {}

    def constraints(self) -> tuple[Constraint, ...]:
        """Return everything that has to hold, with the points where it has to."""
        ...

    def ansatz(self, value: Tensor, x: Tensor) -> Tensor:
        """Turn what the network gives (...) at x (..., d) into the field; by default they are the same."""
        return value

    def exact(self, x: Tensor) -> Tensor:
        """Return the exact solution (...) at x (..., d); a problem without a known one raises ValueError."""
        raise ValueError(f"no exact solution of {type(self).__name__} is known")


def derivatives(field: Field, x: Tensor, axis: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return the field (...), its gradient (..., d) and its second derivative along ``axis`` (...), at x (..., d)."""

    def slope(x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        def total(x: Tensor) -> tuple[Tensor, Tensor]:
            value = field(x)
            # Each value depends on its own point alone, so the gradient of the sum holds every point's own.
            return value.sum(), value

        gradient, value = grad(total, has_aux=True)(x)
        return gradient[..., axis].sum(), (value, gradient)

    curvature, (value, gradient) = grad(slope, has_aux=True)(x)
    return value, gradient, curvature[..., axis]
