"""How places are written: with as many decimals as it takes to ask for the same pixel again."""

from __future__ import annotations

DECIMALS = 6
"""Of a degree, 3 cm: a pixel of one metre, the finest there is, is 33 of the last decimal."""


def words(*degrees: float) -> tuple[str, ...]:
    """Return angles as text, without zeros at the end."""
    return tuple(f"{round(float(angle), DECIMALS) + 0.0:.10g}" for angle in degrees)
