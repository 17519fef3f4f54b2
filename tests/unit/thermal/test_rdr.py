import zipfile

import numpy as np
import pytest

from nightside.config import RowFilter
from nightside.formats import BadTable
from nightside.formats.diviner import RDR_COLUMNS
from nightside.thermal.rdr import read_observations, read_rdr


def test_every_column_is_read_with_its_type(rdr_row, rdr_zip):
    table = read_rdr(rdr_zip([rdr_row(), rdr_row(tb="-9999")]))
    assert set(table.data_vars) == {c.name for c in RDR_COLUMNS} | {"time"}
    assert table["c"].dtype == np.int32
    assert table["qge"].values.tolist() == [12, 12]
    assert table["tb"].values[0] == 100.0
    assert np.isnan(table["tb"].values[1])
    assert table["clon"].attrs["units"] == "deg"


def test_a_second_of_60_is_the_next_minute(rdr_row, rdr_zip):
    rows = [rdr_row(utc="23:59:60.000", date="31-Dec-2016"), rdr_row(utc="12:00:60.500", date="28-Feb-2012")]
    time = read_rdr(rdr_zip(rows), ["date", "utc"])["time"].values
    assert time[0] == np.datetime64("2017-01-01T00:00:00.000")
    assert time[1] == np.datetime64("2012-02-28T12:01:00.500")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"c": "6"}, "other_channel"),
        ({"af": "-110"}, "other_activity"),
        ({"qca": "001"}, "quality"),
        ({"qge": "024"}, "quality"),
        ({"qmi": "002"}, "quality"),
        ({"cemis": "10.00000"}, "emission"),
        ({"cemis": "-9999"}, "missing"),
        ({"tb": "-9998"}, "missing"),
        ({"clon": "-9999"}, "missing"),
        ({"clat": "-9999"}, "missing"),
        ({"cloctime": "-9999"}, "missing"),
        ({"tb": "-38.100"}, "negative_radiance"),
        ({}, "passed"),
    ],
)
def test_each_row_is_taken_or_refused_for_one_reason(rdr_row, rdr_zip, values, reason):
    seen = read_observations(rdr_zip([rdr_row(**values)]), RowFilter())
    assert {k for k, v in seen.counters.items() if v} == {"rows", reason}
    assert seen.temperature_k.size == (reason == "passed")


def test_compiled_and_full_readers_agree(rdr_row, rdr_zip):
    rng = np.random.default_rng(1)
    values = rng.uniform([0, -90, 0, 20], [360, 90, 24, 400], (200, 4))
    names = ("clon", "clat", "cloctime", "tb")
    decimals = (5, 5, 5, 3)
    texts = [[f"{v:.{d}f}" for v, d in zip(row, decimals, strict=True)] for row in values]
    path = rdr_zip([rdr_row(**dict(zip(names, row, strict=True))) for row in texts])
    seen, table = read_observations(path, RowFilter()), read_rdr(path)
    for got, name in zip(
        (seen.longitude_deg, seen.latitude_deg, seen.local_time_h, seen.temperature_k), names, strict=True
    ):
        np.testing.assert_array_equal(got, table[name].values)


def test_plain_tables_and_line_feeds_are_read_too(rdr_row, rdr_zip, tmp_path):
    path = tmp_path / "201001050000_RDR.TAB"
    path.write_bytes(b"#\n" * 4 + b"".join(rdr_row().replace(b"\r", b"") for _ in range(3)))
    assert read_observations(path, RowFilter()).counters["passed"] == 3


def test_a_table_larger_than_a_piece_is_cut_between_rows(rdr_row, rdr_zip):
    count = 30_000
    seen = read_observations(rdr_zip([rdr_row(), rdr_row(c="3")] * (count // 2)), RowFilter())
    assert seen.counters["rows"] == count
    assert seen.counters["passed"] == count // 2
    assert np.all(seen.temperature_k == 100.0)


@pytest.mark.parametrize("name", ["tb", "clat", "clon", "cemis", "cloctime", "qge", "af", "c", "sclk"])
def test_letters_in_a_number_name_file_row_and_column(rdr_row, rdr_zip, name):
    path = rdr_zip([rdr_row(), rdr_row(), rdr_row(**{name: "x"})])
    with pytest.raises(BadTable, match=rf"{path.name}: row 3 .*'{name}'"):
        read_observations(path, RowFilter())
    with pytest.raises(BadTable, match=rf"{path.name}: row 3 .*'{name}'"):
        read_rdr(path)


def test_a_short_row_is_named(rdr_row, rdr_zip):
    path = rdr_zip([rdr_row(), rdr_row()[:200] + b"\r\n", rdr_row()])
    with pytest.raises(BadTable, match=f"{path.name}: row 2 is not 342 bytes wide"):
        read_observations(path, RowFilter())


def test_a_cut_last_row_is_named(rdr_row, rdr_zip):
    with pytest.raises(BadTable, match="row 2 has 100 of 342 bytes"):
        read_observations(rdr_zip([rdr_row(), rdr_row()[:100]]), RowFilter())


def test_tables_of_another_instrument_are_refused(rdr_row, rdr_zip):
    with pytest.raises(BadTable, match="another instrument"):
        read_observations(rdr_zip([b"1, 2, 3\r\n"]), RowFilter())
    with pytest.raises(BadTable, match="another instrument"):
        read_observations(rdr_zip([rdr_row().replace(b",", b" ", 1)]), RowFilter())
    with pytest.raises(BadTable, match="names other columns"):
        read_observations(rdr_zip([rdr_row()], header=["", "", "", ",".join("abc" * 11)]), RowFilter())


def test_damaged_files_are_refused(rdr_row, rdr_zip, tmp_path):
    whole = rdr_zip([rdr_row()] * 50).read_bytes()
    path = tmp_path / "201001050010_rdr.zip"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadTable, match="no complete zip"):
        read_observations(path, RowFilter())
    at = whole.index(b"RDR.TAB") + 60
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
    with pytest.raises(BadTable, match=path.name):
        read_observations(path, RowFilter())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("201001050010_RDR.TAB", b"#\r\n" * 4 + rdr_row() * 2)
    # One digit of a temperature: still a table, but not the one that was packed.
    path.write_bytes(path.read_bytes().replace(b"100.000", b"900.000", 1))
    with pytest.raises(BadTable, match=r"with CRC .*fetch it again"):
        read_observations(path, RowFilter())
    path.write_bytes(b"")
    with pytest.raises(BadTable, match="is empty"):
        read_observations(path, RowFilter())
    with pytest.raises(BadTable, match="has no row"):
        read_observations(rdr_zip([]), RowFilter())
    with pytest.raises(BadTable, match="cannot be read"):
        read_observations(tmp_path / "absent_rdr.zip", RowFilter())
