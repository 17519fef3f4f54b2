"""Stores written window by window, by one call or by several jobs, each with a part of the windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from odc.geo.geobox import GeoBox

from nightside.config import Settings
from nightside.store.conventions import multiscales_attributes
from nightside.store.files import own_folder
from nightside.store.georeference import georeference
from nightside.store.growing import begin
from nightside.store.manifest import describe
from nightside.store.progress import tracked, wrote
from nightside.store.pyramid import factors
from nightside.store.template import gridded, stretched
from nightside.store.windows import STRIP_CHUNK, WINDOW, Part, Window, bands, windows


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
