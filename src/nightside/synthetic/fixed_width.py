"""Numbers into fixed-width rows of bytes, compiled: half a million rows of 342 bytes a second and more."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from nightside.formats.diviner import Column

ZERO_PADDED = frozenset({"qca", "qge", "qmi"})


def blank_row(columns: Sequence[Column], row_bytes: int) -> NDArray[np.uint8]:
    """Return a row with commas, blanks, quotes round text columns and the closing CRLF, and no values."""
    row = bytearray(b" " * row_bytes)
    for column in columns:
        if column.kind == "text":
            row[column.slice.start - 1] = ord('"')
            row[column.slice.stop] = ord('"')
        comma = column.slice.stop + (column.kind == "text")
        if comma < row_bytes - 2:
            row[comma] = ord(",")
    row[-2:] = b"\r\n"
    return np.frombuffer(bytes(row), np.uint8)


def place_numbers(
    rows: NDArray[np.uint8], columns: Sequence[Column], values: NDArray[np.float64], codes: NDArray[np.bool_]
) -> None:
    """Write numbers right-aligned into their columns of ``rows`` (n, row bytes).

    Args:
        rows: the rows, changed in place.
        columns: k numeric columns.
        values: (n, k), rounded to each column's decimals.
        codes: (n, k), true where the value is a missing-value constant, written as an integer: with decimals
            -9999 does not fit the narrow columns.

    Raises:
        ValueError: a value does not fit its column.
    """
    starts = np.array([c.slice.start for c in columns], np.int64)
    widths = np.array([c.width for c in columns], np.int64)
    decimals = np.array([c.decimals for c in columns], np.int64)
    zeros = np.array([c.name in ZERO_PADDED for c in columns], np.bool_)
    bad = int(_place(rows, starts, widths, decimals, zeros, values, codes))
    if bad >= 0:
        row, k = divmod(bad, len(columns))
        raise ValueError(
            f"row {row}: {columns[k].name} = {values[row, k]} does not fit {columns[k].width} bytes"
        )


@numba.njit(cache=True, nogil=True)
def _place(rows, starts, widths, decimals, zeros, values, codes):  # type: ignore[no-untyped-def]
    """Return the flat index of a value that did not fit, or -1."""
    bad = -1
    for i in range(rows.shape[0]):
        for k in range(starts.size):
            places = 0 if codes[i, k] else decimals[k]
            scale = 1.0
            for _ in range(places):
                scale *= 10.0
            rest = np.int64(np.rint(abs(values[i, k]) * scale))
            negative = values[i, k] < 0.0 and rest > 0
            start, position = starts[k], starts[k] + widths[k] - 1
            for _ in range(places):
                rows[i, position] = 48 + rest % 10
                rest //= 10
                position -= 1
            if places > 0:
                rows[i, position] = 46
                position -= 1
            first = True
            while position >= start and (first or rest > 0 or zeros[k]):
                rows[i, position] = 48 + rest % 10
                rest //= 10
                position -= 1
                first = False
            if negative and position >= start:
                rows[i, position] = 45
            if rest > 0 or (negative and position < start):
                bad = i * starts.size + k
    return bad


def place_text(rows: NDArray[np.uint8], column: Column, texts: Sequence[str]) -> None:
    """Write one text for each row, of the column's exact width.

    Raises:
        ValueError: a text has another width.
    """
    joined = "".join(texts).encode("ascii")
    if len(joined) != len(texts) * column.width:
        raise ValueError(f"{column.name}: expected texts of {column.width} bytes")
    rows[:, column.slice] = np.frombuffer(joined, np.uint8).reshape(len(texts), column.width)
