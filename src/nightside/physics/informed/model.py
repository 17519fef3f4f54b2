"""A problem and a network together: one vector of weights and unknowns, its residuals and their Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from nightside.physics.informed.networks import Network
from nightside.physics.informed.problem import Constraint, Field, Problem


@dataclass(frozen=True)
class Model:
    """A network that is to solve a problem.

    Everything trainable is one vector (n): the weights of the network, then the unknown parameters of the
    problem in the order of ``problem.unknown()``.
    """

    problem: Problem
    network: Network
    dtype: torch.dtype = torch.float64

    shapes: dict[str, torch.Size] = field(init=False, compare=False)
    constraints: tuple[Constraint, ...] = field(init=False)
    unknown: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        # Once, here: a traced function may not look at values.
        start = self.network.initial(torch.Generator())
        object.__setattr__(self, "shapes", {name: weight.shape for name, weight in start.items()})
        object.__setattr__(self, "constraints", self.problem.constraints())
        object.__setattr__(self, "unknown", tuple(self.problem.unknown()))

    def initial(self, seed: int) -> Tensor:
        """Return the vector (n) that training starts from."""
        weights = self.network.initial(torch.Generator().manual_seed(seed)).values()
        start = torch.tensor(list(self.problem.unknown().values()), dtype=self.dtype)
        return torch.cat([*(w.to(self.dtype).ravel() for w in weights), start])

    def field(self, vector: Tensor) -> Field:
        """Return the field that a vector stands for, a function of points (..., d)."""
        weights, offset = {}, 0
        for name, shape in self.shapes.items():
            weights[name] = vector[offset : offset + shape.numel()].view(shape)
            offset += shape.numel()
        return lambda x: self.problem.ansatz(self.network(weights, x), x)

    def parameters(self, vector: Tensor) -> dict[str, Tensor]:
        """Return the physical parameters, fixed and unknown, by name."""
        fixed = {k: torch.tensor(v, dtype=self.dtype) for k, v in self.problem.fixed().items()}
        first = vector.shape[0] - len(self.unknown)
        return fixed | {name: vector[first + k] for k, name in enumerate(self.unknown)}

    def loss(self, vector: Tensor) -> Tensor:
        """Return the sum over constraints of weight times mean square."""
        return (self.residuals(vector) ** 2).sum()

    def residuals(self, vector: Tensor) -> Tensor:
        """Return the residuals (m) of all constraints, scaled so that the sum of their squares is the loss."""
        u, parameters = self.field(vector), self.parameters(vector)
        return torch.cat(
            [c.scale * (c.residual(u, c.points, parameters) - c.targets) for c in self.constraints]
        )

    def jacobian(self, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Return the residuals (m) and their exact Jacobian (m, n)."""
        parts = []
        for constraint in self.constraints:
            # Point by point: a residual depends on its own point alone, so that the Jacobian costs one gradient
            # of the network at each point, not one of the whole batch for each residual.
            of_point = grad_and_value(self._at_a_point(constraint))
            parts.append(vmap(of_point, in_dims=(None, 0, 0))(vector, constraint.points, constraint.targets))
        return torch.cat([miss for _, miss in parts]), torch.cat([slope for slope, _ in parts])

    def _at_a_point(self, constraint: Constraint) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        def residual(vector: Tensor, x: Tensor, target: Tensor) -> Tensor:
            found = constraint.residual(self.field(vector), x, self.parameters(vector))
            return constraint.scale * (found - target)

        return residual
