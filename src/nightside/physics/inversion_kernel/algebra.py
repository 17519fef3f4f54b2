"""Small symmetric systems, on the first rows of arrays that are allocated once."""

from __future__ import annotations

import math

import numpy as np

from nightside.physics.inversion_kernel.compiled import compiled
from nightside.physics.inversion_kernel.names import PARAMETERS


@compiled()
def cholesky_solve(matrix, n, right, solution, inverse):  # type: ignore[no-untyped-def]
    """Solve the first n rows of a symmetric system and invert it; return whether it is positive definite."""
    lower = np.zeros((PARAMETERS, PARAMETERS))
    for i in range(n):
        for j in range(i + 1):
            s = matrix[i, j]
            for k in range(j):
                s -= lower[i, k] * lower[j, k]
            if i == j:
                if not s > 0.0:
                    return False
                lower[i, i] = math.sqrt(s)
            else:
                lower[i, j] = s / lower[j, j]
    for column in range(n + 1):
        y = np.zeros(PARAMETERS)
        for i in range(n):
            s = right[i] if column == n else (1.0 if i == column else 0.0)
            for k in range(i):
                s -= lower[i, k] * y[k]
            y[i] = s / lower[i, i]
        for i in range(n - 1, -1, -1):
            s = y[i]
            for k in range(i + 1, n):
                s -= lower[k, i] * y[k]
            y[i] = s / lower[i, i]
        for i in range(n):
            if column == n:
                solution[i] = y[i]
            else:
                inverse[i, column] = y[i]
    return True


@compiled()
def log_determinant(matrix, n):  # type: ignore[no-untyped-def]
    """Return it for the first n rows of a symmetric, positive definite matrix, which is overwritten."""
    total = 0.0
    for k in range(n):
        total += math.log(max(matrix[k, k], 1e-300))
        for i in range(k + 1, n):
            part = matrix[i, k] / matrix[k, k]
            for j in range(k, n):
                matrix[i, j] -= part * matrix[k, j]
    return total
