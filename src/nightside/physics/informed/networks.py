"""Networks as functions of their weights: fully connected, random features, windows of subdomains, a carrier wave.

Each maps weights, by name, and points (..., d) to values (...). They hold no weights, so that they can be
differentiated, stacked and trained by any optimiser.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import vmap

Weights = Mapping[str, Tensor]


class Network(Protocol):
    """A function of weights and points."""

    def initial(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return random weights to start from, float32."""
        ...

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the values (...) at x (..., d)."""
        ...


@dataclass(frozen=True)
class FullyConnected:
    """``inputs`` -> ``width`` -> ... -> 1, with ``hidden`` layers of tanh; torch's default start of nn.Linear."""

    inputs: int = 1
    width: int = 32
    hidden: int = 3

    def initial(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return weights drawn in the order and from the distributions of nn.Linear, layer by layer."""
        sizes = [self.inputs, *[self.width] * self.hidden, 1]
        weights = {}
        for k, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            bound = 1.0 / math.sqrt(fan_in)
            weight, bias = torch.empty(fan_out, fan_in), torch.empty(fan_out)
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
            weights[f"weight_{k}"] = weight
            weights[f"bias_{k}"] = nn.init.uniform_(bias, -bound, bound, generator=generator)
        return weights

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the values (...) at x (..., inputs)."""
        for k in range(self.hidden):
            x = torch.tanh(nn.functional.linear(x, weights[f"weight_{k}"], weights[f"bias_{k}"]))
        return nn.functional.linear(x, weights[f"weight_{self.hidden}"], weights[f"bias_{self.hidden}"])[
            ..., 0
        ]


@dataclass(frozen=True)
class RandomFeatures:
    """``count`` tanh(a x + b), a and b drawn once and kept: only the weights of their sum are trained.

    Anderson, Dolean, Moseley & Pestana (2024), arXiv 2409.01949 (extreme learning machines). A linear problem
    becomes a linear one again. a has standard deviation ``slope``, b is uniform within +-``slope``, so that the
    features lie within -1 < x < 1.
    """

    inputs: int = 1
    count: int = 32
    slope: float = 4.0
    seed: int = 0

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        a = self.slope * torch.randn(self.count, self.inputs, generator=generator)
        b = self.slope * (2.0 * torch.rand(self.count, generator=generator) - 1.0)
        object.__setattr__(self, "_drawn", (a, b))

    def initial(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return weights of a standard deviation of 1 / count."""
        return {"weight": torch.randn(self.count, generator=generator) / self.count}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the values (...) at x (..., inputs)."""
        a, b = (drawn.to(x.dtype) for drawn in self._drawn)  # type: ignore[attr-defined]
        return torch.tanh(nn.functional.linear(x, a, b)) @ weights["weight"]


@dataclass(frozen=True)
class ChebyshevFeatures:
    """Sums of products of Chebyshev polynomials, ``orders`` of them in each coordinate, for -1 <= x <= 1.

    In :class:`Windows` they are spectral elements that overlap: where the field is smooth in each window, far
    fewer of them are needed than of random features.
    """

    orders: tuple[int, ...]

    def initial(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return weights of naught: the field starts as the same everywhere."""
        return {"weight": torch.zeros(self.orders)}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the values (...) at x (..., len(orders))."""
        value = weights["weight"].expand(*x.shape[:-1], *self.orders)
        for axis, order in reversed(list(enumerate(self.orders))):
            polynomials = _chebyshev(x[..., axis], order)
            value = (value @ polynomials[..., None]).squeeze(-1) if axis else (value * polynomials).sum(-1)
        return value


def _chebyshev(x: Tensor, order: int) -> Tensor:
    terms = [torch.ones_like(x), x]
    while len(terms) < order:
        terms.append(2.0 * x * terms[-1] - terms[-2])
    return torch.stack(terms[:order], dim=-1)


@dataclass(frozen=True)
class Harmonics:
    """``network``, which sees the first coordinate, an angle in radians, as its first ``count`` cosines and sines.

    So the field repeats exactly after a turn. The network has 2 ``count`` inputs in place of one.
    """

    network: Network
    count: int = 8

    def initial(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the weights of the network."""
        return self.network.initial(generator)

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the values (...) at x (..., d)."""
        angle = x[..., :1] * torch.arange(1, self.count + 1, dtype=x.dtype)
        return self.network(weights, torch.cat([torch.cos(angle), torch.sin(angle), x[..., 1:]], dim=-1))


@dataclass(frozen=True)
class Windows:
    """A network for each of overlapping intervals of the first coordinate, blended by smooth windows.

    Moseley, Markham & Nissen-Meyer (2023), Adv. Comput. Math. 49, 62 (finite-basis networks). The intervals of
    ``width`` lie around ``count`` centres evenly spaced from ``start`` to ``end``, both included; in a ``periodic``
    coordinate start and end are one place. Within its own interval each network sees the coordinate from -1 to 1,
    so that what is fast for the whole is slow for it. The windows are cos^4, divided by their sum.

    Raises ValueError for intervals that do not overlap.
    """

    network: Network
    start: float = 0.0
    end: float = 1.0
    count: int = 15
    width: float = 0.15
    periodic: bool = False

    def __post_init__(self) -> None:
        if self.count < 1 or not self.width > self.spacing:
            raise ValueError(
                f"{self.count} windows of {self.width} do not overlap; expected wider than {self.spacing:.4g}"
            )

    @property
    def spacing(self) -> float:
        """The distance of neighbouring centres."""
        return (self.end - self.start) / (self.count if self.periodic else max(self.count - 1, 1))

    def initial(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the weights of all networks, stacked along a first dimension."""
        each = [self.network.initial(generator) for _ in range(self.count)]
        return {name: torch.stack([weights[name] for weights in each]) for name in each[0]}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the blended values (...) at x (..., d)."""
        distance = x[..., :1] - (self.start + self.spacing * torch.arange(self.count, dtype=x.dtype))
        if self.periodic:
            turn = self.end - self.start
            distance = distance - turn * torch.round(distance / turn).detach()
        local = distance * (2.0 / self.width)
        inside = torch.cos((0.5 * math.pi) * local.clamp(-1.0, 1.0)) ** 4
        inputs = local[..., None]
        if x.shape[-1] > 1:
            others = x[..., None, 1:].expand(*local.shape, x.shape[-1] - 1)
            inputs = torch.cat([inputs, others], dim=-1)
        values = vmap(self.network, in_dims=(0, -2), out_dims=-1)(weights, inputs)
        return (inside * values).sum(-1) / inside.sum(-1)


@dataclass(frozen=True)
class CarrierWave:
    """``network`` times sin(frequency x + phase): the amplitude is slow where the field is fast.

    Frequency and phase are weights, which start at the values given here.
    """

    network: Network
    frequency: float
    phase: float = 1.0

    def initial(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the weights of the network, and those of the wave."""
        wave = {"frequency": torch.tensor(self.frequency), "phase": torch.tensor(self.phase)}
        return {**self.network.initial(generator), **wave}

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the modulated wave (...) at x (..., d)."""
        return self.network(weights, x) * torch.sin(weights["frequency"] * x[..., 0] + weights["phase"])
