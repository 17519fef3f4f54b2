"""One image on a map: each pixel of the map asks the image for what lies there.

The value of a pixel depends on its own place only, so that a map may be cut into windows in any way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside.config.geometry import Mosaic
from nightside.optical.resample import INDEPENDENT, NO_DATA, REACH, ErrorCorrelation, resample
from nightside.optical.strip import Strip
from nightside.store import lonlat
from nightside.store.grid import crs_of, from_lonlat
from nightside.store.windows import Window

_LATTICE = 32
"""Pixels between the points at which it is asked whether a window meets an image."""

_LONGEST_STEP = 64.0
"""Pixels of an image in one of the map, beyond which they are not all averaged."""


def error_correlation(options: Mosaic) -> ErrorCorrelation:
    """Return how alike the errors of an image's pixels are, as configured."""
    return ErrorCorrelation(options.error_correlation, options.error_correlation_far)


@dataclass(frozen=True)
class Projected:
    """An image in a window of a map, all of shape (y, x).

    Attributes:
        signal: DN; NaN where ``mask`` is not 0.
        std: its standard deviation, DN.
        mask: bits as in the image; NO_DATA beyond it.
        edge_m: distance to the nearest edge of the image, negative beyond it.
    """

    signal: NDArray[np.float32]
    std: NDArray[np.float32]
    mask: NDArray[np.uint8]
    edge_m: NDArray[np.float32]


@dataclass(frozen=True)
class Places:
    """Where pixels of a map lie in an image: line and sample, and how many of these one pixel of the map spans."""

    line: NDArray[np.float64]
    sample: NDArray[np.float64]
    line_step: NDArray[np.float64]
    sample_step: NDArray[np.float64]


def project(
    strip: Strip, grid: GeoBox, window: Window, errors: ErrorCorrelation = INDEPENDENT
) -> Projected | None:
    """Return an image in a window of a map; None where they do not meet.

    Args:
        strip: the image.
        grid: the map.
        window: its rows and columns.
        errors: how alike those of two pixels are.
    """
    if not meets(strip, grid, window):
        return None
    return sampled(strip, places(strip, grid, window), abs(float(grid.affine.a)), errors)


def meets(strip: Strip, grid: GeoBox, window: Window) -> bool:
    """Return whether a window may hold a pixel of an image; never False where it does."""
    rows, columns = (_thinned(window[d]) for d in ("y", "x"))
    if not rows.size or not columns.size:
        return False
    lon, lat = _lonlat_at(grid, rows, columns)
    terrain = strip.camera.terrain
    seen = [
        strip.camera.image(lon, lat, height, beyond=True)
        for height in ((0.0,) if terrain is None else terrain.bounds[:2])
    ]
    for axis, first, last in ((0, 0, strip.camera.lines - 1), (1, 0, strip.camera.samples - 1)):
        values = np.stack([place[axis] for place in seen])
        if not np.isfinite(values).any():
            return False
        steps = [float(np.nanmax(np.abs(np.diff(values, axis=a)), initial=0.0)) for a in (1, 2)]
        margin = 2.0 + 2.0 * max(steps)
        if np.nanmax(values) < first - margin or np.nanmin(values) > last + margin:
            return False
    return True


def places(strip: Strip, grid: GeoBox, window: Window, every: int = 1) -> Places:
    """Return where the pixels of a window lie in an image, extrapolated beyond it; ``every``-th row and column only."""
    rows, columns = (np.arange(window[d].start, window[d].stop, every) for d in ("y", "x"))
    if every == 1:
        # One pixel more on each side, for the differences.
        around = {d: slice(window[d].start - 1, window[d].stop + 1) for d in ("y", "x")}
        line, sample = strip.camera.image(*lonlat(grid, around), beyond=True)
        steps = [
            np.hypot((a[1:-1, 2:] - a[1:-1, :-2]) / 2, (a[2:, 1:-1] - a[:-2, 1:-1]) / 2)
            for a in (line, sample)
        ]
        return Places(line[1:-1, 1:-1], sample[1:-1, 1:-1], *steps)
    line, sample = strip.camera.image(*_lonlat_at(grid, rows, columns), beyond=True)
    right = strip.camera.image(*_lonlat_at(grid, rows, columns + 1), beyond=True)
    below = strip.camera.image(*_lonlat_at(grid, rows + 1, columns), beyond=True)
    return Places(
        line,
        sample,
        np.hypot(right[0] - line, below[0] - line),
        np.hypot(right[1] - sample, below[1] - sample),
    )


def sampled(
    strip: Strip, at: Places, pixel_m: float, errors: ErrorCorrelation = INDEPENDENT
) -> Projected | None:
    """Return an image at places in it; None where no place lies in it.

    Args:
        strip: the image.
        at: the places.
        pixel_m: size of a pixel of the map, for the distance to the edge.
        errors: see :func:`project`.
    """
    low, high = strip.scene
    line, sample = at.line, at.sample
    edge_lines = np.minimum(line + 0.5, strip.camera.lines - 0.5 - line)
    edge_samples = np.minimum(sample - low + 0.5, high - 0.5 - sample)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (edge_lines >= 0) & (edge_samples >= 0)
        edge_m = pixel_m * np.minimum(edge_lines / at.line_step, edge_samples / at.sample_step)
    if not inside.any():
        return None
    steps = [np.minimum(np.nan_to_num(s, nan=1.0), _LONGEST_STEP) for s in (at.line_step, at.sample_step)]
    reach = math.ceil(REACH * max(float(steps[0][inside].max()), 1.0)) + 1
    first = max(math.floor(line[inside].min()) - reach, 0)
    last = min(math.ceil(line[inside].max()) + reach + 1, strip.camera.lines)
    shape = line.shape
    signal, std = np.empty(line.size, np.float32), np.empty(line.size, np.float32)
    mask = np.empty(line.size, np.uint8)
    resample(
        *strip.read(first, last),
        first,
        np.where(inside, line, np.nan).ravel(),
        sample.ravel(),
        steps[0].ravel(),
        steps[1].ravel(),
        *errors,
        signal,
        std,
        mask,
    )
    return Projected(
        signal.reshape(shape), std.reshape(shape), mask.reshape(shape), edge_m.astype(np.float32)
    )


def projected_dataset(found: Projected | None, window: Window) -> xr.Dataset:
    """Return a window of a projected image as a dataset: ``signal``, ``signal_std`` and ``mask`` (y, x)."""
    shape = tuple(window[d].stop - window[d].start for d in ("y", "x"))
    if found is None:
        nothing = np.full(shape, np.nan, np.float32)
        found = Projected(nothing, nothing, np.full(shape, NO_DATA, np.uint8), nothing)
    return xr.Dataset(
        {
            "signal": (
                ("y", "x"),
                found.signal,
                {"units": "DN", "long_name": "signal of the ground, 12 bits, without the camera's dark"},
            ),
            "signal_std": (
                ("y", "x"),
                found.std,
                {"units": "DN", "long_name": "standard deviation of the signal's error"},
            ),
            "mask": (
                ("y", "x"),
                found.mask,
                {
                    "units": "1",
                    "long_name": "what is wrong with the pixel: 0 nothing",
                    "flag_masks": [1, 2, 4],
                    "flag_meanings": "saturated missing no_data",
                },
            ),
        }
    )


def _thinned(span: slice) -> NDArray[np.int64]:
    """Return every 32nd index, and the last."""
    index = np.arange(span.start, span.stop, _LATTICE)
    return np.unique(np.append(index, span.stop - 1)) if index.size else index


def _lonlat_at(
    grid: GeoBox, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude of the pixels at rows and columns of a grid, each of shape (row, column)."""
    a = grid.affine
    x, y = np.meshgrid(a.c + a.a * (columns + 0.5), a.f + a.e * (rows + 0.5))
    lon, lat = from_lonlat(crs_of(grid)).transform(x, y, direction="INVERSE")
    return np.asarray(lon, np.float64), np.asarray(lat, np.float64)
