"""The PDS3 label at the head of an EDR, read into typed values and checked keyword by keyword."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from pvl.decoder import OmniDecoder
from pvl.exceptions import ParseError, QuantityError
from pvl.grammar import OmniGrammar
from pvl.parser import PVLParser

from nightside.camera.companding import SLOPES, TABLES
from nightside.camera.layout import DETECTOR_SAMPLES
from nightside.formats import BadImage
from nightside.formats.nac import IMAGE_OBJECT, LABEL, MIRRORED_BELOW, EdrLabel, Housekeeping

LABEL_MAX_BYTES = 65_536
"""Labels have some 4,000 bytes; more than this is read of no file."""

_T = TypeVar("_T")
_END = re.compile(rb"^END[ \t]*(?:\r\n|\n|\r|\Z)", re.MULTILINE)
_HOUSEKEEPING = {f.name for f in fields(Housekeeping)}
_LOST = {"UNK", "N/A", "NULL"}
"""What PDS3 writes for a value that is not known, or not applicable."""


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
    text, end = _label_text(head, path)
    try:
        parsed = _parser().parse(text)
    except (ParseError, QuantityError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise BadImage(f"{path}: its label cannot be read ({reason}); acquire the product again") from None
    read = _Reader(parsed, path)
    _refuse_other_products(read)
    label = _typed(read)
    record_bytes = read.whole("RECORD_BYTES")
    return LabelOfFile(
        label=label,
        end=end,
        pointer=_pointer(read, record_bytes),
        record_bytes=record_bytes,
        mirrored=_version(label.version, path) < MIRRORED_BELOW and label.camera == "right",
    )


def _parser() -> PVLParser:
    """Return a parser of both dialects: pvl's own choice is more lenient, and never ends on some damaged labels."""
    grammar = OmniGrammar()
    return PVLParser(grammar=grammar, decoder=OmniDecoder(grammar=grammar))


def _label_text(head: bytes, path: Path) -> tuple[str, int]:
    if head.lstrip()[:8].upper().startswith(b"OBJECT"):
        raise BadImage(f"{path}: is an ISIS cube, not an EDR; give the archive's .IMG from which it was made")
    if not head.startswith(b"PDS_VERSION_ID"):
        raise BadImage(
            f"{path}: has no PDS3 label (it does not begin with PDS_VERSION_ID); give a NAC EDR of the archive, "
            "such as M103595705LE.IMG"
        )
    found = _END.search(head)
    if found is None:
        raise BadImage(f"{path}: its label has no line END; the file is cut off or no EDR, acquire it again")
    try:
        return head[: found.end()].decode("ascii"), found.end()
    except UnicodeDecodeError as error:
        raise BadImage(
            f"{path}: byte {error.start} of its label is not ASCII; the file is damaged, acquire it again"
        ) from None


class _Reader:
    """Values of a parsed label; every fault names file and keyword."""

    def __init__(self, parsed: Any, path: Path) -> None:
        self.parsed, self.path = parsed, path
        image = parsed.get("IMAGE")
        if not hasattr(image, "keys"):
            raise BadImage(f"{path}: its label has no object IMAGE; it describes no image, give a NAC EDR")
        self.image = image

    def value(self, name: str, *, in_image: bool = False) -> Any:
        held = self.image if in_image else self.parsed
        if name not in held:
            raise BadImage(
                f"{self.path}: its label has no {name}; acquire the product again, or give a NAC EDR"
            )
        found = held[name]
        return getattr(found, "value", found)  # a quantity without its unit

    def is_lost(self, name: str) -> bool:
        """Say whether the label has the keyword, but no value of it: telemetry may be missing."""
        found = self.value(name)
        return found is None or str(found).strip().upper() in _LOST

    def text(self, name: str, *, in_image: bool = False) -> str:
        return str(self.value(name, in_image=in_image)).strip()

    def number(self, name: str) -> float:
        found = self.value(name)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.fault(name, found, "a number")
        return float(found)

    def whole(self, name: str, *, in_image: bool = False) -> int:
        found = self.value(name, in_image=in_image)
        if isinstance(found, bool) or not isinstance(found, int):
            raise self.fault(name, found, "a whole number")
        return found

    def time(self, name: str) -> dt.datetime:
        found = self.value(name)
        if not isinstance(found, dt.datetime):
            raise self.fault(name, found, "a date and time")
        return found.replace(tzinfo=None)

    def numbers(self, name: str, kind: Callable[[Any], _T]) -> tuple[_T, ...]:
        found = self.value(name)
        if not isinstance(found, list | tuple) or not all(isinstance(x, int | float) for x in found):
            raise self.fault(name, found, "a list of numbers")
        return tuple(kind(x) for x in found)

    def fault(self, name: str, found: Any, expected: str) -> BadImage:
        return BadImage(f"{self.path}: {name} is {found!r}, expected {expected}; acquire the product again")


def _refuse_other_products(read: _Reader) -> None:
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


def _typed(read: _Reader) -> EdrLabel:
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
        raw=_raw(read),
    )
    _refuse_other_terms(label, path)
    return label


def _summing(read: _Reader) -> tuple[Literal[1, 2], int]:
    summing, samples = read.whole("CROSSTRACK_SUMMING"), read.whole("LINE_SAMPLES", in_image=True)
    if summing not in (1, 2) or samples != DETECTOR_SAMPLES // summing:
        raise BadImage(
            f"{read.path}: LINE_SAMPLES is {samples} and CROSSTRACK_SUMMING {summing}; a whole NAC line has "
            f"{DETECTOR_SAMPLES} samples, or {DETECTOR_SAMPLES // 2} where pairs are summed (2). Give the EDR as it is "
            "in the archive, not a crop"
        )
    return (1 if summing == 1 else 2), samples


def _housekeeping(read: _Reader) -> Housekeeping:
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


def _pointer(read: _Reader, record_bytes: int) -> int:
    found = read.parsed.get("^IMAGE")
    value, units = getattr(found, "value", found), getattr(found, "units", "RECORDS")
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadImage(
            f"{read.path}: ^IMAGE is {found!r}, no place in this file; give the product with its label attached"
        )
    return value - 1 if str(units).upper() == "BYTES" else (value - 1) * record_bytes


def _version(text: str, path: Path) -> float:
    try:
        return float(text.lower().removeprefix("v"))
    except ValueError:
        raise BadImage(
            f"{path}: PRODUCT_VERSION_ID is {text!r}, expected a version such as v1.8, which says whether the line is "
            "mirrored; acquire the product again"
        ) from None


def _raw(read: _Reader) -> dict[str, Any]:
    """Return the keywords that have no field of their own, as text, numbers and lists."""
    typed = {k.name for _, section in LABEL for k in section if k.field} | {
        k.name for k in IMAGE_OBJECT if k.field
    }
    every = [*read.parsed.items(), *read.image.items()]
    return {name: _plain(value) for name, value in every if name not in typed and name != "IMAGE"}


def _plain(value: Any) -> Any:
    if hasattr(value, "units"):
        return _plain(value.value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(
            timespec="milliseconds" if value.microsecond else "seconds"
        )
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, int | float | str) else str(value)
