"""What products results hold: from the folder's manifests, or, where nothing can be listed, from its index.

The index is ``zarr.json`` at the root of the results: the consolidated metadata of all stores below, as of any Zarr
group, and in its attributes the digests. So ``xarray.open_datatree`` opens a results folder without nightside.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nightside._version import __version__
from nightside.query.location import Location, forbidden
from nightside.store import NotFinished, read_json, read_manifest, write_json
from nightside.store.links import broken_links
from nightside.store.manifest import FORMAT, refuse_format

INDEX = "zarr.json"
PATTERNS = (
    "thermal/*.zarr",
    "physics/*.zarr",
    "optical/mosaic.zarr",
    "optical/mosaic_standard.zarr",
    "optical/projected/*.zarr",
    "optical/denoised/*.zarr",
    "optical/standard/*.zarr",
)
"""The stores that are products; inputs, darks, scenes and the synthetic truth are none."""

_NOTHING_INLINE = {"kind": "inline", "must_understand": False, "metadata": {}}

_EFFECTIVE = os.access in os.supports_effective_ids  # not everywhere
Manifests = dict[str, dict[str, Any]]

Faults = dict[str, str]
"""What is wrong with a product and what to do, by its path."""


def manifests(at: Location) -> Manifests:
    """Return the manifest of each product by its path below the root, such as ``thermal/maps.zarr``.

    Raises:
        NotFinished: there is no product or no index, or there are faults, see :func:`sound`, each with a line of its own.
    """
    found, faults = sound(at)
    if faults:
        raise NotFinished("\n".join(faults.values()))
    return found


def sound(at: Location) -> tuple[Manifests, Faults]:
    """Return the manifests of products by path, and of those without what is wrong.

    That is one that is not finished, of another version, not the store of the index, behind a broken link, or in a folder
    that may not be read.

    Raises:
        NotFinished: there is no product or no index.
    """
    found: Manifests = {}
    faults: Faults = {} if at.remote else _hidden(Path(at.root))
    for path, read in _listed(at):
        try:
            found[path] = read()
        except NotFinished as error:
            faults[path] = str(error)
        except PermissionError as error:
            faults[path] = forbidden(error.filename)
    if not found and not faults:
        raise NotFinished(
            f"{at} holds no product ({', '.join(PATTERNS)}); give results/<name>, or run the workflow"
        )
    return found, faults


def write_index(root: Path) -> int:
    """Write the index of a results folder and return the number of products.

    Raises:
        NotFinished: see :func:`manifests`.
    """
    found = manifests(Location.of(root))
    metadata: dict[str, Any] = {}
    for path in found:
        store = read_json(root / path / INDEX, "consolidated_metadata")
        for parent in list(Path(path).parents)[-2::-1]:
            metadata.setdefault(parent.as_posix(), _group({}))
        inside = store["consolidated_metadata"]["metadata"]
        metadata[path] = _group(store.get("attributes", {}))
        metadata |= {f"{path}/{name}": about for name, about in inside.items()}
    content = {path: manifest["digest"] for path, manifest in found.items()}
    about = {"format": FORMAT, "nightside": __version__, "products": content}
    whole = {**_NOTHING_INLINE, "metadata": metadata}
    write_json(root / INDEX, {**_group({"nightside": about}), "consolidated_metadata": whole})
    return len(found)


def read_remote(at: Location, name: str, remedy: str) -> dict[str, Any]:
    """Return a JSON object of the results.

    Raises:
        NotFinished: it is missing or broken; the message says so, then the remedy.
    """
    text = at.read(name)
    if text is None:
        raise NotFinished(f"{at}/{name} does not exist; {remedy}")
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise NotFinished(f"{at}/{name} is no JSON object; {remedy}")
    return content


def _hidden(root: Path) -> Faults:
    """Return the folders and stores of known names that cannot be listed, which a search would pass over."""
    names = [name for name in _fixed_paths() if os.access(root / name, os.F_OK, effective_ids=_EFFECTIVE)]
    closed = [n for n in names if not os.access(root / n, os.R_OK | os.X_OK, effective_ids=_EFFECTIVE)]
    inside = [
        n for n in _fixed_paths() if not any(Path(n) != Path(c) and Path(n).is_relative_to(c) for c in closed)
    ]
    return {n: forbidden(root / n) for n in closed} | broken_links(root, inside)


def _fixed_paths() -> list[str]:
    """Return the folders and stores of ``PATTERNS`` whose names are known."""
    every = {path for pattern in PATTERNS for path in (pattern, *map(str, Path(pattern).parents))}
    return sorted(path for path in every if "*" not in path)


def _listed(at: Location) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield the path of each product, and what reads its manifest."""
    if at.remote:
        yield from _indexed(at)
        return
    root = Path(at.root)
    if not root.is_dir():
        raise NotFinished(f"{root} does not exist or is no folder; give results/<name>")
    paths = [path for pattern in PATTERNS for path in sorted(root.glob(pattern))]
    for path in paths:
        yield path.relative_to(root).as_posix(), partial(read_manifest, path)


def _indexed(at: Location) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    remedy = "run 'nightside index <results>' where the results lie, and serve that folder"
    about = read_remote(at, INDEX, remedy).get("attributes", {}).get("nightside")
    if not isinstance(about, Mapping) or "products" not in about:
        raise NotFinished(f"{at}/{INDEX} is no index of results; {remedy}")
    refuse_format(about, f"{at}/{INDEX}")
    for path, digest in about["products"].items():
        yield path, partial(_indexed_manifest, at, path, digest, remedy)


def _indexed_manifest(at: Location, path: str, digest: str, remedy: str) -> dict[str, Any]:
    manifest = read_remote(at, f"{path}.json", "copy the whole results folder to the server")
    refuse_format(manifest, f"{at}/{path}")
    if manifest.get("digest") != digest:
        raise NotFinished(f"{at}/{path} is not the store that {INDEX} lists (its digest differs); {remedy}")
    return manifest


def _group(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attributes": dict(attributes),
        "zarr_format": 3,
        "node_type": "group",
        "consolidated_metadata": _NOTHING_INLINE,
    }
