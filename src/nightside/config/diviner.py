"""Where Diviner's tables come from and which of their rows are used."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from nightside.config.base import Section

ARCHIVE_START = dt.date(2009, 7, 5)


class DivinerSource(Section):
    """The origin of the tables: the archive, a folder of yours, or the synthetic Moon."""

    source: Literal["pds", "local", "synthetic"]
    level: Literal["rdr", "gcp"] = Field(
        "rdr", description="rdr: ten-minute tables of single observations; gcp: 0.5 degree averages"
    )
    folder: Path | None = Field(
        None, description="local: where the tables lie; pds: where downloads go (default data/diviner)"
    )
    start: dt.date | None = Field(None, description="first day of the period")
    end: dt.date | None = Field(None, description="last day of the period, inclusive")
    block_months: int = Field(1, ge=1, le=240, description="months of tables that one job ingests")
    archive_url: str = Field(
        "https://pds-geosciences.wustl.edu/lro", description="pds: root of the archive, or of a mirror"
    )
    select: Literal["ground_track", "all"] = Field(
        "ground_track",
        description="pds, rdr: fetch the tables whose predicted ground track meets the region, or every table",
    )
    track_margin_deg: float = Field(
        3.0,
        gt=0,
        le=45,
        description="how far from the region a predicted track may pass and still be fetched",
    )
    parallel: int = Field(4, ge=1, le=16, description="requests under way at once")
    retries: int = Field(5, ge=0, le=20, description="attempts after a failed one, with growing pauses")
    timeout_s: float = Field(60, gt=0, description="longest silence of the server")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.source == "local" and self.folder is None:
            raise ValueError("source 'local' needs 'folder', where the tables lie")
        if self.level == "rdr" and (self.start is None or self.end is None):
            raise ValueError("level 'rdr' needs 'start' and 'end', the first and last day (YYYY-MM-DD)")
        if self.start and self.end and self.end < self.start:
            raise ValueError(f"'end' {self.end} lies before 'start' {self.start}")
        if self.start and self.start < ARCHIVE_START:
            raise ValueError(f"Diviner's first data are of {ARCHIVE_START}; 'start' is {self.start}")
        return self


class RowFilter(Section):
    """Which RDR rows are binned. The defaults are those of the VAE paper's re-implementations.

    Quality flags are bit fields written as three decimal digits: qge 12 means that pointing and
    ephemeris are both definitive.
    """

    channel: int = Field(7, ge=3, le=9, description="thermal channel; 1 and 2 measure sunlight")
    activity_flag: int = Field(110, ge=-999, le=999, description="110 is nominal nadir observation")
    emission_max_deg: float = Field(10.0, gt=0, le=90, description="emission angle, exclusive")
    qca: int = Field(0, ge=0, le=255, description="calibration quality")
    qge: int = Field(12, ge=0, le=255, description="geometry quality")
    qmi: int = Field(0, ge=0, le=255, description="miscellaneous quality")
