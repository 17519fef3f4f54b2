"""A window of a map, lazily, with the georeference of its own grid."""

from __future__ import annotations

import xarray as xr
from affine import Affine
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
