"""Bytes of a NAC EDR as the archive has them: a label of product version 1.8, padded to whole records, and the numbers."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightside.formats.nac import (
    IMAGE_OBJECT,
    LABEL,
    LINE_TIME_FACTOR,
    MIRRORED_BELOW,
    PREROLL_LINES,
    EdrLabel,
    Keyword,
)

_WIDTH = 34
"""Columns before the equals sign."""

_QUALITY = """"The DATA_QUALITY_ID is set to an 8-bit
   value that encodes the following data quality information for the
   observation. For each bit  a value of 0 means FALSE and a value of 1 means
   TRUE. More information about the data quality ID can be found in the LROC
   EDR/CDR SIS, section 3.3 'Label and Header Descriptions'.
       Bit 1: Temperature of focal plane array is out of bounds.
       Bit 2: Threshold for saturated pixels is reached.
       Bit 3: Threshold for under-saturated pixels is reached.
       Bit 4: Observation is missing telemetry packets.
       Bit 5: SPICE information is bad or missing.
       Bit 6: Observation or housekeeping information is bad or missing.
       Bit 7: Spare.
       Bit 8: Spare.\""""


def edr_bytes(number: NDArray[np.uint8], label: EdrLabel) -> bytes:
    """Return a whole EDR.

    A record is as long as a line. ``label.md5`` is not used: the label gets that of ``number``. What ``label.raw`` does
    not have is filled in: preroll time 1024 lines before the start, creation time the stop, raw temperatures 0.

    Args:
        number: (line, sample), uint8, samples in the order of ``camera.layout``; they are written in opposite order
            where the label's version is one of a mirrored product.
        label: what the label says.

    Raises:
        ValueError: ``number`` has another shape or type than the label says.
    """
    if number.shape != (label.lines, label.samples) or number.dtype != np.uint8:
        raise ValueError(
            f"numbers are {number.dtype} {number.shape}, the label says uint8 {(label.lines, label.samples)}"
        )
    version = float(label.version.lower().removeprefix("v"))
    mirrored = label.camera == "right" and version < MIRRORED_BELOW
    pixels = np.ascontiguousarray(number[:, ::-1] if mirrored else number).tobytes()
    return label_bytes(label, hashlib.md5(pixels, usedforsecurity=False).hexdigest()) + pixels


def label_bytes(label: EdrLabel, md5: str) -> bytes:
    """Return the label of an EDR, lines ended by CR and LF, padded with blanks to whole records."""
    record, records = label.samples, 0
    while True:
        text = _label_text(label, md5, record, records).replace("\n", "\r\n").encode("ascii")
        needed = -(-len(text) // record)
        if needed == records:
            return text.ljust(records * record)
        records = needed


def _label_text(label: EdrLabel, md5: str, record: int, records: int) -> str:
    computed = {
        "RECORD_BYTES": str(record),
        "FILE_RECORDS": str(label.lines + records),
        "LABEL_RECORDS": str(records),
        "^IMAGE": str(records + 1),
        "DATA_QUALITY_DESC": _QUALITY,
    }
    lines = []
    for title, section in LABEL:
        if title:
            lines += ["", f"/*{title}*/"]
        lines += [_line(k.name, computed.get(k.name) or _text(k, label)) for k in section]
    lines += ["", "/*DATA OBJECT*/", _line("OBJECT", "IMAGE")]
    for k in IMAGE_OBJECT:
        text = f'"{md5}"' if k.field == "md5" else _text(k, label)
        lines.append("    " + f"{k.name:<{_WIDTH - 3}}= {text}")
    lines += [_line("END_OBJECT", "IMAGE"), "END", ""]
    return "\n".join(lines)


def _line(name: str, text: str) -> str:
    return f"{name:<{_WIDTH}} = {text}"


def _text(keyword: Keyword, label: EdrLabel) -> str:
    value = _value(keyword, label)
    if isinstance(value, float) and math.isnan(value):
        return "UNK"
    match keyword.form:
        case "text":
            return f'"{value}"'
        case "celsius":
            return f"{value:.2f} <degC>"
        case "nm":
            return f"{value} <nm>"
        case "exposure":
            return f"{value:.6f} <ms>"
        case "list":
            return "(" + ",".join(str(x) for x in value) + ")"
        case "time":
            return str(value.isoformat(timespec="milliseconds"))
        case "second":
            return str(value.isoformat(timespec="seconds"))
    return str(value)


def _value(keyword: Keyword, label: EdrLabel) -> Any:
    if keyword.field == "camera":
        return label.camera.upper()
    if keyword.field:
        holder = label if hasattr(label, keyword.field) else label.housekeeping
        return getattr(holder, keyword.field)
    given = label.raw.get(keyword.name)
    if given is not None:
        return dt.datetime.fromisoformat(given) if keyword.form in ("time", "second") else given
    match keyword.name:
        case "LRO:PREROLL_TIME":
            ahead = PREROLL_LINES * label.exposure_ms * LINE_TIME_FACTOR
            return label.start_time - dt.timedelta(milliseconds=ahead)
        case "PRODUCT_CREATION_TIME":
            return label.stop_time
        case "LRO:LINE_CODE":
            return -(-label.lines // 1024)
    return keyword.default
