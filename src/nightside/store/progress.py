"""What a step tells of itself while it works, and what it wrote: to one log, which the command line shows.

Used as a library, nightside is silent unless the logger ``nightside.progress`` is given a handler and level INFO.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from pathlib import Path
from typing import Protocol, TypeVar

LOG = logging.getLogger("nightside.progress")

EVERY_S = 10.0
"""Seconds between two lines, so that a step which takes less says only what it wrote."""

_T = TypeVar("_T", covariant=True)


class _Counted(Iterable[_T], Sized, Protocol[_T]):
    """What has a length and can be gone through."""


def tracked(
    items: _Counted[_T], name: str, unit: str, *, before: int = 0, clock: Callable[[], float] = time.monotonic
) -> Iterator[_T]:
    """Yield items, and tell every ten seconds how many are done and how long the rest will take.

    Args:
        items: one for each piece of work.
        name: of what is made.
        unit: what an item is, in the plural.
        before: items that an earlier call has done.
        clock: seconds.
    """
    total, began = len(items) + before, clock()
    told = began
    for count, item in enumerate(items, 1):
        yield item
        if (now := clock()) - told >= EVERY_S and count < len(items):
            told = now
            left_s = (now - began) / count * (len(items) - count)
            LOG.info(
                "%s: %s of %s %s, %s left", name, f"{before + count:,}", f"{total:,}", unit, _span(left_s)
            )


def say(text: str) -> None:
    """Tell what is being done, where that takes long."""
    LOG.info("%s", text)


def wrote(path: Path, what: str = "") -> None:
    """Tell what was written."""
    LOG.info("wrote %s%s", path, f": {what}" if what else "")


def warn(text: str) -> None:
    """Tell what may make a result other than it seems; ``quiet`` does not silence it."""
    LOG.warning("warning: %s", text)


def show(*, quiet: bool = False) -> None:
    """Show the log on stderr, or nothing of it."""
    LOG.setLevel(logging.WARNING if quiet else logging.INFO)
    LOG.propagate = False
    LOG.handlers[:] = [_Stderr()]


class _Stderr(logging.Handler):
    """Writes to what is stderr at that time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        sys.stderr.write(f"{record.getMessage()}\n")
        sys.stderr.flush()


def _span(seconds: float) -> str:
    """Return a time in the unit that a person would use."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
