import datetime as dt
import io
import json
import os
import zipfile

import pytest

from nightside.config import load
from nightside.thermal import archive
from nightside.thermal.acquire import NoTables, acquire, block_period, blocks, listing_digests


def configured(source="local", level="rdr", **diviner):
    section = {"source": source, "level": level, **diviner}
    if level == "rdr":
        section = {"start": "2010-01-10", "end": "2010-05-03", **section}
    region = {"longitude_deg": 348.67, "latitude_deg": -43.29, "width_km": 60, "pixels_per_degree": 2}
    content = {"name": "t", "region": region, "diviner": section}
    if level == "gcp":
        content["thermal"] = {"bins": {"local_time_bins": 96}}
    return load(content)


def small_zip(name):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as zipped:
        zipped.writestr(name, b"a table")
    return held.getvalue()


def test_blocks_span_their_months_and_keep_to_the_period(tmp_path):
    settings = configured(folder=str(tmp_path), block_months=3)
    assert blocks(settings) == ["201001", "201004"]
    assert block_period(settings, "201001") == (dt.date(2010, 1, 10), dt.date(2010, 3, 31))
    assert block_period(settings, "201004") == (dt.date(2010, 4, 1), dt.date(2010, 5, 3))
    with pytest.raises(ValueError, match="201001, 201004"):
        block_period(settings, "201002")


def test_a_folder_is_searched_in_depth_and_in_either_case(tmp_path):
    for name in ("deep/201001110000_rdr.zip", "201002110010_RDR.TAB", "201001090000_rdr.zip", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    settings = configured(folder=str(tmp_path))
    inventory = acquire(settings, "201001", tmp_path)
    assert [f["path"] for f in inventory["files"]] == ["deep/201001110000_rdr.zip"]
    assert inventory["files"][0]["bytes"] == 1
    assert len(inventory["files"][0]["sha256"]) == 64
    assert [f["path"] for f in acquire(settings, "201002", tmp_path)["files"]] == ["201002110010_RDR.TAB"]
    assert acquire(settings, "201003", tmp_path)["files"] == []
    json.dumps(inventory, allow_nan=False)


def test_a_table_that_lies_there_twice_counts_once(tmp_path):
    for name in ("b/201001110000_rdr.zip", "a/201001110000_rdr.tab"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    inventory = acquire(configured(folder=str(tmp_path)), "201001", tmp_path)
    assert [f["path"] for f in inventory["files"]] == ["a/201001110000_rdr.tab"]


def test_a_changed_table_changes_the_listing_of_its_block_only(tmp_path):
    settings = configured(folder=str(tmp_path), block_months=2)
    january, april = tmp_path / "201001110000_rdr.zip", tmp_path / "deep/201004110000_rdr.zip"
    april.parent.mkdir()
    for path in (january, april, tmp_path / "200901110000_rdr.zip"):
        path.write_bytes(b"cut")
    before = listing_digests(settings, tmp_path)
    assert sorted(before) == ["201001", "201003"]
    (tmp_path / "notes.txt").write_bytes(b"x")
    assert listing_digests(settings, tmp_path) == before
    april.write_bytes(b"mended")
    mended = listing_digests(settings, tmp_path)
    april.write_bytes(b"MENDED")
    os.utime(april, ns=(0, 0))
    touched = listing_digests(settings, tmp_path)
    (tmp_path / "201004110010_rdr.zip").write_bytes(b"x")
    added = listing_digests(settings, tmp_path)
    assert {found["201001"] for found in (mended, touched, added)} == {before["201001"]}
    assert len({found["201003"] for found in (before, mended, touched, added)}) == 4
    assert listing_digests(settings, tmp_path / "none") == {}


def test_a_folder_without_tables_is_named(tmp_path):
    with pytest.raises(NoTables, match=r"no RDR table .* of the configured period"):
        acquire(configured(folder=str(tmp_path)), "201001", tmp_path)
    with pytest.raises(NoTables, match="no such folder"):
        acquire(configured(folder=str(tmp_path)), "201001", tmp_path / "none")


def test_a_band_comes_from_the_archive(archive_server, tmp_path):
    settings = configured("pds", "gcp", archive_url=archive_server.url)
    assert blocks(settings) == ["50s40s"]
    url = archive.gcp_url(archive_server.url, "50s40s")
    archive_server.files[url.removeprefix(archive_server.url)] = bytes(archive.GCP_BYTES)
    inventory = acquire(settings, "50s40s", tmp_path)
    assert [f["path"] for f in inventory["files"]] == ["global_cumul_avg_cyl_50s40s_002.tab"]
    assert inventory["failed"] == {}
    (tmp_path / inventory["files"][0]["path"]).unlink()  # 156 MB


def test_a_band_that_was_cut_between_two_rows_is_broken(archive_server, tmp_path):
    settings = configured("pds", "gcp", archive_url=archive_server.url, retries=0)
    archive_server.files[archive.gcp_url("", "50s40s")] = bytes(113 * 1000)
    failed = acquire(settings, "50s40s", tmp_path)["failed"]
    assert "has 113000 bytes, a whole one has 156211313" in failed["global_cumul_avg_cyl_50s40s_002.tab"]


def test_tables_come_from_the_archive_with_what_is_missing_and_what_failed(archive_server, tmp_path):
    settings = configured(
        "pds",
        start="2010-01-10",
        end="2010-01-10",
        select="all",
        archive_url=archive_server.url,
        retries=0,
    )
    day = archive.slots(dt.date(2010, 1, 10), dt.date(2010, 1, 10))
    urls = [archive.rdr_url("", slot) for slot in day]
    for url in urls[:4]:
        archive_server.files[url] = small_zip("a.TAB")
    archive_server.faults[urls[1]] = ["drop"]
    inventory = acquire(settings, "201001", tmp_path)
    assert len(inventory["files"]) == 3
    assert list(inventory["failed"]) == [archive.rdr_path(day[1])]
    assert len(inventory["missing"]) == 140
    again = acquire(settings, "201001", tmp_path)
    assert len(again["files"]) == 4
    assert again["failed"] == {}
    assert archive_server.requests[urls[0]] == 1


def test_a_block_whose_only_table_the_server_has_broken_goes_on_without_it(archive_server, tmp_path):
    settings = configured("pds", "gcp", archive_url=archive_server.url, retries=0)
    archive_server.files[archive.gcp_url("", "50s40s")] = b""
    inventory = acquire(settings, "50s40s", tmp_path)
    assert inventory["files"] == []
    assert "is empty" in inventory["failed"]["global_cumul_avg_cyl_50s40s_002.tab"]


def test_a_run_in_which_every_download_fails_stops_with_the_first_reason(tmp_path):
    settings = configured("pds", "gcp", archive_url="http://127.0.0.1:9", retries=0)
    with pytest.raises(NoTables, match="check the network"):
        acquire(settings, "50s40s", tmp_path)
