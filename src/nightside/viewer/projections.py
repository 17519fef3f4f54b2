"""The projections of the page, and which of them a CRS is."""

from __future__ import annotations

from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
from pyproj import CRS
from pyproj.exceptions import ProjError

from nightside import moon
from nightside.store.grid import from_lonlat

MAPS = {
    "equirectangular": ("Near side", moon.EQUIRECTANGULAR_CODE),
    "farside": ("Far side", moon.FARSIDE_EQUIRECTANGULAR_CODE),
    "north": ("North pole", moon.NORTH_POLAR_CODE),
    "south": ("South pole", moon.SOUTH_POLAR_CODE),
}
"""The projections of the page: key, title and code of the CRS."""

_PLACES = ([0.0, 70.0, 170.0, -100.0], [0.0, 30.0, -60.0, 75.0])


def key_of(crs: CRS) -> str | None:
    """Return which of ``MAPS`` a CRS is: by where places lie, because a GeoTIFF loses its code and rewrites its terms."""
    for key, (_, code) in MAPS.items():
        try:
            here, there = (from_lonlat(c).transform(*_PLACES) for c in (moon.crs(code), crs))
        except ProjError:  # of another body, or of none
            return None
        if np.allclose(here, there, rtol=0.0, atol=1e-3):
            return key
    return None


def described(title: str, code: str) -> dict[str, Any]:
    """Return what the page registers a projection by: its title, code and terms of PROJ."""
    with catch_warnings():
        # proj4js knows these terms; the warning is of what WKT says beyond them, here names only.
        simplefilter("ignore", UserWarning)
        return {"title": title, "code": code, "proj4": str(moon.crs(code).to_proj4())}
