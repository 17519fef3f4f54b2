"""SPICE kernels: which are loaded, and what is said where one is missing.

CSPICE keeps one pool of kernels for the whole process and is not made for threads. So all use of it is within
:func:`kernel_pool`, one thread at a time, and it leaves the pool as it found it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import spiceypy
from spiceypy.utils.exceptions import NotFoundError, SpiceyError

SUFFIXES = (".tls", ".tsc", ".tpc", ".bpc", ".tf", ".ti", ".bsp", ".bc")
"""Of the kernels in a folder, in the order in which they are loaded: leap seconds and clock first."""

_POOL = threading.RLock()


class MissingKernel(ValueError):
    """Kernels do not say what an image needs; the message names the type of kernel and the time."""


def kernel_files(paths: Iterable[Path]) -> list[Path]:
    """Return the kernels to load, in order: files and meta-kernels as given, the kernels in a folder by type and name.

    Of kernels of one type a later one takes precedence, so that versions are in order where their names are.

    Raises:
        MissingKernel: a path does not exist, a folder holds no kernel, or none is given.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            here = [p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES]
            if not here:
                raise MissingKernel(f"{path}: holds no SPICE kernel ({', '.join(SUFFIXES)})")
            found += sorted(here, key=lambda p: (SUFFIXES.index(p.suffix.lower()), p.name))
        elif path.exists():
            found.append(path)
        else:
            raise MissingKernel(f"{path}: no such kernel; correct 'optical.geometry.kernels'")
    if not found:
        raise MissingKernel(
            "no SPICE kernels are given; set 'optical.geometry.kernels' to a folder, a meta-kernel or files"
        )
    return found


@contextmanager
def kernel_pool(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Load kernels for the block, and nothing else; afterwards those that were loaded before are again.

    Other threads wait. Pool variables that were set by hand, not by a kernel, are lost. Yields the files loaded.

    Raises:
        MissingKernel: see :func:`kernel_files`; or a file is no kernel.
    """
    files = kernel_files(paths)
    with _POOL:
        before = _loaded()
        spiceypy.kclear()
        try:
            for file in files:
                try:
                    spiceypy.furnsh(str(file))
                except SpiceyError as error:
                    raise MissingKernel(
                        f"{file}: cannot be loaded as a SPICE kernel ({short_message(error)})"
                    ) from None
            yield files
        finally:
            spiceypy.kclear()
            for name in before:
                spiceypy.furnsh(name)


def in_pool(variable: str) -> bool:
    """Return whether a kernel that is loaded sets a variable."""
    try:
        spiceypy.dtpool(variable)
    except NotFoundError:
        return False
    return True


def _loaded() -> list[str]:
    """Return the kernels in the pool that were not loaded by a meta-kernel, in order."""
    data = [spiceypy.kdata(k, "ALL") for k in range(spiceypy.ktotal("ALL"))]
    return [file for file, _, source, _ in data if not source]


def short_message(error: SpiceyError | None) -> str:
    """Return SPICE's own short text of an error."""
    text = getattr(error, "short", "") or str(error)
    return " ".join(str(text).split())[:120]
