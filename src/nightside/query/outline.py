"""Outlines of cells in longitude and latitude, cut at 180 degrees and closed around a pole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry import Polygon, box, shape
from shapely.geometry.base import BaseGeometry

from nightside import moon
from nightside.store.grid import central_meridian_deg, crs_of, from_lonlat, is_equirectangular

_DECIMALS = 10
"""Of a degree, 3 micrometres: edges that are one on the ground become one in numbers."""


def outlines(labels: NDArray[np.int32], numbers: Sequence[int], grid: GeoBox) -> list[BaseGeometry]:
    """Return the outline of the cells (y, x) that bear each number, in degrees, longitudes from -180 to 180.

    Cells that touch at a corner only are parts of one MultiPolygon, and so are the two sides of a cut at 180 degrees.
    A polygon that holds a pole runs along its parallel of 90 degrees.
    """
    from rasterio import features

    pieces: dict[int, list[BaseGeometry]] = {number: [] for number in numbers}
    wanted = np.isin(labels, list(numbers))
    for outline, number in features.shapes(labels, mask=wanted, connectivity=4, transform=grid.affine):
        for piece in _unrolled(shape(outline), grid):
            pieces[int(number)].append(piece)
    return [shapely.union_all(pieces[number]) for number in numbers]


def bounding_box(outline: BaseGeometry) -> dict[str, float]:
    """Return the bounds of an outline in degrees; the western one is the larger where it crosses 180 degrees."""
    parts = sorted((part.bounds[0], part.bounds[2]) for part in shapely.get_parts(outline))
    # The longest gap between the parts, around the circle, is what the box leaves out.
    gaps, east = [], parts[0][1]
    for west, further in parts[1:]:
        gaps.append((west - east, west, east))
        east = max(east, further)
    gaps.append((parts[0][0] + 360.0 - east, parts[0][0], east))
    width, lon_min, lon_max = max(gaps)
    if width <= 10.0**-_DECIMALS:
        lon_min, lon_max = -180.0, 180.0
    _, lat_min, _, lat_max = outline.bounds
    return {"lon_min": lon_min, "lat_min": lat_min, "lon_max": lon_max, "lat_max": lat_max}


def _unrolled(outline: BaseGeometry, grid: GeoBox) -> Iterator[BaseGeometry]:
    """Yield an outline in metres of the grid as polygons in degrees, none across 180 degrees or over a pole."""
    polar = not is_equirectangular(grid)
    if polar:  # straight in metres is curved in degrees
        outline = shapely.segmentize(outline, float(grid.affine.a))
    for sheet, middle in _sheets(grid):
        for part in shapely.get_parts(outline.intersection(sheet)):
            if isinstance(part, Polygon):
                rings = [_degrees(ring, grid, middle, polar) for ring in (part.exterior, *part.interiors)]
                yield Polygon(rings[0], rings[1:])


def _sheets(grid: GeoBox) -> list[tuple[Polygon, float]]:
    """Return parts of the plane, with their middle longitudes, within which longitude neither jumps nor turns."""
    bounds = grid.boundingbox
    if is_equirectangular(grid):
        degree, centre = moon.metres_per_degree(), central_meridian_deg(grid)
        first = int(np.floor((centre + bounds.left / degree) / 180.0))
        last = int(np.ceil((centre + bounds.right / degree) / 180.0))
        return [
            (
                box(
                    (k * 180 - centre) * degree,
                    bounds.bottom - 1,
                    ((k + 1) * 180 - centre) * degree,
                    bounds.top + 1,
                ),
                float((k * 180 + 90 + 180) % 360 - 180),
            )
            for k in range(first, last)
        ]
    # Quadrants: the pole is a corner of each.
    far = 1.0 + max(abs(v) for v in bounds)
    sheets = []
    for right, up in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        middle, _ = from_lonlat(crs_of(grid)).transform(right * far, up * far, direction="INVERSE")
        quadrant = box(min(0.0, right * far), min(0.0, up * far), max(0.0, right * far), max(0.0, up * far))
        sheets.append((quadrant, float(np.round(middle))))
    return sheets


def _degrees(ring: Any, grid: GeoBox, middle: float, polar: bool) -> NDArray[np.float64]:
    """Return a ring as longitude and latitude; longitudes lie within 90 degrees of ``middle``."""
    x, y = shapely.get_coordinates(ring)[:-1].T
    if not polar:
        degree = moon.metres_per_degree()
        lon, lat = central_meridian_deg(grid) + x / degree, y / degree
        return _near(lon, lat, middle, 90.0)
    lon, lat = from_lonlat(crs_of(grid)).transform(x, y, direction="INVERSE")
    out = _near(np.asarray(lon), np.asarray(lat), middle, 45.0)
    (at_pole,) = np.nonzero(np.hypot(x, y) < 1e-6)
    for k in at_pole:  # one point here, a whole parallel in degrees
        before, after = out[k - 1, 0], out[(k + 1) % len(out), 0]
        pole = np.copysign(90.0, out[k, 1])
        out = np.vstack([out[:k], [[before, pole], [after, pole]], out[k + 1 :]])
    return out


def _near(
    lon: NDArray[np.float64], lat: NDArray[np.float64], middle: float, reach: float
) -> NDArray[np.float64]:
    """Return points (n, 2) whose longitudes are wrapped around ``middle`` and kept within ``reach`` of it."""
    aside = np.mod(lon - middle + 180.0, 360.0) - 180.0
    points = np.stack([middle + np.clip(aside, -reach, reach), np.clip(lat, -90.0, 90.0)], axis=1)
    out: NDArray[np.float64] = np.round(points, _DECIMALS)
    return out
