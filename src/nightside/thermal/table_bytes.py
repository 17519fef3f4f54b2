"""The bytes of a table, from a zip or a plain file, inflated in pieces: nothing is unpacked to disk.

The zip's own length and CRC-32 are checked, so a truncated or damaged file is noticed.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isal import isal_zlib

from nightside.formats import BadTable

_READ_BYTES = 1 << 18
_PIECE_BYTES = 1 << 22
_RAW_DEFLATE = -15
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_INFLATE_ERROR: Any = isal_zlib.error


def table_pieces(path: Path) -> Iterator[bytes]:
    """Yield the content of a ``.tab`` file, or of the one ``.tab`` in a zip, in pieces of at most 4 MiB.

    Raises:
        BadTable: the file cannot be read, is empty, is no complete zip, or fails its length or CRC-32.
    """
    try:
        if path.stat().st_size == 0:
            raise BadTable(f"{path}: is empty; fetch it again")
        if path.suffix.lower() == ".zip":
            yield from _inflated(path)
        else:
            with path.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    yield piece
    except OSError as error:
        raise BadTable(f"{path}: cannot be read ({error.strerror or error}); fetch it again") from error
    except (zipfile.BadZipFile, _INFLATE_ERROR, EOFError, struct.error, NotImplementedError) as error:
        raise BadTable(f"{path}: is no complete zip ({error}); fetch it again") from error


def _inflated(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        tables = [member for member in archive.infolist() if member.filename.lower().endswith(".tab")]
    if len(tables) != 1:
        raise BadTable(f"{path}: expected one .tab in the zip, found {len(tables)}; is it a Diviner RDR zip?")
    member = tables[0]
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
        raise BadTable(
            f"{path}: {member.filename} is encrypted or not deflated; the archive's zips are deflated"
        )
    size, crc = 0, 0
    for piece in _member(path, member):
        size, crc = size + len(piece), isal_zlib.crc32(piece, crc)
        yield piece
    if size != member.file_size or crc != member.CRC:
        raise BadTable(
            f"{path}: {member.filename} holds {size} bytes with CRC {crc:08x}, the zip declares "
            f"{member.file_size} and {member.CRC:08x}; fetch it again"
        )


def _member(path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(member.header_offset)
        signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        if signature != b"PK\x03\x04":
            raise zipfile.BadZipFile("no local header where the directory says")
        file.seek(name_bytes + extra_bytes, 1)
        left = member.compress_size
        stored = member.compress_type == zipfile.ZIP_STORED
        inflater = isal_zlib.decompressobj(wbits=_RAW_DEFLATE)
        while left > 0:
            packed = file.read(min(_READ_BYTES, left))
            if not packed:
                raise EOFError("it ends early")
            left -= len(packed)
            if stored:
                yield packed
                continue
            while packed:
                piece = inflater.decompress(packed, _PIECE_BYTES)
                packed = inflater.unconsumed_tail
                if piece:
                    yield piece
                if inflater.eof:
                    break
        if not stored and (rest := inflater.flush()):
            yield rest
