"""The friction of an oscillator by least squares on its exact solution: the peer of the physics-informed inverse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares


class Estimate(NamedTuple):
    """A value and its standard deviation."""

    value: float
    std: float


def fit_friction(
    times: ArrayLike, values: ArrayLike, noise: float, mass: float = 1.0, stiffness: float = 400.0
) -> Estimate:
    """Return the friction of u = e^(-dt) (a cos wt + b sin wt), a and b unknown too, from u (n) at ``times`` (n).

    ``noise`` is the standard deviation of the values. Raises ValueError for values that are not finite, and constants
    that are not positive.
    """
    t, u = np.asarray(times, np.float64), np.asarray(values, np.float64)
    if t.shape != u.shape or not (np.isfinite(t).all() and np.isfinite(u).all()):
        raise ValueError("expected as many finite values as finite times")
    for name, value in (("noise", noise), ("mass", mass), ("stiffness", stiffness)):
        if not 0.0 < value < np.inf:
            raise ValueError(f"{name} is {value}; expected a positive number")
    critical = 2.0 * np.sqrt(mass * stiffness)

    def misfit(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        friction, a, b = parameters
        decay = friction / (2.0 * mass)
        frequency = np.sqrt(stiffness / mass - decay**2)
        wave = a * np.cos(frequency * t) + b * np.sin(frequency * t)
        return np.asarray((np.exp(-decay * t) * wave - u) / noise, np.float64)

    bounds = ([-0.5 * critical, -np.inf, -np.inf], [0.999 * critical, np.inf, np.inf])
    found = least_squares(misfit, [0.0, 1.0, 0.0], bounds=bounds, x_scale=[1.0, 0.1, 0.1])
    jacobian = np.asarray(found.jac, np.float64)
    covariance = np.linalg.inv(jacobian.T @ jacobian)
    return Estimate(float(found.x[0]), float(np.sqrt(covariance[0, 0])))
