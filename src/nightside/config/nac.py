"""Which NAC images are used and where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nightside.config.base import Section


class NacSource(Section):
    """The origin of the images: the archive, a folder of yours, or the synthetic camera."""

    source: Literal["pds", "local", "synthetic"]
    folder: Path | None = None
