"""The outline of a grid on the Moon, in longitude and latitude, as GeoJSON draws it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry import MultiPolygon, Polygon, box, mapping
from shapely.geometry.polygon import orient

from nightside import moon
from nightside.store.grid import central_meridian_deg, crs_of, from_lonlat, is_equirectangular

_EDGE = 17
"""Points of each edge of a polar grid, whose edges are curves in longitude and latitude."""


def footprint(geobox: GeoBox) -> tuple[dict[str, Any], list[float]]:
    """Return geometry and bounding box, longitudes in [-180, 180].

    As RFC 7946 asks (sections 3.1.6, 3.1.9 and 5.2), outlines run anticlockwise, and what crosses 180 degrees is cut
    there and has a box whose west is greater than its east; what holds a pole reaches from -180 to 180 and to the pole.
    """
    west, east, shape = _equirectangular(geobox) if is_equirectangular(geobox) else _polar(geobox)
    south, north = float(shape.bounds[1]), float(shape.bounds[3])
    if east - west >= 360.0:
        turns, bbox = [0.0], [-180.0, south, 180.0, north]
    else:
        wrapped = [float(moon.longitude_360(lon + 180.0)) - 180.0 for lon in (west, east)]
        # An eastern edge on the antimeridian is 180, not -180.
        bbox = [wrapped[0], south, wrapped[1] if wrapped[1] > -180.0 else 180.0, north]
        turns = [-720.0, -360.0, 0.0, 360.0, 720.0]
    globe = box(-180.0, -90.0, 180.0, 90.0)
    parts: list[Polygon] = []
    for turn in turns:
        moved = Polygon([(lon + turn, lat) for lon, lat in shape.exterior.coords])
        met = moved.intersection(globe)
        parts += [orient(part) for part in getattr(met, "geoms", [met]) if part.area > 0.0]
    return mapping(parts[0] if len(parts) == 1 else MultiPolygon(parts)), bbox


def _equirectangular(geobox: GeoBox) -> tuple[float, float, Polygon]:
    bounds, middle = geobox.boundingbox, central_meridian_deg(geobox)
    per_degree = moon.metres_per_degree()
    west, east = middle + bounds.left / per_degree, middle + bounds.right / per_degree
    south, north = max(bounds.bottom / per_degree, -90.0), min(bounds.top / per_degree, 90.0)
    if east - west > 360.0 - 1e-9:
        west, east = -180.0, 180.0
    return west, east, box(west, south, east, north)


def _polar(geobox: GeoBox) -> tuple[float, float, Polygon]:
    """Return the outline of a polar grid with longitudes that go on past 180."""
    lon, lat = from_lonlat(crs_of(geobox)).transform(*_ring(geobox), direction="INVERSE")
    lon, lat = np.unwrap(lon, period=360.0), np.asarray(lat, np.float64)
    if abs(lon[-1] - lon[0]) < 180.0:
        return float(lon.min()), float(lon.max()), Polygon(np.column_stack([lon, lat])[:-1])
    # Once around the pole: the outline's latitude at each longitude, closed along the pole.
    pole = float(np.copysign(90.0, lat.mean()))
    order = np.argsort(moon.longitude_360(lon + 180.0)[:-1])
    along, height = (moon.longitude_360(lon + 180.0) - 180.0)[:-1][order], lat[:-1][order]
    edge = float(np.interp(180.0, [along[-1], along[0] + 360.0], [height[-1], height[0]]))
    ring = [(-180.0, edge), *zip(along.tolist(), height.tolist(), strict=True), (180.0, edge)]
    return -180.0, 180.0, Polygon([*ring, (180.0, pole), (-180.0, pole)])


def _ring(geobox: GeoBox) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y along the edges, closed; a hair inside, so that a pole on an edge lies outside."""
    bounds, hair = geobox.boundingbox, 1e-6 * abs(geobox.affine.a)
    left, right, low, high = bounds.left + hair, bounds.right - hair, bounds.bottom + hair, bounds.top - hair
    south, north, west, east = (
        _along(a, b, abs(aside))
        for a, b, aside in ((left, right, low), (left, right, high), (low, high, left), (low, high, right))
    )
    # Each corner once: two of one place differ in their last digits, and the outline would cross itself.
    x = np.concatenate(
        [south[:-1], np.full(east.size - 1, right), north[:0:-1], np.full(west.size - 1, left)]
    )
    y = np.concatenate([np.full(south.size - 1, low), east[:-1], np.full(north.size - 1, high), west[:0:-1]])
    return np.append(x, x[0]), np.append(y, y[0])


def _along(start: float, end: float, from_pole: float) -> NDArray[np.float64]:
    """Return places on an edge that passes a pole at a distance: even in length, and even in longitude beside it."""
    angles = np.deg2rad(np.linspace(-88.0, 88.0, 2 * _EDGE - 1))
    places = np.concatenate([np.linspace(start, end, _EDGE), from_pole * np.tan(angles)])
    return np.unique(np.clip(places, start, end))
