"""GeoZarr: the Zarr conventions ``spatial``, ``proj`` and ``multiscales``, as their versions 0.1 were published.

Sources: README and schema of zarr-conventions/spatial, /proj and /multiscales, tag v0.1. A group declares in
``zarr_conventions`` which of them its attributes follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox

from nightside.store.grid import crs_code, crs_of

_CONVENTIONS = {
    "spatial": ("689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "Spatial coordinate information"),
    "proj": (
        "f17cb550-5864-4468-aeb7-f3180cfb622f",
        "Coordinate reference system information for geospatial data",
    ),
    "multiscales": ("d35379db-88df-4056-af3a-620245f8e347", "Multiscale layout of zarr datasets"),
}

FULL = "."
"""The full resolution in a layout: the group itself, so that it opens without knowing of overviews."""


def spatial_attributes(geobox: GeoBox, axes: tuple[str, str] = ("y", "x")) -> dict[str, Any]:
    """Return the attributes of a group whose arrays lie on a grid: where its pixels are, and in which CRS."""
    bounds = geobox.boundingbox
    return {
        "zarr_conventions": [_declared("spatial"), _declared("proj")],
        "spatial:dimensions": list(axes),
        "spatial:transform": list(geobox.affine)[:6],
        "spatial:shape": list(geobox.shape),
        "spatial:bbox": [bounds.left, bounds.bottom, bounds.right, bounds.top],
        "spatial:registration": "pixel",
        "proj:code": crs_code(geobox),
        "proj:wkt2": crs_of(geobox).to_wkt(),
    }


def multiscales_attributes(geobox: GeoBox, factors: Sequence[int]) -> dict[str, Any]:
    """Return the attributes of a group on a grid with overviews: each halves the one before.

    An overview has the grid's upper left corner and pixels of exactly ``factor`` times the size: its last row and
    column reach beyond the grid where that is no multiple.
    """
    layout: list[dict[str, Any]] = []
    for factor in (1, *factors):
        grid = overview_grid(geobox, factor)
        level = {
            "asset": overview_name(factor),
            "transform": {"scale": [1.0, 1.0] if factor == 1 else [2.0, 2.0], "translation": [0.0, 0.0]},
            "spatial:shape": list(grid.shape),
            "spatial:transform": list(grid.affine)[:6],
        }
        if factor > 1:
            level |= {"derived_from": overview_name(factor // 2), "resampling_method": "average"}
        layout.append(level)
    return {
        "zarr_conventions": [_declared(name) for name in ("multiscales", "spatial", "proj")],
        "multiscales": {"layout": layout},
    }


def overview_grid(geobox: GeoBox, factor: int) -> GeoBox:
    """Return the grid of an overview whose pixels are ``factor`` times as large."""
    rows, columns = (-(-int(n) // factor) for n in geobox.shape)
    return GeoBox((rows, columns), geobox.affine @ Affine.scale(factor), geobox.crs)


def overview_name(factor: int) -> str:
    """Return the group of an overview in its store, ``overview_4``; that of factor 1 is the store's root."""
    return FULL if factor == 1 else f"overview_{factor}"


def _declared(name: str) -> dict[str, str]:
    uuid, description = _CONVENTIONS[name]
    return {
        "schema_url": f"https://raw.githubusercontent.com/zarr-conventions/{name}/refs/tags/v0.1/schema.json",
        "spec_url": f"https://github.com/zarr-conventions/{name}/blob/v0.1/README.md",
        "uuid": uuid,
        "name": name,
        "description": description,
    }
