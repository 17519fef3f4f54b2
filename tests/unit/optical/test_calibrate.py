import numpy as np
import pytest

from nightside.camera.companding import decompand
from nightside.camera.layout import layout
from nightside.camera.linearity import Linearity
from nightside.camera.noise import draw_camera
from nightside.camera.pattern_statistics import column_mean_std
from nightside.config.camera import CameraNoise
from nightside.optical.calibrate import (
    Calibration,
    calibrate,
    i_over_f_per_dn,
    masked_offset,
    moon_sun_distance_au,
)

ALL = [("left", 1), ("left", 2), ("right", 1), ("right", 2)]
DAY = np.timedelta64(1, "D")
T0 = np.datetime64("2010-03-01", "ns")


def calibration(where, dark=None, times=(T0,), **other):
    lines = np.zeros((len(times), where.samples)) if dark is None else np.asarray(dark, float)
    values = {"flat": np.ones(where.samples), "linearity": Linearity.none()} | other
    return Calibration(where, np.array(times), lines, **values)


@pytest.mark.parametrize(("camera", "summing"), ALL)
def test_the_masked_offset_of_a_pattern_with_a_slope_is_that_pattern(camera, summing):
    where = layout(camera, summing)
    across = np.arange(where.samples) / where.samples
    pattern = np.array([0.0, 1, 2, 3, 5, 8, 13, 21])[where.phase()]
    line = np.array([[40.0], [44.0]]) + pattern + 3 * across
    # ISIS joins the ends at whole mean columns, which are up to half a column off.
    assert np.allclose(masked_offset(line, where), line, atol=3 / where.samples * 4)


def test_a_bright_image_is_corrected_by_the_wide_side_alone():
    where = layout("right", 1)
    line = np.full((1, where.samples), 40.0)
    line[:, slice(*where.narrow)] = 90.0  # light has reached it
    scene = slice(*where.scene)
    assert np.allclose(masked_offset(line, where, bright=True)[:, scene], 40)
    assert masked_offset(line, where)[0, scene].max() > 85
    line[:, 2000] = 1500.0
    found = calibrate(line, calibration(where), time=T0, exposure_ms=1.0, sun_distance_au=1.0, echo=False).dn
    assert np.allclose(found[0, 100:1900], 0, atol=1e-4)


def test_darks_are_interpolated_in_time_and_the_nearest_serves_beyond_them():
    where = layout("left", 2)
    darks = calibration(where, np.ones((2, where.samples)) * [[1.0], [5.0]], (T0, T0 + 20 * DAY))
    assert darks.dark(T0 + 5 * DAY)[0] == pytest.approx(2)
    assert darks.dark(T0 - 300 * DAY)[0] == 1
    assert darks.dark(T0 + 300 * DAY)[0] == 5


def test_of_darks_too_far_apart_the_nearest_serves_and_none_that_is_far_away():
    where = layout("left", 2)
    darks = calibration(where, np.ones((2, where.samples)) * [[1.0], [5.0]], (T0, T0 + 100 * DAY))
    assert darks.dark(T0 + 3 * DAY)[0] == 1
    assert darks.dark(T0 + 97 * DAY)[0] == 5
    with pytest.raises(
        ValueError, match=r"100 days apart and the nearest 50 days away, more than 45.*add darks"
    ):
        darks.dark(T0 + 50 * DAY)
    wider = calibration(where, darks.dark_dn, (T0, T0 + 100 * DAY), days_max=100)
    assert wider.dark(T0 + 50 * DAY)[0] == pytest.approx(3)


def test_missing_darks_and_darks_of_another_mode_are_named():
    where = layout("left", 2)
    with pytest.raises(
        ValueError, match="no dark for the left camera with summing 2; run 'nightside optical darks'"
    ):
        calibration(where, np.zeros((0, where.samples)), ())
    with pytest.raises(ValueError, match="a dark has 5064 samples, the left camera with summing 2 has 2532"):
        calibration(where, np.zeros((1, 5064)))


@pytest.mark.parametrize(("camera", "summing"), ALL)
def test_the_standard_chain_brings_back_a_bright_scene(camera, summing):
    model = draw_camera(
        camera, summing, 3, CameraNoise(line_wander_dn=0, phase_wander_dn=0, interference_dn=0)
    )
    rng = np.random.default_rng(1)
    here, where = model.dark.reference, model.layout
    scene = slice(where.scene[0] + 3, where.scene[1] - 3)
    truth = np.tile(60 + 20 * np.sin(np.arange(where.samples) / 9.0), (64, 1))
    dark = decompand(model.record(0 * truth, here, 0.5, 1, rng), 1).mean(axis=0)[None]
    made = calibration(where, dark - masked_offset(dark, where), flat=model.flat, linearity=model.linearity)
    number = model.record(truth, here, 0.5, 1, rng)
    found = calibrate(decompand(number, 1), made, time=T0, exposure_ms=0.5, sun_distance_au=1.0)
    error = found.dn[:, scene] - truth[:, scene]
    assert abs(error.mean()) < 0.3
    assert error.std() < 1.1 * np.sqrt(model.variance(50.0, 1, 42.0, echo_removed=True)) + 0.6
    assert np.allclose(found.i_over_f, found.dn * i_over_f_per_dn(where, 0.5, 1.0), rtol=1e-5, equal_nan=True)


def test_without_a_dark_of_its_own_stripes_stay():
    model = draw_camera("right", 1, 4, CameraNoise(interference_dn=0))
    rng = np.random.default_rng(2)
    here, where = model.dark.reference, model.layout
    nothing = np.zeros((200, where.samples), np.float32)
    lines = decompand(model.record(nothing, here, 0.34, 1, rng), 1)
    dark = lines.mean(axis=0)[None]
    own = calibration(where, dark - masked_offset(dark, where), linearity=model.linearity)
    none = calibration(where, linearity=model.linearity)
    later = decompand(model.record(nothing, here, 0.34, 1, rng), 1)
    scene = slice(*where.scene)
    stripes = [
        column_mean_std(calibrate(later, c, time=T0, exposure_ms=0.34, sun_distance_au=1.0).dn[:, scene])
        for c in (own, none)
    ]
    assert stripes[0] < 0.6 < 1.5 < stripes[1]


def test_a_column_without_a_flat_field_has_no_value_and_spoils_no_other():
    where = layout("left", 1)
    flat = np.ones(where.samples)
    flat[[100, 3000]] = 0.0, np.nan
    found = calibrate(
        np.full((2, where.samples), 50.0),
        calibration(where, flat=flat),
        time=T0,
        exposure_ms=1,
        sun_distance_au=1,
    ).dn
    assert np.flatnonzero(np.isnan(found[0])).tolist() == [100, 3000]


def test_i_over_f_of_a_tenth_is_536_dn_at_the_shortest_exposure():
    assert 0.1 / i_over_f_per_dn(layout("left", 1), 0.3376, 1.0) == pytest.approx(536, abs=0.5)


def test_the_moons_distance_from_the_sun_is_that_of_isis():
    # SolarDistance in the label of M1333276014R.default.crop.cub.
    found = moon_sun_distance_au(np.datetime64("2020-01-10T06:12:27.261"))
    assert found == pytest.approx(0.98579534482679998, abs=1e-4)


def test_lines_that_are_cut_are_refused():
    with pytest.raises(ValueError, match="give whole lines"):
        masked_offset(np.zeros((3, 100)), layout("left", 1))
