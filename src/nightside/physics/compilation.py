"""A word where compilation makes the first call of a version take minutes instead of milliseconds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.event import Listener, install_listener

_LOG = logging.getLogger(__name__)
_COMPILE = "numba:compile"
_SAID: set[str] = set()


class _Announcer(Listener):
    def __init__(self, what: str) -> None:
        self.what = what

    def on_start(self, event: Any) -> None:
        """Say it once; numba tells of what it compiles, and not of what it finds in its cache."""
        if self.what not in _SAID:
            _SAID.add(self.what)
            _LOG.warning(
                "compiling %s, which takes a minute or two, once for a version of nightside", self.what
            )

    def on_end(self, event: Any) -> None:
        """Nothing is to be said."""


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Log a warning, the first of a process about ``what``, once anything is compiled within; none where all is cached."""
    with install_listener(_COMPILE, _Announcer(what)):
        yield
