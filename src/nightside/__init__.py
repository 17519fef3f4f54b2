"""nightside maps the dark of the Moon."""

from nightside._version import __version__

__all__ = ["__version__"]
