"""Compilation whose cache on disk knows all of this package's source.

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

FAST = {"contract", "nsz", "arcp"}
"""Liberties with arithmetic that keep NaN and infinity."""


def source_digest(folder: Path) -> str:
    """Return the digest of the names and contents of the Python files in ``folder``."""
    total = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()[:16]


def _cache_folder() -> Path:
    """Return the folder for this source: in ``NUMBA_CACHE_DIR``, else beside the source, else in the user's cache."""
    package = Path(__file__).parent
    if _CONFIG.CACHE_DIR:
        root = Path(_CONFIG.CACHE_DIR)
    elif os.access(package, os.W_OK):
        root = package / "__pycache__"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nightside"
    return root / f"inversion_kernel-{source_digest(package)}"


CACHE = _cache_folder()


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return ``numba.njit`` with division as numpy's, and with the cache in ``CACHE``; the options are numba's."""

    def decorate(function: Callable[..., Any]) -> Any:
        before = _CONFIG.CACHE_DIR
        # Read when a function is decorated, and only then.
        _CONFIG.CACHE_DIR = str(CACHE)
        try:
            return numba.njit(cache=True, error_model="numpy", **options)(function)
        finally:
            _CONFIG.CACHE_DIR = before

    return decorate
