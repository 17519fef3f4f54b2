import numpy as np
import pytest

from nightside.formats import BadTable
from nightside.formats.diviner import GCP_ROWS
from nightside.thermal.gcp import read_gcp_observations


def test_one_channel_is_read_on_the_full_circle(gcp_table):
    rows = [
        {"clon": "-179.75", "clat": "-43.25", "ltim": "0.125", "t6": "90.000", "t7": "100.500"},
        {"clon": "11.25", "clat": "-43.25", "ltim": "23.875", "t6": "90.000", "t7": "-9999.000"},
        {"clon": "11.25", "clat": "-43.75", "ltim": "24.000", "t6": "90.000", "t7": "-120.000"},
        {"clon": "11.75", "clat": "-43.75", "ltim": "24.000", "t6": "90.000", "t7": "-9998"},
    ]
    path = gcp_table(rows)
    seen = read_gcp_observations(path, 7)
    unseen = GCP_ROWS - 4
    assert seen.counters == {
        "rows": GCP_ROWS,
        "missing": 2 + unseen,
        "negative_radiance": 1,
        "passed": 1,
    }
    assert seen.longitude_deg.tolist() == [180.25]
    assert seen.temperature_k.tolist() == [100.5]
    assert read_gcp_observations(path, 6).local_time_h.tolist() == [0.125, 23.875, 24.0, 24.0]


def test_letters_name_file_row_and_column(gcp_table):
    path = gcp_table([{}, {"ltim": "noon"}])
    with pytest.raises(BadTable, match=rf"{path.name}: row 2 .*'ltim'"):
        read_gcp_observations(path, 7)


@pytest.mark.parametrize("more", [-1, 1])
def test_a_table_cut_between_two_rows_or_too_long_is_no_whole_band(gcp_table, more):
    path = gcp_table([{"t7": "100"}], GCP_ROWS + more)
    with pytest.raises(BadTable, match=rf"{path.name}: has {GCP_ROWS + more} rows, a whole band has 1382400"):
        read_gcp_observations(path, 7)


def test_an_rdr_table_is_no_gcp_table(rdr_row, rdr_zip):
    with pytest.raises(BadTable, match="another instrument"):
        read_gcp_observations(rdr_zip([rdr_row()]), 7)


def test_readers_return_plain_floats(gcp_table):
    seen = read_gcp_observations(gcp_table([{"t7": "1"}]), 7)
    assert seen.longitude_deg.dtype == np.float64
