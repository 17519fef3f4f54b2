"""What one reading of a whole image tells: which numbers it has, what it has lost, and the level of its masked samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightside.camera.companding import DN_MAX, NUMBERS, bounds, compand, decompand, table_of
from nightside.camera.layout import Layout
from nightside.formats import BadImage
from nightside.optical.edr import Numbers
from nightside.optical.gaps import LOST_RUN, lost_samples
from nightside.store.windows import STRIP_CHUNK

EMPTY, SATURATED = 0, 255

BELOW_DARK_DN = 15.0
"""No pixel lies so far below the masked samples' mean: patterns and noise together have some 2.5 DN."""


@dataclass(frozen=True)
class Survey:
    """What all lines of an image tell.

    Attributes:
        counts: how often the image has each number, (256,).
        lost_pixels: pixels that hold no data.
        lost_lines: lines that have such a pixel.
        masked_dn: mean of each masked sample, DN, (masked,); of the others where one is lost in all lines, NaN where all are.
        compand_code: of the image.
    """

    counts: NDArray[np.intp]
    lost_pixels: int
    lost_lines: int
    masked_dn: NDArray[np.float32]
    compand_code: int

    @property
    def too_bright(self) -> NDArray[np.intp]:
        """Numbers of pixels that were brighter than the table can say: saturated, or wrapped below the dark."""
        full = np.flatnonzero(bounds(self.compand_code)[1] >= DN_MAX)
        return np.union1d(np.arange(self.wrapped_below), full if full.size else [SATURATED])

    @property
    def wrapped_below(self) -> int:
        """Numbers below this one lie below the dark: a table that keeps the DN modulo 256 made them of brighter DN.

        0 for other tables, and where the dark is so low that noise reaches 0.
        """
        dark_dn = float(self.masked_dn.mean())
        if table_of(self.compand_code).invertible_below > NUMBERS or np.isnan(dark_dn):
            return 0
        return max(int(dark_dn - BELOW_DARK_DN), 0)

    @property
    def wrapped_pixels(self) -> int:
        """Pixels with such a number that are not lost."""
        lost = self.lost_pixels if self.wrapped_below else 0
        return int(self.counts[: self.wrapped_below].sum()) - lost

    @property
    def has_gaps(self) -> bool:
        """Whether any pixel tells nothing."""
        return self.lost_pixels > 0 or bool(self.counts[self.too_bright].any())

    def warnings(self) -> list[str]:
        """Return what a user should know."""
        said = []
        if self.lost_pixels:
            said.append(
                f"{self.lost_pixels:,} pixels in {self.lost_lines:,} lines hold no data ({LOST_RUN} or more zeros in a row, "
                "or zeros up to a line's end, as lost telemetry leaves them); they are masked as missing"
            )
        limit = table_of(self.compand_code).invertible_below
        if limit <= NUMBERS:
            found = (
                f"{self.wrapped_pixels:,} pixels lie below the dark and can be nothing else: they are masked as saturated, but "
                "others beside them may have wrapped to a plausible value"
                if self.wrapped_pixels
                else "no pixel is seen to have done so"
            )
            said.append(
                f"companding table {self.compand_code} keeps the DN modulo {limit}: what is brighter came down as a darker "
                f"number, and nothing in the image tells which ({found}). Where ground may be brighter than {limit} DN, the "
                "dark's included, use an image of another table"
            )
        elif limit <= DN_MAX and self.counts[_number_of_brightest(self.compand_code)]:
            said.append(
                f"companding table {self.compand_code} sends {limit} DN and more as it does a DN half as large: saturated "
                "pixels cannot be told from those"
            )
        return said


def survey(numbers: Numbers, lines: int, layout: Layout, compand_code: int) -> Survey:
    """Read an image once, in blocks of lines.

    Args:
        numbers: gives its lines.
        lines: number of lines.
        layout: of its camera and mode.
        compand_code: which companding table.
    """
    counts = np.zeros(NUMBERS, np.intp)
    lost_pixels = lost_lines = 0
    masked = layout.masked
    total, kept = np.zeros(masked.size), np.zeros(masked.size)
    for first in range(0, lines, STRIP_CHUNK):
        number = numbers(first, min(first + STRIP_CHUNK, lines))
        counts += np.bincount(number.ravel(), minlength=NUMBERS)
        lost = lost_samples(number)
        lost_pixels += int(np.count_nonzero(lost))
        lost_lines += int(np.count_nonzero(lost.any(axis=1)))
        there = ~lost[:, masked]
        total += (decompand(number[:, masked], compand_code) * there).sum(axis=0, dtype=np.float64)
        kept += there.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = total / kept
    if kept.any():
        mean[kept == 0] = mean[kept > 0].mean()
    return Survey(counts, lost_pixels, lost_lines, mean.astype(np.float32), compand_code)


def _number_of_brightest(compand_code: int) -> int:
    return int(compand(DN_MAX, compand_code))


def refuse_dead(counts: NDArray[np.intp], name: str) -> None:
    """Refuse an image that shows nothing, by how often it has each number, (256,).

    Raises:
        BadImage: more than half of its pixels are saturated, or all are the same.
    """
    if (share := counts[SATURATED] / counts.sum()) > 0.5:
        raise BadImage(f"{name}: {share:.0%} of its pixels are saturated; leave this image out")
    refuse_constant(counts, name)


def refuse_constant(counts: NDArray[np.intp], name: str) -> None:
    """Refuse an image whose pixels are all 0, or all the same but for those that are 0.

    Raises:
        BadImage: it is one.
    """
    held = np.flatnonzero(counts[EMPTY + 1 :]) + EMPTY + 1
    if held.size == 0:
        raise BadImage(
            f"{name}: all of its pixels are 0, so that it holds no image; acquire it again or leave it out"
        )
    if held.size == 1:
        raise BadImage(
            f"{name}: all of its pixels are {held[0]}, which no camera records: noise, and masked samples that are always "
            "bright, make them differ. It holds no image; acquire it again or leave it out"
        )
