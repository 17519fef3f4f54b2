"""Files and folders that are finished or absent, never half-written."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

TIMINGS = "timings.json"
"""What a step measured of its own speed, beside its results: it differs from run to run, they do not."""


class Busy(ValueError):
    """Another process is writing the same result."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it there when the block succeeds, remove it otherwise.

    Raises:
        OSError: the disk is full; the message names the file and the remedy.
    """
    with named_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    # The suffix stays last: rasterio and matplotlib choose the format by it.
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        with named_full_disk(path):
            yield partial
            _sync(partial)
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder ``<path>.partial``; replace ``path`` by it when the block succeeds.

    Raises:
        Busy: another process is at it.
        OSError: the disk is full; the message names the folder and the remedy.
    """
    partial, old = path.with_name(path.name + ".partial"), path.with_name(path.name + ".old.partial")
    with named_full_disk(path), _begun(partial):
        shutil.rmtree(old, ignore_errors=True)
        try:
            yield partial
            if path.exists():
                # Moved, not removed in place: a kill leaves it whole or gone.
                path.replace(old)
            partial.replace(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def own_folder(folder: Path, *patterns: str) -> None:
    """Refuse to replace a folder that holds a file of another step, or of the user.

    Raises:
        ValueError: a file in it or below matches none of ``patterns``; the message names one.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder")
    for path in folder.rglob("*"):
        if path.is_file() and not any(path.match(pattern) for pattern in patterns):
            raise ValueError(
                f"{folder} would be replaced, but it holds {path.relative_to(folder)}, which this step does not "
                "write; give a folder of its own"
            )


def hold(path: Path) -> int:
    """Take hold of an existing file or folder until this process ends, or closes the descriptor returned.

    The hold is the kernel's: that of a killed process is gone. A file system without such holds grants all.

    Raises:
        Busy: another process holds it.
    """
    # A network file system grants a file only to one who may write it.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:
            os.close(descriptor)
            raise Busy(
                f"another process is writing {path}; wait until it has ended, then run the same command again"
            ) from None
    return descriptor


def write_json(path: Path, content: Any) -> None:
    """Write JSON, indented, atomically; NaN is refused because JSON has none."""
    with atomic_file(path) as partial:
        partial.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def _begun(partial: Path) -> Iterator[None]:
    """Hold ``partial``, emptied of what a killed run left in it."""
    partial.mkdir(parents=True, exist_ok=True)
    held = hold(partial)
    try:
        for child in partial.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        yield
    finally:
        os.close(held)


def _remove_leftovers(path: Path) -> None:
    """Remove the temporary files of ``path`` whose process on this machine is no more."""
    for leftover in path.parent.glob(f".{escape(path.stem)}.*.partial{escape(path.suffix)}"):
        process = leftover.name.removesuffix(f".partial{path.suffix}").rpartition(".")[2]
        if not process.isdigit():
            continue
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            leftover.unlink(missing_ok=True)
        except OSError:
            continue


@contextmanager
def named_full_disk(path: Path) -> Iterator[None]:
    """Name ``path`` and the remedy in the OSError of a disk that fills up within the block."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EFBIG:
            fault = f"{path} exceeds the largest size of a file; raise it (ulimit -f)"
        elif error.errno in (errno.ENOSPC, errno.EDQUOT):
            fault = f"no space left for {path}; free some disk or move 'results'"
        else:
            raise
        raise OSError(error.errno, f"{fault}, then run the same command again") from None


def _sync(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
