"""Overviews of a store: its maps at a half, a quarter, an eighth of the resolution, each in a group of its own.

So a map of the whole Moon is drawn from a few chunks. The groups are called ``overview_2``, ``overview_4`` and so on, and
their axes ``y_2``, ``x_2``: xarray refuses a tree in which an axis of one name has two lengths.
"""

from __future__ import annotations

import math
import shutil
import warnings
from pathlib import Path
from typing import Any, cast

import dask.array as da
import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from zarr.core.metadata import ArrayV3Metadata

from nightside.store.conventions import overview_grid, overview_name
from nightside.store.georeference import georeference
from nightside.store.template import gridded, write_template
from nightside.store.windows import MAP_CHUNK, windows

SMALLEST = 2 * MAP_CHUNK
"""No overview of a map that is no larger than this, in pixels a side: it is read at once as it is."""

_BLOCK = 8 * MAP_CHUNK
"""Side in pixels of what is averaged at once: 16 MB are read for one layer, whatever the size of the map."""


def factors(shape: tuple[int, int]) -> list[int]:
    """Return by how much each overview of a map of ``shape`` (y, x) is coarser: 2, 4, ... until it is small."""
    steps = math.ceil(math.log2(max(max(shape) / SMALLEST, 1.0)))
    return [2**k for k in range(1, steps + 1)]


def axes(factor: int) -> tuple[str, str]:
    """Return the names of an overview's axes."""
    return (f"y_{factor}", f"x_{factor}")


def add_overviews(store: Path, geobox: GeoBox, done: Path) -> None:
    """Add every overview to a store on a grid, each made from the one before, block by block.

    Args:
        store: written whole, but not finished.
        geobox: its grid.
        done: folder of marks; an overview that has one there is kept, so that work that was cut off goes on.
    """
    for factor in factors((int(geobox.shape[0]), int(geobox.shape[1]))):
        name = overview_name(factor)
        if (done / name).exists():
            continue
        shutil.rmtree(store / name, ignore_errors=True)
        finer = xr.open_zarr(store, consolidated=False, chunks=None)
        template = _template(finer, geobox, factor)
        write_template(template, store, group=name, chunks=dict.fromkeys(axes(factor), MAP_CHUNK))
        for variable in template.data_vars:
            if set(axes(factor)) <= set(template[variable].dims):
                _fill(store, factor, str(variable))
        # So that the group opens by itself as the store does.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(str(store), path=name)
        (done / name).touch()


def halve(values: NDArray[Any]) -> NDArray[Any]:
    """Return an array (..., y, x) at half the resolution: (..., y/2, x/2), rounded up.

    Numbers with a fraction are averaged, those that are not NaN. Of whole numbers, which are codes or count what covers
    a pixel, the most frequent is taken, the smallest where two are.
    """
    rows, columns = values.shape[-2:]
    # The last row or column of an odd number counts twice: as if its cells were alone.
    edges = [(0, 0)] * (values.ndim - 2) + [(0, rows % 2), (0, columns % 2)]
    whole = np.pad(values, edges, mode="edge")
    four = [whole[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return _average(four) if np.issubdtype(values.dtype, np.floating) else _most_frequent(four)


def _average(four: list[NDArray[Any]]) -> NDArray[Any]:
    total, known = np.zeros(four[0].shape), np.zeros(four[0].shape, np.uint8)
    for values in four:
        here = ~np.isnan(values)
        np.add(total, values, out=total, where=here)
        known += here
    with np.errstate(invalid="ignore"):
        total /= known
    mean: NDArray[Any] = total.astype(four[0].dtype)
    return mean


def _most_frequent(four: list[NDArray[Any]]) -> NDArray[Any]:
    # A sorting network: of sorted values the first pair is the most frequent, and the smallest.
    a, b, c, d = four
    a, b, c, d = np.minimum(a, b), np.maximum(a, b), np.minimum(c, d), np.maximum(c, d)
    a, c, b, d = np.minimum(a, c), np.maximum(a, c), np.minimum(b, d), np.maximum(b, d)
    b, c = np.minimum(b, c), np.maximum(b, c)
    best: NDArray[Any] = np.where(a == b, a, np.where(b == c, b, np.where(c == d, c, a)))
    return best


def _template(full: xr.Dataset, geobox: GeoBox, factor: int) -> xr.Dataset:
    """Return an overview of a dataset without its values: what lies on the map is lazy zeros."""
    grid, names = overview_grid(geobox, factor), dict(zip(("y", "x"), axes(factor), strict=True))
    sizes = dict(zip(axes(factor), grid.shape, strict=True))
    on_map = gridded(full)
    out = full.drop_vars([str(name) for name in full.coords if name in {*on_map, "y", "x", "spatial_ref"}])
    for name in on_map:
        if name in full.coords:
            continue  # positions, which must not be averaged: longitudes of 359 and 1 are not 180
        variable = full.variables[name]
        dims = [names.get(str(d), str(d)) for d in variable.dims]
        shape = tuple(int(sizes.get(d, full.sizes.get(d, 0))) for d in dims)
        zeros = da.zeros(shape, dtype=variable.dtype, chunks=-1)
        averaged = np.issubdtype(variable.dtype, np.floating)
        how = {"cell_methods": "area: mean" if averaged else "area: mode"}
        out[name] = (dims, zeros, {**variable.attrs, **how})
    return georeference(out, grid, axes(factor))


def _fill(store: Path, factor: int, variable: str) -> None:
    """Write the values of one variable of an overview from the next finer level."""
    root = zarr.open_group(store, mode="r+")
    source = cast(
        "zarr.Array[Any]", root[variable if factor == 2 else f"{overview_name(factor // 2)}/{variable}"]
    )
    target = cast("zarr.Array[Any]", root[f"{overview_name(factor)}/{variable}"])
    names = [str(d) for d in cast("ArrayV3Metadata", target.metadata).dimension_names or ()]
    at = tuple(names.index(name) for name in axes(factor))
    others = math.prod(n for k, n in enumerate(target.shape) if k not in at)
    for window in windows(
        (target.shape[at[0]], target.shape[at[1]]), max(int(_BLOCK / math.sqrt(others)), 1)
    ):
        coarse: list[slice] = [slice(None)] * target.ndim
        fine = list(coarse)
        for k, name in zip(at, ("y", "x"), strict=True):
            coarse[k] = window[name]
            fine[k] = slice(2 * window[name].start, min(2 * window[name].stop, source.shape[k]))
        values = np.moveaxis(np.asarray(source[tuple(fine)]), at, (-2, -1))
        target[tuple(coarse)] = np.moveaxis(halve(values), (-2, -1), at)
