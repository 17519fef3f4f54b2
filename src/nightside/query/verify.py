"""Whether the stores of results are whole, byte for byte."""

from __future__ import annotations

from pathlib import Path

from nightside.query.location import Location
from nightside.query.products import manifests
from nightside.store import NotFinished
from nightside.store.manifest import fault_of


def verify(results: str | Path) -> int:
    """Read every byte of every product, compare it with the digest of its manifest, and return how many there are.

    Raises:
        ValueError: the results lie behind a server, which does not list the files of a store.
        NotFinished: some differ, each with a line of its own, or see ``products.manifests``.
    """
    at = Location.of(results)
    if at.remote:
        raise ValueError(
            f"{at} is a URL; a server lists no files: verify the folder that it serves, or a copy"
        )
    found = manifests(at)
    faults = [fault for path in found if (fault := fault_of(Path(at.root, path)))]
    if faults:
        raise NotFinished("\n".join(faults))
    return len(found)
