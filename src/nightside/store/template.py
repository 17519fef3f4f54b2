"""The template of a store: metadata and small coordinates, before any pixel is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from zarr.codecs import ZstdCodec

from nightside.store.windows import CHUNKS


def gridded(dataset: xr.Dataset) -> list[str]:
    """Return the variables and coordinates that lie on the map or image: written by windows, not with the template."""
    return [
        str(name)
        for name, variable in dataset.variables.items()
        if name not in variable.dims and CHUNKS.keys() & set(variable.dims)
    ]


def stretched(window: xr.Dataset, sizes: Mapping[str, int]) -> xr.Dataset:
    """Return the dataset of which ``window`` is a part, with the dimensions of ``sizes``, with no pixel in memory.

    Gridded variables are lazy zeros; the axes of a window that is smaller than the whole are left out.
    """
    lazy: dict[str, Any] = {}
    for name in gridded(window):
        variable = window.variables[name]
        shape = tuple(sizes.get(str(d), n) for d, n in variable.sizes.items())
        zeros = da.zeros(shape, dtype=variable.dtype, chunks=-1)  # one block: its graph must not grow
        lazy[name] = xr.Variable(variable.dims, zeros, variable.attrs, variable.encoding)
    return xr.Dataset(
        {name: lazy.get(str(name), window.variables[name]) for name in window.data_vars},
        coords={
            name: lazy.get(str(name), window.variables[name])
            for name in window.coords
            if name not in sizes or window.sizes[name] == sizes[str(name)]
        },
        attrs=window.attrs,
    )


def missing_code(variable: xr.Variable | xr.DataArray) -> int | None:
    """Return what a chunk that is not there reads as in a layer of codes or masks; None for any other layer.

    Zarr's own fill value of whole numbers is 0, which as a code means "good", or the first image. It is -1 instead, or the
    type's extreme, which of masks sets every bit. xarray's ``_FillValue`` would do as much, and make the layer one of
    floats. Other layers keep theirs: a number is then NaN, a count is 0, and 0 in a camera's numbers is lost telemetry.

    Raises:
        ValueError: every such value is a code of this layer.
    """
    attrs, kind = variable.attrs, variable.dtype
    if kind.kind not in "iu" or not attrs.keys() & {"flag_values", "flag_masks"}:
        return None
    taken = {*attrs.get("flag_values", ()), int(np.bitwise_or.reduce([0, *attrs.get("flag_masks", ())]))}
    extremes = np.iinfo(kind)
    for value in (-1, int(extremes.min)) if kind.kind == "i" else (int(extremes.max),):
        if value not in taken:
            return value
    raise ValueError(f"each value of {kind} that could mark a missing chunk is a code; take a wider type")


def write_template(
    whole: xr.Dataset, folder: Path, *, group: str | None = None, chunks: Mapping[str, int] = CHUNKS
) -> None:
    """Write what :func:`stretched` gave: all metadata, and the values of what is not gridded.

    Args:
        whole: the dataset.
        folder: the store.
        group: of the store; its root if absent.
        chunks: the length of chunks along the dimensions by which it is cut.
    """
    encoding = _encoding(whole, chunks)
    whole.to_zarr(folder, group=group, zarr_format=3, consolidated=False, encoding=encoding, compute=False)


def _encoding(whole: xr.Dataset, chunks: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    encoding: dict[str, dict[str, Any]] = {}
    for name in [*whole.data_vars, *gridded(whole)]:
        variable = whole.variables[name]
        if variable.ndim:
            lengths = tuple(min(chunks.get(str(d), n), n) for d, n in variable.sizes.items())
            encoding[str(name)] = {"chunks": lengths}
        if variable.ndim and name in whole.data_vars:
            encoding[str(name)]["compressors"] = [ZstdCodec(level=3)]
        if (missing := missing_code(variable)) is not None:
            encoding.setdefault(str(name), {})["fill_value"] = missing
    return encoding
