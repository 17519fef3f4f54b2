from dataclasses import replace

import numpy as np
import pytest

from nightside.camera.interference import Interference
from nightside.camera.layout import layout
from nightside.camera.noise import draw_camera
from nightside.camera.plausible import draw_housekeeping

ALL = [("left", 1), ("left", 2), ("right", 1), ("right", 2)]


@pytest.fixture(scope="module")
def dark():
    return draw_camera("right", 1, 5).dark


def test_a_count_of_the_dac_moves_every_sample_alike(dark):
    here = dark.reference
    there = replace(here, dac_reset_level=here.dac_reset_level + 2)
    assert np.allclose(dark.bias(there) - dark.bias(here), 2 * dark.level_dn_per_dac)


def test_a_channels_offset_moves_its_own_samples_alone(dark):
    here = dark.reference
    moved = dark.bias(replace(here, channel_b_offset=here.channel_b_offset + 10)) - dark.bias(here)
    assert np.allclose(moved[0::2], 0)
    assert np.allclose(moved[1::2], 10 * dark.level_dn_per_offset)


def test_dark_current_grows_with_exposure_and_doubles_with_its_temperature(dark):
    here = dark.reference
    warm = replace(here, temperature_fpa_c=here.temperature_fpa_c + dark.current_doubling_c)
    assert np.allclose(dark.current(warm, 3.0), 6 * dark.current(here, 1.0))


def test_age_heats_hot_columns_most(dark):
    young, old = (replace(dark.reference, orbit_number=orbit) for orbit in (1_000, 50_000))
    growth = dark.current(old, 1.0) / dark.current(young, 1.0)
    hot = dark.current(young, 1.0) > 3 * np.median(dark.current(young, 1.0))
    assert 3 < hot.sum() < 60
    assert np.median(growth[hot]) > np.median(growth[~hot]) > 1


def test_bright_masked_samples_stay_bright(dark):
    bias = dark.bias(dark.reference)
    above = bias - np.median(bias)
    assert (above[list(dark.layout.bright)] > 80).all()


def test_both_modes_of_a_seed_are_one_detector():
    full, summed = (draw_camera("left", summing, 9).dark for summing in (1, 2))
    pairs = full.mean(full.reference, 12.0).reshape(-1, 2).mean(axis=1)
    assert np.allclose(summed.mean(summed.reference, 12.0), pairs)


def test_cameras_and_seeds_differ():
    bias = {
        (camera, seed): draw_camera(camera, 1, seed).dark.bias_dn
        for camera in ("left", "right")
        for seed in (1, 2)
    }
    # One phase alone: the two channels lie apart in every right camera.
    own = [np.diff(values[100:5000:8]) for values in bias.values()]
    for k, one in enumerate(own):
        for other in own[k + 1 :]:
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.2


@pytest.mark.parametrize(("camera", "summing"), ALL)
def test_the_commanded_bias_keeps_the_level_above_zero_and_below_the_table(camera, summing):
    dark = draw_camera(camera, summing, 2).dark
    rng = np.random.default_rng(3)
    levels = [dark.bias(draw_housekeeping(dark, rng)).mean() for _ in range(100)]
    assert min(levels) > 34
    assert max(levels) < 50


def test_wander_has_the_stated_size_and_correlation(dark):
    still = replace(dark, interference=Interference(amplitude_dn=0), phase_wander_dn=0.0)
    line = still.wander(np.random.default_rng(4), 4000)[:, 0]
    assert line.std() == pytest.approx(dark.line_wander_dn, rel=0.06)
    assert np.corrcoef(line[1:], line[:-1])[0, 1] == pytest.approx(dark.wander_correlation, abs=0.05)


@pytest.mark.parametrize("summing", [1, 2])
def test_the_pattern_wanders_from_line_to_line_and_changes_along_the_line(summing):
    dark = draw_camera("right", summing, 5).dark
    still = replace(dark, interference=Interference(amplitude_dn=0), line_wander_dn=0.0)
    wander = still.wander(np.random.default_rng(5), 3000)
    period, far = 8 // summing, 1024 // summing
    assert wander.shape == (3000, dark.layout.samples)
    assert np.allclose(wander.std(axis=0), dark.phase_wander_dn, rtol=0.15)
    assert np.corrcoef(wander[:, 0], wander[:, period])[0, 1] > 0.98
    assert abs(np.corrcoef(wander[:, 0], wander[:, far])[0, 1]) < 0.1
    assert abs(np.corrcoef(wander[:, 0], wander[:, period // 2])[0, 1]) < 0.1


@pytest.mark.parametrize("summing", [1, 2])
def test_interference_repeats_every_thirty_detector_samples_and_is_alike_in_both_channels(summing):
    pulses = Interference(spread=0.0)
    samples = layout("left", summing).samples
    found = pulses.draw(np.random.default_rng(6), 400, samples, summing)
    period = pulses.period // summing
    assert np.array_equal(found[:, :period], found[:, period : 2 * period])
    if summing == 1:
        assert np.array_equal(found[:, 0::2], found[:, 1::2])
    assert np.allclose(found[:, :period].sum(axis=1), 0, atol=1e-5)
    assert found.var() == pytest.approx(pulses.variance(), rel=0.1)
