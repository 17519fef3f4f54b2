"""A word where compilation makes the first call of a version take minutes instead of milliseconds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.event import Listener, install_listener

_LOG = logging.getLogger(__name__)
_COMPILE = "numba:compile"


class _Announcer(Listener):  # type: ignore[misc]
    def __init__(self, what: str) -> None:
        self.what, self.said = what, False

    def on_start(self, event: Any) -> None:
        """Say it once; numba tells of what it compiles, and not of what it finds in its cache."""
        if not self.said:
            self.said = True
            _LOG.warning(
                "compiling %s, which takes a minute or two, once for a version of nightside", self.what
            )

    def on_end(self, event: Any) -> None:
        """Nothing is to be said."""


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Log a warning as soon as anything is compiled within, and none where all of it is cached."""
    with install_listener(_COMPILE, _Announcer(what)):
        yield
