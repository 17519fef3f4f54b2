import re
from pathlib import Path

import numpy as np
import pytest

from nightside.formats.diviner import GCP_COLUMNS, GCP_ROW_BYTES, RDR_COLUMNS, RDR_ROW_BYTES
from nightside.synthetic.fixed_width import blank_row, place_numbers

pytestmark = pytest.mark.real


def label_columns(path: Path) -> list[tuple[str, int, int]]:
    text = path.read_text(encoding="latin-1")
    pattern = r"NAME\s*=\s*(\S+).*?START_BYTE\s*=\s*(\d+).*?BYTES\s*=\s*(\d+)"
    return [(m[1], int(m[2]), int(m[3])) for m in re.finditer(pattern, text, re.DOTALL)]


@pytest.mark.parametrize(
    ("name", "columns", "row_bytes"),
    [
        ("DLRE_RDR.FMT", RDR_COLUMNS, RDR_ROW_BYTES),
        ("DLRE_GCP.FMT", GCP_COLUMNS, GCP_ROW_BYTES),
    ],
)
def test_written_values_lie_at_the_label_s_bytes(shared_data, name, columns, row_bytes):
    declared = label_columns(shared_data / "diviner" / name)
    assert len(declared) == len(columns)
    numbers = tuple(c for c in columns if c.kind != "text")
    row = blank_row(columns, row_bytes)[None, :].copy()
    expected = {c.name: float(k % 9 + 1) for k, c in enumerate(numbers)}
    values = np.array([[expected[c.name] for c in numbers]])
    place_numbers(row, numbers, values, np.zeros(values.shape, bool))
    text = bytes(row[0])
    for column, start, width in declared:
        if column in expected:
            assert float(text[start - 1 : start - 1 + width]) == expected[column]
    assert text.endswith(b"\r\n")
