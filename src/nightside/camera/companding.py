"""Companding: how the camera sends a 12-bit DN as an 8-bit number, and what DN the number stands for.

Five straight pieces of slope 1/2 to 1/32 follow one that keeps the DN. A number stands for all DN of an interval, and
decompanding gives the interval's middle, so that half-integers are normal. Sources: the break points of LRO:XTERM and
LRO:BTERM in EDR labels (codes 0, 1 and 3) and of LROCSIS as others quote it (all six); inverse: ISIS ``lronac2isis``.

Two tables are odd. Table 1 keeps the DN modulo 256: it is meant for darks, of which it loses nothing; a DN from 256 on
comes back as another one, and from 511 on only five bits are left. Table 2 shifts by four bits, but 4095 itself lies
beyond its last break point and is sent as 127.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SLOPES = (0.5, 0.25, 0.125, 0.0625, 0.03125)
"""LRO:MTERM, the same in all tables."""

DN_MAX = 4095
NUMBERS = 256


@dataclass(frozen=True)
class CompandTable:
    """One of the tables that the camera can be told to use.

    Attributes:
        code: LRO:COMPAND_CODE.
        xterm: DN at which each of the five pieces begins; the DN below the first is kept (modulo 256).
        bterm: what is added after the slope, in numbers.
        lossless_below: DN below which the number is the DN; 0 where there is none.
        invertible_below: DN below which a number stands for one interval only.
    """

    code: int
    xterm: tuple[int, int, int, int, int]
    bterm: tuple[int, int, int, int, int]
    lossless_below: int = 0
    invertible_below: int = DN_MAX + 1

    @property
    def mterm(self) -> tuple[float, ...]:
        """The five slopes."""
        return SLOPES


TABLES: dict[int, CompandTable] = {
    table.code: table
    for table in (
        CompandTable(0, (0, 32, 136, 543, 2207), (0, 8, 25, 59, 128)),
        CompandTable(1, (511, 0, 0, 0, 0), (0, 0, 0, 0, 0), lossless_below=256, invertible_below=256),
        CompandTable(2, (0, 0, 0, 0, 4095), (0, 0, 0, 0, 0), invertible_below=4095),
        CompandTable(3, (0, 64, 424, 536, 800), (0, 16, 69, 103, 128)),
        CompandTable(4, (0, 0, 0, 1040, 2000), (0, 0, 0, 65, 128)),
        CompandTable(5, (0, 0, 112, 816, 2000), (0, 0, 14, 65, 128)),
    )
}
"""Most images use table 0, dim ones 3, darks 1."""


def table_of(code: int) -> CompandTable:
    """Return the table of a companding code.

    Raises:
        ValueError: the camera has no such table.
    """
    if code not in TABLES:
        raise ValueError(
            f"companding code {code} is unknown; the camera's tables are {min(TABLES)} to {max(TABLES)}"
        )
    return TABLES[code]


def compand(dn: ArrayLike, code: int) -> NDArray[np.uint8]:
    """Return the 8-bit numbers of DN, any shape; DN are rounded, and what the converter cannot hold is clipped.

    Raises:
        ValueError: the code is unknown.
    """
    lookup = _compand_table(code)
    values: NDArray[Any] = np.asarray(dn)
    if values.dtype.kind == "f":
        values = np.rint(values)
    if values.dtype != np.uint16 or (values.size and values.max() > DN_MAX):
        values = np.clip(values, 0, DN_MAX).astype(np.uint16)
    # Indexing with small integers is many times as fast as numpy.take.
    number: NDArray[np.uint8] = lookup[values]
    return number


def decompand(number: ArrayLike, code: int) -> NDArray[np.float32]:
    """Return the DN that uint8 numbers stand for, float32, same shape: the middle of each number's interval.

    Raises:
        ValueError: the code is unknown.
    """
    return decompand_table(code)[np.asarray(number, dtype=np.uint8)]


def step_dn(number: ArrayLike, code: int) -> NDArray[np.float32]:
    """Return how many DN share each uint8 number, float32; the variance of companding is (step^2 - 1) / 12.

    Raises:
        ValueError: the code is unknown.
    """
    lower, upper = bounds(code)
    return (upper - lower + 1).astype(np.float32)[np.asarray(number, dtype=np.uint8)]


@cache
def decompand_table(code: int) -> NDArray[np.float32]:
    """Return the DN of each number, float32, shape (256,), read-only.

    Raises:
        ValueError: the code is unknown.
    """
    lower, upper = bounds(code)
    return _frozen(((lower + upper) / 2).astype(np.float32))


@cache
def bounds(code: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return the first and the last DN of each number's interval, int16, shape (256,) each, read-only.

    This is the search of ISIS ``lronac2isis`` through the pieces.

    Raises:
        ValueError: the code is unknown.
    """
    found = np.array([_interval(number, table_of(code)) for number in range(NUMBERS)], dtype=np.int16)
    return _frozen(found[:, 0].copy()), _frozen(found[:, 1].copy())


@cache
def _compand_table(code: int) -> NDArray[np.uint8]:
    table = table_of(code)
    dn = np.arange(DN_MAX + 1)
    # The piece of a DN is the first whose end lies above it; the last one has no end.
    piece = np.argmax([*(dn < x for x in table.xterm), np.ones(dn.size, np.bool_)], axis=0)
    slope, offset = np.array([1.0, *SLOPES])[piece], np.array([0, *table.bterm])[piece]
    return _frozen((np.floor(dn * slope + offset).astype(np.int64) % NUMBERS).astype(np.uint8))


def _interval(number: int, table: CompandTable) -> tuple[int, int]:
    xterm, bterm = table.xterm, table.bterm
    if number < xterm[0]:
        return number, number
    piece = 0
    while piece + 1 < len(xterm) and (number - bterm[piece]) / SLOPES[piece] >= xterm[piece + 1]:
        piece += 1
    lower = int((number - bterm[piece]) / SLOPES[piece])
    upper = int((number + 1 - bterm[piece]) / SLOPES[piece]) - 1
    if upper > DN_MAX:
        upper = DN_MAX
    elif piece + 1 < len(xterm) and upper >= xterm[piece + 1]:
        goes_on = int(bterm[piece + 1] + SLOPES[piece + 1] * upper) == number
        upper = upper if goes_on else xterm[piece + 1] - 1
    return max(lower, xterm[piece]), upper


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
