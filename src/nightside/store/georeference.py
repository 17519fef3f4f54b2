"""The CRS and the coordinates of a grid, written so that xarray, GDAL and a browser each find them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from nightside.store.conventions import spatial_attributes
from nightside.store.grid import crs_code, crs_of


def georeference(dataset: xr.Dataset, geobox: GeoBox, axes: tuple[str, str] = ("y", "x")) -> xr.Dataset:
    """Return the dataset with its CRS and the coordinates of the pixel centres along ``axes`` attached."""
    crs = crs_of(geobox)
    rows, columns = axes
    x = (geobox.affine.c + (np.arange(geobox.shape[1]) + 0.5) * geobox.affine.a).astype(np.float64)
    y = (geobox.affine.f + (np.arange(geobox.shape[0]) + 0.5) * geobox.affine.e).astype(np.float64)
    a = geobox.affine
    reference = crs.to_cf()
    reference["spatial_ref"] = crs.to_wkt()
    reference["GeoTransform"] = f"{a.c} {a.a} {a.b} {a.f} {a.d} {a.e}"
    reference["long_name"], reference["units"] = "coordinate reference system", "1"
    out = dataset.assign_coords(
        {
            columns: (
                columns,
                x,
                {"units": "m", "long_name": "easting", "standard_name": "projection_x_coordinate"},
            ),
            rows: (
                rows,
                y,
                {"units": "m", "long_name": "northing", "standard_name": "projection_y_coordinate"},
            ),
            "spatial_ref": ((), 0, reference),
        }
    )
    for name in out.data_vars:
        if set(axes) <= set(out[name].dims):
            out[name].attrs["grid_mapping"] = "spatial_ref"
    out.attrs.pop("multiscales", None)  # of the store that these values were made from
    out.attrs |= {"Conventions": "CF-1.11", "iau_code": crs_code(geobox), **spatial_attributes(geobox, axes)}
    return out


def grid_from(dataset: xr.Dataset) -> GeoBox:
    """Return the grid on which a georeferenced dataset lies."""
    return GeoBox(
        tuple(dataset.attrs["spatial:shape"]),
        Affine(*dataset.attrs["spatial:transform"]),
        dataset.attrs["proj:wkt2"],
    )


def is_on_grid(dataset: xr.Dataset, geobox: GeoBox) -> bool:
    """Return whether a georeferenced dataset has the pixels and the CRS of a grid."""
    wanted = georeference(xr.Dataset(), geobox).attrs
    keys = ("spatial:shape", "spatial:transform", "proj:wkt2")
    return all(dataset.attrs.get(key) == wanted[key] for key in keys)
