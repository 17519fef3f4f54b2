"""The layout of Diviner's tables, as the archive's own format files declare it.

RDR (level 1): ``DLRE_RDR.FMT``; decimals as in the volume's column list. GCP (level 4): ``DLRE_GCP.FMT``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

UNKNOWN = -9999.0
"""Written where a value does not exist."""
INVALID = -9998.0
"""Written where a value exists and is unfit for use."""
MISSING_BELOW = -9000.0
"""Everything below is UNKNOWN or INVALID: no real value of any column reaches it."""

CHANNELS = 9
DETECTORS = 21
SAMPLE_S = 0.128
"""All 189 detectors are read once in this time."""


@dataclass(frozen=True)
class Column:
    """One fixed-width column: ``start`` counts from 1, as PDS labels do."""

    name: str
    start: int
    width: int
    kind: Literal["text", "integer", "real"]
    decimals: int
    unit: str
    meaning: str

    @property
    def slice(self) -> slice:
        """The column's bytes in a row, counted from 0."""
        return slice(self.start - 1, self.start - 1 + self.width)


RDR_HEADER_LINES = 4
RDR_ROW_BYTES = 342
"""With the closing carriage return and line feed; columns are parted by a comma and a blank."""

RDR_COLUMNS = (
    Column("date", 2, 11, "text", 0, "", "UTC date of mid-observation, 25-Jun-2009"),
    Column("utc", 17, 12, "text", 0, "", "UTC time of mid-observation, HH:MM:SS.sss; the second may be 60"),
    Column("jdate", 32, 17, "real", 9, "d", "Julian date, UTC"),
    Column("orbit", 51, 5, "integer", 0, "", "orbit number"),
    Column("sundist", 58, 7, "real", 5, "AU", "distance of the Sun from the centre of the Moon"),
    Column("sunlat", 67, 8, "real", 5, "deg", "latitude of the subsolar point"),
    Column("sunlon", 77, 9, "real", 5, "deg", "east longitude of the subsolar point"),
    Column("sclk", 88, 16, "real", 5, "s", "spacecraft clock, seconds.ticks with 65536 ticks a second"),
    Column("sclat", 106, 9, "real", 5, "deg", "latitude below the spacecraft"),
    Column("sclon", 117, 9, "real", 5, "deg", "east longitude below the spacecraft"),
    Column("scrad", 128, 11, "real", 5, "km", "distance of the spacecraft from the centre of the Moon"),
    Column("scalt", 141, 11, "real", 5, "km", "height of the spacecraft above the sphere"),
    Column("el_cmd", 154, 7, "real", 3, "deg", "last elevation command"),
    Column("az_cmd", 163, 7, "real", 3, "deg", "last azimuth command"),
    Column("af", 172, 4, "integer", 0, "", "activity flag"),
    Column("orientlat", 178, 9, "real", 5, "deg", "latitude of the vector from detector 21 to 1"),
    Column("orientlon", 189, 9, "real", 5, "deg", "east longitude of the vector from detector 21 to 1"),
    Column("c", 200, 1, "integer", 0, "", "channel"),
    Column("det", 203, 3, "integer", 0, "", "detector"),
    Column("vlookx", 208, 9, "real", 6, "", "look vector, x"),
    Column("vlooky", 219, 9, "real", 6, "", "look vector, y"),
    Column("vlookz", 230, 9, "real", 6, "", "look vector, z"),
    Column("radiance", 241, 10, "real", 4, "W m-2 sr-1", "calibrated radiance; may be negative"),
    Column("tb", 253, 8, "real", 3, "K", "brightness temperature; negative where the radiance is"),
    Column("clat", 263, 9, "real", 5, "deg", "latitude of the centre of the field of view"),
    Column("clon", 274, 9, "real", 5, "deg", "east longitude of the centre of the field of view"),
    Column("cemis", 285, 9, "real", 5, "deg", "emission angle"),
    Column("csunzen", 296, 9, "real", 5, "deg", "solar incidence angle"),
    Column("csunazi", 307, 9, "real", 5, "deg", "solar azimuth, counter-clockwise"),
    Column("cloctime", 318, 8, "real", 5, "h", "local time after midnight"),
    Column("qca", 328, 3, "integer", 0, "", "calibration quality, bit field"),
    Column("qge", 333, 3, "integer", 0, "", "geometry quality, bit field"),
    Column("qmi", 338, 3, "integer", 0, "", "miscellaneous quality, bit field"),
)

GCP_ROW_BYTES = 113
GCP_HEADER_LINES = 1
GCP_CELL_DEG = 0.5
GCP_LOCAL_TIME_BINS = 96
GCP_BAND_DEG = 10
GCP_ROWS = round(GCP_BAND_DEG / GCP_CELL_DEG) * round(360 / GCP_CELL_DEG) * GCP_LOCAL_TIME_BINS
"""Every table has a row for each cell and local time of its band, seen or not, as its label declares."""

GCP_COLUMNS = (
    Column("clon", 1, 7, "real", 2, "deg", "centre longitude of the cell"),
    Column("clat", 10, 6, "real", 2, "deg", "centre latitude of the cell"),
    Column("ltim", 18, 6, "real", 3, "h", "local time"),
    Column("t3", 26, 9, "real", 3, "K", "mean brightness temperature of channel 3"),
    Column("t4", 37, 9, "real", 3, "K", "mean brightness temperature of channel 4"),
    Column("t5", 48, 9, "real", 3, "K", "mean brightness temperature of channel 5"),
    Column("t6", 59, 9, "real", 3, "K", "mean brightness temperature of channel 6"),
    Column("t7", 70, 9, "real", 3, "K", "mean brightness temperature of channel 7"),
    Column("t8", 81, 9, "real", 3, "K", "mean brightness temperature of channel 8"),
    Column("t9", 92, 9, "real", 3, "K", "mean brightness temperature of channel 9"),
    Column("tbol", 103, 9, "real", 3, "K", "mean bolometric temperature"),
)


def column(name: str, columns: tuple[Column, ...] = RDR_COLUMNS) -> Column:
    """Return the column of that name.

    Raises:
        KeyError: there is none.
    """
    for candidate in columns:
        if candidate.name == name:
            return candidate
    raise KeyError(name)
