"""Where a file comes from: its manifest, those of its inputs, and so on back to the archive's products."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

from nightside.formats.model_files import CARD, WEIGHTS
from nightside.query.location import Location
from nightside.store import NotFinished, read_json, read_manifest
from nightside.store.manifest import digest

MODEL = (CARD, WEIGHTS)
_THERMAL = ("thermal/maps.zarr", "thermal/profiles.zarr", "physics/inversion.zarr", "synthetic/truth.zarr")
_OPTICAL = ("optical/mosaic.zarr", "optical/standard/*.zarr", "optical/synthetic/truth/*.zarr")
MADE_FROM: dict[str, tuple[str, ...]] = {
    "thermal/cog/*.tif": ("thermal/maps.zarr",),
    "physics/cog/*.tif": ("physics/inversion.zarr",),
    "optical/cog/*.tif": ("optical/mosaic.zarr",),
    "optical/cog_standard/*.tif": ("optical/mosaic_standard.zarr",),
    "thermal/evaluation.json": _THERMAL,
    "report.html": _THERMAL,
    **{f"thermal/figures/latent_*_{name}.png": _THERMAL for name in ("map", "traversal")},
    **{f"thermal/figures/{name}.png": _THERMAL for name in ("profiles", "error", "anomaly", "overview")},
    **{f"thermal/figures/{name}.png": _THERMAL for name in ("inversion", "latents_physics")},
    "optical/evaluation.json": _OPTICAL,
    "optical/report.html": _OPTICAL,
    **{f"optical/figures/{name}.png": _OPTICAL for name in ("mosaic", "quality", "recall", "spectra")},
    **{f"optical/darks_{side}.png": (f"optical/darks_{side}.zarr",) for side in ("left", "right")},
    "physics/oscillator.*": (),
}
"""The products without a manifest, and the stores of the same results that the workflow makes them from."""

_PACKAGE = Path(str(files("nightside")))
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


def origin(path: str | Path) -> Origin:
    """Return the origin of a store, GeoTIFF, picture, report, evaluation or model of a results folder.

    Raises:
        NotFinished: the file is missing, or lies in no results folder.
        ValueError: it has no known origin, or lies behind a server.
    """
    if Location.of(path).remote:
        raise ValueError(f"{path} is a URL; give the file in the folder that it serves, or in a copy")
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
        for pattern in ("inventory/*.json", "*/*/model.*"):
            for file in sorted(root.glob(pattern)):
                self.files.setdefault(file.name, []).append(file)
        self.met: set[Path] = set()
        self.digests: dict[Path, str] = {}

    def of(self, path: Path) -> Origin:
        if path.suffix == ".zarr":
            return self._store(path)
        if (path / CARD).is_file():
            path = path / CARD
        if path.name in MODEL and path.with_name(CARD).is_file():
            return self._model(path)
        name = path.relative_to(self.root).as_posix()
        for pattern, stores in MADE_FROM.items():
            if path.is_file() and fnmatchcase(name, pattern):
                return self._made_by_rule(path, stores)
        raise ValueError(
            f"{path} has no known origin; give a store, model, GeoTIFF, picture, evaluation or report that the workflow "
            f"wrote in {self.root}"
        )

    def _store(self, path: Path) -> Origin:
        manifest = read_manifest(path)
        return self._grown(self._named(path, manifest["digest"], manifest), path, manifest.get("inputs", {}))

    def _model(self, path: Path) -> Origin:
        card = read_json(path.with_name(CARD), "kind")
        found = self._named(path, self._digest(path), card)
        if "inputs" not in card:
            found.note = "trained by an older nightside, whose card does not name its inputs"
            return found
        return self._grown(found, path.parent, card["inputs"])

    def _made_by_rule(self, path: Path, stores: tuple[str, ...]) -> Origin:
        there = [store for pattern in stores for store in sorted(self.root.glob(pattern))]
        said = _tag(path)
        found = self._named(path, self._digest(path), said)
        found.inputs = [self._store(store) for store in there]
        if not stores:
            found.note = "made of no data"
        for store, made_from in zip(there, found.inputs, strict=True):
            if said.get("store") == store.name and said.get("digest") != made_from.digest:
                found.note = (
                    f"made from another {store.name}, of digest {said.get('digest')}, than lies here now"
                )
        return found

    def _grown(self, found: Origin, key: Path, inputs: Mapping[str, str]) -> Origin:
        if key not in self.met:
            self.met.add(key)
            found.inputs = [self._input(name, of_it) for name, of_it in inputs.items()]
        elif inputs:
            found.note = "its inputs are told above"
        return found

    def _input(self, recorded_as: str, recorded: str) -> Origin:
        name = Path(recorded_as).name
        for store in self.stores.get(name, []):
            if read_manifest(store)["digest"] == recorded:
                return self._store(store)
        for file in self.files.get(name, []):
            if self._is(file, recorded):
                if name in MODEL:
                    return self._model(file)
                found = self._named(file, self._digest(file), {})
                found.inputs = list(_listed(file))
                return found
        for file in sorted(_PACKAGE.glob(f"*/weights/*/{name}")):
            if self._is(file, recorded):
                shipped = Origin(
                    file.relative_to(_PACKAGE.parent).as_posix(),
                    self._digest(file),
                    _about(read_json(file.with_name(CARD), "kind")),
                )
                shipped.note = "the package's weights"
                return shipped
        if name in self.stores or name in self.files:
            return Origin(
                recorded_as,
                recorded,
                note="what is here by its name has another digest: it was made again since, or is another file",
            )
        return Origin(recorded_as, recorded)

    def _is(self, file: Path, recorded: str) -> bool:
        """Whether a file has the digest that a manifest records; older manifests have the SHA-256 of its SHA-256."""
        plain = self._digest(file)
        return recorded in (plain, hashlib.sha256(bytes.fromhex(plain)).hexdigest())

    def _digest(self, file: Path) -> str:
        if file not in self.digests:
            self.digests[file] = digest(file)
        return self.digests[file]

    def _named(self, path: Path, of_it: str, said: Mapping[str, Any]) -> Origin:
        return Origin(path.relative_to(self.root).as_posix(), of_it, _about(said))


def _about(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: said[key] for key in _ABOUT if key in said}


def _listed(inventory: Path) -> Iterator[Origin]:
    """Yield the archive's products of an inventory."""
    for file in read_json(inventory, "files")["files"]:
        name = str(file.get("product_id", Path(file["path"]).stem.upper()))
        yield Origin(name, str(file.get("sha256") or file.get("md5") or ""))


def _tag(path: Path) -> dict[str, Any]:
    """Return what a GeoTIFF says of its own origin.

    Raises:
        ValueError: it says nothing: it is none of nightside's, or has lost its tags.
    """
    if path.suffix != ".tif":
        return {}
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as raster:
                tag = raster.tags().get(_TAG)
    except RasterioIOError as error:
        raise ValueError(f"{path} cannot be read as a GeoTIFF ({error}); run its step again") from error
    if tag is None:
        raise ValueError(
            f"{path} has no known origin: it lacks the tag {_TAG} of nightside's GeoTIFFs; it is another's, or damaged: "
            "run its step again"
        )
    said: dict[str, Any] = json.loads(tag)
    return said
