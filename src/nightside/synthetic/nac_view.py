"""The ground as the camera sees it: where its pixels fall on the rendered ground, and the signal that they record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.camera.layout import Layout
from nightside.camera.line_scan import LineScan
from nightside.store.grid import crs_of, from_lonlat
from nightside.synthetic.nac_sampling import sample_pixels

_MARGIN_CELLS = 32
_LARGEST_CELLS = 150_000_000
_NODE_STEP = (16, 32)
"""Lines and samples between which the geometry is interpolated: it curves by less than a thousandth of a pixel."""


def ground_grid(scans: Sequence[LineScan], cell_m: float) -> GeoBox:
    """Return the polar stereographic grid of a ground that holds all that images see.

    Raises:
        ValueError: it would have more than 150 million cells.
    """
    outlines = [scan.outline() for scan in scans]
    lon, lat = (np.concatenate([outline[k] for outline in outlines]) for k in (0, 1))
    crs = moon.crs(moon.NORTH_POLAR_CODE if lat.mean() > 0 else moon.SOUTH_POLAR_CODE)
    x, y = from_lonlat(crs).transform(lon, lat)
    left, top = (np.floor(x.min() / cell_m) - _MARGIN_CELLS, np.ceil(y.max() / cell_m) + _MARGIN_CELLS)
    width = scipy.fft.next_fast_len(int(np.ceil(x.max() / cell_m) - left) + _MARGIN_CELLS, real=True)
    height = scipy.fft.next_fast_len(int(top - np.floor(y.min() / cell_m)) + _MARGIN_CELLS)
    if width * height > _LARGEST_CELLS:
        raise ValueError(
            f"the images see {width} x {height} cells of {cell_m:g} m, more than {_LARGEST_CELLS:,}: take fewer "
            "lines, or raise terrain.cell_m"
        )
    return GeoBox((height, width), Affine(cell_m, 0, left * cell_m, 0, -cell_m, top * cell_m), crs.to_wkt())


def see(
    scan: LineScan, field: NDArray[np.float32], grid: GeoBox, sees: Layout, parts: tuple[int, int] = (2, 2)
) -> NDArray[np.float32]:
    """Return what an image sees of a field on a grid, (line, sample): pixel means, 0 in masked samples.

    Args:
        scan: the image's geometry.
        field: (y, x) on the grid; it repeats beyond.
        grid: of the field.
        sees: which samples see the ground.
        parts: points along line and sample over which a pixel is averaged.

    Raises:
        ValueError: a sample of the scene does not see the ground.
    """
    line, sample = (_nodes(n, step) for n, step in zip((scan.lines, scan.samples), _NODE_STEP, strict=True))
    lon, lat = scan.ground(line[:, None], sample[None, :])
    x, y = from_lonlat(crs_of(grid)).transform(lon, lat)
    a = grid.affine
    column, row = (np.asarray(x) - a.c) / a.a - 0.5, (np.asarray(y) - a.f) / a.e - 0.5
    row, column = (_extended(_extended(p, line, 0), sample, 1) for p in (row, column))
    seen = sample_pixels(field, row, column, _NODE_STEP, (scan.lines, scan.samples), parts)
    for side in sees.dark:
        seen[:, slice(*side)] = 0.0
    first, last = sees.scene
    seen[:, :first], seen[:, last:] = 0.0, 0.0
    if not np.isfinite(seen).all():
        raise ValueError(f"{scan.name}: part of the image misses the Moon; point the synthetic camera at it")
    return seen


def _nodes(count: int, step: int) -> NDArray[np.float64]:
    """Return the corners of pixels at which geometry is asked for: every ``step``, the last at the image's edge."""
    return np.append(np.arange(0, count, step), count) - 0.5


def _extended(position: NDArray[np.float64], nodes: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Move the last nodes, which lie at the image's edge, on to where a whole step would have put them."""
    whole, last = nodes[1] - nodes[0], nodes[-1] - nodes[-2]
    if whole == last:
        return position
    moved = np.moveaxis(position.copy(), axis, 0)
    moved[-1] = moved[-2] + (moved[-1] - moved[-2]) * (whole / last)
    return np.moveaxis(moved, 0, axis)
