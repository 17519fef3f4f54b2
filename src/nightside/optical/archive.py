"""Where the archive keeps a NAC EDR: volume, phase of the mission and day follow from the product's id.

An id is a clock: M103595705LE began 103,595,705 s after the origin, and those of ten digits leave out 900 million.
Volumes hold three months each, from the 16th of March, June, September and December, since mid-2018 one month each
(A, B, C). Where a phase or a volume begins, to within days, is not known: such products have more than one candidate.
Sources: ids and START_TIME of real labels; addresses of 200 products and the volumes' INDEX.TAB as public code lists them.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable

DATA_SET = "LRO-L-LROC-2-EDR-V1.0"

_CLOCK_ORIGIN = dt.datetime(2001, 1, 1) + dt.timedelta(seconds=167_053_533)
_TEN_DIGITS = 900_000_000

_PHASES = (
    (dt.date(2009, 6, 18), "COM"),
    (dt.date(2009, 9, 15), "MAP"),
    (dt.date(2010, 9, 16), "SCI"),
    (dt.date(2012, 9, 15), "ESM"),
    (dt.date(2014, 9, 15), "ESM2"),
    (dt.date(2016, 9, 15), "ESM3"),
    (dt.date(2019, 9, 15), "ESM4"),
    (dt.date(2022, 10, 1), "ESM5"),
)
"""First day of each phase of the mission, and its folder."""

_UNSURE_PHASE = dt.timedelta(days=16)
_UNSURE_VOLUME = dt.timedelta(days=2)
_FIRST_VOLUMES_MEET = (dt.date(2009, 12, 15), dt.date(2010, 1, 10))
"""Volume 2 does not begin with its quarter; somewhere between these days."""

_LAST_QUARTERLY = 35


def product_time(product: str) -> dt.datetime:
    """Return the UTC time, to a second or two, at which an image began, from its id (M103595705LE).

    Raises:
        ValueError: it is no id of a NAC image.
    """
    match = re.fullmatch(r"[A-Z](\d{9,10})[LR][EC]?", product)
    if match is None:
        raise ValueError(f"{product!r} is no NAC product; ids look like M103595705LE")
    clock = int(match[1])
    return _CLOCK_ORIGIN + dt.timedelta(seconds=clock if len(match[1]) == 9 else clock - _TEN_DIGITS)


def volume(day: dt.date) -> str:
    """Return the volume that holds the images of a day, such as LROLRC_0042A."""
    # Months are counted from the 16th, quarters from March 16, 2010, with which volume 3 begins.
    months = (day.year - 2010) * 12 + day.month - 3 - (day.day < 16)
    number = max(3 + months // 3, 1)
    return f"LROLRC_{number:04d}" + ("ABC"[months % 3] if number > _LAST_QUARTERLY else "")


def volumes(product: str) -> list[str]:
    """Return the volumes that may hold a product, the likeliest first."""
    day = product_time(product).date()
    first, last = _FIRST_VOLUMES_MEET
    near = [day, day - _UNSURE_VOLUME, day + _UNSURE_VOLUME]
    found = [volume(d) for d in near]
    if first <= day <= last:
        found = ["LROLRC_0001", "LROLRC_0002"]
        found = found if day.year == 2009 else found[::-1]
    return list(dict.fromkeys(found))


def candidates(product: str) -> list[str]:
    """Return the paths below the archive's root where a product may lie, the likeliest first.

    Raises:
        ValueError: it is no id of a NAC image.
    """
    moment = product_time(product)
    # The id counts from a clock that differs from UTC by a second or so; at midnight the day may be the other one.
    days = dict.fromkeys((moment + dt.timedelta(seconds=s)).date() for s in (0, -5, 5))
    return [
        f"{DATA_SET}/{name}/DATA/{phase}/{day:%Y%j}/NAC/{product}.IMG"
        for day in days
        for name in volumes(product)
        for phase in _phases(day)
    ]


def index_path(name: str) -> str:
    """Return the path of a volume's index below the archive's root."""
    return f"{DATA_SET}/{name}/INDEX/INDEX.TAB"


def paths_in_index(rows: Iterable[str], products: Iterable[str]) -> dict[str, str]:
    """Return the path of each product that an index lists; its second column is the path below the archive's root."""
    wanted, found = set(products), {}
    for row in csv.reader(rows):
        path = row[1].strip().strip("/") if len(row) > 1 else ""
        name = path.rpartition("/")[2].partition(".")[0]
        if name in wanted:
            found[name] = path if path.startswith(DATA_SET) else f"{DATA_SET}/{path}"
    return found


def _phases(day: dt.date) -> list[str]:
    def at(when: dt.date) -> str:
        return next((name for start, name in reversed(_PHASES) if when >= start), _PHASES[0][1])

    return list(dict.fromkeys(at(d) for d in (day, day - _UNSURE_PHASE, day + _UNSURE_PHASE)))


def is_edr(product: str) -> bool:
    """Return whether a name is the id of a NAC EDR."""
    return re.fullmatch(r"[A-Z]\d{9,10}[LR]E", product) is not None
