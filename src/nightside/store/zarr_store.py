"""Zarr stores, format 3: a dataset in memory becomes a finished store, a finished store a lazy dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from odc.geo.geobox import GeoBox

from nightside.config import Settings
from nightside.store.conventions import overview_name
from nightside.store.georeference import georeference, is_on_grid
from nightside.store.growing import begin
from nightside.store.manifest import NotFinished, describe, manifest_path, read_manifest, refuse_variables
from nightside.store.parts import refuse_place
from nightside.store.pyramid import axes as overview_axes
from nightside.store.template import stretched
from nightside.store.windows import CHUNKS, Window


def write_store(
    dataset: xr.Dataset,
    path: Path,
    *,
    kind: str,
    settings: Settings,
    geobox: GeoBox | None = None,
    inputs: Sequence[Path] = (),
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write a dataset that is in memory as a finished Zarr store, in one part; see ``write_parts`` for large ones.

    Args:
        dataset: variables with ``units`` and ``long_name``; dimensions y and x are the grid's.
        path: the store, ``X.zarr``.
        kind: what it is, such as "cube"; the reader may ask for it.
        settings: the configuration that made it.
        geobox: adds coordinates, CF ``spatial_ref`` and the GeoZarr ``spatial:``/``proj:`` attributes.
        inputs: files and stores it was made from; their digests are recorded.
        details: anything else worth keeping in the manifest.

    Raises:
        ValueError: a variable has no units or long_name, or ``path`` is an input or holds other files.
    """
    refuse_place(path, inputs)
    if geobox is not None:
        dataset = georeference(dataset, geobox)
    window: Window = {d: slice(0, dataset.sizes[d]) for d in CHUNKS if d in dataset.sizes}
    store = begin(
        path,
        stretched(dataset, {d: span.stop for d, span in window.items()}),
        [window],
        describe(dataset, kind=kind, settings=settings, geobox=geobox, inputs=inputs, details=details),
        depends={},
        resume=False,  # the identity does not know the values
    )
    try:
        store.write(window, dataset)
        store.finish()
    except BaseException:
        store.discard()
        raise
    finally:
        store.release()


def open_store(
    path: Path,
    kind: str | None = None,
    *,
    geobox: GeoBox | None = None,
    chunked: bool = True,
    overview: int = 1,
) -> xr.Dataset:
    """Open a finished store lazily.

    Args:
        path: the store.
        kind: refuse one of another kind.
        geobox: refuse one on another grid.
        chunked: as dask arrays, chunked as it is stored. Without, what is cut out is read at once when its values
            are asked for: cheaper, window by window, as no graph of all chunks is made.
        overview: open the overview whose pixels are this many times as large, its axes called y and x; see
            :func:`overviews_of`.

    Raises:
        NotFinished: it is absent, no store, half-written, of another kind, on another grid, or holds other variables than its
            manifest records. Its values are believed: their digest takes about a second a gigabyte, at each step.
        ValueError: it has no such overview.
    """
    if path.exists() and not (manifest_path(path).is_file() or (path / "zarr.json").is_file()):
        what = "a folder without zarr.json" if path.is_dir() else "a file"
        raise NotFinished(
            f"{path} is not a Zarr store, but {what}; give the store that the step before has made"
        )
    manifest = read_manifest(path)
    if kind is not None and manifest["kind"] != kind:
        raise NotFinished(f"{path} is a '{manifest['kind']}', not a '{kind}'; give the right store")
    chunks: dict[str, int] | None = {} if chunked else None
    try:
        dataset: xr.Dataset = xr.open_zarr(path, consolidated=True, decode_coords="all", chunks=chunks)
    except (OSError, ValueError, KeyError) as error:
        raise NotFinished(
            f"{path} was finished but has been damaged since ({error}); remove it and run its step again"
        ) from error
    refuse_variables(dataset, manifest, path)
    if geobox is not None and not is_on_grid(dataset, geobox):
        raise NotFinished(
            f"{path} lies on another grid than the configured region; give the configuration that made it, or "
            "run its step again with this one"
        )
    if overview == 1:
        return dataset
    has = overviews_of(dataset)
    if overview not in has:
        raise ValueError(
            f"{path} has no overview {overview}; it has {', '.join(map(str, has)) or 'none'}: give one of these, or 1"
        )
    coarse: xr.Dataset = xr.open_zarr(
        path, group=overview_name(overview), consolidated=True, decode_coords="all", chunks=chunks
    )
    renamed = coarse.rename(dict(zip(overview_axes(overview), ("y", "x"), strict=True)))
    return renamed.assign_attrs({"spatial:dimensions": ["y", "x"]})


def overviews_of(dataset: xr.Dataset) -> list[int]:
    """Return by how much each overview of an open store is coarser, ascending; none where it has no overviews."""
    layout = dataset.attrs.get("multiscales", {}).get("layout", [])
    return [int(level["asset"].rpartition("_")[2]) for level in layout if "derived_from" in level]


def overview_for(dataset: xr.Dataset, pixels: int) -> int:
    """Return the coarsest overview of an open store that still has ``pixels`` along its longer side, else 1."""
    longer = max(dataset.sizes["y"], dataset.sizes["x"])
    return max((k for k in overviews_of(dataset) if longer / k >= pixels), default=1)
