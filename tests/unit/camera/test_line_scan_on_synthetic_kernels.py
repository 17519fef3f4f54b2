"""Kernels of the synthetic orbiter are read as the real ones are, and put the image where the pass was planned."""

import datetime as dt
import types
from dataclasses import replace

import numpy as np
import pytest
import spiceypy
from scipy.spatial.transform import Rotation

from nightside import moon
from nightside.camera.line_scan import MissesMoon, refuse_empty
from nightside.camera.spice import MissingKernel, kernel_files, kernel_pool, line_scan
from nightside.camera.terrain import Terrain
from nightside.synthetic.nac_kernels import Pass, clock_of, write_kernels

START = dt.datetime(2011, 3, 4, 5, 6, 7, 890123)


def label(flight, camera="left", summing=1, **other):
    """Return what the geometry needs of the label of an image of this pass."""
    return types.SimpleNamespace(
        product_id=f"M1{camera}",
        camera=camera,
        summing=summing,
        lines=flight.lines,
        samples=5064 // summing,
        exposure_ms=flight.exposure_ms,
        preroll_clock=clock_of(flight).preroll_clock,
        **other,
    )


def flight(**other):
    base = {
        "start_time": START,
        "lines": 1024,
        "exposure_ms": 0.6,
        "longitude_deg": 30.0,
        "latitude_deg": -85.0,
    }
    return Pass(**{**base, **other})


PASSES = {
    "pair": flight(),
    "left": flight(
        start_time=START + dt.timedelta(hours=1), aim="left", longitude_deg=200.0, latitude_deg=89.0
    ),
    "right": flight(start_time=START + dt.timedelta(hours=2), aim="right", roll_deg=4.0, pitch_deg=-3.0),
    "pole": flight(start_time=START + dt.timedelta(hours=3), aim="left", latitude_deg=-90.0),
    "backwards": flight(start_time=START + dt.timedelta(hours=4), aim="left", flies_backwards=True),
    "long": flight(start_time=START + dt.timedelta(hours=5), aim="left", exposure_ms=24.2, roll_deg=-1.0),
    "equator": flight(
        start_time=START + dt.timedelta(hours=6),
        aim="left",
        latitude_deg=0.3,
        longitude_deg=0.0,
        heading_deg=170.0,
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernels")
    write_kernels(folder, list(PASSES.values()))
    return folder


@pytest.fixture(scope="module")
def cameras(folder):
    with kernel_pool([folder]):
        return {
            (name, side, summing): line_scan(label(aimed, side, summing))
            for name, aimed in PASSES.items()
            for side, summing in (("left", 1), ("right", 1), ("left", 2))
        }


def apart_m(lon, lat, other_lon, other_lat):
    def unit(lon, lat):
        lon, lat = np.deg2rad(lon), np.deg2rad(lat)
        return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

    return moon.RADIUS_M * np.linalg.norm(unit(lon, lat) - unit(other_lon, other_lat), axis=0)


@pytest.mark.parametrize("name", [name for name in PASSES if name != "pair"])
def test_the_target_is_in_the_middle_of_the_camera_aimed_with(cameras, name):
    aimed, side = PASSES[name], "right" if name == "right" else "left"
    camera = cameras[name, side, 1]
    lon, lat = camera.ground(511.5, 2531.5)
    assert apart_m(lon, lat, aimed.longitude_deg, aimed.latitude_deg) < 0.01
    line, sample = camera.image(aimed.longitude_deg, aimed.latitude_deg)
    np.testing.assert_allclose([line, sample], [511.5, 2531.5], atol=0.02)


@pytest.mark.parametrize(
    "key", [(n, s, k) for n in PASSES for s, k in (("left", 1), ("right", 1), ("left", 2))]
)
def test_pixels_return_to_themselves(cameras, key):
    camera = cameras[key]
    line, sample = np.meshgrid(
        np.linspace(-0.5, 1023.5, 40), np.linspace(-0.5, camera.samples - 0.5, 41), indexing="ij"
    )
    line, sample = line[1:-1, 1:-1], sample[1:-1, 1:-1]
    back = camera.image(*camera.ground(line, sample))
    np.testing.assert_allclose(back[0], line, atol=1e-5)
    np.testing.assert_allclose(back[1], sample, atol=1e-5)


def test_left_and_right_overlap_by_some_135_pixels_of_their_scenes(cameras):
    left, right = cameras["pair", "left", 1], cameras["pair", "right", 1]
    # The innermost scene sample of the right camera, seen by the left; scenes end at 5041 and begin at 25.
    _, sample = left.image(*right.ground(500.0, 25.0), beyond=True)
    assert 110 < 5041 - sample < 160
    lon, lat = PASSES["pair"].longitude_deg, PASSES["pair"].latitude_deg
    assert np.isfinite([left.image(lon, lat), right.image(lon, lat)]).all()


def test_summed_samples_see_the_middle_of_their_pair(cameras):
    one, two = cameras["pair", "left", 1], cameras["pair", "left", 2]
    np.testing.assert_allclose(two.ground_m(100, 700), one.ground_m(100, 1400.5), atol=0.01)


def test_pixels_have_the_size_of_altitude_and_focal_length(cameras):
    down, across = cameras["pair", "left", 1].pixel_size_m()
    assert across == pytest.approx(50_000 * 0.007 / 699.62, rel=0.01)
    orbit = np.sqrt(4902.8 / 1787.4) * 1737.4 / 1787.4 * 1000
    assert down == pytest.approx(orbit * 0.6e-3 * 1.0045, rel=0.005)


def test_the_track_heads_where_it_was_told(cameras):
    lon, lat = cameras["equator", "left", 1].ground([0.0, 1023.0], [2531.5, 2531.5])
    east = (lon[1] - lon[0] + 180) % 360 - 180
    # The Moon turns by 5 m/s below the orbit of 1.6 km/s.
    assert np.rad2deg(np.arctan2(east, lat[1] - lat[0])) == pytest.approx(170.0, abs=0.3)


def test_clock_strings_stand_for_the_label_s_times(folder):
    clock = clock_of(PASSES["pair"])
    with kernel_pool([folder]):
        for text, time in (
            (clock.preroll_clock, clock.preroll_time),
            (clock.start_clock, clock.start_time),
            (clock.stop_clock, clock.stop_time),
        ):
            found = dt.datetime.fromisoformat(spiceypy.et2utc(spiceypy.scs2e(-85, text), "ISOC", 6))
            assert abs((found - time).total_seconds()) < 2e-5
    assert abs((clock.start_time - START).total_seconds()) < 1e-5


def test_ground_outside_the_image_or_behind_the_moon_has_no_pixel(cameras):
    camera = cameras["pair", "left", 1]
    line, sample = camera.image([30.0, 30.0, 210.0, 0.0], [-84.0, 85.0, 85.0, np.nan])
    assert np.isnan(line).all()
    assert np.isnan(sample).all()
    line, _ = camera.image([30.0, 210.0], [-84.0, 85.0], beyond=True)
    assert line[0] > 1024
    assert np.isnan(line[1])


def test_a_point_is_the_same_to_the_last_bit_whatever_is_computed_beside_it(cameras):
    camera = cameras["long", "left", 1]
    lon, lat = camera.ground(*np.meshgrid(np.linspace(0, 1023, 57), np.linspace(0, 5063, 31)))
    line, sample = camera.image(lon, lat)
    for part in (np.s_[3:5, 2:40], np.s_[::7, ::5]):
        again = camera.image(lon[part], lat[part])
        np.testing.assert_array_equal(again[0], line[part])
        np.testing.assert_array_equal(again[1], sample[part])


def test_a_plateau_is_seen_where_a_larger_moon_would_be(cameras):
    # Seen off nadir by 1.4 degrees, a 1000 m plateau lies nearer to the track by 1000 m times the tangent.
    camera = cameras["pair", "left", 1]
    flat = Terrain(np.full((400, 400), 1000.0, np.float32), "south_polar", -250e3, 250e3, 1250.0, -1250.0)
    high = replace(camera, terrain=flat)
    low_m, high_m = camera.ground_m(500, [50.0, 2531.5, 5000.0]), high.ground_m(500, [50.0, 2531.5, 5000.0])
    np.testing.assert_allclose(np.linalg.norm(high_m, axis=1), moon.RADIUS_M + 1000, atol=1e-3)
    parallax = np.linalg.norm(high_m / (1 + 1000 / moon.RADIUS_M) - low_m, axis=1)
    emission = np.deg2rad(1.375) + (2547 - np.array([50.0, 2531.5, 5000.0])) * 1.0005e-5
    np.testing.assert_allclose(
        parallax, np.abs(1000 * np.tan(emission * 1787.4 / 1737.4)), rtol=0.01, atol=0.2
    )
    back = high.image(*high.ground(500, 50.0))
    np.testing.assert_allclose(back, [500, 50], atol=1e-3)


def test_a_ray_stops_at_the_first_terrain_it_meets(cameras):
    # A wall of 3 km, across a ray that comes in at 60 degrees, hides what lies behind.
    camera = cameras["equator", "left", 1]
    steep = replace(camera, attitude=camera.attitude * Rotation.from_euler("y", 58.0, degrees=True))
    lon, lat = (float(a) for a in steep.ground(500, 2531))
    x, y = np.deg2rad((lon + 180) % 360 - 180) * moon.RADIUS_M, np.deg2rad(lat) * moon.RADIUS_M
    heights = np.zeros((4001, 401), np.float32)
    below = np.deg2rad(camera.ground(500, 2531)[1]) * moon.RADIUS_M
    toward = np.sign(below - y)
    rows = y + toward * 2000 - (np.arange(4001) * -10.0 + y + 20_000)
    heights[np.abs(rows) < 30] = 3000.0
    wall = Terrain(heights, "equirectangular", x - 20_000, y + 20_000, 100.0, -10.0)
    hit = replace(steep, terrain=wall).ground_m(500, 2531)
    assert 50 < np.linalg.norm(hit) - moon.RADIUS_M < 3000
    distance = moon.RADIUS_M * np.arcsin(hit[2] / np.linalg.norm(hit)) - y
    assert toward * distance == pytest.approx(2000, abs=40)


def test_light_s_speed_moves_the_image_by_half_a_pixel_along_the_track(folder, cameras):
    aimed = PASSES["left"]
    with kernel_pool([folder]):
        corrected = line_scan(label(aimed), light_time=True)
    line, sample = cameras["left", "left", 1].image(*corrected.ground(500.0, 2531.0))
    speed = np.sqrt(4902.8 / 1787.4) * 1000
    pixels = speed / 299_792_458 * 50_000 / cameras["left", "left", 1].pixel_size_m()[0]
    # What is seen is shifted ahead, so the ground that it is of lies behind.
    assert line - 500.0 == pytest.approx(-pixels, rel=0.03)
    assert sample == pytest.approx(2531.0, abs=0.02)


def test_an_image_that_looks_into_space_is_refused(tmp_path):
    away = flight(roll_deg=0.0)
    write_kernels(tmp_path, [away])
    with kernel_pool([tmp_path]):
        camera = line_scan(label(away))
        turned = camera.attitude * Rotation.from_euler("y", 120, degrees=True)
        with pytest.raises(MissesMoon, match="no pixel sees the Moon; leave the image out"):
            refuse_empty(replace(camera, attitude=turned))


def test_missing_kernels_are_named_with_the_time(folder):
    late = flight(start_time=START + dt.timedelta(days=3))
    with kernel_pool([folder]), pytest.raises(MissingKernel, match=r"no loaded SPK kernel.*2011-03-07"):
        line_scan(label(late))
    without = [p for p in kernel_files([folder]) if p.suffix != ".bc"]
    with kernel_pool(without), pytest.raises(MissingKernel, match=r"no loaded CK kernel.*2011-03-04"):
        line_scan(label(PASSES["pair"]))


def test_a_kernel_path_that_is_wrong_is_named(tmp_path):
    with pytest.raises(MissingKernel, match="no such kernel"), kernel_pool([tmp_path / "x.bsp"]):
        pass
    with pytest.raises(MissingKernel, match="holds no SPICE kernel"), kernel_pool([tmp_path]):
        pass
    (tmp_path / "broken.bsp").write_bytes(b"DAF/SPK nothing")
    with pytest.raises(MissingKernel, match=r"broken\.bsp: cannot be loaded"), kernel_pool([tmp_path]):
        pass
    with pytest.raises(MissingKernel, match="no SPICE kernels are given"), kernel_pool([]):
        pass


def test_passes_at_one_time_are_refused(tmp_path):
    with pytest.raises(ValueError, match="too close"):
        write_kernels(tmp_path, [flight(), flight(longitude_deg=3.0)])
