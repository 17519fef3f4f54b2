"""Parts of a map: a window with the georeference of its own grid, or some cells."""

from __future__ import annotations

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside.query.places import Cells
from nightside.store.georeference import georeference
from nightside.store.template import missing_code


def cut(dataset: xr.Dataset, grid: GeoBox, cells: Cells) -> xr.Dataset:
    """Return the cells of a dataset on ``grid``; two pieces of columns are joined, and x goes on eastward."""
    pieces = [
        dataset.isel(y=cells.rows, x=columns).drop_vars(["y", "x", "spatial_ref"], errors="ignore")
        for columns in cells.columns
    ]
    joined = pieces[0]
    if len(pieces) > 1:
        joined = xr.concat(
            pieces, "x", data_vars="minimal", coords="minimal", compat="override", join="override"
        )
    window = grid.affine @ Affine.translation(cells.columns[0].start, cells.rows.start)
    part = GeoBox((joined.sizes["y"], joined.sizes["x"]), window, grid.crs)
    # Of the whole map, not of its part.
    joined.attrs = {k: v for k, v in joined.attrs.items() if k not in ("multiscales", "zarr_conventions")}
    for name in (*joined.data_vars, *joined.coords):
        missing = missing_code(joined[name])
        joined[name].encoding = {} if missing is None else {"fill_value": missing}
    return georeference(joined, part)


def at(dataset: xr.Dataset, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> xr.Dataset:
    """Return a dataset at cells, with the dimension ``place`` first."""
    if len(rows) == 1:  # quicker than a list of one
        return dataset.isel(y=int(rows[0]), x=int(columns[0])).expand_dims("place")
    return dataset.isel(y=("place", rows), x=("place", columns)).transpose("place", ...)


def of_a_map(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset without what is no map: without y or x, or over the lunar day."""
    return dataset.drop_vars(
        [n for n, v in dataset.data_vars.items() if not {"y", "x"} <= set(v.dims) or "local_time" in v.dims]
    )
