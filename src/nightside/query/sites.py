"""A table of places to ask: landing sites, craters, targets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from nightside.query.places import Places

if TYPE_CHECKING:
    import pandas as pd

_LON, _LAT, _NAME = ("lon", "longitude"), ("lat", "latitude"), ("name",)

_MARKS = {";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True)
class Sites:
    """Places, what each is called (its number from 0 where it has no name), and a title for an answer of them all."""

    places: Places
    names: Sequence[str | int]
    title: str

    @classmethod
    def one(cls, lon: float, lat: float) -> Sites:
        """Return a single place, in degrees."""
        places = Places.of(lon, lat)
        return cls(places, [0], str(places))

    @property
    def lonlat(self) -> tuple[ArrayLike, ArrayLike]:
        """Longitude and latitude: two numbers for a single place, else two arrays."""
        lon, lat = self.places.lon, self.places.lat
        return (lon[0], lat[0]) if self.places.single else (lon, lat)

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with the names of places, where it has a column ``place`` of their numbers."""
        if "place" not in frame:
            return frame
        return frame.assign(place=[self.names[number] for number in frame["place"]])


def read_sites(path: Path) -> Sites:
    """Read a CSV with the columns ``lon`` and ``lat``, or ``longitude`` and ``latitude``, in degrees, and perhaps ``name``.

    Names are kept as they are written. Empty fields beyond the columns, as after a comma at the end of a line, are none.

    Raises:
        ValueError: it is no such table, or holds what is no place; the message names the line, or the place, from 0.
    """
    (_, header), *rows = _rows(path)
    columns = [name.strip().lower() for name in header]
    lon, lat, name = (
        next((columns.index(word) for word in words if word in columns), None)
        for words in (_LON, _LAT, _NAME)
    )
    if lon is None or lat is None:
        raise ValueError(
            f"{path} has the columns {', '.join(columns)}; give lon and lat, or longitude and latitude, in degrees"
        )
    if not rows:
        raise ValueError(f"{path} has no line below its columns; give a line for each place")
    degrees = [
        [_degrees(fields[k], f"{path}, line {line}: {columns[k]}") for line, fields in rows]
        for k in (lon, lat)
    ]
    try:
        places = Places.of(*degrees)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    names = [(name is not None and fields[name]) or number for number, (_, fields) in enumerate(rows)]
    return Sites(places, names, path.name)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the number of each line that is not blank, from 1, and its fields, as many as the first line has."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            rows = [(reader.line_num, fields) for fields in reader if any(map(str.strip, fields))]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no CSV ({error}); give a table with the columns lon and lat") from None
    if not rows:
        raise ValueError(f"{path} is empty; give a table with the columns lon and lat")
    header = rows[0][1]
    if len(header) == 1 and (other := next((word for mark, word in _MARKS.items() if mark in header[0]), "")):
        raise ValueError(
            f"{path} is separated by {other}; separate its columns by commas, with points in its numbers"
        )
    count = len(header)
    for line, fields in rows:
        if any(map(str.strip, fields[count:])):
            raise ValueError(
                f"{path}, line {line}: {len(fields)} fields, but {count} columns; give a field for each column, and "
                "put text that holds a comma into quotes"
            )
    return [(line, fields[:count] + [""] * (count - len(fields))) for line, fields in rows]


def _degrees(field: str, what: str) -> float:
    try:
        return float(field)
    except ValueError:
        raise ValueError(f"{what} '{field.strip()}' is no number; give degrees") from None


def asked_for(lon: float | None, lat: float | None, table: Path | None) -> Sites:
    """Return the place or the table of places that a command names.

    Raises:
        ValueError: it names neither, or both.
    """
    if table is not None and lon is None and lat is None:
        return read_sites(table)
    if table is not None or lon is None or lat is None:
        raise ValueError("give a place by --lon and --lat, or a CSV of several by --places")
    return Sites.one(lon, lat)
