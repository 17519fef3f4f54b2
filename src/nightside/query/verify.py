"""Whether the products of results are whole, byte for byte."""

from __future__ import annotations

from pathlib import Path

from nightside.publish.check import faults as files_faults
from nightside.query.location import Location
from nightside.query.products import manifests
from nightside.store import NotFinished
from nightside.store.manifest import fault_of

CATALOGUE = "stac/catalog.json"


def verify(results: str | Path) -> tuple[int, bool]:
    """Read every byte of every store and compare it with the digest of its manifest, and of every other listed file.

    Returns:
        How many stores there are; and whether there is a catalogue, whose checksums alone tell of GeoTIFFs and pictures.

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
    catalogue = Path(at.root, CATALOGUE)
    if catalogue.is_file():
        faults += files_faults(catalogue, stores=False)
    if faults:
        raise NotFinished("\n".join(faults))
    return len(found), catalogue.is_file()
