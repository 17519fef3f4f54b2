import numpy as np
import pytest
from numpy.testing import assert_allclose

from nightside.config import load
from nightside.formats.diviner import GCP_COLUMNS, GCP_ROW_BYTES, column
from nightside.store import grid_of
from nightside.synthetic.gcp_writer import band_name, bands, gcp_bytes
from nightside.synthetic.truth import make_truth
from nightside.synthetic.write import write_tables


@pytest.fixture(scope="module")
def scene():
    settings = load(
        {
            "name": "bands",
            "region": {"longitude_deg": 20, "latitude_deg": 14, "width_km": 90, "pixels_per_degree": 2},
            "diviner": {"source": "synthetic", "level": "gcp"},
            "thermal": {"bins": {"local_time_bins": 96}},
            "synthetic": {"hot_craters": 0, "noise_k": 0.5},
        }
    )
    return settings, make_truth(settings)


def test_there_are_18_bands_with_the_archive_s_names():
    names = [band_name(*band) for band in bands()]
    assert len(set(names)) == 18
    assert "global_cumul_avg_cyl_10n20n_002.tab" in names
    assert "global_cumul_avg_cyl_60s50s_002.tab" in names


def test_a_band_has_the_label_s_rows_and_bytes(scene):
    settings, truth = scene
    content = gcp_bytes(truth, grid_of(settings.region), 10, 0.5, np.random.default_rng(0))
    assert len(content) == GCP_ROW_BYTES * 1_382_401
    table = np.frombuffer(content, np.uint8).reshape(-1, GCP_ROW_BYTES)
    assert (table[:, -2:] == [13, 10]).all()
    t7 = table[1:, column("t7", GCP_COLUMNS).slice].tobytes()
    values = np.array([float(t7[i : i + 9]) for i in range(0, len(t7), 9 * 7)])
    assert (values == -9999).mean() > 0.99
    seen = values[values > -9000]
    assert seen.size > 10
    assert 80 < seen.min() < seen.max() < 400


def test_a_band_beyond_the_region_is_not_written(scene, tmp_path):
    settings, truth = scene
    summary = write_tables(settings, truth, tmp_path)
    assert summary["tables"] == ["global_cumul_avg_cyl_10n20n_002.tab"]
    assert summary["rows"] == 1_382_400
    assert (tmp_path / "global_cumul_avg_cyl_10n20n_002.lbl").read_bytes().startswith(b"PDS_VERSION_ID")


def test_means_are_those_of_the_truth(scene):
    settings, truth = scene
    geobox = grid_of(settings.region)
    content = gcp_bytes(truth, geobox, 10, 0.0, np.random.default_rng(0))
    rows = [row for row in content.split(b"\r\n")[1:-1] if float(row[69:78]) > -9000]
    values = np.array([[float(v) for v in row.split(b",")] for row in rows])
    profiles = truth.temperature.values.reshape(-1, 120)
    assert len(rows) == profiles.shape[0] * 96
    first = values[0]
    lat_row = round((geobox.affine.f / 30323.35 - first[1]) * 2 - 0.5)
    lon_column = round((first[0] - geobox.affine.c / 30323.35) * 2 - 0.5)
    expected = np.interp(first[2], truth.local_time, truth.temperature.values[lat_row, lon_column])
    assert_allclose(first[7], expected, atol=0.01)
