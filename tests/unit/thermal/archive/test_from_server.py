"""From an archive with a bad line to bins, as the commands do it: nothing is lost and nothing counts twice."""

import datetime as dt
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from nightside.cli import app
from nightside.config import load
from nightside.store import open_store, read_manifest
from nightside.synthetic.truth import make_truth
from nightside.synthetic.write import write_tables
from nightside.thermal import archive

START, END = dt.date(2010, 1, 13), dt.date(2010, 1, 14)
"""The first days on which the synthetic orbit, begun on 1 January, passes the region."""


def configured(source, start=START, **more):
    region = {"longitude_deg": 348.67, "latitude_deg": -43.29, "width_km": 60, "pixels_per_degree": 4}
    diviner = {"source": source, "start": str(start), "end": str(END), **more}
    return load({"name": "t", "seed": 1, "region": region, "diviner": diviner, "synthetic": {}})


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The synthetic Moon's tables of these days, in the archive's folders."""
    folder = tmp_path_factory.mktemp("tables")
    settings = configured("synthetic", start=dt.date(2010, 1, 1))
    write_tables(settings, make_truth(settings), folder)
    return folder


def run(folder, *arguments):
    done = CliRunner().invoke(app, ["thermal", *arguments, "--config", str(folder / "config.yaml")])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def bins_of(settings, folder, place):
    """Run acquire and ingest in ``folder`` on the tables in ``place``; return the inventory, bins and details."""
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(settings.to_yaml())
    inventory, out = folder / "i.json", folder / "bins.zarr"
    run(folder, "acquire", "--block", "201001", "--folder", str(place), "--out", str(inventory))
    run(folder, "ingest", "--inventory", str(inventory), "--out", str(out))
    bins = open_store(out, kind="bins", chunked=False).load()
    return json.loads(inventory.read_text()), bins, read_manifest(out)["details"]


def test_tables_over_a_bad_line_give_the_bins_of_the_same_tables_at_hand(archive_server, tables, tmp_path):
    taken = [slot for slot in archive.slots(START, END) if (tables / archive.rdr_path(slot)).exists()]
    paths = [archive.rdr_path(slot) for slot in taken]
    urls = [archive.rdr_url("", slot) for slot in taken]
    archive_server.files = {url: (tables / path).read_bytes() for url, path in zip(urls, paths, strict=True)}
    dropped, cut, *_ = urls
    archive_server.faults |= {dropped: ["drop"], cut: ["truncate"]}
    local = configured("local", folder=str(tables))
    _, expected, expected_details = bins_of(local, tmp_path / "local", tables)
    pds = configured("pds", select="all", archive_url=archive_server.url)
    inventory, bins, details = bins_of(pds, tmp_path / "pds", tmp_path / "downloads")

    assert [f["path"] for f in inventory["files"]] == paths
    assert len(inventory["missing"]) == 2 * 144 - len(paths)
    assert inventory["failed"] == {}
    assert not any(archive_server.faults.values())
    assert [url for url, _ in archive_server.ranges] == [dropped]
    assert archive_server.sent[dropped] == len(archive_server.files[dropped])
    assert archive_server.requests[cut] == 2
    assert int(expected["n"].sum()) > 1000
    for name in expected:
        np.testing.assert_array_equal(bins[name], expected[name])
    assert details["rows"] == expected_details["rows"]
    assert details["set_aside"] == details["not_acquired"] == {}

    # A table that was cut on the disk afterwards is fetched again by the same command.
    whole = tmp_path / "downloads" / inventory["files"][1]["path"]
    whole.write_bytes(whole.read_bytes()[:-100])
    out = str(tmp_path / "b.zarr")
    said = run(tmp_path / "pds", "ingest", "--inventory", str(tmp_path / "pds/i.json"), "--out", out)
    assert f"set aside {whole}" in said
    assert "--forcerun acquire fetches again" in said
    again, bins, _ = bins_of(pds, tmp_path / "pds", tmp_path / "downloads")
    assert again == inventory
    np.testing.assert_array_equal(bins["n"], expected["n"])
