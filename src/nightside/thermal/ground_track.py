"""Which ten-minute tables can have flown over a region, predicted from tables already at hand.

LRO's orbit is nearly polar and its plane nearly fixed in space, while the Moon turns once in 27.321661 days.
So from one anchor (the plane through the first and the last sub-spacecraft point of any table, and the place
on it) the longitudes of the plane at another time follow; a table is a candidate where the plane passes within a margin of the region. Where on the
orbit the spacecraft is follows from the period, fitted to pairs of anchors, and narrows the choice further.

What it neglects, and how wrong that makes it: the plane precesses by up to 0.1 degree a day (allowed for); an eccentricity e moves the phase by up to 2e rad
(8 degrees are allowed for); the phase error grows with time from the nearest anchor. After a manoeuvre the
period is another: the phase is then wrong until an anchor is fetched after it, so anchors more than half a day
away are not trusted with the phase at all. Slews do not matter: rows off nadir are filtered out anyway.
``select: all`` fetches every table and predicts nothing.
"""

from __future__ import annotations

import datetime as dt
import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nightside.config import Region
from nightside.formats import BadTable
from nightside.formats.diviner import RDR_HEADER_LINES, RDR_ROW_BYTES, column
from nightside.moon import metres_per_degree
from nightside.thermal.archive import SLOT, latitude_range

Float = NDArray[np.float64]

SIDEREAL_DAYS = 27.321661
PERIOD_DAYS = 116.0 / 1440.0
PERIOD_ERROR = 0.03
"""Relative: orbits of 113 to 119 minutes."""
PHASE_ERROR_DEG = 8.0
PRECESSION_DEG_PER_DAY = 0.1
TRUSTED_DAYS = 0.5
"""An anchor further away tells the plane, but not the phase."""

_EPOCH_JD = 1721425.5
_EPOCH = dt.datetime(1, 1, 1)


@dataclass(frozen=True)
class Anchor:
    """The orbit at one moment, in degrees: east longitude of the ascending node, inclination, angle from the node."""

    jdate: float
    node_deg: float
    inclination_deg: float
    argument_deg: float


def julian_date(moment: dt.datetime) -> float:
    """Return the Julian date of a UTC moment."""
    return _EPOCH_JD + (moment - _EPOCH) / dt.timedelta(days=1)


def read_anchors(path: Path) -> list[Anchor]:
    """Return the anchors at the first and the last row of a zipped RDR table.

    Raises:
        BadTable: the file is no zip with a table of two rows or more.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = next(n for n in archive.namelist() if n.upper().endswith(".TAB"))
            with archive.open(member) as table:
                for _ in range(RDR_HEADER_LINES):
                    table.readline()
                first = table.readline()
                carried = b""
                while block := table.read(1 << 20):
                    carried = (carried + block)[-2 * RDR_ROW_BYTES :]
        rows = [row for row in carried.split(b"\n") if len(row) == RDR_ROW_BYTES - 1]
        last = rows[-1]
        ends = [[_number(row, name) for name in ("jdate", "sclat", "sclon")] for row in (first, last)]
    except (zipfile.BadZipFile, zlib.error, OSError, StopIteration, IndexError, ValueError) as error:
        raise BadTable(
            f"{path}: no sub-spacecraft points in its first and last row ({error}); fetch it again"
        ) from None
    (start, lat0, lon0), (end, lat1, lon1) = ends
    if not (min(lat0, lat1) >= -90 and max(lat0, lat1) <= 90 and min(lon0, lon1) >= 0 and end - start > 1e-4):
        raise BadTable(f"{path}: its first and last row give no track; it is not used for the prediction")
    # Two points of one plane, both at the first row's time in the Moon's frame, give the plane.
    moved = 360.0 * (end - start) / SIDEREAL_DAYS
    here, there = _unit(lon0, lat0), _unit(lon1 + moved, lat1)
    normal = np.cross(here, there)
    normal /= np.linalg.norm(normal)
    node = math.degrees(math.atan2(normal[0], -normal[1]))
    inclination = math.degrees(math.acos(normal[2]))
    anchors = []
    for jdate, point, drift in ((start, here, 0.0), (end, there, moved)):
        along, _ = _along_and_across(point[:, None], np.array([node]), np.array([inclination]))
        anchors.append(Anchor(jdate, (node - drift) % 360.0, inclination, float(along[0])))
    return anchors


def phase_is_known(slot: dt.datetime, anchors: Sequence[Anchor]) -> bool:
    """Return whether an anchor is near enough to tell where on the orbit the spacecraft was in that slot."""
    moment = julian_date(slot)
    return any(abs(a.jdate - moment) <= TRUSTED_DAYS for a in anchors)


def plan(
    slots: Sequence[dt.datetime], region: Region, anchors: Sequence[Anchor], margin_deg: float
) -> list[dt.datetime]:
    """Return those of the slots that can have flown within ``margin_deg`` of the region, in their order.

    Raises:
        ValueError: there is no anchor to predict from.
    """
    if not anchors:
        raise ValueError(
            "no anchor to predict the ground track from; fetch a table first, or set select: all"
        )
    if not slots or region.whole_moon:
        return list(slots)
    ordered = sorted(anchors, key=lambda a: a.jdate)
    points, spacing = _points(region)
    middle = np.array([julian_date(s + SLOT / 2) for s in slots])
    at = np.array([a.jdate for a in ordered])
    nearest = np.abs(middle[:, None] - at).argmin(axis=1)
    days = middle - at[nearest]
    node = np.array([a.node_deg for a in ordered])[nearest] - 360.0 * days / SIDEREAL_DAYS
    reach = margin_deg + spacing + PRECESSION_DEG_PER_DAY * np.abs(days)

    period, relative = _fitted_period(ordered, middle)
    argument = np.array([a.argument_deg for a in ordered])[nearest] + 360.0 * days / period
    half_arc = 180.0 * (SLOT / dt.timedelta(days=1)) / period
    slack = half_arc + PHASE_ERROR_DEG + 360.0 * np.abs(days) / period * relative
    slack = np.where(np.abs(days) <= TRUSTED_DAYS, slack, 360.0) + reach

    inclination = np.array([a.inclination_deg for a in ordered])[nearest]
    meets = np.zeros(len(slots), np.bool_)
    for lon, lat in points:
        along, across = _along_and_across(_unit(lon, lat)[:, None], node, inclination)
        off = np.abs((along - argument + 180.0) % 360.0 - 180.0)
        # Close to the plane's pole "along" means nothing.
        meets |= (np.abs(across) <= reach) & ((off <= slack) | (np.abs(across) > 80.0))
    return [slot for slot, chosen in zip(slots, meets, strict=True) if chosen]


def _fitted_period(ordered: list[Anchor], moments: Float) -> tuple[Float, Float]:
    """Return the orbital period in days, and its relative error, from the pair of anchors nearest each moment.

    A pair counts where its whole revolutions are certain and it is long enough to tell more than a guess.
    """
    fits = []
    for a, b in pairwise(ordered):
        days = b.jdate - a.jdate
        turns = days / PERIOD_DAYS
        if not 1.0 <= turns <= 0.3 / PERIOD_ERROR:
            continue
        part = (b.argument_deg - a.argument_deg) / 360.0 % 1.0
        exact = part + round(turns - part)
        error = 2 * PHASE_ERROR_DEG / 360.0 / exact
        if abs(days / exact / PERIOD_DAYS - 1.0) <= PERIOD_ERROR + error and error < PERIOD_ERROR:
            fits.append(((a.jdate + b.jdate) / 2, days / exact, error))
    if not fits:
        return np.full(moments.shape, PERIOD_DAYS), np.full(moments.shape, PERIOD_ERROR)
    table = np.array(fits)
    chosen = table[np.abs(moments[:, None] - table[:, 0]).argmin(axis=1)]
    near = np.abs(chosen[:, 0] - moments) <= 2 * TRUSTED_DAYS
    return np.where(near, chosen[:, 1], PERIOD_DAYS), np.where(near, chosen[:, 2], PERIOD_ERROR)


def _points(region: Region) -> tuple[Float, float]:
    """Return points (n, 2), longitude and latitude in degrees, that fill the region, and their reach."""
    south, north = latitude_range(region)
    longitude, latitude = region.centre
    width, height = (1000.0 * km / metres_per_degree() for km in region.size_km)
    if region.projection == "equirectangular":
        half = min(width / 2 / max(math.cos(math.radians(latitude)), 1e-6), 180.0)
    else:
        colatitude = 90.0 - abs(latitude)
        corner = math.hypot(width, height) / 2
        half = 180.0 if corner >= colatitude else math.degrees(math.asin(corner / colatitude))
    step = 2.0
    lats = np.linspace(south, north, 1 + math.ceil((north - south) / step))
    rows = []
    for lat in lats:
        count = 1 + math.ceil(2 * half * math.cos(math.radians(lat)) / step)
        lons = longitude + np.linspace(-half, half, count) if count > 1 else np.array([longitude])
        rows.append(np.column_stack([lons, np.full(lons.size, lat)]))
    widest = max(north - south, 2 * half * math.cos(math.radians(min(abs(south), abs(north)))))
    return np.concatenate(rows), min(step, widest) / math.sqrt(2.0)


def _unit(longitude_deg: float, latitude_deg: float) -> Float:
    lon, lat = math.radians(longitude_deg), math.radians(latitude_deg)
    return np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])


def _along_and_across(point: Float, node_deg: Float, inclination_deg: Float) -> tuple[Float, Float]:
    """Return the angle from the node along orbits (n), and off their planes, in degrees, of a point (3, 1)."""
    node, tilt = np.deg2rad(node_deg), np.deg2rad(inclination_deg)
    x = point[0] * np.cos(node) + point[1] * np.sin(node)
    y = point[1] * np.cos(node) - point[0] * np.sin(node)
    in_plane = y * np.cos(tilt) + point[2] * np.sin(tilt)
    across = np.rad2deg(np.arcsin(np.clip(point[2] * np.cos(tilt) - y * np.sin(tilt), -1.0, 1.0)))
    return np.rad2deg(np.arctan2(in_plane, x)), across


def _number(row: bytes, name: str) -> float:
    return float(row[column(name).slice])
