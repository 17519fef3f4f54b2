"""The grid on which images meet: the configured one, or the union of what they cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.camera.line_scan import LineScan
from nightside.config import Region
from nightside.config.geometry import Mosaic
from nightside.store import cell_index, grid_of, lonlat
from nightside.store.grid import from_lonlat, is_equirectangular

_POLAR_DEG = 65.0

_SPARSE = 50.0
"""A grid with more cells for one that an image covers is mostly empty: images of one place need two to ten."""

_SMALL_CELLS = 1e8
"""Cells of a grid that does not matter, however empty: 1.2 GB before compression, 10 km at 1 m."""

_CELL_BYTES = 4 + 4 + 2 + 2
"""Of a mosaic: signal, its standard deviation, count and image."""


class NothingToMap(ValueError):
    """The configured region meets no image."""


class TooFarApart(ValueError):
    """Images lie so far apart that a grid which holds them all is almost empty."""


def grid_for(options: Mosaic, cameras: Sequence[LineScan]) -> GeoBox:
    """Return the configured grid, or that of the union of the images.

    Raises:
        NothingToMap: the configured region meets none of the images; the message says where they are.
        TooFarApart: no region is configured, and the union of the images is a giant grid, or they lie at both poles.
    """
    if options.extent is not None:
        grid = grid_of(options.extent)
        if not any(_meets(grid, camera) for camera in cameras):
            raise NothingToMap(
                f"the region of 'optical.mosaic.extent' meets no image ({_places(cameras)}); correct it, or leave it out to "
                "map all that the images cover"
            )
        return grid
    grid = grid_of(_union(options, cameras))
    _refuse_sparse(grid, options, cameras)
    return grid


def _refuse_sparse(grid: GeoBox, options: Mosaic, cameras: Sequence[LineScan]) -> None:
    """Refuse a grid that would be large and almost empty."""
    rows, columns = (int(n) for n in grid.shape)
    cells, covered = rows * columns, sum(_cells(grid, camera) for camera in cameras)
    if cells <= max(_SMALL_CELLS, _SPARSE * covered):
        return
    coarser_m = options.pixel_m * float(np.sqrt(cells / _SMALL_CELLS))
    raise TooFarApart(
        f"the images lie so far apart that the grid which holds them all has {columns:,} x {rows:,} pixels of "
        f"{options.pixel_m:g} m, {_CELL_BYTES * cells / 1e9:,.1f} GB, of which they cover one in {cells / covered:,.0f} "
        f"({_places(cameras)}); make a mosaic of each place, or set 'optical.mosaic.extent' to the place to map, or "
        f"'optical.mosaic.pixel_m' to {np.ceil(coarser_m):g} or more"
    )


def _cells(grid: GeoBox, camera: LineScan) -> float:
    """Return how many cells of a grid an image covers."""
    down_m, across_m = camera.pixel_size_m()
    area_m2 = camera.lines * down_m * camera.samples * across_m
    if is_equirectangular(grid):
        # Cells are narrower than they are tall away from the equator.
        area_m2 /= float(np.cos(np.deg2rad(_centre(camera)[1])))
    return area_m2 / abs(float(grid.affine.a * grid.affine.e))


def _union(options: Mosaic, cameras: Sequence[LineScan]) -> Region:
    """Return the smallest region that holds the outlines of all images."""
    lon, lat = (np.concatenate(part) for part in zip(*(c.outline() for c in cameras), strict=True))
    polar = options.projection == "polar_stereographic" or (
        options.projection == "auto" and float(np.abs(lat).min()) >= _POLAR_DEG
    )
    if polar:
        if lat.min() < 0 < lat.max():
            raise TooFarApart(
                f"the images lie at both poles, which no polar grid holds ({_places(cameras)}); make a mosaic of those of "
                "each pole"
            )
        code = moon.NORTH_POLAR_CODE if lat.mean() > 0 else moon.SOUTH_POLAR_CODE
        x, y = (np.asarray(a) for a in from_lonlat(moon.crs(code)).transform(lon, lat))
        middle = ((x.min() + x.max()) / 2, (y.min() + y.max()) / 2)
        centre = from_lonlat(moon.crs(code)).transform(*middle, direction="INVERSE")
        return Region(
            projection="polar_stereographic",
            longitude_deg=_signed(centre[0]),
            latitude_deg=float(centre[1]),
            width_km=(float(np.ptp(x)) + 2 * options.pixel_m) / 1000,
            height_km=(float(np.ptp(y)) + 2 * options.pixel_m) / 1000,
            pixel_m=options.pixel_m,
        )
    # Longitudes as distances from the middle of the first image, so that 0 and 180 are no edges.
    origin = float(lon[0])
    aside = np.mod(lon - origin + 180.0, 360.0) - 180.0
    latitude = float(lat.min() + lat.max()) / 2
    per_km = moon.metres_per_degree() / 1000
    margin_km = 2 * options.pixel_m / 1000
    return Region(
        projection="equirectangular",
        longitude_deg=_signed(origin + float(aside.min() + aside.max()) / 2),
        latitude_deg=latitude,
        width_km=float(np.ptp(aside)) * per_km * float(np.cos(np.deg2rad(latitude))) + margin_km,
        height_km=float(np.ptp(lat)) * per_km + margin_km,
        pixels_per_degree=moon.metres_per_degree() / options.pixel_m,
    )


def _meets(grid: GeoBox, camera: LineScan) -> bool:
    """Return whether any of a few thousand points of the grid, or of the image, lies in the other."""
    coarse = grid.zoom_out(max(max(grid.shape) / 64, 1.0))
    if np.isfinite(camera.image(*lonlat(coarse))[0]).any():
        return True
    line, sample = np.meshgrid(
        np.linspace(0, camera.lines - 1, 257), np.linspace(0, camera.samples - 1, 33), indexing="ij"
    )
    lon, lat = camera.ground(line, sample)
    seen = np.isfinite(lon)
    return bool((cell_index(grid, lon[seen], lat[seen]) >= 0).any())


def _places(cameras: Sequence[LineScan], most: int = 12) -> str:
    """Return where images lie, the first dozen by name."""
    said = []
    for camera in cameras[:most]:
        lon, lat = _centre(camera)
        said.append(f"{camera.name} at {lon:.3f} E, {lat:.3f} N")
    return "; ".join(said) + (f"; and {len(cameras) - most} more" if len(cameras) > most else "")


def _centre(camera: LineScan) -> tuple[float, float]:
    lon, lat = camera.ground((camera.lines - 1) / 2, (camera.samples - 1) / 2)
    return float(lon), float(lat)


def _signed(longitude_deg: float) -> float:
    return float(np.mod(longitude_deg + 180.0, 360.0) - 180.0)
