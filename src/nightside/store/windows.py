"""Windows of a map: whole chunks, so that no two of them write to one chunk."""

from __future__ import annotations

from typing import NamedTuple, Self

MAP_CHUNK = 128
"""Side of a chunk in pixels: one place through time and one map each touch few chunks."""

WINDOW = 2 * MAP_CHUNK
"""Side of a window in pixels: some 100 MB of a day's profiles, and four chunks to read at once."""

Window = dict[str, slice]
"""Rows and columns of a grid by dimension, as ``isel`` takes them: ``{"y": slice, "x": slice}``."""

NOTHING: Window = {"y": slice(0, 0), "x": slice(0, 0)}
"""No row and no column: what is cut out with it still has its variables, types and attributes."""


def windows(shape: tuple[int, int], side: int = WINDOW) -> list[Window]:
    """Cut a grid of ``shape`` (y, x) into squares of ``side`` pixels, rounded up to whole chunks; row by row."""
    step = max(-(-side // MAP_CHUNK), 1) * MAP_CHUNK
    rows, columns = shape
    return [
        {
            "y": slice(top, min(top + step, rows)),
            "x": slice(left, min(left + step, columns)),
        }
        for top in range(0, rows, step)
        for left in range(0, columns, step)
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
