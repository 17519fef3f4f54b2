"""A table of places to ask: landing sites, craters, targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from nightside.query.places import Places

if TYPE_CHECKING:
    import pandas as pd

_LON, _LAT, _NAME = ("lon", "longitude"), ("lat", "latitude"), ("name",)


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

    Raises:
        ValueError: it is no such table, or holds what is no place; the message names the row, from 0.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no CSV ({error}); give a table with the columns lon and lat") from None
    columns = {str(name).strip().lower(): table[name] for name in table.columns}
    lon, lat, name = (
        next((columns[word] for word in words if word in columns), None) for words in (_LON, _LAT, _NAME)
    )
    if lon is None or lat is None:
        raise ValueError(
            f"{path} has the columns {', '.join(columns)}; give lon and lat, or longitude and latitude, in degrees"
        )
    try:
        places = Places.of(*(pd.to_numeric(degrees, errors="coerce") for degrees in (lon, lat)))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    names = range(len(table)) if name is None else name.astype(str).tolist()
    return Sites(places, names, path.name)


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
