"""The column tables against the archive's own format files."""

import re

import pytest

from nightside.formats.diviner import (
    GCP_COLUMNS,
    GCP_ROW_BYTES,
    GCP_ROWS,
    INVALID,
    RDR_COLUMNS,
    RDR_ROW_BYTES,
    UNKNOWN,
)

pytestmark = pytest.mark.real


def declared(text):
    """Parse the COLUMN objects of a PDS3 format file."""
    objects = re.findall(r"OBJECT\s*=\s*COLUMN\s(.*?)END_OBJECT", text, re.DOTALL)
    return [dict(re.findall(r"^\s*(\w+)\s*=\s*(\"[^\"]*\"|\S+)", body, re.MULTILINE)) for body in objects]


@pytest.mark.parametrize(
    ("name", "columns", "row_bytes"),
    [("DLRE_RDR.FMT", RDR_COLUMNS, RDR_ROW_BYTES), ("DLRE_GCP.FMT", GCP_COLUMNS, GCP_ROW_BYTES)],
)
def test_columns_lie_where_the_archive_says(shared_data, name, columns, row_bytes):
    real = declared((shared_data / "diviner" / name).read_text(encoding="latin-1"))
    assert [(c["NAME"].strip('"'), int(c["START_BYTE"]), int(c["BYTES"])) for c in real] == [
        (c.name, c.start, c.width) for c in columns
    ]
    kinds = {"CHARACTER": "text", "ASCII_INTEGER": "integer", "ASCII_REAL": "real"}
    assert [kinds[c["DATA_TYPE"]] for c in real] == [c.kind for c in columns]
    assert {float(c["UNKNOWN_CONSTANT"]) for c in real if "UNKNOWN_CONSTANT" in c} == {UNKNOWN}
    assert {float(c["INVALID_CONSTANT"]) for c in real if "INVALID_CONSTANT" in c} == {INVALID}
    assert columns[-1].slice.stop + 2 == row_bytes


def test_the_gcp_label_declares_the_row_and_its_count(shared_data):
    label = (shared_data / "diviner" / "global_cumul_avg_cyl_10n20n_002.lbl").read_text(encoding="latin-1")
    assert int(re.search(r"ROW_BYTES\s*=\s*(\d+)", label)[1]) == GCP_ROW_BYTES
    assert int(re.search(r"\sROWS\s*=\s*(\d+)", label)[1]) == GCP_ROWS
