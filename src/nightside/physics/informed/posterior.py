"""How well the data determine the unknown parameters, once every network that fits has been allowed for."""

from __future__ import annotations

import torch
from torch import Tensor

from nightside.physics.informed.model import Model


def parameter_covariance(model: Model, vector: Tensor, prior_precision: float = 1.0) -> Tensor:
    """Return the covariance (k, k) of the unknown parameters, weights marginalised, by Laplace's approximation.

    The loss has to be a chi-square: measurements weighted n / sigma^2, equations heavy enough to hold. The weights
    have a Gaussian prior of precision ``prior_precision``, the parameters none; with the Jacobian split into those
    of weights W and parameters P, it is (P^T (1 + W W^T / prior)^-1 P)^-1.

    Raises ValueError where the problem has no unknown parameters, or the data do not determine them.
    """
    number = len(model.unknown)
    if number == 0:
        raise ValueError("the problem has no unknown parameters; there is nothing to give a covariance of")
    with torch.no_grad():
        _, slope = model.jacobian(vector)
        weights, parameters = slope[:, :-number], slope[:, -number:]
        if weights.shape[0] <= weights.shape[1]:
            marginal = torch.eye(weights.shape[0], dtype=slope.dtype) + weights @ weights.T / prior_precision
            precision = parameters.T @ torch.linalg.solve(marginal, parameters)
        else:
            gram = weights.T @ weights + prior_precision * torch.eye(weights.shape[1], dtype=slope.dtype)
            explained = weights @ torch.linalg.solve(gram, weights.T @ parameters)
            precision = parameters.T @ (parameters - explained)
        factor, failed = torch.linalg.cholesky_ex(precision)
        if int(failed):
            raise ValueError(f"the data do not determine {', '.join(model.unknown)}")
        return torch.cholesky_inverse(factor)
