"""The surrogate and its fit to observations, compiled: one place after the other, spread over the cores.

``series`` and ``table`` read the table, ``model`` makes a day of it, ``one_place`` fits it, ``valley`` follows rocks and
H where they act alike, ``places`` does many. ``compiled`` keeps machine code and source together.
"""

from nightside.physics.inversion_kernel.names import (
    ALBEDO,
    BAD_INPUT,
    GOOD,
    LOG_H,
    NO_OBSERVATIONS,
    NOT_CONVERGED,
    ONSET,
    OUT_OF_RANGE,
    OUTSIDE_TABLE,
    POOR_FIT,
    ROCK,
    SLOPE_NORTH,
    TOO_FEW_OBSERVATIONS,
)
from nightside.physics.inversion_kernel.places import fit, temperatures

__all__ = [
    "ALBEDO",
    "BAD_INPUT",
    "GOOD",
    "LOG_H",
    "NOT_CONVERGED",
    "NO_OBSERVATIONS",
    "ONSET",
    "OUTSIDE_TABLE",
    "OUT_OF_RANGE",
    "POOR_FIT",
    "ROCK",
    "SLOPE_NORTH",
    "TOO_FEW_OBSERVATIONS",
    "fit",
    "temperatures",
]
