import datetime as dt

import numpy as np
import pytest

from nightside.formats import BadTable
from nightside.store import grid_of
from nightside.thermal.ingest import ingest_tables, refuse_empty


def clock(second):
    return f"{284342400 + second:010d}.00000"


@pytest.fixture
def tables(rdr_row, rdr_zip):
    """Three tables; the last sample of each is the first of the next."""
    paths = []
    for t in range(3):
        rows = [
            rdr_row(sclk=clock(600 * t + s), tb=f"{100 + 0.1 * (600 * t + s):.3f}") for s in range(0, 601, 20)
        ]
        paths.append(rdr_zip(rows, f"2010010500{t}0"))
    return paths


def test_samples_at_the_edges_of_tables_count_once_in_any_order(tables, settings):
    grid = grid_of(settings.region)
    forward = ingest_tables(tables, settings, grid)
    backward = ingest_tables(tables[::-1], settings, grid, threads=1)
    assert forward.n.sum() == 3 * 30 + 1
    assert forward.counters["repeated"] == 2
    np.testing.assert_array_equal(forward.sum_k, backward.sum_k)
    np.testing.assert_array_equal(forward.sum_k2, backward.sum_k2)


def test_a_sample_that_two_blocks_tables_share_counts_in_the_block_of_its_day(settings, rdr_row, rdr_zip):
    grid = grid_of(settings.region)

    def row(second, midnight=2455228.5):  # 1 February 2010
        return rdr_row(sclk=clock(second), jdate=f"{midnight + second / 86400:.9f}")

    january = rdr_zip([row(s) for s in (-600, -300, -1, 0)], "201001312350")
    february = rdr_zip([row(s) for s in (-1, 0, 1, 300)], "201002010000")
    together = ingest_tables([january, february], settings, grid)
    apart = [
        ingest_tables([january], settings, grid, period=(dt.date(2010, 1, 1), dt.date(2010, 1, 31))),
        ingest_tables([february], settings, grid, period=(dt.date(2010, 2, 1), dt.date(2010, 2, 28))),
    ]
    assert [r.n.sum() for r in apart] == [3, 3]
    assert [r.counters["outside_period"] for r in apart] == [1, 1]
    np.testing.assert_array_equal(apart[0].n + apart[1].n, together.n)


def test_every_row_is_accounted_for(tables, settings):
    counters = ingest_tables(tables, settings, grid_of(settings.region)).counters
    lost = ("repeated", "outside_region", "missing", "negative_radiance", "emission", "quality")
    others = ("other_activity", "other_channel", "outside_period", "binned")
    assert counters["rows"] == sum(counters[k] for k in lost + others)


def test_one_broken_table_is_set_aside_whole(tables, settings, rdr_row, rdr_zip):
    grid = grid_of(settings.region)
    clean = ingest_tables(tables, settings, grid)
    rows = [rdr_row(sclk=clock(9000 + s)) for s in range(20_000)]
    bad = rdr_zip([*rows, rdr_row(tb="abc")], "201001050200")
    truncated = rdr_zip(rows, "201001050210")
    truncated.write_bytes(truncated.read_bytes()[:-30])
    empty = rdr_zip(rows, "201001050220")
    empty.write_bytes(b"")
    result = ingest_tables([*tables, bad, truncated, empty], settings, grid)
    assert set(result.set_aside) == {str(p) for p in (bad, truncated, empty)}
    assert "row 20001" in result.set_aside[str(bad)]
    np.testing.assert_array_equal(result.n, clean.n)
    np.testing.assert_array_equal(result.sum_k, clean.sum_k)


def block(rows=0, set_aside=(), not_acquired=()):
    """Return the details of a block's manifest."""
    read = {"tables": 1, "binned": rows} if rows else {}
    return {"rows": read, "set_aside": dict(set_aside), "not_acquired": dict(not_acquired)}


def test_a_block_may_be_broken_as_a_whole_but_a_run_may_not(settings, rdr_zip):
    path = rdr_zip([])
    result = ingest_tables([path], settings, grid_of(settings.region))
    assert result.n.sum() == 0
    broken = block(set_aside=result.set_aside)
    refuse_empty([broken, block(), block(rows=7)])
    with pytest.raises(BadTable, match=rf"none of 2 tables could be read; the first: {path}: has no row"):
        refuse_empty([broken, block(not_acquired={"b.zip": "the line broke"})])
    with pytest.raises(ValueError, match="no observation fell in the region"):
        refuse_empty([block(), block()])


def test_a_block_without_tables_has_empty_bins(settings):
    assert ingest_tables([], settings, grid_of(settings.region)).n.sum() == 0


def test_gcp_tables_fill_one_observation_a_bin(settings, gcp_table):
    source = settings.diviner.model_copy(update={"level": "gcp"})
    region = settings.region.model_copy(update={"pixels_per_degree": 2.0})
    settings = settings.model_copy(update={"diviner": source, "region": region})
    grid = grid_of(region)
    rows = [
        {"clon": "-11.25", "clat": "-43.25", "ltim": f"{(i + 0.5) / 4:.3f}", "t7": "100"} for i in range(96)
    ]
    result = ingest_tables([gcp_table(rows)], settings, grid)
    assert result.n.sum() == 96
    assert result.n.max() == 1
    assert np.unique(result.sum_k[result.n == 1]).tolist() == [100.0]
