"""Names and addresses of Diviner's tables in the archive.

Level 1 (RDR): a zip for every ten minutes of UTC, in a folder a day, in two volumes: until 2016 and from 2017.
Level 4 (GCP): eighteen tables, one for every ten degrees of latitude.
"""

from __future__ import annotations

import datetime as dt
import math
import re

from nightside.config import Region
from nightside.formats.diviner import GCP_BAND_DEG, GCP_HEADER_LINES, GCP_ROW_BYTES, GCP_ROWS
from nightside.moon import metres_per_degree

SLOT = dt.timedelta(minutes=10)
"""The time that one RDR table covers."""

RDR_DATA_SET = "lro-l-dlre-4-rdr-v1"
RDR_VOLUMES = ((2017, "lrodlr_1002"), (0, "lrodlr_1001"))
"""First year and name of each volume, latest first."""

GCP_BYTES = (GCP_HEADER_LINES + GCP_ROWS) * GCP_ROW_BYTES
"""The length of every GCP table: records of one width, as its label declares."""

GCP_FOLDER = "urn-nasa-pds-lro_diviner_derived1/data_derived_gcp"

_RDR_NAME = re.compile(r"(\d{12})_rdr\.(?:zip|tab)", re.IGNORECASE)
_GCP_NAME = re.compile(r"global_cumul_avg_cyl_(\d\d[ns]\d\d[ns])_\d+\.tab", re.IGNORECASE)


def slots(start: dt.date, end: dt.date) -> list[dt.datetime]:
    """Return the beginnings, in UTC without a zone, of the tables from ``start`` to ``end`` inclusive."""
    first = dt.datetime.combine(start, dt.time())
    count = ((end - start).days + 1) * (dt.timedelta(days=1) // SLOT)
    return [first + k * SLOT for k in range(count)]


def rdr_path(slot: dt.datetime) -> str:
    """Return the path of a slot's zip below the volume's data folder, ``YYYY/YYYYMM/YYYYMMDD/..._rdr.zip``."""
    return f"{slot:%Y}/{slot:%Y%m}/{slot:%Y%m%d}/{slot:%Y%m%d%H%M}_rdr.zip"


def rdr_url(root: str, slot: dt.datetime) -> str:
    """Return the address of a slot's zip below the archive's ``root``."""
    volume = next(name for year, name in RDR_VOLUMES if slot.year >= year)
    return f"{root.rstrip('/')}/{RDR_DATA_SET}/{volume}/data/{rdr_path(slot)}"


def rdr_slot(name: str) -> dt.datetime | None:
    """Return the beginning of the table with this file name, or None where it names no RDR table."""
    match = _RDR_NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return dt.datetime.strptime(match[1], "%Y%m%d%H%M")
    except ValueError:
        return None


def gcp_bands() -> list[str]:
    """Return the names of the eighteen bands from south to north: ``90s80s``, ..., ``80n90n``."""
    return [_band(south) for south in range(-90, 90, GCP_BAND_DEG)]


def gcp_bands_of(region: Region) -> list[str]:
    """Return the bands that a region's grid meets, from south to north."""
    south, north = latitude_range(region)
    return [_band(s) for s in range(-90, 90, GCP_BAND_DEG) if s < north and s + GCP_BAND_DEG > south]


def gcp_name(band: str) -> str:
    """Return the file name of a band's table."""
    return f"global_cumul_avg_cyl_{band}_002.tab"


def gcp_url(root: str, band: str) -> str:
    """Return the address of a band's table below the archive's ``root``."""
    return f"{root.rstrip('/')}/{GCP_FOLDER}/{gcp_name(band)}"


def gcp_band(name: str) -> str | None:
    """Return the band of the table with this file name, or None where it names no GCP table."""
    match = _GCP_NAME.fullmatch(name)
    return match[1].lower() if match else None


def latitude_range(region: Region) -> tuple[float, float]:
    """Return the southern and northern limit of a region's grid, in degrees.

    Equirectangular grids end on whole pixels; a polar one is taken as the circle round its corners.
    """
    if region.whole_moon:
        return -90.0, 90.0
    latitude = region.centre[1]
    width, height = (1000.0 * km / metres_per_degree() for km in region.size_km)
    if region.projection == "equirectangular":
        ppd = float(region.pixels_per_degree or 1.0)
        south = math.floor((latitude - height / 2) * ppd + 1e-6) / ppd
        north = math.ceil((latitude + height / 2) * ppd - 1e-6) / ppd
        return max(south, -90.0), min(north, 90.0)
    # A degree of the stereographic plane is never longer than one of the sphere.
    reach = math.hypot(width, height) / 2
    return max(latitude - reach, -90.0), min(latitude + reach, 90.0)


def _band(south: int) -> str:
    north = south + GCP_BAND_DEG
    half = "s" if north <= 0 else "n"
    low, high = sorted((abs(south), abs(north)), reverse=north <= 0)
    return f"{low:02d}{half}{high:02d}{half}"
