"""Adam: small steps down the gradient of the loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import grad_and_value

from nightside.physics.informed.model import Model
from nightside.physics.informed.training import Clock, Observer, Trained, traced

_MEAN_DECAY, _SQUARE_DECAY, _LEAST = 0.9, 0.999, 1e-8


def adam(
    model: Model,
    vector: Tensor,
    steps: int,
    rate: float,
    *,
    observe: Observer | None = None,
    every: int = 100,
) -> Trained:
    """Take ``steps`` of Adam at a constant ``rate``, from ``vector`` (n) (Kingma & Ba 2015, arXiv 1412.6980).

    The observer is told of step 0, every ``every``-th and the last.
    """
    clock = Clock()
    gradient = traced(grad_and_value(model.loss), vector)
    vector = vector.clone()
    mean, square = torch.zeros_like(vector), torch.zeros_like(vector)
    with torch.no_grad():
        for step in range(steps + 1):
            slope, loss = gradient(vector)
            if (
                observe is not None
                and (step % every == 0 or step == steps)
                and clock.tell(observe, step, float(loss), vector)
            ):
                break
            if step == steps:
                break
            mean.lerp_(slope, 1.0 - _MEAN_DECAY)
            square.mul_(_SQUARE_DECAY).addcmul_(slope, slope, value=1.0 - _SQUARE_DECAY)
            size = (square / (1.0 - _SQUARE_DECAY ** (step + 1))).sqrt_().add_(_LEAST)
            vector.addcdiv_(mean, size, value=-rate / (1.0 - _MEAN_DECAY ** (step + 1)))
    return Trained(vector, float(loss), step, clock.seconds())
