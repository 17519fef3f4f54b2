"""Real relief for the synthetic Moon: heights from a LOLA elevation map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS
from rasterio.windows import Window
from scipy.ndimage import map_coordinates

from nightside import moon
from nightside.store import lonlat
from nightside.store.grid import from_lonlat

_MARGIN = 4
"""Pixels around the region that a cubic spline wants to see."""


def relief_m(path: Path, geobox: GeoBox) -> NDArray[np.float64]:
    """Return heights above the 1,737.4 km sphere, in metres, at the cells (y, x) of a grid.

    Heights between the map's pixels are those of a cubic spline, so that slopes are continuous. A region that
    crosses the edge of the map (longitude 0 of a LOLA map) is read from both sides.

    Args:
        path: the label of a LOLA elevation map (``LDEM_4.LBL``, its image beside it), or any raster of heights or
            radii in metres with a lunar CRS.
        geobox: the grid.

    Raises:
        ValueError: the file is no raster, has no CRS, or does not cover the grid; the message says which.
    """
    try:
        source = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise ValueError(f"{path}: cannot be read as an elevation map ({error}); give its label") from None
    with source:
        if source.crs is None:
            raise ValueError(f"{path}: has no coordinate reference system; give the label of a LOLA map")
        x, y = from_lonlat(CRS.from_wkt(source.crs.to_wkt())).transform(*lonlat(geobox))
        column, row = ~source.transform @ (np.asarray(x), np.asarray(y))
        # Pixel centres lie at half numbers.
        row, column = row - 0.5, column - 0.5
        if not (np.isfinite(row) & (row > -1.0) & (row < source.height)).all():
            raise ValueError(f"{path}: does not cover the region; give a map of it")
        whole_turn = round(360.0 * moon.metres_per_degree() / abs(source.transform.a))
        column = np.unwrap(column, period=whole_turn, axis=1)
        top, left = (int(np.floor(a.min())) - _MARGIN for a in (row, column))
        rows, columns = (int(np.ceil(a.max())) + _MARGIN + 1 - b for a, b in ((row, top), (column, left)))
        height = _read(source, top, left, rows, columns)
    result: NDArray[np.float64] = map_coordinates(height, [row - top, column - left], order=3, mode="nearest")
    return result


def _read(
    source: rasterio.DatasetReader, top: int, left: int, rows: int, columns: int
) -> NDArray[np.float64]:
    """Read a window that may reach over the east-west edge of the map, or beyond its poles (then repeated)."""
    line = np.clip(np.arange(top, top + rows), 0, source.height - 1)
    sample = np.arange(left, left + columns) % source.width
    first, last = int(line[0]), int(line[-1])
    band = source.read(1, window=Window(0, first, source.width, last - first + 1))
    values: NDArray[np.float64] = band[line - first][:, sample] * source.scales[0] + source.offsets[0]
    return values - moon.RADIUS_M if values.mean() > moon.RADIUS_M / 2 else values
