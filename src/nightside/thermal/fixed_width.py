"""Fixed-width tables cut into whole rows, and the compiled parsing of their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nightside.formats import BadTable
from nightside.formats.diviner import Column
from nightside.thermal.table_bytes import table_pieces

_HEADER_LIMIT = 1 << 16


def whole_rows(
    path: Path, columns: tuple[Column, ...], header_lines: int, row_bytes: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield (number of the first row, bytes of shape (rows, row width)) of a table, some MB at a time.

    The width is ``row_bytes`` where lines end in CR LF and one less where they end in LF.

    Raises:
        BadTable: the header or the first row is not of these columns, a row is of another width, there is
            no row, or the bytes themselves are damaged; file and row (from 1) are named.
    """
    carried, width, first = b"", 0, 1
    for piece in table_pieces(path):
        data = carried + piece
        if not width:
            start = _after_lines(data, header_lines)
            end = data.find(b"\n", start) + 1 if start else 0
            if not end and len(data) < _HEADER_LIMIT:
                carried = data
                continue
            width = _checked_width(path, data[:start], data[start:end], columns, row_bytes)
            data = data[start:]
        count = len(data) // width
        if count:
            rows = np.frombuffer(data, np.uint8, count * width).reshape(count, width)
            wrong = np.flatnonzero(rows[:, -1] != 10)
            if wrong.size:
                raise BadTable(
                    f"{path}: row {first + int(wrong[0])} is not {width} bytes wide as the first; fetch the file again"
                )
            yield first, rows
        first, carried = first + count, data[count * width :]
    if not width:
        raise BadTable(f"{path}: has no row after its {header_lines} header lines; fetch it again")
    if carried:
        raise BadTable(
            f"{path}: row {first} has {len(carried)} of {width} bytes; the file is cut: fetch it again"
        )


def _after_lines(data: bytes, lines: int) -> int:
    start = 0
    for _ in range(lines):
        start = data.find(b"\n", start) + 1
        if not start:
            return 0
    return start


def _checked_width(path: Path, header: bytes, row: bytes, columns: tuple[Column, ...], row_bytes: int) -> int:
    expected = row_bytes if row.endswith(b"\r\n") else row_bytes - 1
    if len(row) != expected:
        raise BadTable(
            f"{path}: row 1 is {len(row)} bytes wide, expected {expected}; is it a table of another instrument?"
        )
    names = [c.name for c in columns]
    for line in header.decode("latin-1").lower().splitlines():
        found = [name.strip(' "#') for name in line.split(",")]
        if len(found) >= len(names) // 2 and found != names:
            raise BadTable(
                f"{path}: its header names other columns ({', '.join(found[:4])}, ...), not {names[:4]}"
            )
    for left, right in pairwise(columns):
        if row[left.slice.stop : right.slice.start].count(b",") != 1:
            raise BadTable(
                f"{path}: row 1 has no comma between {left.name} and {right.name} (byte {left.slice.stop + 1}); "
                "is it a table of another instrument?"
            )
    return expected


@njit(nogil=True, cache=True)
def number(row: NDArray[np.uint8], start: int, stop: int) -> float:
    """Return the decimal number in bytes start..stop of a row, blanks allowed around it; NaN if it is none."""
    while start < stop and row[start] == 32:
        start += 1
    while stop > start and row[stop - 1] == 32:
        stop -= 1
    negative = start < stop and row[start] == 45
    if start < stop and (row[start] == 45 or row[start] == 43):
        start += 1
    mantissa, digits, scale, point = 0, 0, 1.0, False
    for i in range(start, stop):
        byte = row[i]
        if byte == 46 and not point:
            point = True
        elif 48 <= byte <= 57:
            mantissa = mantissa * 10 + (byte - 48)
            digits += 1
            if point:
                scale *= 10.0
        else:
            return np.nan
    if digits == 0:
        return np.nan
    return -(mantissa / scale) if negative else mantissa / scale
