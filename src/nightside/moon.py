"""The Moon itself: its constants, its map projections and its clock.

Sources: radius and projections IAU 2015 as registered in PROJ (codes IAU_2015:30100 and following);
synodic day and obliquity Hayne et al. (2017), Table A1.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

RADIUS_M = 1_737_400.0
SYNODIC_DAY_S = 29.53059 * 86_400.0
HOURS_PER_DAY = 24.0
"""A lunar day is divided into 24 lunar hours, each 1/24 of the synodic day."""

GEOGRAPHIC_CODE = "IAU_2015:30100"
EQUIRECTANGULAR_CODE = "IAU_2015:30110"
FARSIDE_EQUIRECTANGULAR_CODE = "IAU_2015:30115"
"""Central meridian 180: for regions that cross it."""

NORTH_POLAR_CODE = "IAU_2015:30130"
SOUTH_POLAR_CODE = "IAU_2015:30135"


@cache
def crs(code: str) -> CRS:
    """Return a lunar CRS of the IAU_2015 authority, planetocentric on the sphere.

    Never compare two of these with ``==`` after a round trip through a file: GeoTIFF loses the authority.
    """
    return CRS.from_user_input(code)


def metres_per_degree() -> float:
    """Return the length of one degree of a great circle of the sphere, in metres."""
    return float(np.deg2rad(1.0) * RADIUS_M)


def longitude_360(longitude_deg: ArrayLike) -> NDArray[np.float64]:
    """Wrap longitudes, in degrees east, into [0, 360)."""
    wrapped = np.mod(np.asarray(longitude_deg, dtype=np.float64), 360.0)
    # A tiny negative longitude rounds to 360.0 itself.
    return np.where(wrapped >= 360.0, 0.0, wrapped)


def local_time_h(longitude_deg: ArrayLike, subsolar_longitude_deg: ArrayLike) -> NDArray[np.float64]:
    """Return the local time in lunar hours after midnight, in [0, 24), from longitudes in degrees east."""
    hour_angle_deg = np.asarray(longitude_deg, np.float64) - np.asarray(subsolar_longitude_deg, np.float64)
    return np.mod(12.0 + hour_angle_deg / 15.0, HOURS_PER_DAY)
