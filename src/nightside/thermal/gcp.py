"""Diviner GCP tables (level 4): means of half-degree cells at 96 local times, one observation a value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numba import njit

from nightside.formats import BadTable
from nightside.formats.diviner import (
    GCP_COLUMNS,
    GCP_HEADER_LINES,
    GCP_ROW_BYTES,
    GCP_ROWS,
    MISSING_BELOW,
    column,
)
from nightside.moon import longitude_360
from nightside.thermal.binning import Observations
from nightside.thermal.fixed_width import number, whole_rows

_REASONS = ("missing", "negative_radiance", "passed")


def read_gcp_observations(path: Path, channel: int) -> Observations:
    """Return the values of one thermal channel (3 to 9) of a table; longitudes are turned to [0, 360).

    ``counters`` has ``rows``, ``missing`` (-9999, -9998), ``negative_radiance`` and ``passed``. ``key`` is empty:
    the bands share no cell.

    Raises:
        BadTable: the file is damaged, is no GCP table, lacks rows of its band, or has letters in a number; file
            and row are named.
    """
    names = ("clon", "clat", "ltim", f"t{channel}")
    fields = [column(name, GCP_COLUMNS) for name in names]
    start, stop = np.array([c.slice.start for c in fields]), np.array([c.slice.stop for c in fields])
    counts = np.zeros(len(_REASONS), np.int64)
    parts, total = [], 0
    for first, table in whole_rows(path, GCP_COLUMNS, GCP_HEADER_LINES, GCP_ROW_BYTES):
        values = np.empty((table.shape[0], 4))
        passed, bad = _select(table, start, stop, counts, values)
        if bad >= 0:
            raise BadTable(
                f"{path}: row {first + bad // 4} has no number in column '{names[bad % 4]}'; fetch the file again"
            )
        parts.append(values[:passed].copy())
        total += table.shape[0]
    # A table is no zip: one that was cut between two rows shows it nowhere else.
    if total != GCP_ROWS:
        raise BadTable(f"{path}: has {total} rows, a whole band has {GCP_ROWS}; fetch it again")
    longitude, latitude, time, temperature = np.concatenate(parts).T
    counters = {"rows": total, **dict(zip(_REASONS, counts.tolist(), strict=True))}
    none = np.empty(0, np.int64)
    return Observations(longitude_360(longitude), latitude, time, temperature, none, counters)


@njit(nogil=True, cache=True)
def _select(table, start, stop, counts, values):  # type: ignore[no-untyped-def]
    """Fill ``values`` (lon, lat, time, t); return how many, and row * 4 + column of an error."""
    passed = 0
    for r in range(table.shape[0]):
        for k in range(4):
            value = number(table[r], start[k], stop[k])
            if np.isnan(value):
                return passed, r * 4 + k
            values[passed, k] = value
        latitude, hour, kelvin = values[passed, 1], values[passed, 2], values[passed, 3]
        if kelvin < MISSING_BELOW or not -90.0 <= latitude <= 90.0 or not 0.0 <= hour <= 24.0:
            counts[0] += 1
        elif kelvin <= 0.0:
            counts[1] += 1
        else:
            counts[2] += 1
            passed += 1
    return passed, -1
