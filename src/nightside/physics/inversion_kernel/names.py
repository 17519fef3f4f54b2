"""What the kernel's arrays hold: parameters in their order, codes of quality, and the sizes that its functions share."""

from __future__ import annotations

PARAMETERS = 5
"""Albedo, ln H, onset delay (h), slope to the north (degrees), rock fraction."""

ALBEDO, LOG_H, ONSET, SLOPE_NORTH, ROCK = 0, 1, 2, 3, 4

(
    GOOD,
    NO_OBSERVATIONS,
    TOO_FEW_OBSERVATIONS,
    BAD_INPUT,
    OUTSIDE_TABLE,
    NOT_CONVERGED,
    OUT_OF_RANGE,
    POOR_FIT,
) = range(8)

MAX_DEGREE = 16
"""Terms of a series in one variable."""
