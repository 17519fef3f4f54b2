"""A store that grows: template, windows, finish.

While it grows, ``X.zarr`` is ``X.zarr.partial/<identity>/``: the store, and beside it one mark for each window
that is written whole. The identity is that of everything the values depend on. So work that was cut off goes on
where the identity is the same and starts anew where it is not, and jobs on several nodes, each of which makes the
template if it is the first, meet in one folder without a lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
from odc.geo.geobox import GeoBox

from nightside.store.files import hold, named_full_disk, write_json
from nightside.store.manifest import NotFinished, digest, manifest_path
from nightside.store.progress import wrote
from nightside.store.pyramid import add_overviews
from nightside.store.template import gridded, write_template
from nightside.store.windows import Part, Window, window_name

_STORE, _MARKS, _OLD = "store.zarr", "written", "old.zarr"


@dataclass(frozen=True)
class StoreInParts:
    """A store of which some windows are written, and some are not.

    ``path`` is the store's name when it is finished, ``work`` the folder where it grows, ``windows`` every window of
    it, and ``manifest`` all of its manifest but the digest. ``held`` is the hold of the only writer, see ``files.hold``.
    """

    path: Path
    work: Path
    windows: list[Window]
    manifest: Mapping[str, Any]
    held: int | None = None

    def missing(self, part: Part | None = None) -> list[Window]:
        """Return the windows, of a part or of all, that are not yet written whole."""
        written = {mark.name for mark in (self.work / _MARKS).iterdir()}
        every = self.windows if part is None else part.share(self.windows)
        return [window for window in every if window_name(window) not in written]

    def write(self, window: Window, dataset: xr.Dataset) -> None:
        """Write the gridded variables of a window, then its mark; what was there is replaced.

        Raises:
            ValueError: the dataset has another shape than the window.
        """
        names = gridded(dataset)
        pixels = dataset.reset_coords()[names]
        pixels = pixels.drop_vars(list(pixels.coords))
        expected = {dimension: span.stop - span.start for dimension, span in window.items()}
        found = {str(d): n for d, n in pixels.sizes.items() if d in window}
        if found != expected:
            raise ValueError(f"{window_name(window)} of {self.path.name} is {found}, expected {expected}")
        with named_full_disk(self.path):
            if names:
                pixels.to_zarr(
                    self.work / _STORE, region=window, mode="r+", zarr_format=3, consolidated=False
                )
            (self.work / _MARKS / window_name(window)).touch()

    def finish(self, pyramid: GeoBox | None = None) -> None:
        """Check that every window is there, add overviews, consolidate, rename, and write the manifest.

        Args:
            pyramid: the grid of a map that gets overviews.

        Raises:
            NotFinished: windows are missing.
        """
        if missing := self.missing():
            raise NotFinished(
                f"{len(missing)} of {len(self.windows)} windows of {self.path} are not written "
                f"(first: {window_name(missing[0])}); run the step again without --part"
            )
        store = self.work / _STORE
        with named_full_disk(self.path):
            # Zarr writes each chunk beside its name; a writer that was killed leaves that file.
            for stray in store.rglob("*.partial"):
                stray.unlink()
            if pyramid is not None:
                add_overviews(store, pyramid, self.work / _MARKS)
            # The specification of format 3 does not know consolidated metadata yet; xarray and GDAL read it.
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Consolidated metadata")
                zarr.consolidate_metadata(str(store))
            content = digest(store)
            if self.path.exists():
                # Moved, not removed in place: a kill leaves it whole or gone.
                self.path.replace(self.work / _OLD)
            store.replace(self.path)
            write_json(manifest_path(self.path), {**self.manifest, "digest": content})
        self.discard()
        wrote(self.path, ", ".join(self.manifest["variables"]))

    def discard(self) -> None:
        """Remove what is not finished."""
        shutil.rmtree(self.work.parent, ignore_errors=True)

    def release(self) -> None:
        """Let go of the hold; to be called once, whatever happened."""
        if self.held is not None:
            os.close(self.held)


def begin(
    path: Path,
    whole: xr.Dataset,
    every: list[Window],
    manifest: Mapping[str, Any],
    *,
    depends: Mapping[str, Any],
    resume: bool = True,
    alone: bool = True,
) -> StoreInParts:
    """Return a store in parts: that of an earlier call with the same identity, else a new template.

    From here on ``path`` is not finished: its manifest is removed.

    Args:
        path: the store, ``X.zarr``.
        whole: the dataset, gridded variables lazy; see ``template.stretched``.
        every: the windows.
        manifest: from ``describe``.
        depends: what the values depend on beside template, inputs and code, as JSON.
        resume: whether windows of an earlier call are kept.
        alone: whether no other job may write to this store now, so that work of another identity can be removed.

    Raises:
        Busy: ``alone``, and another process is.
    """
    folder = path.with_name(path.name + ".partial")
    with named_full_disk(path):
        folder.mkdir(parents=True, exist_ok=True)
    held = hold(folder) if alone else None
    try:
        manifest_path(path).unlink(missing_ok=True)
        for left in folder.iterdir() if not resume else ():
            _remove(left)
        origin = {"inputs": manifest["inputs"], "kind": manifest["kind"], "depends": depends, "code": _code()}
        with named_full_disk(path):
            work = _with_template(folder, whole, origin)
        for other in folder.iterdir() if alone else ():
            if other != work:
                _remove(other)
    except BaseException:
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)
        raise
    return StoreInParts(path, work, every, manifest, held)


def _with_template(folder: Path, whole: xr.Dataset, origin: Mapping[str, Any]) -> Path:
    """Return the folder in ``folder`` where the store of this origin grows; it is made if it is not there."""
    new = folder / f"new-{uuid.uuid4().hex}"
    try:
        (new / _MARKS).mkdir(parents=True)
        write_template(whole, new / _STORE)
        text = json.dumps({**origin, "template": digest(new / _STORE)}, sort_keys=True)
        work = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        if not (work / _STORE).is_dir():
            _remove(work)  # killed between rename and manifest
        try:
            new.rename(work)
        except OSError:  # an earlier call, or another job, was first
            if not work.is_dir():
                raise
    finally:
        _remove(new)
    return work


@cache
def _code() -> str:
    """Return the digest of the package's source: windows of two versions must not meet in one store."""
    total, package = hashlib.sha256(), Path(__file__).parents[1]
    for file in sorted(package.rglob("*.py")):
        total.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return total.hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
