"""What the label of an EDR says: typed values, and products that are no NAC EDR refused."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from nightside.camera.companding import SLOPES, TABLES
from nightside.camera.layout import DETECTOR_SAMPLES
from nightside.formats import BadImage
from nightside.formats.nac import IMAGE_OBJECT, LABEL, MIRRORED_BELOW, EdrLabel, Housekeeping
from nightside.optical.pds3_label import Pds3Label, read_label

LABEL_MAX_BYTES = 65_536
"""Labels have some 4,000 bytes; more than this is read of no file."""

_HOUSEKEEPING = {f.name for f in fields(Housekeeping)}
_TYPED = {k.name for _, section in LABEL for k in section if k.field} | {
    k.name for k in IMAGE_OBJECT if k.field
}
"""Keywords that have a field of their own."""


@dataclass(frozen=True)
class LabelOfFile:
    """A label, and where in the file it says that things are; offsets count from 0.

    Attributes:
        label: the typed values.
        end: first byte after the line END.
        pointer: where ``^IMAGE`` says that the pixels begin.
        record_bytes: RECORD_BYTES.
        mirrored: whether the samples lie in the file in opposite order.
    """

    label: EdrLabel
    end: int
    pointer: int
    record_bytes: int
    mirrored: bool


def parse_label(head: bytes, path: Path) -> LabelOfFile:
    """Read the label in the first bytes of an EDR.

    Args:
        head: the file's beginning, all of the label at least.
        path: the file, for messages.

    Raises:
        BadImage: there is no label, or the product is no NAC EDR, or a keyword is absent or has a wrong value.
    """
    read, end = read_label(head, path)
    _refuse_other_products(read)
    label = _typed(read)
    record_bytes = read.whole("RECORD_BYTES")
    return LabelOfFile(
        label=label,
        end=end,
        pointer=read.pointer(record_bytes),
        record_bytes=record_bytes,
        mirrored=_version(label.version, path) < MIRRORED_BELOW and label.camera == "right",
    )


def _refuse_other_products(read: Pds3Label) -> None:
    path, data_set = read.path, read.text("DATA_SET_ID")
    if "CDR" in data_set:
        raise BadImage(
            f"{path}: DATA_SET_ID is {data_set}, a calibrated product (CDR); acquire the EDR of the same observation, "
            "whose name ends in LE or RE instead of LC or RC"
        )
    instrument = read.text("INSTRUMENT_ID")
    if instrument != "LROC":
        raise BadImage(
            f"{path}: INSTRUMENT_ID is {instrument}, another instrument; give an EDR of the LROC NAC"
        )
    frame = read.text("FRAME_ID").upper()
    if frame not in ("LEFT", "RIGHT"):
        raise BadImage(
            f"{path}: FRAME_ID is {frame}, not LEFT or RIGHT: an image of the Wide Angle Camera; give one of the NAC"
        )
    if "EDR" not in data_set:
        raise BadImage(
            f"{path}: DATA_SET_ID is {data_set}, which is no EDR; give a product of LRO-L-LROC-2-EDR-V1.0"
        )


def _typed(read: Pds3Label) -> EdrLabel:
    path = read.path
    code = read.whole("LRO:COMPAND_CODE")
    if code not in TABLES:
        raise BadImage(
            f"{path}: LRO:COMPAND_CODE is {code}, the camera's tables are {min(TABLES)} to {max(TABLES)}; acquire "
            "the product again"
        )
    summing, samples = _summing(read)
    lines = read.whole("LINES", in_image=True)
    if lines < 1:
        raise read.fault("LINES", lines, "at least one line")
    if (bits := read.whole("SAMPLE_BITS", in_image=True)) != 8:
        raise BadImage(
            f"{path}: SAMPLE_BITS is {bits}, an EDR has 8; give the EDR, not a product made from it"
        )
    exposure = read.number("LINE_EXPOSURE_DURATION")
    if exposure <= 0:
        raise read.fault("LINE_EXPOSURE_DURATION", exposure, "a time above 0 ms")
    label = EdrLabel(
        product_id=read.text("PRODUCT_ID"),
        camera="left" if read.text("FRAME_ID").upper() == "LEFT" else "right",
        summing=summing,
        lines=lines,
        samples=samples,
        compand_code=code,
        exposure_ms=exposure,
        exposure_code=read.whole("LRO:LINE_EXPOSURE_CODE"),
        preroll_clock=read.text("LRO:SPACECRAFT_CLOCK_PREROLL_COUNT"),
        start_time=read.time("START_TIME"),
        stop_time=read.time("STOP_TIME"),
        start_clock=read.text("SPACECRAFT_CLOCK_START_COUNT"),
        stop_clock=read.text("SPACECRAFT_CLOCK_STOP_COUNT"),
        version=read.text("PRODUCT_VERSION_ID"),
        md5=read.text("MD5_CHECKSUM", in_image=True).lower(),
        housekeeping=_housekeeping(read),
        xterm=read.numbers("LRO:XTERM", int),
        bterm=read.numbers("LRO:BTERM", int),
        mterm=read.numbers("LRO:MTERM", float),
        raw=read.others(_TYPED),
    )
    _refuse_other_terms(label, path)
    return label


def _summing(read: Pds3Label) -> tuple[Literal[1, 2], int]:
    summing, samples = read.whole("CROSSTRACK_SUMMING"), read.whole("LINE_SAMPLES", in_image=True)
    if summing not in (1, 2) or samples != DETECTOR_SAMPLES // summing:
        raise BadImage(
            f"{read.path}: LINE_SAMPLES is {samples} and CROSSTRACK_SUMMING {summing}; a whole NAC line has "
            f"{DETECTOR_SAMPLES} samples, or {DETECTOR_SAMPLES // 2} where pairs are summed (2). Give the EDR as it is "
            "in the archive, not a crop"
        )
    return (1 if summing == 1 else 2), samples


def _housekeeping(read: Pds3Label) -> Housekeeping:
    held = {k.field: k for _, section in LABEL for k in section if k.field in _HOUSEKEEPING}
    values: dict[str, Any] = {}
    for field, k in held.items():
        if read.is_lost(k.name):
            values[field] = math.nan
        else:
            values[field] = read.number(k.name) if k.form == "celsius" else read.whole(k.name)
    return Housekeeping(**values)


def _refuse_other_terms(label: EdrLabel, path: Path) -> None:
    """Refuse terms that are not those of the code: decompanded with either, the DN might be wrong."""
    table = TABLES[label.compand_code]
    terms = (
        ("LRO:XTERM", label.xterm, table.xterm),
        ("LRO:BTERM", label.bterm, table.bterm),
        ("LRO:MTERM", label.mterm, SLOPES),
    )
    for name, found, known in terms:
        if found != known:
            raise BadImage(
                f"{path}: {name} is {found}, but LRO:COMPAND_CODE is {label.compand_code}, whose table has {known}; "
                "acquire the product again"
            )


def _version(text: str, path: Path) -> float:
    try:
        return float(text.lower().removeprefix("v"))
    except ValueError:
        raise BadImage(
            f"{path}: PRODUCT_VERSION_ID is {text!r}, expected a version such as v1.8, which says whether the line is "
            "mirrored; acquire the product again"
        ) from None
