"""Whether the stores of results are whole, byte for byte."""

from __future__ import annotations

from pathlib import Path

from nightside.query.location import Location
from nightside.query.products import manifests
from nightside.store import NotFinished
from nightside.store.manifest import digest


def verify(results: str | Path) -> int:
    """Read every byte of every product, compare it with the digest of its manifest, and return how many there are.

    Raises:
        ValueError: the results lie behind a server, which does not list the files of a store.
        NotFinished: one differs, or see ``products.manifests``.
    """
    at = Location.of(results)
    if at.remote:
        raise ValueError(
            f"{at} is a URL; a server lists no files: verify the folder that it serves, or a copy"
        )
    found = manifests(at)
    damaged = [path for path, manifest in found.items() if digest(Path(at.root, path)) != manifest["digest"]]
    if damaged:
        raise NotFinished(
            f"{at}: {', '.join(damaged)} {'have' if len(damaged) > 1 else 'has'} another digest than the manifest "
            "says: altered, or copied in part; copy again, or remove what is damaged and run its step again"
        )
    return len(found)
