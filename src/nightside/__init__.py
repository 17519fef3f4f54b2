"""nightside maps the dark of the Moon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightside._version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

__all__ = ["__version__", "open"]


def open(results: str | Path) -> xr.DataTree:
    """Open all products of a results folder, or of one behind http, as one lazy tree; see ``nightside.query.results``."""
    from nightside.query.results import open_results

    return open_results(results)
