"""Batch normalisation over the batch of all processes, on CPU and GPU; PyTorch's own synchronises GPUs only."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch import distributed as dist


class BatchNorm(nn.BatchNorm1d):
    """``BatchNorm1d`` of rows (n, channels) that trains on n processes as one does on the whole batch.

    Every process has as many rows. Weights are those of ``BatchNorm1d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the rows normalised, shape as they are."""
        if not (
            self.training and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        ):
            return super().forward(input)
        count = input.shape[0] * dist.get_world_size()
        mean = _over_all(input.sum(0)) / count
        # Centred before it is squared: the mean of squares alone would lose the digits of a small variance.
        variance = _over_all((input - mean).square().sum(0)) / count
        self._remember(mean.detach(), variance.detach() * (count / (count - 1)))
        normal = (input - mean) * torch.rsqrt(variance + self.eps)
        return normal * self.weight + self.bias

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


def _over_all(values: Tensor) -> Tensor:
    """Return the sum over processes, differentiably."""
    from torch.distributed.nn.functional import all_reduce

    total: Tensor = all_reduce(values)  # type: ignore[no-untyped-call]
    return total
