"""Compilation whose cache on disk knows all source of the package that is compiled.

Numba looks for changes in the file of the function that it loads, not in those of the functions that this one calls. Split over
modules, an edit or a pull of one of them would silently run stale machine code of the others. So the cache lies in a
folder that is called after a digest of all the package's files: a changed source has another folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

_CONFIG: Any = numba.config


class Compiler:
    """``numba.njit`` for the functions of one package, with division as numpy's; options are numba's.

    Attributes:
        cache: the folder for this source: in ``NUMBA_CACHE_DIR``, else beside the source, else in the user's cache.
    """

    def __init__(self, package: Path) -> None:
        """Look at the Python files in the folder ``package``; functions that these call in other packages are not known."""
        if _CONFIG.CACHE_DIR:
            root = Path(_CONFIG.CACHE_DIR)
        elif os.access(package, os.W_OK):
            root = package / "__pycache__"
        else:
            root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nightside"
        self.cache = root / f"{package.name}-{source_digest(package)}"

    def __call__(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        """Return the decorator."""

        def decorate(function: Callable[..., Any]) -> Any:
            before = _CONFIG.CACHE_DIR
            # Read when a function is decorated, and only then.
            _CONFIG.CACHE_DIR = str(self.cache)
            try:
                return numba.njit(cache=True, error_model="numpy", **options)(function)
            finally:
                _CONFIG.CACHE_DIR = before

        return decorate


def source_digest(package: Path) -> str:
    """Return the digest of the names and contents of the Python files in a folder, and of how they are compiled."""
    total = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted(package.glob("*.py")):
        total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()[:16]
