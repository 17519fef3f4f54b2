"""Where a file comes from: its manifest, those of its inputs, and so on back to the archive's products."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightside.store import NotFinished, read_json, read_manifest
from nightside.store.manifest import digest

CARD = "model.json"
MADE_FROM = {
    "thermal/cog": ("thermal/maps.zarr",),
    "physics/cog": ("physics/inversion.zarr",),
    "optical/cog": ("optical/mosaic.zarr",),
    "optical/cog_standard": ("optical/mosaic_standard.zarr",),
    "thermal/figures": ("thermal/maps.zarr", "thermal/profiles.zarr", "physics/inversion.zarr"),
    "thermal/evaluation.json": ("thermal/maps.zarr", "thermal/profiles.zarr", "physics/inversion.zarr"),
    "report.html": ("thermal/maps.zarr", "thermal/profiles.zarr", "physics/inversion.zarr"),
    "optical/report.html": ("optical/mosaic.zarr",),
    "optical/figures": ("optical/mosaic.zarr",),
    "optical/evaluation.json": ("optical/mosaic.zarr",),
}
"""The products without a manifest, and the stores of the same results that the workflow makes them from."""

_TAG = "nightside_provenance"
_ABOUT = ("kind", "config_digest", "seed", "nightside", "versions")


@dataclass
class Origin:
    """A file: its name below the results, digest, what its manifest says of how it was made, and of what."""

    name: str
    digest: str
    about: dict[str, Any] = field(default_factory=dict)
    inputs: list[Origin] = field(default_factory=list)
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the tree as JSON."""
        own: dict[str, Any] = {"name": self.name, "digest": self.digest, **self.about}
        if self.note:
            own["note"] = self.note
        if self.inputs:
            own["inputs"] = [origin.as_dict() for origin in self.inputs]
        return own


def origin(path: Path) -> Origin:
    """Return the origin of a store, GeoTIFF, picture, report, evaluation or model of a results folder.

    Raises:
        NotFinished: the file is missing, or lies in no results folder.
        ValueError: it has no known origin.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100  not resolved: a room may be a link to another disk
    if path.name.endswith(".zarr.json"):
        path = path.with_suffix("")
    if path.suffix != ".zarr" and not path.exists():
        raise NotFinished(f"{path} does not exist; check the path, or run the step that makes it")
    root = next((folder for folder in path.parents if (folder / "config.yaml").is_file()), None)
    if root is None:
        raise NotFinished(
            f"{path} lies in no results folder (none above it holds config.yaml); give a file of one"
        )
    return _Walk(root).of(path)


class _Walk:
    """A walk over the manifests of one results folder; what was met before is told once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stores: dict[str, list[Path]] = {}
        self.files: dict[str, list[Path]] = {}
        for pattern in ("*/*.zarr.json", "*/*/*.zarr.json"):
            for manifest in sorted(root.glob(pattern)):
                self.stores.setdefault(manifest.stem, []).append(manifest.with_suffix(""))
        for pattern in ("inventory/*.json", "*/model/*", "*/*/model.*"):
            for file in sorted(root.glob(pattern)):
                if file not in self.files.setdefault(file.name, []):
                    self.files[file.name].append(file)
        self.met: set[Path] = set()
        self.digests: dict[Path, str] = {}

    def of(self, path: Path) -> Origin:
        if path.suffix == ".zarr":
            return self._store(path)
        folder = path if path.is_dir() else path.parent
        if (folder / CARD).is_file():
            return self._model(folder / CARD)
        name = path.relative_to(self.root).as_posix()
        for prefix, stores in MADE_FROM.items():
            if name == prefix or name.startswith(f"{prefix}/"):
                return self._made_by_rule(path, stores)
        raise ValueError(
            f"{path} has no known origin; give a store, a model, a report, or a file of cog/ or figures/ of {self.root}"
        )

    def _store(self, path: Path) -> Origin:
        manifest = read_manifest(path)
        found = self._named(path, manifest["digest"], {k: manifest[k] for k in _ABOUT if k in manifest})
        if path not in self.met:
            self.met.add(path)
            found.inputs = [self._input(name, of_it) for name, of_it in manifest.get("inputs", {}).items()]
        elif manifest.get("inputs"):
            found.note = "its inputs are told above"
        return found

    def _model(self, card: Path) -> Origin:
        content = read_json(card, "kind")
        found = self._named(card, digest(card), {k: content[k] for k in _ABOUT if k in content})
        for profiles in self.stores.get("profiles.zarr", []):
            manifest = read_manifest(profiles)
            if manifest["digest"] == content.get("data_digest"):
                found.inputs = [self._store(profiles)]
        return found

    def _made_by_rule(self, path: Path, stores: tuple[str, ...]) -> Origin:
        found = self._named(path, digest(path), {})
        there = [self.root / store for store in stores if (self.root / store).exists()]
        said = _tag(path)
        if said:
            found.about = {key: said[key] for key in _ABOUT if key in said}
        found.inputs = [self._store(store) for store in there]
        for store, made_from in zip(there, found.inputs, strict=True):
            if said and said.get("store") == store.name and said.get("digest") != made_from.digest:
                found.note = (
                    f"made from another {store.name}, of digest {said.get('digest')}, than lies here now"
                )
        return found

    def _input(self, recorded_as: str, recorded: str) -> Origin:
        name = Path(recorded_as).name
        for store in self.stores.get(name, []):
            if read_manifest(store)["digest"] == recorded:
                return self._store(store)
        for file in self.files.get(name, []):
            if file not in self.digests:
                self.digests[file] = digest(file)
            if self.digests[file] == recorded:
                if file.name == CARD:
                    return self._model(file)
                found = self._named(file, recorded, {})
                if file.suffix == ".json":
                    found.inputs = list(_listed(file))
                return found
        if name in self.stores or name in self.files:
            return Origin(
                recorded_as, recorded, note="what is here now has another digest: it was made again since"
            )
        return Origin(recorded_as, recorded)

    def _named(self, path: Path, of_it: str, about: dict[str, Any]) -> Origin:
        return Origin(path.relative_to(self.root).as_posix(), of_it, about)


def _listed(inventory: Path) -> Iterator[Origin]:
    """Yield the archive's products of an inventory."""
    for file in read_json(inventory, "files")["files"]:
        name = str(file.get("product_id", Path(file["path"]).stem.upper()))
        yield Origin(name, str(file.get("sha256") or file.get("md5") or ""))


def _tag(path: Path) -> dict[str, Any]:
    """Return what a GeoTIFF says of its own origin."""
    if path.suffix != ".tif":
        return {}
    import rasterio

    with rasterio.open(path) as raster:
        said: dict[str, Any] = json.loads(raster.tags().get(_TAG, "{}"))
    return said
