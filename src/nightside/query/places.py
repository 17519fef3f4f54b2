"""Places and boxes in degrees, and the rows and columns of a grid that hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.query.degrees import words
from nightside.store import cell_index
from nightside.store.grid import central_meridian_deg, crs_of, from_lonlat, is_equirectangular

_ROUNDING = 1e-6
"""Of a cell: a bound on an edge takes no cell beyond it."""


class OutsideCoverage(ValueError):
    """No product covers the place; the message says what is covered."""


def check_place(lon: float, lat: float, of: str = "") -> None:
    """Refuse what is no place on the Moon; ``of`` begins the message.

    Raises:
        ValueError: a latitude beyond the poles, or a longitude outside -180..360.
    """
    if not -90.0 <= lat <= 90.0:
        raise ValueError(f"{of}latitude {lat:.10g} is no latitude; give degrees north, -90 to 90")
    if not -180.0 <= lon <= 360.0:
        raise ValueError(
            f"{of}longitude {lon:.10g} is no longitude; give degrees east, -180 to 180 or 0 to 360"
        )


@dataclass(frozen=True)
class Places:
    """Places that are asked at once: longitudes and latitudes in degrees, (place,); ``single`` where one was given alone."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    single: bool

    @classmethod
    def of(cls, lon: ArrayLike, lat: ArrayLike) -> Places:
        """Return a place of two numbers, or the places of two sequences of one length.

        Raises:
            ValueError: they are no numbers or of different lengths, there are none, or one is no place.
        """
        try:
            given = [np.asarray(values, np.float64) for values in (lon, lat)]
        except (TypeError, ValueError):
            raise ValueError("longitude and latitude are no numbers; give degrees") from None
        if given[0].shape != given[1].shape or given[0].ndim > 1 or not given[0].size:
            raise ValueError(
                f"longitudes of shape {given[0].shape} and latitudes of shape {given[1].shape}: give two numbers, or a "
                "longitude and a latitude for each place, in two sequences of one length"
            )
        found = cls(np.atleast_1d(given[0]), np.atleast_1d(given[1]), given[0].ndim == 0)
        for number, place in enumerate(zip(found.lon.tolist(), found.lat.tolist(), strict=True)):
            check_place(*place, of="" if found.single else f"place {number}: ")
        return found

    def __str__(self) -> str:
        """Return the place, or how many they are."""
        if len(self.lon) > 1:
            return f"each of {len(self.lon)} places"
        return "{} E, {} N".format(*words(self.lon[0], self.lat[0]))


def cell_of(grid: GeoBox, lon: float, lat: float) -> tuple[int, int] | None:
    """Return row and column of the cell that holds a place, None outside; see :func:`cells_at`."""
    numbers, rows, columns = cells_at(grid, Places.of(lon, lat))
    return (int(rows[0]), int(columns[0])) if len(numbers) else None


def cells_at(grid: GeoBox, places: Places) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the places that a grid covers, from 0, with row and column of the cell that holds each.

    A cell holds its northern and western edge; the south pole belongs to the last row of a grid that ends there.
    """
    if is_equirectangular(grid):
        index = cell_index(grid, places.lon, np.maximum(places.lat, -90.0 + 1e-6))
    else:
        pole = _pole(grid)
        before = places.lat * pole >= 0.0  # the other pole is infinitely far
        index = np.full(places.lat.shape, -1)
        if before.any():
            index[before] = cell_index(grid, places.lon[before], places.lat[before])
    numbers = np.flatnonzero(index >= 0)
    return numbers, *np.divmod(index[numbers], int(grid.shape[1]))


@dataclass(frozen=True)
class Box:
    """A box in degrees, from ``west`` eastward over ``width`` and from ``south`` to ``north``."""

    west: float
    width: float
    south: float
    north: float

    @classmethod
    def of(cls, lon_min: float, lon_max: float, lat_min: float, lat_max: float) -> Box:
        """Return the box eastward from ``lon_min`` to ``lon_max``, which may be the smaller: across 0 or 180.

        Raises:
            ValueError: it is empty, or a bound is no longitude or latitude.
        """
        check_place(lon_min, lat_min)
        check_place(lon_max, lat_max)
        width = 360.0 if lon_max - lon_min >= 360.0 else (lon_max - lon_min) % 360.0
        if lat_max <= lat_min or not width:
            raise ValueError(
                "the box from {} to {} E, {} to {} N is empty; give lon_min, lon_max, lat_min, lat_max, lat_min "
                "below lat_max, and lon_min and lon_max two meridians".format(
                    *words(lon_min, lon_max, lat_min, lat_max)
                )
            )
        return cls(lon_min, width, lat_min, lat_max)


@dataclass(frozen=True)
class Cells:
    """Rows of a grid, and the pieces of columns that follow each other eastward: two where a box crosses its cut."""

    rows: slice
    columns: tuple[slice, ...]


def cells_of(grid: GeoBox, box: Box) -> Cells | None:
    """Return the cells that a box touches, of a polar grid the smallest rectangle of them; None if there are none.

    Raises:
        ValueError: the box spans the gap of a grid that goes nearly round the Moon.
    """
    return _around(grid, box) if is_equirectangular(grid) else _rectangle(grid, box)


def _around(grid: GeoBox, box: Box) -> Cells | None:
    degree, count = moon.metres_per_degree(), int(grid.shape[1])
    pixel, north = grid.affine.a / degree, grid.affine.f / degree
    rows = _span((north - box.north) / pixel, (north - box.south) / pixel, int(grid.shape[0]))
    west = central_meridian_deg(grid) + grid.affine.c / degree
    start, turn = (box.west - west) % 360.0 / pixel, 360.0 / pixel
    if box.width == 360.0:
        if not np.isclose(count, turn):
            # All round the Moon is all of a map, wherever the box begins.
            return None if rows is None else Cells(rows, (slice(0, count),))
        start = np.floor(start + _ROUNDING)
    pieces = [_span(start - back, start - back + box.width / pixel, count) for back in (0.0, turn)]
    columns = tuple(piece for piece in pieces if piece is not None)
    if rows is None or not columns:
        return None
    if len(columns) == 2 and not np.isclose(count, turn):
        raise ValueError(
            f"the box crosses the part of the Moon that a map of {count * pixel:g} degrees leaves out; ask for its "
            "two sides, one after the other"
        )
    if (
        len(columns) == 2 and columns[1].stop > columns[0].start
    ):  # the cell that holds both ends of the circle
        columns = (columns[0], slice(0, columns[0].start))
    return Cells(rows, columns)


def _rectangle(grid: GeoBox, box: Box) -> Cells | None:
    crs = crs_of(grid)
    # Beyond the equator a stereographic plane has no useful end.
    south, north = (max(box.south, 0.0), box.north) if _pole(grid) > 0 else (box.south, min(box.north, 0.0))
    if south >= north:
        return None
    # The extremes of the box lie on its parallels, at its ends or where these touch the axes.
    axes = np.arange(-360.0, 721.0, 90.0)
    lon = np.append(axes[(axes > box.west) & (axes < box.west + box.width)], [box.west, box.west + box.width])
    lon = (lon + 180.0) % 360.0 - 180.0  # PROJ takes nothing beyond two turns
    x, y = from_lonlat(crs).transform(np.tile(lon, 2), np.repeat([south, north], len(lon)))
    a = grid.affine
    columns = _span((np.min(x) - a.c) / a.a, (np.max(x) - a.c) / a.a, int(grid.shape[1]))
    rows = _span((np.max(y) - a.f) / a.e, (np.min(y) - a.f) / a.e, int(grid.shape[0]))
    return None if rows is None or columns is None else Cells(rows, (columns,))


def _pole(grid: GeoBox) -> float:
    """Return the latitude at x = y = 0 of a polar grid."""
    return float(from_lonlat(crs_of(grid)).transform(0.0, 0.0, direction="INVERSE")[1])


def _span(first: float, last: float, count: int) -> slice | None:
    start, stop = max(int(np.floor(first + _ROUNDING)), 0), min(int(np.ceil(last - _ROUNDING)), count)
    return slice(start, stop) if stop > start else None


def extent(grid: GeoBox) -> str:
    """Return the edges of a grid in degrees, in words, eastward from -180 to 180 on."""
    west, width, south, north = _edges(grid)
    west = (west + 180.0) % 360.0 - 180.0
    return "{} to {} E, {} to {} N".format(*words(west, west + width, south, north))


def _edges(grid: GeoBox) -> tuple[float, float, float, float]:
    """Return the western edge, the width, and the southern and northern edge, in degrees."""
    bounds = grid.boundingbox
    if is_equirectangular(grid):
        left, bottom, right, top = (v / moon.metres_per_degree() for v in bounds)
        return left + central_meridian_deg(grid), right - left, bottom, top
    # Of a rectangle beside the pole the extremes of longitude are corners; those of latitude its nearest and furthest point.
    x = np.array(
        [bounds.left, bounds.left, bounds.right, bounds.right, np.clip(0.0, bounds.left, bounds.right)]
    )
    y = np.array(
        [bounds.bottom, bounds.top, bounds.bottom, bounds.top, np.clip(0.0, bounds.bottom, bounds.top)]
    )
    lon, lat = from_lonlat(crs_of(grid)).transform(x, y, direction="INVERSE")
    if bounds.left < 0.0 < bounds.right and bounds.bottom < 0.0 < bounds.top:
        return -180.0, 360.0, float(np.min(lat)), float(np.max(lat))
    centre = ((bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2)
    middle, _ = from_lonlat(crs_of(grid)).transform(*centre, direction="INVERSE")
    beside_pole = np.hypot(x, y) > 1e-6  # which has no longitude of its own
    aside = (np.asarray(lon)[beside_pole] - middle + 180.0) % 360.0 - 180.0
    return middle + float(aside.min()), float(np.ptp(aside)), float(np.min(lat)), float(np.max(lat))
