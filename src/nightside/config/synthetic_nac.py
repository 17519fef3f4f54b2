"""The synthetic NAC: a camera with known truth over rendered ground without sunlight."""

from __future__ import annotations

from nightside.config.base import Section


class SyntheticNac(Section):
    """What the synthetic camera sees, and how it is built."""
