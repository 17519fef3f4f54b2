"""How this package is compiled; see :mod:`nightside.compiled`."""

from __future__ import annotations

from pathlib import Path

from nightside.compiled import Compiler

FAST = {"contract", "nsz", "arcp"}
"""Liberties with arithmetic that keep NaN and infinity."""

compiled = Compiler(Path(__file__).parent)
