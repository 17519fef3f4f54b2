import datetime as dt
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from nightside.config import load
from nightside.formats.diviner import RDR_COLUMNS, RDR_HEADER_LINES, RDR_ROW_BYTES, Column
from nightside.store import grid_of
from nightside.synthetic.fixed_width import blank_row, place_numbers
from nightside.synthetic.observation import Surface, observe
from nightside.synthetic.orbit import Orbit
from nightside.synthetic.rdr_writer import rdr_bytes, write_rdr_zip, zip_bytes
from nightside.synthetic.truth import make_truth
from nightside.synthetic.write import plan, write_tables

START = dt.datetime(2010, 1, 1)


@pytest.fixture(scope="module")
def scene():
    settings = load(
        {
            "name": "test",
            "region": {
                "longitude_deg": 348.67,
                "latitude_deg": -43.29,
                "width_km": 4,
                "pixels_per_degree": 128,
            },
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
        }
    )
    return settings, make_truth(settings)


@pytest.fixture(scope="module")
def table(scene):
    settings, truth = scene
    chosen = plan(settings)[0][0]
    surface = Surface(truth, grid_of(settings.region))
    seen = observe(
        Orbit.from_seed(settings.seed), chosen.samples, surface, settings.synthetic, np.random.default_rng(0)
    )
    return seen, rdr_bytes(seen, START, "X_RDR.TAB")


def lines(content: bytes) -> list[bytes]:
    return content.split(b"\r\n")[RDR_HEADER_LINES:-1]


def field(rows: list[bytes], name: str) -> list[str]:
    column = next(c for c in RDR_COLUMNS if c.name == name)
    return [row[column.slice].decode() for row in rows]


def test_rows_have_342_bytes_and_33_columns(table):
    rows = lines(table[1])
    assert len(rows) == table[0].time_s.size * 189
    assert {len(row) + 2 for row in rows} == {RDR_ROW_BYTES}
    assert {row.count(b", ") for row in rows} == {32}


def test_values_survive_the_writing(table):
    seen, content = table
    rows = lines(content)
    shape = (seen.time_s.size, 9, 21)
    for name in ("clat", "clon", "tb", "cloctime", "radiance", "vlookz", "csunzen"):
        decimals = next(c.decimals for c in RDR_COLUMNS if c.name == name)
        expected = np.broadcast_to(seen.rows[name], shape).ravel()
        assert_allclose(np.array(field(rows, name), float), expected, atol=0.501 * 10.0**-decimals)
    for name in ("sclat", "sunlon", "scrad"):
        assert_allclose(np.array(field(rows, name), float), np.repeat(seen.samples[name], 189), atol=0.501e-5)


def test_columns_are_parted_by_nothing_but_commas_blanks_and_quotes(table):
    row = bytearray(lines(table[1])[0])
    for column in RDR_COLUMNS:
        row[column.slice] = b" " * column.width
    assert set(row) <= set(b' ,"')


def test_quality_flags_are_zero_padded_and_good_rows_are_the_most(table):
    rows = lines(table[1])
    flags = np.array([field(rows, n) for n in ("qca", "qge", "qmi")])
    good = (flags[0] == "000") & (flags[1] == "012") & (flags[2] == "000")
    assert abs(np.mean(~good) - 0.05) < 0.02


def test_time_columns_agree(table):
    rows = lines(table[1])[::189]
    for date, utc, jdate, sclk in zip(
        *(field(rows, n) for n in ("date", "utc", "jdate", "sclk")), strict=True
    ):
        hour, minute, second = utc.split(":")
        moment = dt.datetime.strptime(date, "%d-%b-%Y") + dt.timedelta(
            hours=int(hour), minutes=int(minute), seconds=float(second)
        )
        days = (moment - dt.datetime(2000, 1, 1, 12)).total_seconds() / 86_400 + 2_451_545
        assert abs(float(jdate) - days) < 2e-8
        whole, ticks = sclk.split(".")
        assert int(ticks) < 65_536
        seconds = (moment - dt.datetime(2001, 1, 1)).total_seconds()
        assert abs(int(whole) + int(ticks) / 65_536 - seconds) < 2e-3


def test_some_seconds_are_written_as_60(scene):
    settings, truth = scene
    surface = Surface(truth, grid_of(settings.region))
    seen = observe(
        Orbit.from_seed(1), np.arange(1870, 1877), surface, settings.synthetic, np.random.default_rng(0)
    )
    seconds = {utc[6:] for utc in field(lines(rdr_bytes(seen, START, "X")), "utc")}
    late = observe(
        Orbit.from_seed(1), np.arange(0, 1900), surface, settings.synthetic, np.random.default_rng(0)
    )
    seconds |= {utc[6:] for utc in field(lines(rdr_bytes(late, START, "X")), "utc")}
    assert "60.000" in seconds


def test_good_channel_7_rows_show_the_truth(scene, table):
    settings, truth = scene
    seen = table[0]
    surface = Surface(truth, grid_of(settings.region))
    cell = surface.cells(seen.rows["clon"][:, 0], seen.rows["clat"][:, 0])
    expected = surface.temperature_k(cell, seen.rows["cloctime"][:, 0])
    tb = seen.rows["tb"][:, 6]
    good = (seen.rows["qca"] == 0) & (seen.rows["qge"] == 12) & (seen.rows["qmi"] == 0)
    use = good[:, 6] & (tb > 0)
    error = tb[use] - expected[use]
    assert abs(error.std() - settings.synthetic.noise_k) < 0.2
    assert abs(error.mean()) < 0.2


def test_same_seed_writes_the_same_bytes(scene, tmp_path: Path):
    settings, truth = scene
    calls = []
    first = write_tables(settings, truth, tmp_path / "a", lambda done, total: calls.append((done, total)))
    second = write_tables(settings, truth, tmp_path / "b")
    assert first == second
    assert calls[-1] == (len(first["tables"]), len(first["tables"]))
    for name in first["tables"]:
        assert re.fullmatch(r"(\d{4})/(\1\d\d)/(\2\d\d)/\3\d{4}_rdr\.zip", name)
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / name).with_suffix(".lbl").is_file()
        with zipfile.ZipFile(tmp_path / "a" / name) as archive:
            stamp = Path(name).name[:12]
            assert archive.namelist() == [f"{stamp}_RDR.TAB"]
            row = lines(archive.read(f"{stamp}_RDR.TAB"))[0]
        moment = dt.datetime.strptime(row[1:12].decode(), "%d-%b-%Y")
        assert moment.strftime("%Y%m%d") == stamp[:8]
    assert first["bytes_unzipped"] // RDR_ROW_BYTES >= first["rows"] > 0


def test_zip_carries_no_time_of_writing(tmp_path: Path):
    content = b"a\r\n" * 4
    one = write_rdr_zip(content, tmp_path / "1", "201001010000").read_bytes()
    assert one == write_rdr_zip(content, tmp_path / "2", "201001010000").read_bytes()


def test_numbers_are_written_to_the_last_digit():
    column = Column("x", 1, 9, "real", 5, "", "")
    values = np.array([[0.0], [-0.5], [359.99999], [-12.000004], [1e-6], [-1e-6], [-9999.0]])
    rows = np.tile(blank_row((column,), 12), (len(values), 1))
    place_numbers(rows, (column,), values, values == -9999)
    text = [bytes(row[:9]).decode() for row in rows]
    assert text == [
        "  0.00000",
        " -0.50000",
        "359.99999",
        "-12.00000",
        "  0.00000",
        "  0.00000",
        "    -9999",
    ]


def test_a_number_that_does_not_fit_is_an_error():
    column = Column("x", 1, 6, "real", 3, "", "")
    rows = np.tile(blank_row((column,), 10), (1, 1))
    with pytest.raises(ValueError, match=r"x = -12\.5 does not fit 6 bytes"):
        place_numbers(rows, (column,), np.array([[-12.5]]), np.zeros((1, 1), bool))


def test_zip_is_sound_to_the_standard_library(tmp_path: Path):
    content = bytes(range(256)) * 1000
    (tmp_path / "a.zip").write_bytes(zip_bytes(content, "A.TAB"))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("A.TAB") == content
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)
