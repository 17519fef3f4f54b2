"""Bytes of an RDR table, its zip and its label, as the archive has them."""

from __future__ import annotations

import datetime as dt
import hashlib
import struct
from pathlib import Path

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from nightside.formats.diviner import (
    CHANNELS,
    DETECTORS,
    RDR_COLUMNS,
    RDR_ROW_BYTES,
    UNKNOWN,
    column,
)
from nightside.synthetic.fixed_width import blank_row, place_numbers, place_text
from nightside.synthetic.observation import ROWS_A_SAMPLE, Observation

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK_EPOCH = dt.datetime(2001, 1, 1)
_JULIAN_EPOCH = dt.datetime(2000, 1, 1, 12)
_JULIAN_DATE_OF_EPOCH = 2_451_545.0

_NUMBERS = tuple(c for c in RDR_COLUMNS if c.kind != "text")
_SAMPLE_NUMBERS = tuple(c for c in _NUMBERS if c.start < column("c").start)
_ROW_NUMBERS = tuple(c for c in _NUMBERS if c.start >= column("c").start)
_DEFLATED = 8
_DATE_1980 = (1 << 5) | 1


def rdr_bytes(observation: Observation, start: dt.datetime, product: str) -> bytes:
    """Return a whole table: four header lines, then 189 rows of 342 bytes for each sample.

    Rows run through the samples, in each through the nine channels, in each through the 21 detectors.
    ``start`` is time 0 of the observation, UTC without leap seconds.

    Raises:
        ValueError: a value does not fit its column.
    """
    count = observation.time_s.size
    first = np.tile(blank_row(RDR_COLUMNS, RDR_ROW_BYTES), (count, 1))
    clock = _clock(observation.time_s, start)
    place_text(first, column("date"), clock[0])
    place_text(first, column("utc"), clock[1])
    values = {"jdate": clock[2], "sclk": clock[3], **observation.samples}
    table = np.stack([values[c.name] for c in _SAMPLE_NUMBERS], axis=1)
    place_numbers(first, _SAMPLE_NUMBERS, table, np.zeros(table.shape, np.bool_))
    rows = np.repeat(first, ROWS_A_SAMPLE, axis=0)
    shape = (count, CHANNELS, DETECTORS)
    each = np.empty((*shape, len(_ROW_NUMBERS)))
    for k, number in enumerate(_ROW_NUMBERS):
        each[..., k] = observation.rows[number.name]
    flat = each.reshape(-1, len(_ROW_NUMBERS))
    place_numbers(rows, _ROW_NUMBERS, flat, flat == UNKNOWN)
    return header(product) + rows.tobytes()


def header(product: str) -> bytes:
    """Return the four lines that a reader skips: three comments and the columns' names."""
    names = ", ".join(c.name for c in RDR_COLUMNS)
    lines = (
        f"# {product}: reduced data record of the Diviner Lunar Radiometer Experiment",
        "# SYNTHETIC: written by nightside, not measured at the Moon",
        "# 33 columns; UNKNOWN -9999, INVALID -9998",
        names,
    )
    return "".join(line + "\r\n" for line in lines).encode("ascii")


def write_rdr_zip(content: bytes, folder: Path, stamp: str) -> Path:
    """Write ``<stamp>_rdr.zip`` holding ``<stamp>_RDR.TAB``, and the label beside it; return the zip's path.

    The same content gives the same bytes: the zip carries no time of writing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stamp}_rdr.zip"
    archive = zip_bytes(content, f"{stamp}_RDR.TAB")
    path.write_bytes(archive)
    digest = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    path.with_name(f"{stamp}_rdr.lbl").write_bytes(_label(content, stamp, digest).encode("ascii"))
    return path


def zip_bytes(content: bytes, name: str) -> bytes:
    """Return a zip archive of one deflated member, dated 1980-01-01 (PKWARE APPNOTE 4.3).

    Python's zipfile cannot use isal, which deflates five times as fast as zlib.
    """
    deflate = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
    packed = deflate.compress(content) + deflate.flush()
    member = name.encode("ascii")
    about = struct.pack(
        "<5H3L2H",
        *(20, 0, _DEFLATED, 0, _DATE_1980),
        *(isal_zlib.crc32(content), len(packed), len(content)),
        *(len(member), 0),
    )
    local = b"PK\x03\x04" + about + member
    directory = b"PK\x01\x02" + struct.pack("<H", 20) + about + struct.pack("<3H2L", 0, 0, 0, 0, 0) + member
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(directory), len(local) + len(packed), 0)
    return local + packed + directory + end


def _label(content: bytes, stamp: str, digest: str) -> str:
    rows = (len(content) - len(header(f"{stamp}_RDR.TAB"))) // RDR_ROW_BYTES
    lines = f"""PDS_VERSION_ID               = PDS3
RECORD_TYPE                  = STREAM
DATA_SET_ID                  = "LRO-L-DLRE-4-RDR-V1.0"
PRODUCT_ID                   = "{stamp}_RDR.TAB"
INSTRUMENT_HOST_ID           = "LRO"
INSTRUMENT_ID                = "DLRE"
TARGET_NAME                  = "MOON"
START_TIME                   = {stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:00
NOTE                         = "Synthetic: written by nightside."
OBJECT                       = COMPRESSED_FILE
  FILE_NAME                  = "{stamp}_rdr.zip"
  ENCODING_TYPE              = "ZIP"
  MD5_CHECKSUM               = "{digest}"
END_OBJECT                   = COMPRESSED_FILE
OBJECT                       = UNCOMPRESSED_FILE
  FILE_NAME                  = "{stamp}_RDR.TAB"
  OBJECT                     = TABLE
    INTERCHANGE_FORMAT       = ASCII
    ROW_BYTES                = {RDR_ROW_BYTES}
    ROWS                     = {rows}
    COLUMNS                  = {len(RDR_COLUMNS)}
    ^STRUCTURE               = "DLRE_RDR.FMT"
  END_OBJECT                 = TABLE
END_OBJECT                   = UNCOMPRESSED_FILE
END
"""
    return lines.replace("\n", "\r\n")


def _clock(
    time_s: NDArray[np.float64], start: dt.datetime
) -> tuple[list[str], list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Return date, utc, Julian date and spacecraft clock. Seconds round without carry: 59.9997 is 60.000."""
    dates, times = [], []
    whole_minutes = np.floor(time_s / 60.0)
    milliseconds = np.rint((time_s - 60.0 * whole_minutes) * 1000.0).astype(np.int64)
    for minute, ms in zip(whole_minutes.tolist(), milliseconds.tolist(), strict=True):
        moment = start + dt.timedelta(minutes=minute)
        dates.append(f"{moment.day:02d}-{_MONTHS[moment.month - 1]}-{moment.year:04d}")
        times.append(f"{moment.hour:02d}:{moment.minute:02d}:{ms // 1000:02d}.{ms % 1000:03d}")
    julian = _JULIAN_DATE_OF_EPOCH + ((start - _JULIAN_EPOCH).total_seconds() + time_s) / 86_400.0
    seconds = (start - _CLOCK_EPOCH).total_seconds() + time_s
    whole = np.floor(seconds)
    ticks = np.minimum(np.rint((seconds - whole) * 65_536.0), 65_535.0)
    return dates, times, julian, whole + ticks / 100_000.0
