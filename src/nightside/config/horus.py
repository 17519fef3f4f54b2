"""The networks that remove noise: DestripeNet and PhotonNet."""

from __future__ import annotations

from nightside.config.base import Section


class Horus(Section):
    """How the two networks are trained and applied."""
