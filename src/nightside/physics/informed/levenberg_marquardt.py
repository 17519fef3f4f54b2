"""Levenberg-Marquardt: Gauss-Newton steps on the residuals, with their exact Jacobian, damped as far as needed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nightside.physics.informed.model import Model
from nightside.physics.informed.training import Clock, Observer, Trained, traced

_LEAST_GAIN = 1e-4
_LEAST_DAMPING = 1e-15
_TRIALS = 20
_WORTH_TRACING = 60


def levenberg_marquardt(
    model: Model,
    vector: Tensor,
    steps: int,
    *,
    damping: float = 1.0,
    tolerance: float = 1e-14,
    observe: Observer | None = None,
) -> Trained:
    """Take up to ``steps`` from ``vector`` (n) (Nocedal & Wright 2006, Numerical Optimization, section 10.3).

    A step is one Jacobian (m, n) and -(J^T J + damping)^-1 J^T r; with fewer residuals than weights it is found
    in the space of the residuals, as -J^T (J J^T + damping)^-1 r, which is the same. ``damping`` is where the
    damping starts; it falls after a step that lowers the loss as foreseen and rises after one that does not. The
    search ends where the loss is below ``tolerance``, or where no step lowers it.
    """
    clock = Clock()
    jacobian: Callable[[Tensor], tuple[Tensor, Tensor]] = model.jacobian
    residuals: Callable[[Tensor], Tensor] = model.residuals
    if steps > _WORTH_TRACING:
        jacobian, residuals = traced(jacobian, vector), traced(residuals, vector)
    with torch.no_grad():
        miss, slope = jacobian(vector)
        loss = _square(miss)
        for step in range(steps + 1):
            if observe is not None and clock.tell(observe, step, loss, vector):
                break
            if step == steps or loss < tolerance:
                break
            dual = slope.shape[0] < slope.shape[1]
            gram = slope @ slope.T if dual else slope.T @ slope
            for _ in range(_TRIALS):
                change = _damped_step(gram, slope, miss, damping, dual)
                foreseen = loss - _square(miss + slope @ change)
                after = _square(residuals(vector + change))
                gain = (loss - after) / foreseen if foreseen > 0.0 else -1.0
                if gain > _LEAST_GAIN:
                    break
                damping *= 4.0
            else:
                break
            damping = max(damping * (0.2 if gain > 0.75 else 0.5 if gain > 0.25 else 2.0), _LEAST_DAMPING)
            vector = vector + change
            miss, slope = jacobian(vector)
            loss = _square(miss)
    return Trained(vector, loss, step, clock.seconds())


def _damped_step(gram: Tensor, slope: Tensor, miss: Tensor, damping: float, dual: bool) -> Tensor:
    damped = gram + damping * torch.eye(gram.shape[0], dtype=gram.dtype)
    factor, failed = torch.linalg.cholesky_ex(damped)
    right = (miss if dual else slope.T @ miss)[:, None]
    # Damping below the rounding of the Gram matrix leaves it indefinite.
    solved = (
        torch.linalg.lstsq(damped, right).solution if int(failed) else torch.cholesky_solve(right, factor)
    )
    return -(slope.T @ solved if dual else solved)[:, 0]


def _square(values: Tensor) -> float:
    return float(values @ values)
