"""Windows of a map or an image: whole chunks, so that no two of them write to one chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

MAP_CHUNK = 128
"""Side of a map's chunk in pixels: one place through time and one map each touch few chunks."""

STRIP_CHUNK = 1024
"""Side of a chunk of a camera's strip, lines and samples: a crop touches few, and a strip has hundreds."""

CHUNKS: dict[str, int] = {"y": MAP_CHUNK, "x": MAP_CHUNK, "line": STRIP_CHUNK, "sample": STRIP_CHUNK}
"""The dimensions by which stores are cut, and the length of their chunks; every other one is kept whole."""

WINDOW = 2 * MAP_CHUNK
"""Side of a window in pixels: some 100 MB of a day's profiles, and four chunks to read at once."""

Window = dict[str, slice]
"""Rows and columns by dimension, as ``isel`` takes them: ``{"y": slice, "x": slice}``, or line and sample."""


def windows(shape: tuple[int, int], side: int = WINDOW) -> list[Window]:
    """Cut a grid of ``shape`` (y, x) into squares of ``side`` pixels, rounded up to whole chunks; row by row."""
    return cut({"y": shape[0], "x": shape[1]}, {"y": side, "x": side})


def bands(lines: int, samples: int, height: int = STRIP_CHUNK) -> list[Window]:
    """Cut a strip into bands of ``height`` whole lines, rounded up to whole chunks."""
    return cut({"line": lines, "sample": samples}, {"line": height, "sample": samples})


def cut(sizes: Mapping[str, int], sides: Mapping[str, int]) -> list[Window]:
    """Cut two dimensions of ``sizes`` into windows of ``sides``, rounded up to whole chunks; row by row."""
    (rows, columns) = sizes
    step = {d: max(-(-sides[d] // CHUNKS[d]), 1) * CHUNKS[d] for d in sizes}
    return [
        {
            rows: slice(top, min(top + step[rows], sizes[rows])),
            columns: slice(left, min(left + step[columns], sizes[columns])),
        }
        for top in range(0, sizes[rows], step[rows])
        for left in range(0, sizes[columns], step[columns])
    ]


def window_name(window: Window) -> str:
    """Return the name of a window's mark: its first row and column."""
    return "-".join(f"{dimension}{span.start}" for dimension, span in window.items()) or "whole"


class Part(NamedTuple):
    """The ``number``-th (from 1) of ``of`` equal parts of the windows: what one of several jobs does."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Read "3/8"; None, all of the work, stays None.

        Raises:
            ValueError: it is no such pair of whole numbers.
        """
        if text is None:
            return None
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise ValueError(f"'{text}' is no part; give number/parts, such as 3/8 for the third of eight")
        return cls(int(number), int(of))

    def share(self, every: list[Window]) -> list[Window]:
        """Return the windows of this part."""
        return every[self.number - 1 :: self.of]
