"""Grids: a region becomes an odc-geo ``GeoBox`` on the 1,737,400 m sphere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer

from nightside import moon
from nightside.config import Region
from nightside.store.windows import Window


def grid_of(region: Region) -> GeoBox:
    """Return the region's grid: north up, pixel edges on whole multiples of the pixel from the origin.

    An equirectangular grid lies within 180 degrees of its projection's central meridian, where GIS software looks for
    it: that is 0, or 180 for a region that crosses 180 degrees.
    """
    if region.projection == "equirectangular":
        return _equirectangular(region)
    return _polar(region)


def _equirectangular(region: Region) -> GeoBox:
    ppd = float(region.pixels_per_degree or 0)
    pixel = moon.metres_per_degree() / ppd
    code = moon.EQUIRECTANGULAR_CODE
    if region.whole_moon:
        west, east, south, north = -180.0, 180.0, -90.0, 90.0
    else:
        lon, lat = region.centre
        width, height = (1000 * km / moon.metres_per_degree() for km in region.size_km)
        half = min(width / 2 / math.cos(math.radians(lat)), 180.0)
        lon = 180.0 - float(moon.longitude_360(180.0 - lon))
        if abs(lon) + half > 180.0 and half < 180.0:
            code, lon = moon.FARSIDE_EQUIRECTANGULAR_CODE, lon - float(np.copysign(180.0, lon))
        west, east = lon - half, lon + half
        south, north = max(lat - height / 2, -90.0), min(lat + height / 2, 90.0)
    first, last = math.floor(west * ppd + 1e-6), math.ceil(east * ppd - 1e-6)
    bottom, top = math.floor(south * ppd + 1e-6), math.ceil(north * ppd - 1e-6)
    columns = min(last - first, round(360 * ppd))
    affine = Affine(pixel, 0, first * pixel, 0, -pixel, top * pixel)
    return GeoBox((top - bottom, columns), affine, moon.crs(code).to_wkt())


def _polar(region: Region) -> GeoBox:
    pixel = float(region.pixel_m or 0)
    lon, lat = region.centre
    code = moon.NORTH_POLAR_CODE if lat > 0 else moon.SOUTH_POLAR_CODE
    x, y = from_lonlat(moon.crs(code)).transform(lon, lat)
    width, height = (1000 * km for km in region.size_km)
    left, top = math.floor((x - width / 2) / pixel), math.ceil((y + height / 2) / pixel)
    shape = (math.ceil(height / pixel), math.ceil(width / pixel))
    return GeoBox(shape, Affine(pixel, 0, left * pixel, 0, -pixel, top * pixel), moon.crs(code).to_wkt())


def is_equirectangular(geobox: GeoBox) -> bool:
    """Return whether x and y of the grid are longitude and latitude times the length of a degree."""
    operation = crs_of(geobox).coordinate_operation
    return operation is not None and "Equidistant" in operation.method_name


def central_meridian_deg(geobox: GeoBox) -> float:
    """Return the longitude at which x of an equirectangular grid is 0, in degrees east."""
    operation = crs_of(geobox).coordinate_operation
    assert operation is not None
    return float(next(p.value for p in operation.params if p.name == "Longitude of natural origin"))


def lonlat(geobox: GeoBox, window: Window | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude in [0, 360) and latitude of the cell centres in degrees, each of shape (y, x).

    With a window these are to the last bit its cells of the whole grid.
    """
    span = window or {"y": slice(0, geobox.shape[0]), "x": slice(0, geobox.shape[1])}
    columns, rows = np.meshgrid(*(np.arange(span[d].start, span[d].stop) for d in ("x", "y")))
    return lonlat_at(geobox, rows, columns)


def lonlat_at(
    geobox: GeoBox, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude in [0, 360) and latitude of the centres of cells in degrees, each of the shape of ``rows``."""
    a = geobox.affine
    x, y = a.c + a.a * (columns + 0.5), a.f + a.e * (rows + 0.5)
    if is_equirectangular(geobox):
        lon, lat = central_meridian_deg(geobox) + x / moon.metres_per_degree(), y / moon.metres_per_degree()
    else:
        lon, lat = from_lonlat(crs_of(geobox)).transform(x, y, direction="INVERSE")
    return moon.longitude_360(lon), np.asarray(lat, np.float64)


def cell_index(geobox: GeoBox, longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> NDArray[np.int64]:
    """Return the flat index ``row * columns + column`` of the cell that holds each point, -1 outside.

    A cell holds its western and northern edge; longitudes may be given in any turn of the circle.
    """
    lon, lat = np.asarray(longitude_deg, np.float64), np.asarray(latitude_deg, np.float64)
    rows, columns = geobox.shape
    if is_equirectangular(geobox):
        per_degree = moon.metres_per_degree()
        west = geobox.affine.c / per_degree
        # The guard below, in degrees: a point on the western edge that rounding puts before it is not a turn away.
        guard = 1e-9 * geobox.affine.a / per_degree
        x = (west + np.mod(lon - central_meridian_deg(geobox) - west + guard, 360.0) - guard) * per_degree
        y = lat * per_degree
    else:
        x, y = from_lonlat(crs_of(geobox)).transform(lon, lat)
    # A rounding error must not move a point that lies on an edge into the neighbour.
    column = np.floor((x - geobox.affine.c) / geobox.affine.a + 1e-9)
    row = np.floor((y - geobox.affine.f) / geobox.affine.e + 1e-9)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    flat = np.where(inside, row * columns + column, -1)
    return flat.astype(np.int64)


def cell_area_m2(geobox: GeoBox, window: Window | None = None) -> NDArray[np.float64]:
    """Return the area of the cells on the sphere in square metres, of shape (y, x): not of the projected cells.

    Exact for an equirectangular grid. Of a stereographic one the scale at the centre of the cell is taken,
    (1 + rho^2 / 4 R^2) at the distance rho from the pole: an error of (pixel / R)^2.
    """
    span = window or {"y": slice(0, geobox.shape[0]), "x": slice(0, geobox.shape[1])}
    a = geobox.affine
    rows, columns = (np.arange(span[d].start, span[d].stop) for d in ("y", "x"))
    if is_equirectangular(geobox):
        edges = np.sin((a.f + a.e * np.append(rows, rows[-1:] + 1)) / moon.RADIUS_M)
        strip = moon.RADIUS_M * a.a * np.abs(np.diff(edges))
        return np.repeat(strip[:, None], len(columns), axis=1)
    x, y = np.meshgrid(a.c + a.a * (columns + 0.5), a.f + a.e * (rows + 0.5))
    scale = 1.0 + (x**2 + y**2) / (2 * moon.RADIUS_M) ** 2
    area: NDArray[np.float64] = abs(a.a * a.e) / scale**2
    return area


def crs_of(geobox: GeoBox) -> CRS:
    """Return the grid's CRS.

    Raises:
        ValueError: the grid has none.
    """
    if geobox.crs is None:
        raise ValueError("the grid has no CRS; make it with grid_of")
    crs: CRS = geobox.crs.proj
    return crs


def crs_code(geobox: GeoBox) -> str:
    """Return the IAU_2015 code of a grid, which a GeoTIFF would lose."""
    if is_equirectangular(geobox):
        near = central_meridian_deg(geobox) == 0.0
        return moon.EQUIRECTANGULAR_CODE if near else moon.FARSIDE_EQUIRECTANGULAR_CODE
    operation = crs_of(geobox).coordinate_operation
    assert operation is not None
    pole = next(p.value for p in operation.params if p.name == "Latitude of natural origin")
    return moon.NORTH_POLAR_CODE if float(pole) > 0 else moon.SOUTH_POLAR_CODE


def from_lonlat(crs: CRS) -> Any:
    """Return the transformer of longitude and latitude in degrees into a lunar CRS."""
    return Transformer.from_crs(moon.crs(moon.GEOGRAPHIC_CODE), crs, always_xy=True)
