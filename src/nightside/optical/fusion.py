"""What several images of one place say together: weights, and the variance of the weighted mean.

A denoised value is what is expected where the noise leaves several grounds possible, and the worse of two images expects
much of what the better one does. So their errors are not independent: ``correlation`` of the smaller variance is common to both,
the rest of each is its own (1: a worse image adds nothing to a better one; 0: all errors are independent). The weights are
those of the least variance under this covariance; for two images of one variance it falls to (1 + correlation) / 2 of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Stack = NDArray[np.float64]
"""Shape (image, y, x)."""


def least_variance_weights(variance: Stack, correlation: float) -> Stack:
    """Return weights of sum 1, and 0 where no image is.

    Args:
        variance: of each image's error, infinite where the image is not.
        correlation: share of the smaller variance that two errors have in common, 0 to 1.
    """
    order = np.argsort(-variance, axis=0)
    falling = np.take_along_axis(variance, order, 0)
    own = max(1.0 - correlation, 1e-6) * falling
    # From the worst image to the best, as a random walk that is observed: what is common to the worse ones is what is
    # common to the better ones and a part of its own. `known` is the variance of what they tell of the latter, and
    # `kept` what is left of their weights once the next one is there.
    kept = np.zeros(falling.shape)
    known = np.full(falling.shape[1:], np.inf)
    with np.errstate(invalid="ignore"):
        for k in range(len(falling)):
            if k:
                known = np.where(
                    np.isfinite(known), known + correlation * (falling[k - 1] - falling[k]), np.inf
                )
            kept[k] = np.where(np.isfinite(known), own[k] / (known + own[k]), 0.0)
            known = np.where(np.isfinite(known), kept[k] * known, own[k])
    weights, left = np.empty(falling.shape), np.ones(falling.shape[1:])
    for k in reversed(range(len(falling))):
        weights[k] = np.where(np.isfinite(own[k]), left * (1.0 - kept[k]), 0.0)
        left = left * kept[k]
    unsorted = np.empty_like(weights)
    np.put_along_axis(unsorted, order, weights, 0)
    return unsorted


def variance_of_mean(weights: Stack, variance: Stack, correlation: float) -> NDArray[np.float64]:
    """Return the variance of a weighted mean, shape (y, x).

    Args:
        weights: of each image, 0 where it is not.
        variance: of its error; what stands where the weight is 0 does not count.
        correlation: as in :func:`least_variance_weights`.
    """
    counted = np.where(weights > 0, variance, 0.0)
    order = np.argsort(-counted, axis=0)
    falling, weight = (np.take_along_axis(stack, order, 0) for stack in (counted, weights))
    # The smaller variance of two is that of the later one.
    before = np.cumsum(weight, axis=0) - weight
    total: NDArray[np.float64] = np.sum(weight * falling * (weight + 2.0 * correlation * before), axis=0)
    return total
