"""Which of many images are dark frames of one camera and mode: the others are named and set aside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightside.config import Settings
from nightside.config.camera import Calibration as CalibrationOptions
from nightside.formats import BadImage
from nightside.formats.nac import QUALITY, EdrLabel
from nightside.optical.darks import DarkFrame, refuse_lit
from nightside.optical.data_quality import BAD_HOUSEKEEPING, quality_bits
from nightside.optical.edr import label_of, open_edr, open_file
from nightside.store import tracked


class Gathered(NamedTuple):
    """Dark frames, the images they are of, what was set aside and why, and how many were of another mode."""

    frames: list[DarkFrame]
    used: list[Path]
    set_aside: dict[str, str]
    passed_over: int


def gather(paths: Sequence[Path], camera: str, summing: int, options: CalibrationOptions) -> Gathered:
    """Read the first lines of every image of a camera and mode that is dark.

    Raises:
        ValueError: none is left; the message has the reasons.
    """
    found = Gathered([], [], {}, 0)
    passed_over = 0
    for path in tracked(_expanded(paths), f"darks of the {camera} camera", "images"):
        try:
            label, number = read_lines(path, options.dark_lines)
            if (label.camera, label.summing) != (camera, summing):
                passed_over += 1
                continue
            refuse_lit(number, label, options.sunlit_dn)
            _refuse_lost(label)
        except BadImage as error:
            found.set_aside[path.name] = str(error)
            continue
        found.frames.append(DarkFrame(label, number))
        found.used.append(path)
    if not found.frames:
        reasons = "; ".join(list(found.set_aside.values())[:3])
        raise ValueError(
            f"no dark frame of the {camera} camera with summing {summing} among {len(paths)} images, {passed_over} of them of "
            f"another camera or mode{': ' if reasons else ''}{reasons}; give images of the night side"
        )
    return found._replace(passed_over=passed_over)


def _refuse_lost(label: EdrLabel) -> None:
    """Refuse a dark frame of which nobody knows what its darkness depended on."""
    if label.housekeeping.lost:
        raise BadImage(
            f"{label.product_id}: its label has lost its {', '.join(label.housekeeping.lost)}, without which a dark frame "
            "teaches nothing; give frames with all of their housekeeping"
        )
    if BAD_HOUSEKEEPING in (quality_bits(label) or ()):
        raise BadImage(
            f"{label.product_id}: DATA_QUALITY_ID says that {QUALITY[BAD_HOUSEKEEPING]}, on which a dark frame's use "
            "depends; leave it out"
        )


def _expanded(paths: Sequence[Path]) -> list[Path]:
    """Return the files and stores; a folder that is no store stands for the EDRs in it."""
    found: list[Path] = []
    for path in paths:
        folder = path.is_dir() and not (path / "zarr.json").exists()
        found += sorted(p for p in path.rglob("*") if p.suffix.upper() == ".IMG") if folder else [path]
    return found


def read_lines(path: Path, lines: int) -> tuple[EdrLabel, NDArray[np.uint8]]:
    """Return the label and the first lines of an EDR store or file."""
    if path.suffix == ".zarr":
        dataset = open_edr(path, chunked=False)
        return label_of(dataset), dataset["number"][:lines].to_numpy()
    edr = open_file(path)
    return edr.label, edr.numbers(0, lines)


def options_of(settings: Settings) -> CalibrationOptions:
    """Return the configured options, or their defaults where no optical room is configured."""
    return settings.optical.calibration if settings.optical else CalibrationOptions()
