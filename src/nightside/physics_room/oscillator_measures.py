"""What all experiments on the oscillator share: the article's problem, where errors are measured, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nightside.physics.informed import FullyConnected, Model, Oscillator

Tell = Callable[[str], None]
Array = NDArray[np.float64]

TIMES = torch.linspace(0.0, 1.0, 500, dtype=torch.float64)[:, None]
"""Where errors are measured."""

DATA_STEPS = range(0, 200, 20)
"""The article's ten data points, as indices of TIMES."""

NETWORK = FullyConnected(inputs=1, width=32, hidden=3)
"""The article's."""


@dataclass
class Curves:
    """What the pictures show: frames are (step, loss, u on TIMES), logs (step, seconds, relative L2)."""

    exact: Array = field(default_factory=lambda: Oscillator().exact(TIMES).numpy())
    naive: list[tuple[int, float, Array]] = field(default_factory=list)
    informed: list[tuple[int, float, Array]] = field(default_factory=list)
    logs: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    high_exact: Array | None = None
    high: dict[str, Array] = field(default_factory=dict)


def article_problem(collocation: int, dtype: torch.dtype) -> Oscillator:
    """Return the oscillator with the article's ten exact positions from t = 0 to 0.36."""
    times = TIMES[list(DATA_STEPS)]
    positions = Oscillator().exact(times)
    return Oscillator(
        observed_t=tuple(times[:, 0].tolist()),
        observed_u=tuple(positions.tolist()),
        collocation=collocation,
        dtype=dtype,
    )


def values(model: Model, vector: Tensor) -> Array:
    """Return the field (500) on TIMES."""
    with torch.no_grad():
        return model.field(vector)(TIMES.to(model.dtype)).double().numpy()


def errors(model: Model, vector: Tensor) -> dict[str, float]:
    """Return the relative L2 error over the whole domain, inside the article's data, and outside."""
    exact, found = model.problem.exact(TIMES).numpy(), values(model, vector)
    inside = TIMES[:, 0].numpy() <= float(TIMES[DATA_STEPS[-1], 0])

    def relative(where: NDArray[np.bool_]) -> float:
        return float(np.linalg.norm((found - exact)[where]) / np.linalg.norm(exact[where]))

    return {
        "relative_l2": relative(np.ones_like(inside)),
        "relative_l2_inside": relative(inside),
        "relative_l2_outside": relative(~inside),
    }


class Log:
    """Keeps the error at each observed step, and the field as a frame."""

    def __init__(self, model: Model, frames: list[tuple[int, float, Array]]) -> None:
        self.entries: list[tuple[int, float, float]] = []
        self._model, self._frames = model, frames

    def __call__(self, step: int, seconds: float, loss: float, vector: Tensor) -> None:
        """Take the place of an optimiser's ``observe``."""
        self.entries.append((step, seconds, errors(self._model, vector)["relative_l2"]))
        self._frames.append((step, loss, values(self._model, vector)))


def in_words(row: dict[str, Any]) -> str:
    """Return the end of a training in one line."""
    parts = [
        f"{row[key]:.2e} {name}" for name in ("inside", "outside") if (key := f"relative_l2_{name}") in row
    ]
    where = f" ({', '.join(parts)} the data)" if parts else ""
    return f"relative L2 {row['relative_l2']:.2e}{where} after {row['steps']} steps, {row['seconds']:.1f} s"
