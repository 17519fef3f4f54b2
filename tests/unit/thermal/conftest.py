"""Small tables of the real format, row by row."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from nightside.formats.diviner import GCP_COLUMNS, GCP_ROW_BYTES, GCP_ROWS, RDR_COLUMNS, RDR_ROW_BYTES, Column

PASSING = {
    "date": "05-Jan-2010",
    "utc": "00:00:00.064",
    "jdate": "2455201.500000741",
    "orbit": "2400",
    "sclk": "0284342400.12345",
    "af": "110",
    "c": "7",
    "det": "11",
    "radiance": "1.2345",
    "tb": "100.000",
    "clat": "-43.29000",
    "clon": "348.67000",
    "cemis": "3.00000",
    "cloctime": "6.10000",
    "qca": "000",
    "qge": "012",
    "qmi": "000",
}
HEADER = ["# one", "# two", "# three", ", ".join(c.name for c in RDR_COLUMNS)]


def _row(values: dict[str, str], columns: Sequence[Column], width: int) -> bytes:
    row = bytearray(b" " * (width - 2) + b"\r\n")
    for c in columns:
        if c.kind == "text":
            row[c.slice.start - 1] = row[c.slice.stop] = ord('"')
        if c is not columns[-1]:
            row[c.slice.stop + (c.kind == "text")] = ord(",")
        row[c.slice] = values.get(c.name, "0").rjust(c.width).encode()
    return bytes(row)


@pytest.fixture
def rdr_row() -> Callable[..., bytes]:
    """Make one RDR row that passes the default filter, but for the values given."""
    return lambda **values: _row({**PASSING, **values}, RDR_COLUMNS, RDR_ROW_BYTES)


@pytest.fixture
def rdr_zip(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as a ten-minute zip."""

    def write(rows: Sequence[bytes], stamp: str = "201001050000", header: Sequence[str] = HEADER) -> Path:
        path = tmp_path / f"{stamp}_rdr.zip"
        content = "".join(line + "\r\n" for line in header).encode() + b"".join(rows)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{stamp}_RDR.TAB", content)
        return path

    return write


@pytest.fixture
def gcp_table(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Write rows, given as dicts of text, as a GCP table; all others up to ``total`` hold no temperature."""
    written = []

    def write(rows: Sequence[dict[str, str]], total: int = GCP_ROWS) -> Path:
        path = tmp_path / "global_cumul_avg_cyl_50s40s_002.tab"
        written.append(path)
        header = _row({c.name: c.name for c in GCP_COLUMNS}, GCP_COLUMNS, GCP_ROW_BYTES)
        unseen = _row({c.name: "-9999.000" for c in GCP_COLUMNS[3:]}, GCP_COLUMNS, GCP_ROW_BYTES)
        given = b"".join(_row(row, GCP_COLUMNS, GCP_ROW_BYTES) for row in rows)
        path.write_bytes(header + given + unseen * (total - len(rows)))
        return path

    yield write
    for path in written:  # 156 MB each
        path.unlink(missing_ok=True)
