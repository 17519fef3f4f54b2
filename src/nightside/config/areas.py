"""The areas of interest of Moseley et al. (2020), by name, from ``config/areas_of_interest.csv``."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from importlib.resources import files

from nightside.config.base import ConfigError


@dataclass(frozen=True)
class AreaOfInterest:
    """A named place: its centre in degrees, its extent in km and the kinds of anomaly seen there."""

    name: str
    latitude_deg: float
    longitude_deg: float
    width_km: float
    height_km: float
    classes: tuple[str, ...]


def areas_of_interest() -> dict[str, AreaOfInterest]:
    """Return the 48 areas by name, as the table packaged beside this module lists them."""
    text = files("nightside.config").joinpath("areas_of_interest.csv").read_text(encoding="utf-8")
    areas = {}
    for row in csv.DictReader(text.splitlines()):
        areas[row["name"]] = AreaOfInterest(
            name=row["name"],
            latitude_deg=float(row["latitude_deg"]),
            longitude_deg=float(row["longitude_deg_east"]),
            width_km=float(row["width_km"]),
            height_km=float(row["height_km"]),
            classes=tuple(row["classes"].split("+")),
        )
    return areas


def find_area(name: str) -> AreaOfInterest:
    """Return the area of that name, ignoring case and the word "crater".

    Raises:
        ConfigError: no area has that name; the message lists the nearest ones.
    """
    areas = areas_of_interest()
    by_key = {_key(known): area for known, area in areas.items()}
    if _key(name) in by_key:
        return by_key[_key(name)]
    near = difflib.get_close_matches(_key(name), list(by_key), n=3, cutoff=0.4)
    hint = ", ".join(f"'{by_key[key].name}'" for key in near) or "see config/areas_of_interest.csv"
    raise ConfigError(f"no area of interest is called '{name}'; nearest: {hint}")


def _key(name: str) -> str:
    return " ".join(word for word in name.casefold().replace("-", " ").split() if word != "crater")
