"""The CRS and the coordinates of a grid, written so that xarray, GDAL and a browser each find them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.store.grid import central_meridian_deg, crs_of, is_equirectangular


def georeference(dataset: xr.Dataset, geobox: GeoBox) -> xr.Dataset:
    """Return the dataset with its CRS and the coordinates of the pixel centres attached."""
    crs = crs_of(geobox)
    x = (geobox.affine.c + (np.arange(geobox.shape[1]) + 0.5) * geobox.affine.a).astype(np.float64)
    y = (geobox.affine.f + (np.arange(geobox.shape[0]) + 0.5) * geobox.affine.e).astype(np.float64)
    a = geobox.affine
    reference = crs.to_cf()
    reference["spatial_ref"] = crs.to_wkt()
    reference["GeoTransform"] = f"{a.c} {a.a} {a.b} {a.f} {a.d} {a.e}"
    reference["long_name"], reference["units"] = "coordinate reference system", "1"
    out = dataset.assign_coords(
        x=("x", x, {"units": "m", "long_name": "easting", "standard_name": "projection_x_coordinate"}),
        y=("y", y, {"units": "m", "long_name": "northing", "standard_name": "projection_y_coordinate"}),
        spatial_ref=((), 0, reference),
    )
    for name in out.data_vars:
        if {"y", "x"} <= set(out[name].dims):
            out[name].attrs["grid_mapping"] = "spatial_ref"
    bounds = geobox.boundingbox
    out.attrs |= {
        "Conventions": "CF-1.11",
        "spatial:dimensions": ["y", "x"],
        "spatial:transform": [a.a, a.b, a.c, a.d, a.e, a.f],
        "spatial:shape": list(geobox.shape),
        "spatial:bbox": [bounds.left, bounds.bottom, bounds.right, bounds.top],
        "proj:wkt2": crs.to_wkt(),
        "iau_code": crs_code(geobox),
    }
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


def crs_code(geobox: GeoBox) -> str:
    """Return the IAU_2015 code of a grid, which a GeoTIFF would lose."""
    if is_equirectangular(geobox):
        near = central_meridian_deg(geobox) == 0.0
        return moon.EQUIRECTANGULAR_CODE if near else moon.FARSIDE_EQUIRECTANGULAR_CODE
    operation = crs_of(geobox).coordinate_operation
    assert operation is not None
    pole = next(p.value for p in operation.params if p.name == "Latitude of natural origin")
    return moon.NORTH_POLAR_CODE if float(pole) > 0 else moon.SOUTH_POLAR_CODE
