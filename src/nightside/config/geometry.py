"""Where an image lies on the Moon, and the grid of the mosaic."""

from __future__ import annotations

from nightside.config.base import Section


class Geometry(Section):
    """Kernels and the shape of the Moon."""


class Mosaic(Section):
    """The grid of the mosaic and how images share it."""
