"""How this package is compiled; see :mod:`nightside.compiled`."""

from __future__ import annotations

from pathlib import Path

from nightside.compiled import Compiler

compiled = Compiler(Path(__file__).parent)
