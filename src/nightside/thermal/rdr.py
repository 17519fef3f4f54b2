"""Diviner RDR tables (level 1): every column for people, the filtered observations for binning.

A table has 886,000 rows of 342 bytes and 1 in 10 passes the filter, so the compiled reader looks at the
channel first, then at the flags, and parses places and temperatures of passing rows only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from nightside.config import RowFilter
from nightside.formats import BadTable
from nightside.formats.diviner import (
    DETECTORS,
    MISSING_BELOW,
    RDR_COLUMNS,
    RDR_HEADER_LINES,
    RDR_ROW_BYTES,
    Column,
    column,
)
from nightside.thermal.binning import Observations
from nightside.thermal.fixed_width import number, whole_rows

REASONS = (
    "other_channel",
    "other_activity",
    "quality",
    "emission",
    "missing",
    "outside_period",
    "negative_radiance",
    "passed",
)
"""What becomes of a row; ``missing`` is UNKNOWN, INVALID or a place or time that does not exist."""

_READ = ("c", "af", "qca", "qge", "qmi", "cemis", "clon", "clat", "cloctime", "tb", "sclk", "det", "jdate")
_START = np.array([column(name).slice.start for name in _READ])
_STOP = np.array([column(name).slice.stop for name in _READ])
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def read_observations(
    path: Path, rows: RowFilter, period: tuple[float, float] = (-np.inf, np.inf)
) -> Observations:
    """Return the observations of a table (zip or .tab) that pass the filter, in the order of the file.

    ``period`` is the first Julian date (UTC) that counts and the first that does not.

    ``counters`` has ``rows`` and, for each of ``REASONS``, how many rows it took; they add up to ``rows``.

    Raises:
        BadTable: the file is damaged, is no RDR table, or has letters in a number; file and row are named.
    """
    limits = np.array(
        [rows.channel, rows.activity_flag, rows.qca, rows.qge, rows.qmi, rows.emission_max_deg, *period]
    )
    counts = np.zeros(len(REASONS), np.int64)
    parts, keys, total = [], [], 0
    for first, table in whole_rows(path, RDR_COLUMNS, RDR_HEADER_LINES, RDR_ROW_BYTES):
        values, key = np.empty((table.shape[0], 4)), np.empty(table.shape[0], np.int64)
        passed, bad = _select(table, _START, _STOP, limits, counts, values, key)
        if bad >= 0:
            raise BadTable(
                f"{path}: row {first + bad // len(_READ)} has no number in column '{_READ[bad % len(_READ)]}'; "
                "fetch the file again"
            )
        parts.append(values[:passed].copy())
        keys.append(key[:passed].copy())
        total += table.shape[0]
    longitude, latitude, time, temperature = np.concatenate(parts).T
    counters = {"rows": total, **dict(zip(REASONS, counts.tolist(), strict=True))}
    return Observations(longitude, latitude, time, temperature, np.concatenate(keys), counters)


@njit(nogil=True, cache=True)
def _select(table, start, stop, limits, counts, values, key):  # type: ignore[no-untyped-def]
    """Fill ``values`` (lon, lat, time, tb) and ``key``; return how many, and row * columns + column of an error."""
    passed, fields = 0, len(start)
    for r in range(table.shape[0]):
        row = table[r]
        channel = row[start[0]] - 48
        if channel < 1 or channel > 9:
            return passed, r * fields
        if channel != limits[0]:
            counts[0] += 1
            continue
        reason = -1
        for k in range(1, 5):
            flag = number(row, start[k], stop[k])
            if np.isnan(flag):
                return passed, r * fields + k
            if flag != limits[k]:
                reason = 1 if k == 1 else 2
                break
        if reason < 0:
            emission = number(row, start[5], stop[5])
            if np.isnan(emission):
                return passed, r * fields + 5
            if emission < MISSING_BELOW:
                reason = 4
            elif emission >= limits[5]:
                reason = 3
        if reason >= 0:
            counts[reason] += 1
            continue
        for k in range(4):
            value = number(row, start[6 + k], stop[6 + k])
            if np.isnan(value):
                return passed, r * fields + 6 + k
            values[passed, k] = value
        clock = np.int64(0)
        for i in range(start[10], stop[10]):
            if 48 <= row[i] <= 57:
                clock = clock * 10 + (row[i] - 48)
            elif row[i] != 32 and row[i] != 46:
                return passed, r * fields + 10
        detector = number(row, start[11], stop[11])
        if np.isnan(detector):
            return passed, r * fields + 11
        key[passed] = clock * (DETECTORS + 1) + np.int64(detector)
        jdate = number(row, start[12], stop[12])
        if np.isnan(jdate):
            return passed, r * fields + 12
        latitude, hour, kelvin = values[passed, 1], values[passed, 2], values[passed, 3]
        if (
            values[passed, 0] < MISSING_BELOW
            or kelvin < MISSING_BELOW
            or jdate < MISSING_BELOW
            or not -90.0 <= latitude <= 90.0
            or not 0.0 <= hour <= 24.0
        ):
            counts[4] += 1
        elif jdate < limits[6] or jdate >= limits[7]:
            counts[5] += 1
        elif kelvin <= 0.0:
            counts[6] += 1
        else:
            counts[7] += 1
            passed += 1
    return passed, -1


def read_rdr(path: Path, columns: Sequence[str] | None = None) -> xr.Dataset:
    """Return a table's columns (all 33 by default) along ``row``, typed, with units; missing reals are NaN.

    Integers are int32 with -9999 UNKNOWN and -9998 INVALID left in. If both ``date`` and ``utc`` are read, ``time``
    (datetime64[ms]) is added: a second of 60 is the first of the next minute. All 33 columns of a ten-minute
    table take about 0.3 GB.

    Raises:
        KeyError: a column does not exist.
        BadTable: as ``read_observations``, for the columns that are read.
    """
    wanted = [column(name) for name in columns] if columns is not None else list(RDR_COLUMNS)
    parts: dict[str, list[NDArray[np.generic]]] = {c.name: [] for c in wanted}
    for first, table in whole_rows(path, RDR_COLUMNS, RDR_HEADER_LINES, RDR_ROW_BYTES):
        for c in wanted:
            parts[c.name].append(_typed(path, first, c, table))
    data = {
        c.name: ("row", np.concatenate(parts[c.name]), {"units": c.unit or "1", "long_name": c.meaning})
        for c in wanted
    }
    if "date" in data and "utc" in data:
        moment = _datetime(path, data["date"][1], data["utc"][1])
        data["time"] = ("row", moment, {"units": "", "long_name": "UTC at mid-observation"})
        data["time"][2].pop("units")
    return xr.Dataset(data)


def _typed(path: Path, first: int, c: Column, table: NDArray[np.uint8]) -> NDArray[np.generic]:
    text = np.ascontiguousarray(table[:, c.slice]).view(f"S{c.width}").ravel()
    if c.kind == "text":
        return text.astype(f"U{c.width}")
    try:
        values = text.astype(np.float64)
    except ValueError:
        for i, word in enumerate(text):
            try:
                float(word)
            except ValueError:
                raise BadTable(
                    f"{path}: row {first + i} has {word.decode('latin-1')!r} for a number in column '{c.name}'; "
                    "fetch the file again"
                ) from None
        raise
    if c.kind == "integer":
        return values.astype(np.int32)
    return np.where(values < MISSING_BELOW, np.nan, values)


def _datetime(path: Path, date: NDArray[np.str_], utc: NDArray[np.str_]) -> NDArray[np.datetime64]:
    days, of_day = np.unique(date, return_inverse=True)
    try:
        iso = [f"{d[7:11]}-{_MONTHS.index(d[3:6]) // 3 + 1:02d}-{d[:2]}" for d in days.tolist()]
        clock = utc.astype("S12").view(np.uint8).reshape(-1, 12)
        digits = clock[:, [0, 1, 3, 4, 6, 7, 9, 10, 11]].astype(np.int64) - 48
        if digits.size and (digits.min() < 0 or digits.max() > 9):
            raise ValueError("utc is not HH:MM:SS.sss")
        weights = np.array([36_000_000, 3_600_000, 600_000, 60_000, 10_000, 1000, 100, 10, 1])
        moment: NDArray[np.datetime64] = np.array(iso, "datetime64[ms]")[of_day] + (digits @ weights).astype(
            "timedelta64[ms]"
        )
        return moment
    except ValueError as error:
        raise BadTable(f"{path}: has a date or utc that is none ({error}); fetch the file again") from error
