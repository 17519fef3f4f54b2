"""Unknown parameters by elimination: the equations are solved first, and the measurements fitted along the solutions.

When one loss holds both, a flexible network pays for a wrong parameter with residuals too small to see, and the fit
looks good while the parameter is not. Here the weights w are a function of the parameters p, the least-squares
solution of the equations, r(w, p) -> min; Gauss-Newton steps in p follow the measurements along it with
dw/dp = -R^+ dr/dp, R = dr/dw (variable projection: Golub & Pereyra 2003, Inverse Problems 19, R1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nightside.physics.informed.model import Model
from nightside.physics.informed.training import Clock

_LARGEST_CHANGE = 0.3
_SETTLED = 0.01
_LEAST_PIVOT = 1e-13


@dataclass(frozen=True)
class Eliminated:
    """The vector (n) reached; parameters by name, their covariance (k, k); what the two kinds of residuals add up to.

    ``converged`` says whether the last step was below a hundredth of each standard deviation.
    """

    vector: Tensor
    parameters: dict[str, float]
    covariance: Tensor
    chi_square: float
    equation_loss: float
    steps: int
    seconds: float
    converged: bool


def fit_by_elimination(model: Model, vector: Tensor, steps: int = 12) -> Eliminated:
    """Fit the unknown parameters to the measurements, along the solutions of the equations.

    ``vector`` (n) should hold a solution for the parameters it holds, such as :func:`levenberg_marquardt` finds
    for the problem without measurements. A step is one Jacobian; it changes no parameter by more than 0.3. The
    measurements have to add chi-square to the loss, and to be at least as many as the parameters.

    Raises ValueError where nothing is unknown or measured, or the equations alone do not determine the field.
    """
    clock = Clock()
    number = len(model.unknown)
    measured = torch.cat([torch.full(c.points.shape[:1], c.measured) for c in model.constraints])
    if not number or int(measured.sum()) < number:
        raise ValueError(
            f"{int(measured.sum())} measurements of {number} unknown parameters; expected as many or more"
        )
    if int((~measured).sum()) < vector.shape[0] - number:
        raise ValueError("fewer equations than weights: they do not determine the field; give more points")
    converged, step = False, 0
    with torch.no_grad():
        while step < steps and not converged:
            step += 1
            miss, slope = model.jacobian(vector)
            equations, by_weights = miss[~measured], slope[~measured, :-number]
            # By orthogonal triangles: the normal equations would square a condition number of 1e8.
            rotation, triangle = torch.linalg.qr(by_weights)
            diagonal = triangle.diagonal().abs()
            if not float(diagonal.min()) > _LEAST_PIVOT * float(diagonal.max()):
                raise ValueError(
                    "the equations alone do not determine the field; give more points, or fewer weights"
                )
            right = rotation.T @ torch.column_stack([equations, slope[~measured, -number:]])
            solved = -torch.linalg.solve_triangular(triangle, right, upper=True)
            correction, follow = solved[:, 0], solved[:, 1:]
            ahead = miss[measured] + slope[measured, :-number] @ correction
            along = slope[measured, :-number] @ follow + slope[measured, -number:]
            covariance = torch.linalg.inv(along.T @ along)
            full = -(covariance @ (along.T @ ahead))
            change = full.clamp(-_LARGEST_CHANGE, _LARGEST_CHANGE)
            vector = vector + torch.cat([correction + follow @ change, change])
            converged = bool((full.abs() < _SETTLED * covariance.diagonal().sqrt()).all())
        miss = model.residuals(vector)
    values = vector[-number:].tolist()
    return Eliminated(
        vector,
        dict(zip(model.unknown, values, strict=True)),
        covariance,
        float((miss[measured] ** 2).sum()),
        float((miss[~measured] ** 2).sum()),
        step,
        clock.seconds(),
        converged,
    )
