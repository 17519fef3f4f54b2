import zipfile
from pathlib import Path

import numpy as np
import pytest

from nightside.config import Settings, load
from nightside.store import cell_index, grid_of
from nightside.synthetic import write
from nightside.synthetic.orbit import Orbit, sample_time_s, swath
from nightside.synthetic.truth import make_truth
from nightside.synthetic.write import plan


def test_tables_hold_the_region_and_rows_beyond_it(settings: Settings):
    tables, passes, missing = plan(settings)
    assert passes >= len(tables) + missing - 2
    orbit = Orbit.from_seed(settings.seed)
    inside = []
    for table in tables:
        time = sample_time_s(table.samples)
        lat, lon = swath(*orbit.subspacecraft(time), orbit.ascending(time))
        inside.append(cell_index(grid_of(settings.region), lon, lat) >= 0)
    share = np.concatenate(inside).mean()
    assert 0.1 < share < 0.9


def test_a_stretch_over_a_table_s_end_repeats_its_last_sample_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wide = load(
        {
            "name": "wide",
            "region": {"longitude_deg": 0, "latitude_deg": 0, "width_km": 200, "pixels_per_degree": 2},
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-01-31"},
            "synthetic": {"gap_fraction": 0},
        }
    )
    tables = plan(wide)[0]
    second = next(table for table in tables if table.previous is not None)
    first = next(table for table in tables if table.number == second.number - 1)
    monkeypatch.setattr(write, "plan", lambda _: ([first, second], 1, 0))
    names = write.write_tables(wide, make_truth(wide), tmp_path)["tables"]
    ends = []
    for name in names:
        with zipfile.ZipFile(tmp_path / name) as archive:
            ends.append(archive.read(archive.namelist()[0]).split(b"\r\n")[4:-1])
    assert ends[1][:189] == ends[0][-189:]
    assert ends[1][189:378] != ends[0][-189:]


def test_gaps_are_missing_tables(settings: Settings):
    section = settings.synthetic
    assert section is not None
    half = settings.model_copy(update={"synthetic": section.model_copy(update={"gap_fraction": 0.5})})
    tables, _, missing = plan(half)
    assert 0.2 < missing / (missing + len(tables)) < 0.8


def test_a_region_too_large_to_fly_over_is_refused():
    whole = load(
        {
            "name": "whole",
            "region": {"whole_moon": True, "pixels_per_degree": 1},
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-01-02"},
            "synthetic": {},
        }
    )
    with pytest.raises(ValueError, match="choose a smaller region"):
        plan(whole)
