"""Stores written in parts: template, windows, finish.

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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
from odc.geo.geobox import GeoBox

from nightside.config import Settings
from nightside.store.conventions import multiscales_attributes
from nightside.store.files import hold, named_full_disk, own_folder, write_json
from nightside.store.georeference import georeference
from nightside.store.manifest import NotFinished, describe, digest, manifest_path
from nightside.store.progress import tracked, wrote
from nightside.store.pyramid import add_overviews, factors
from nightside.store.template import gridded, stretched, write_template
from nightside.store.windows import STRIP_CHUNK, WINDOW, Part, Window, bands, window_name, windows

_STORE, _MARKS, _OLD = "store.zarr", "written", "old.zarr"


def write_parts(
    path: Path,
    make: Callable[[Window], xr.Dataset],
    *,
    kind: str,
    settings: Settings,
    geobox: GeoBox | None = None,
    strip: tuple[int, int] | None = None,
    inputs: Sequence[Path] = (),
    depends: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    side: int | None = None,
    part: Part | None = None,
    overviews: bool = False,
) -> None:
    """Write a store window by window; memory is that of one window, whatever the size of the grid.

    A call that was cut off goes on with the windows that are missing. With ``part`` only that part's windows are
    written, and parts may be written at the same time; a call without it then does what is missing and finishes.

    Args:
        path: the store, ``X.zarr``.
        make: gives the dataset of a window: rows ``window["y"]`` and columns ``window["x"]`` of the grid, or
            ``window["line"]`` and ``window["sample"]`` of a strip. It is called with an empty window for the names,
            types and attributes of the variables.
        kind: what it is, such as "cube".
        settings: the configuration that made it.
        geobox: the grid of a map.
        strip: lines and samples of an image that has no grid yet, which is cut into bands of whole lines.
        inputs: files and stores it is made from; their digests are recorded.
        depends: what else the values depend on, as JSON, such as a section of the configuration.
        details: anything else worth keeping in the manifest.
        side: of a window in pixels, or lines of a band, rounded up to whole chunks; the default fits a map's profiles.
        part: only this part of the windows.
        overviews: whether a map gets overviews at half, a quarter, ... of its resolution; the last call makes them.

    Raises:
        Busy: another process writes all of this store.
        ValueError: a variable has no units or long_name, is on one of the two dimensions only, ``make`` gives
            another shape than the window's, or ``path`` is an input or holds other files; or there are both a grid
            and a strip, or none.
    """
    refuse_place(path, inputs)
    if (geobox is None) == (strip is None):
        raise ValueError("a store in parts is either a map on a grid or a strip of lines and samples")
    if strip is not None:
        sizes = {"line": strip[0], "sample": strip[1]}
        every = bands(*strip, side or STRIP_CHUNK)
    else:
        assert geobox is not None
        sizes = {"y": int(geobox.shape[0]), "x": int(geobox.shape[1])}
        every = windows((sizes["y"], sizes["x"]), side or WINDOW)
    whole = stretched(make({d: slice(0, 0) for d in sizes}), sizes)
    if geobox is not None:
        whole = georeference(whole, geobox)
        coarser = factors((sizes["y"], sizes["x"])) if overviews else []
        if coarser:
            whole.attrs |= multiscales_attributes(geobox, coarser)
    shared = {"line"} if strip is not None else sizes.keys()  # a band has all samples of its lines
    for name in gridded(whole):
        if not shared <= set(whole[name].dims):
            raise ValueError(
                f"'{name}' of {path.name} is not on {' and '.join(shared)}; windows would share its chunks"
            )
    store = begin(
        path,
        whole,
        every,
        describe(whole, kind=kind, settings=settings, geobox=geobox, inputs=inputs, details=details),
        depends={"windows": len(every), **(depends or {})},
        alone=part is None,
    )
    try:
        missing = store.missing(part)
        before = len(every if part is None else part.share(every)) - len(missing)
        for window in tracked(missing, path.name, "windows", before=before):
            store.write(window, make(window))
        if part is None:
            store.finish(geobox if overviews else None)
        else:
            wrote(path, f"part {part.number} of {part.of}")
    finally:
        store.release()


def refuse_place(path: Path, inputs: Sequence[Path]) -> None:
    """Refuse to write a store over an input of its own, or over files that are no store.

    Raises:
        ValueError: it would be; the message says what is in the way.
    """
    if path.resolve() in [source.resolve() for source in inputs]:
        raise ValueError(f"{path} is an input of this step; give another place for its output")
    if not (path / "zarr.json").exists():
        own_folder(path)


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
