"""Elevation models: LOLA maps and GeoTIFFs of heights become a terrain that rays can meet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import cast

import numpy as np
import rasterio
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS
from rasterio.windows import Window

from nightside import moon
from nightside.camera.terrain import Projection, Terrain
from nightside.store.grid import from_lonlat

_MARGIN_M = 20_000.0
"""How far beyond the outline, which is of the sphere, terrain is read: an oblique ray meets a peak far off it."""

_POINTS_DEG = ((10.0, 1.0), (100.0, 0.5), (250.0, -1.5))


def read_terrain(path: Path, outline: tuple[ArrayLike, ArrayLike], margin_m: float = _MARGIN_M) -> Terrain:
    """Return the part of an elevation model that lies under an image.

    Args:
        path: the label of a LOLA map (``LDEM_4.LBL``, its image beside it), or any raster of heights or radii in
            metres, in an equirectangular or polar stereographic projection of the sphere.
        outline: longitudes and latitudes, in degrees, around the image.
        margin_m: how far beyond these terrain is read.

    Raises:
        ValueError: it is no such raster, or does not cover any of the image; the message names the remedy.
    """
    try:
        source = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise ValueError(
            f"{path}: cannot be read as an elevation map ({error}); give the label of a LOLA map, or a GeoTIFF"
        ) from None
    with source:
        crs = _crs(source, path)
        projection, meridian = _projection(crs, path)
        a = source.transform
        turn = round(math.tau * moon.RADIUS_M / abs(a.a)) if projection == "equirectangular" else 0
        rows, columns = _span(source, crs, outline, margin_m, turn)
        whole = turn > 0 and columns[1] - columns[0] >= turn
        if whole:
            columns = (0, source.width)
        if rows[0] >= rows[1] or columns[0] >= columns[1]:
            raise ValueError(f"{path}: does not cover the image; give an elevation model of its place")
        heights = _read(source, rows, columns, turn if source.width >= turn > 0 else 0)
        try:
            return Terrain(
                heights,
                projection,
                x_m=a.c + (columns[0] + 0.5) * a.a,
                y_m=a.f + (rows[0] + 0.5) * a.e,
                pixel_x_m=a.a,
                pixel_y_m=a.e,
                central_meridian_deg=meridian,
                whole_turn=turn if whole else 0,
            )
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def _crs(source: rasterio.DatasetReader, path: Path) -> CRS:
    if source.crs is None:
        raise ValueError(
            f"{path}: has no coordinate reference system; give the label (.LBL) of a LOLA map, or a GeoTIFF"
        )
    if abs(source.transform.b) + abs(source.transform.d) > 0:
        raise ValueError(f"{path}: is rotated; warp it north up (gdalwarp)")
    return CRS.from_wkt(source.crs.to_wkt())


def _projection(crs: CRS, path: Path) -> tuple[Projection, float]:
    """Return which of the three projections a CRS is, and its central meridian in degrees.

    The CRS is asked, at a few points, whether it does what the projection should.
    """
    to_map = from_lonlat(crs)
    lon, lat = (np.array(column) for column in zip(*_POINTS_DEG, strict=True))
    for kind, at in (("equirectangular", lat), ("north_polar", 89 + lat / 2), ("south_polar", -89 + lat / 2)):
        x, y = to_map.transform(lon, at)
        if not np.isfinite([x, y]).all():
            continue
        if kind == "equirectangular":
            turn = moon.metres_per_degree() * 360
            origin = lon - np.asarray(x) / moon.metres_per_degree()
            error = np.abs(np.mod(origin - origin[0] + 180, 360) - 180).max() * moon.metres_per_degree()
            error = max(error, float(np.abs(np.asarray(y) - at * moon.metres_per_degree()).max()))
            meridian = float(origin[0])
            assert turn > 0
        else:
            sign = 1 if kind == "north_polar" else -1
            radius = 2 * moon.RADIUS_M * np.tan(np.deg2rad(90 - sign * at) / 2)
            azimuth = np.arctan2(np.asarray(x), -sign * np.asarray(y))
            origin = lon - np.rad2deg(azimuth)
            error = float(np.abs(np.hypot(x, y) - radius).max())
            error = max(error, float(np.abs(np.mod(origin - origin[0] + 180, 360) - 180).max()) * 1e3)
            meridian = float(origin[0])
        if error < 0.01:
            return cast(Projection, kind), meridian
    raise ValueError(
        f"{path}: its projection is neither equirectangular nor polar stereographic (true at the pole) on the sphere "
        f"of {moon.RADIUS_M / 1000:g} km; warp it to {moon.EQUIRECTANGULAR_CODE} or {moon.SOUTH_POLAR_CODE} (gdalwarp)"
    )


def _span(
    source: rasterio.DatasetReader,
    crs: CRS,
    outline: tuple[ArrayLike, ArrayLike],
    margin_m: float,
    turn: int,
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first and last row and column under an outline, margin included; columns may leave a whole turn."""
    lon, lat = (np.asarray(a, np.float64) for a in outline)
    to_map = from_lonlat(crs)
    # All points within the margin of the outline, as seen from it in eight directions.
    reach = margin_m / moon.metres_per_degree()
    around = np.linspace(0, math.tau, 8, endpoint=False)
    near = np.clip(lat[:, None] + reach * np.sin(around), -90.0, 90.0)
    aside = reach * np.cos(around) / np.maximum(np.cos(np.deg2rad(near)), 1e-3)
    x, y = to_map.transform((lon[:, None] + np.clip(aside, -180, 180)).ravel(), near.ravel())
    column, row = ~source.transform @ (np.asarray(x), np.asarray(y))
    if turn:
        mid = to_map.transform(lon, lat)[0]
        centre = np.unwrap(np.asarray(~source.transform @ (np.asarray(mid), np.zeros_like(lat)))[0], period=turn)
        column = centre[:, None] + np.mod(column.reshape(near.shape) - centre[:, None] + turn / 2, turn) - turn / 2
    polar = turn and float(np.abs(near).max()) > 89.0
    rows = (max(int(np.floor(row.min())) - 2, 0), min(int(np.ceil(row.max())) + 2, source.height))
    if polar:
        return _to_the_pole(rows, float(lat.mean()), source), (0, turn)
    first, last = int(np.floor(column.min())) - 2, int(np.ceil(column.max())) + 2
    if source.width < turn or not turn:
        if turn:  # a map of a part: in the turn of the circle in which it lies
            shift = turn * round(((first + last) / 2 - source.width / 2) / turn)
            first, last = first - shift, last - shift
        first, last = max(first, 0), min(last, source.width)
    return rows, (first, last)


def _to_the_pole(
    rows: tuple[int, int], latitude_deg: float, source: rasterio.DatasetReader
) -> tuple[int, int]:
    """Extend rows to the pole, which may lie within the outline."""
    north_is_first = source.transform.e < 0
    if (latitude_deg > 0) == north_is_first:
        return 0, rows[1]
    return rows[0], source.height


def _read(
    source: rasterio.DatasetReader, rows: tuple[int, int], columns: tuple[int, int], turn: int
) -> NDArray[np.float32]:
    """Read heights above the sphere; columns beyond the edge of a map that goes round come from its other side."""
    window = Window(0, rows[0], source.width, rows[1] - rows[0])
    if turn == 0 or (columns[0] >= 0 and columns[1] <= source.width):
        window = Window(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])
        band = source.read(1, window=window, masked=True)
    else:
        band = source.read(1, window=window, masked=True)[:, np.arange(*columns) % turn]
    values = band.astype(np.float64) * source.scales[0] + source.offsets[0]
    heights = np.ma.filled(values, np.nan)
    if heights.size and np.nanmean(heights) > moon.RADIUS_M / 2:
        heights = heights - moon.RADIUS_M
    return np.ascontiguousarray(heights, dtype=np.float32)
