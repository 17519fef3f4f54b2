"""What a run has left on the disk, so that two runs can be compared."""

import re

from nightside.store import NotFinished, read_manifest
from nightside.store.files import TIMINGS
from nightside.store.manifest import digest


def tree(folder):
    """Return the digest of every file of a run by its path; checkpoints are scratch, timings never the same."""
    kept = (p for p in folder.rglob("*") if p.is_file() and p.name != TIMINGS)
    files = (p for p in kept if "checkpoints" not in p.parts)
    return {p.relative_to(folder).as_posix(): digest(p) for p in files}


def last_rename(events):
    """Return what tells the last rename of a step, which finishes it, whichever process does it."""
    last = next(event for event in reversed(events) if event.startswith("os.rename"))
    return re.sub(r"\d+(?=\\\.partial)", r"\\d+", re.escape(last))


def unfinished_stores(folder):
    """Return the stores that have no manifest, having checked that those with one are whole."""
    unfinished = []
    for store in folder.rglob("*.zarr"):
        try:
            assert read_manifest(store)["digest"] == digest(store), store
        except NotFinished:
            unfinished.append(store.relative_to(folder).as_posix())
    return unfinished
