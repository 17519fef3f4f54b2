"""Symbolic links among results: rooms often lie on another disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def broken_links(root: Path, names: Iterable[str]) -> dict[str, str]:
    """Return which paths below a folder are links to what is not there, and what to do about each."""
    return {
        name: f"{root / name} is a link to {(root / name).readlink()}, which is not there: mount that disk, or make the "
        "link anew"
        for name in names
        if (root / name).is_symlink() and not (root / name).exists()
    }


def way_out(root: Path, name: str) -> Path | None:
    """Return the first link on the way to a path below a folder that leads out of it; None where all stays inside."""
    inside, path = root.resolve(), root
    for part in Path(name).parts:
        path = path / part
        if not path.resolve().is_relative_to(inside):
            return path
    return None
