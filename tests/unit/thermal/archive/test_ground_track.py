"""The prediction against an orbit that is flown here by other means: Kepler's equation and rotations."""

import datetime as dt
import zipfile

import numpy as np
import pytest

from nightside.config import Region
from nightside.download import Outcome, Wanted
from nightside.formats import BadTable
from nightside.formats.diviner import RDR_COLUMNS, RDR_ROW_BYTES
from nightside.thermal.archive import SLOT, rdr_path, slots
from nightside.thermal.follow_track import KeptAnchors, follow_track
from nightside.thermal.ground_track import julian_date, plan, read_anchors

START, END = dt.date(2010, 1, 1), dt.date(2010, 3, 1)
JD0 = julian_date(dt.datetime(2010, 1, 1))
TYCHO = Region(longitude_deg=348.67, latitude_deg=-43.29, width_km=127, pixels_per_degree=128)


def fly(jdate, inclination=88.5, eccentricity=0.02, period_min=117.3, manoeuvre_day=25.0):
    """Latitude and longitude; at the manoeuvre the period changes by 1.5 minutes."""
    days = np.asarray(jdate) - JD0
    second = period_min - 1.5
    turns = np.where(
        days < manoeuvre_day,
        days * 1440 / period_min,
        manoeuvre_day * 1440 / period_min + (days - manoeuvre_day) * 1440 / second,
    )
    mean = 2 * np.pi * turns
    anomaly = mean.copy()
    for _ in range(20):
        anomaly = mean + eccentricity * np.sin(anomaly)
    true = np.arctan2(np.sqrt(1 - eccentricity**2) * np.sin(anomaly), np.cos(anomaly) - eccentricity)
    u, i = true + np.radians(40.0), np.radians(inclination)
    x, y, z = np.cos(u), np.sin(u) * np.cos(i), np.sin(u) * np.sin(i)
    lon = np.degrees(np.arctan2(y, x)) + 210.0 - 360 * days / 27.321661 + 0.03 * days
    return np.degrees(np.arcsin(z)), lon % 360


def truly_meeting(all_slots, region):
    half_lat = region.size_km[1] / 2 / 30.3234
    half_lon = half_lat / np.cos(np.radians(region.centre[1]))
    found = set()
    for slot in all_slots:
        lat, lon = fly(julian_date(slot) + np.arange(0, 600, 5) / 86400)
        east = np.abs((lon - region.centre[0] + 180) % 360 - 180)
        if np.any((np.abs(lat - region.centre[1]) <= half_lat) & (east <= half_lon)):
            found.add(slot)
    return found


def row(jdate):
    lat, lon = fly(np.array([jdate]))
    values = {"jdate": f"{jdate:.9f}", "sclat": f"{lat[0]:.5f}", "sclon": f"{lon[0]:.5f}"}
    text = bytearray(b" " * (RDR_ROW_BYTES - 2) + b"\r\n")
    for c in RDR_COLUMNS:
        text[c.slice] = values.get(c.name, "0").rjust(c.width).encode()
    return bytes(text)


def write_table(slot, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    moments = [julian_date(slot) + s / 86400 for s in (0.1, 200, 400, 599.9)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{slot:%Y%m%d%H%M}_RDR.TAB", b"#\r\n" * 4 + b"".join(map(row, moments)))


class Sky:
    """Hands out tables as the archive would, without two days on which Diviner was off."""

    def __init__(self, folder):
        self.folder, self.asked = folder, []

    def fetch(self, chosen):
        outcomes = []
        for slot in chosen:
            self.asked.append(slot)
            path = self.folder / rdr_path(slot)
            off = slot.date() in (dt.date(2010, 1, 1), dt.date(2010, 1, 20))
            if not off:
                write_table(slot, path)
            outcomes.append(Outcome(Wanted("", path), "missing" if off else "fetched"))
        return outcomes


def test_the_julian_date_is_that_of_the_tables():
    # J2000 is 2451545.0 by definition; tables of 5 January 2010 give 2455201.5 at midnight.
    assert julian_date(dt.datetime(2000, 1, 1, 12)) == 2451545.0
    assert julian_date(dt.datetime(2010, 1, 5)) == 2455201.5


def test_nearly_every_table_of_the_region_is_fetched_and_few_others(tmp_path, record_property):
    every = slots(START, END)
    sky = Sky(tmp_path)
    kept = KeptAnchors(tmp_path / "ground_track", "201001")
    outcomes = follow_track(every, TYCHO, 3.0, kept, sky.fetch)
    truth = {s for s in truly_meeting(every, TYCHO) if s.date() != dt.date(2010, 1, 20)}
    recall = len(truth & set(sky.asked)) / len(truth)
    fraction = len(sky.asked) / len(every)
    record_property("recall", recall)
    record_property("fraction", fraction)
    print(
        f"{len(truth)} true, recall {recall:.3f}, fetched {len(sky.asked)} of {len(every)} = {fraction:.4f}"
    )
    assert len(outcomes) == len(sky.asked) == len(set(sky.asked))
    assert len(truth) > 5
    assert recall >= 0.99
    assert fraction < 0.05


def test_a_second_run_knows_the_track_and_fetches_less(tmp_path):
    every = slots(START, dt.date(2010, 1, 31))
    first, second = Sky(tmp_path), Sky(tmp_path)
    follow_track(every, TYCHO, 3.0, KeptAnchors(tmp_path / "g", "a"), first.fetch)
    kept = KeptAnchors(tmp_path / "g", "b")
    assert kept.anchors
    follow_track(every, TYCHO, 3.0, kept, second.fetch)
    assert truly_meeting(every, TYCHO) & set(first.asked) <= set(second.asked)
    assert len(second.asked) <= len(first.asked)


@pytest.mark.parametrize("minutes", range(0, 120, 10))
def test_both_ends_of_a_table_agree_on_plane_and_direction(tmp_path, minutes):
    slot = dt.datetime(2010, 1, 5) + dt.timedelta(minutes=minutes)
    write_table(slot, tmp_path / "a_rdr.zip")
    first, last = read_anchors(tmp_path / "a_rdr.zip")
    turned = (last.argument_deg - first.argument_deg) % 360
    assert turned == pytest.approx(360 * 10 / 117.3, abs=4)
    assert first.inclination_deg == pytest.approx(88.5, abs=0.1)
    node = 210.0 - 360 * (first.jdate - JD0) / 27.321661 + 0.03 * (first.jdate - JD0)
    assert abs((first.node_deg - node + 180) % 360 - 180) < 0.1


def test_a_pole_is_passed_on_every_orbit(tmp_path):
    polar = Region(
        projection="polar_stereographic", longitude_deg=0, latitude_deg=-90, width_km=100, pixel_m=240
    )
    write_table(dt.datetime(2010, 1, 5), tmp_path / "a_rdr.zip")
    day = slots(dt.date(2010, 1, 5), dt.date(2010, 1, 5))
    chosen = plan(day, polar, read_anchors(tmp_path / "a_rdr.zip"), 3.0)
    truth = {s for s in day if fly(julian_date(s + SLOT / 2) + np.arange(-5, 5) / 1440)[0].min() < -88.35}
    assert truth <= set(chosen)
    assert len(chosen) < len(day)


def test_no_anchor_no_prediction():
    with pytest.raises(ValueError, match="select: all"):
        plan(slots(START, START), TYCHO, [], 3.0)


@pytest.mark.parametrize("content", [b"", b"no zip at all"])
def test_a_broken_table_is_no_anchor(tmp_path, content):
    (tmp_path / "a_rdr.zip").write_bytes(content)
    with pytest.raises(BadTable, match=r"a_rdr\.zip"):
        read_anchors(tmp_path / "a_rdr.zip")
