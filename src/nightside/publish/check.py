"""Whether what a catalogue lists is there and whole: for whoever copied a run, or was given one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nightside.publish.item import ZARR, checksum
from nightside.store.manifest import fault_of


def faults(catalogue: Path, *, stores: bool = True) -> Iterator[str]:
    """Yield what is wrong with the files of a catalogue ``catalog.json``, each as a message that names the file.

    Links have to lead to files, files to have the size and the SHA-256 that are listed, and stores the digest of their
    manifest; without ``stores`` these are left out.
    """
    for path in sorted(catalogue.parent.rglob("*.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            yield f"{path}: is not JSON; write the catalogue again"
            continue
        for link in found.get("links", []):
            if "://" not in link["href"] and not (path.parent / link["href"]).exists():
                yield f"{path}: its link '{link['rel']}' leads to {link['href']}, which is not there"
        for asset in found.get("assets", {}).values():
            if asset["type"] == ZARR and not stores:
                continue
            yield from _asset_faults(path.parent / asset["href"], asset, found.get("properties", {}))


def _asset_faults(path: Path, asset: dict[str, Any], properties: dict[str, Any]) -> Iterator[str]:
    if not path.exists():
        yield f"{path.resolve()}: is listed but not there; copy it, or run its step again"
    elif asset["type"] == ZARR:
        if fault := fault_of(path.resolve(), properties["nightside:digest"]):
            yield f"{fault}, then 'nightside publish stac'"
    elif path.stat().st_size != asset["file:size"]:
        yield (
            f"{path.resolve()}: has {path.stat().st_size:,} bytes, {asset['file:size']:,} are listed; copy it again, or "
            "write the catalogue again"
        )
    elif checksum(path) != asset["file:checksum"]:
        yield f"{path.resolve()}: its SHA-256 is not the one listed; copy it again, or write the catalogue again"
