"""The manifest ``X.zarr.json`` that makes ``X.zarr`` a finished result.

It is the declared output of a workflow rule, and is written after the store has its final name:
a killed job leaves no manifest, so that the next run does the work again.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr
from odc.geo.geobox import GeoBox

from nightside._version import __version__
from nightside.config import Settings
from nightside.store.grid import crs_of

FORMAT = 1
"""Of manifests and of the stores they finish; raised when an older reader would misunderstand."""


class NotFinished(ValueError):
    """A result that is absent, half-written or altered; the message says which and what to do."""


def manifest_path(path: Path) -> Path:
    """Return where the manifest of ``path`` lies: ``cube.zarr`` has ``cube.zarr.json``."""
    return path.with_name(path.name + ".json")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or that of a folder's file names and their SHA-256 in sorted order."""
    if not path.is_dir():
        return _sha256(path).hex()
    total = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        total.update(file.relative_to(path).as_posix().encode())
        total.update(_sha256(file))
    return total.hexdigest()


def _sha256(file: Path) -> bytes:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").digest()


def input_digests(inputs: Iterable[Path]) -> dict[str, str]:
    """Return the digest of each input, from its manifest where it has one, else of its bytes.

    Keys are names, with as many folders before them as it takes to tell the inputs apart.
    """
    digests = {}
    for name, path in _told_apart(inputs).items():
        manifest = manifest_path(path)
        digests[name] = json.loads(manifest.read_text())["digest"] if manifest.is_file() else digest(path)
    return digests


def _told_apart(paths: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    distinct = list(dict.fromkeys(paths))
    for path in distinct:
        namesakes = [other for other in distinct if other.name == path.name]
        length = next(
            n
            for n in range(1, len(path.parts) + 1)
            if [other.parts[-n:] for other in namesakes].count(path.parts[-n:]) == 1
        )
        found["/".join(path.parts[-length:])] = path
    return found


def describe(
    dataset: xr.Dataset,
    *,
    kind: str,
    settings: Settings,
    geobox: GeoBox | None,
    inputs: Iterable[Path],
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the manifest of a dataset that is about to be written; the digest is empty until it is.

    Raises:
        ValueError: a variable has no units or long_name.
    """
    for name, variable in dataset.data_vars.items():
        if not {"units", "long_name"} <= set(variable.attrs):
            raise ValueError(f"variable '{name}' of a '{kind}' needs 'units' and 'long_name'")
    return {
        "format": FORMAT,
        "kind": kind,
        "digest": "",
        "nightside": __version__,
        "versions": _versions(),
        "config_digest": settings.digest(),
        "seed": settings.seed,
        "inputs": input_digests(inputs),
        "variables": {
            str(name): {
                "dimensions": [str(d) for d in variable.dims],
                "shape": list(variable.shape),
                "units": variable.attrs["units"],
            }
            for name, variable in dataset.data_vars.items()
        },
        "crs": None if geobox is None else crs_of(geobox).to_wkt(),
        "details": dict(details or {}),
    }


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a finished result.

    Raises:
        NotFinished: the result or its manifest is missing, or the manifest is no JSON, or of another format.
    """
    manifest = manifest_path(path)
    if not path.exists():
        raise NotFinished(f"{path} does not exist; run the step that makes it")
    if not manifest.is_file():
        raise NotFinished(f"{path} is not finished ({manifest.name} is missing); run its step again")
    content = read_json(manifest, "kind", "digest", "nightside")
    refuse_format(content, path)
    return content


def fault_of(path: Path, recorded: str | None = None) -> str:
    """Read every byte of a result; return what is wrong with it and what to do, or "" where it is whole.

    Args:
        path: of a finished result.
        recorded: its digest as someone else knows it; that of its manifest if absent.

    Raises:
        NotFinished: without ``recorded``, see :func:`read_manifest`.
    """
    expected = read_manifest(path)["digest"] if recorded is None else recorded
    if digest(path) == expected:
        return ""
    return (
        f"{path} has another digest than {'its manifest says' if recorded is None else 'is listed'}: copied in part, or "
        "altered since; copy it again, or run its step again"
    )


def provenance(path: Path) -> dict[str, Any]:
    """Return of a finished store what a product made from it should bear: which store, of which inputs, made how.

    Raises:
        NotFinished: see :func:`read_manifest`.
    """
    manifest = read_manifest(path)
    kept = ("kind", "digest", "config_digest", "seed", "nightside", "versions", "inputs")
    return {"store": path.name, **{key: manifest[key] for key in kept if key in manifest}}


def _versions() -> dict[str, str]:
    """Return the versions of what computes values and writes them, as far as this process uses it."""
    found = {"python": platform.python_version()}
    for name in ("numpy", "numba", "torch", "xarray", "zarr", "spiceypy"):
        if (module := sys.modules.get(name)) is not None:
            found[name] = str(module.__version__)
    return found


def refuse_format(manifest: Mapping[str, Any], path: object) -> None:
    """Refuse the manifest of a store, or an index, of another format than this version's.

    Raises:
        NotFinished: it is of another format.
    """
    if manifest.get("format", FORMAT) != FORMAT:
        raise NotFinished(
            f"{path} has format {manifest['format']} of nightside {manifest['nightside']}, this is format {FORMAT} of "
            f"nightside {__version__}; remove its manifest and run its step again, or use that version"
        )


def refuse_variables(dataset: xr.Dataset, manifest: Mapping[str, Any], path: object) -> None:
    """Refuse a store whose variables or shapes are not those that its manifest records.

    Of a store on disk (``path`` is a ``Path``) each variable's own folder is looked for, too: the consolidated metadata
    still know one that is gone, and zarr would read it as fill values.

    Raises:
        NotFinished: one is absent, or of another shape.
    """
    for name, recorded in manifest.get("variables", {}).items():
        found = dataset.variables.get(name)
        if isinstance(path, Path) and not (path / name / "zarr.json").is_file():
            found = None
        if found is None or [list(found.dims), list(found.shape)] != [
            recorded["dimensions"],
            recorded["shape"],
        ]:
            there = "absent" if found is None else f"{found.dims} of shape {found.shape}"
            raise NotFinished(
                f"{path}: '{name}' is {there}, but its manifest records {tuple(recorded['dimensions'])} of shape "
                f"{tuple(recorded['shape'])}: a part is lost, or store and manifest are not of one run; copy both again, or remove both "
                "and run the step again"
            )


def read_json(path: Path, *keys: str) -> dict[str, Any]:
    """Return the JSON object in a file that a step wrote.

    Raises:
        NotFinished: the file is missing, is no JSON object, or lacks one of ``keys``.
    """
    if not path.exists():
        raise NotFinished(f"{path} does not exist; run the step that makes it")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise NotFinished(
            f"{path} is not JSON; give the right file, or remove it and run its step again"
        ) from None
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing or not isinstance(content, dict):
        raise NotFinished(
            f"{path} has no {', '.join(map(repr, missing)) or 'keys'}: it is another file than expected; "
            "give the right one, or remove it and run its step again"
        )
    return content
