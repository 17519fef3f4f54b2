import datetime as dt

import pytest

from nightside.config import Region
from nightside.thermal import archive

ROOT = "https://archive.example/lro"


def test_a_day_has_144_tables_and_the_last_day_counts():
    slots = archive.slots(dt.date(2010, 1, 1), dt.date(2010, 1, 2))
    assert len(slots) == 288
    assert slots[-1] == dt.datetime(2010, 1, 2, 23, 50)


@pytest.mark.parametrize(("year", "volume"), [(2009, "1001"), (2016, "1001"), (2017, "1002"), (2023, "1002")])
def test_a_table_lies_in_the_volume_of_its_year(year, volume):
    url = archive.rdr_url(ROOT + "/", dt.datetime(year, 7, 26, 19, 10))
    day = f"{year}/{year}07/{year}0726/{year}07261910_rdr.zip"
    assert url == f"{ROOT}/lro-l-dlre-4-rdr-v1/lrodlr_{volume}/data/{day}"


def test_the_name_of_a_table_tells_its_slot_in_either_case():
    assert archive.rdr_slot("201507261910_RDR.TAB") == dt.datetime(2015, 7, 26, 19, 10)
    assert archive.rdr_slot("201507261910_rdr.zip") == dt.datetime(2015, 7, 26, 19, 10)
    assert archive.rdr_slot("201513261910_rdr.zip") is None
    assert archive.rdr_slot("201507261910_rdr.lbl") is None


def test_the_eighteen_bands_run_from_pole_to_pole():
    bands = archive.gcp_bands()
    assert len(bands) == 18
    assert bands[0] == "90s80s"
    assert bands[8:10] == ["10s00s", "00n10n"]
    assert bands[-1] == "80n90n"
    assert archive.gcp_band(archive.gcp_name("10s00s").upper()) == "10s00s"
    assert archive.gcp_url(ROOT, "00n10n").endswith("/data_derived_gcp/global_cumul_avg_cyl_00n10n_002.tab")


def test_a_region_across_the_equator_needs_both_bands():
    region = Region(longitude_deg=359, latitude_deg=0.0, width_km=60, pixels_per_degree=2)
    assert archive.gcp_bands_of(region) == ["10s00s", "00n10n"]


def test_a_region_round_the_pole_needs_the_polar_band():
    region = Region(
        projection="polar_stereographic", longitude_deg=0, latitude_deg=-90, width_km=200, pixel_m=240
    )
    assert archive.gcp_bands_of(region) == ["90s80s"]
