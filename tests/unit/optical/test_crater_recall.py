"""Recall against diameter: noise hides the small craters first, and is not itself found."""

import json

import numpy as np
import pytest

from nightside.optical.crater_recall import (
    binned,
    recall_as_json,
    recall_curve,
    recall_from_json,
    together,
    wilson,
)


def test_without_noise_all_are_found_and_noise_hides_the_small_ones_first(crater_field):
    image, boxes, light_deg = crater_field
    edges = (6.0, 12.0, 24.0, 48.0)
    clean = recall_curve(image, boxes, 10.0, light_azimuth_deg=light_deg, edges_px=edges)
    noisy_image = image + np.random.default_rng(2).normal(0, 11.0, image.shape)
    noisy = recall_curve(noisy_image, boxes, 10.0, light_azimuth_deg=light_deg, edges_px=edges)
    assert (clean.recall == 1.0).all()
    assert clean.half_found_px() == 6.0
    assert noisy.recall[0] < 0.4
    assert noisy.recall[2] > 0.9
    assert 8.0 < noisy.half_found_px() < 30.0


def test_pure_noise_finds_few_craters(crater_field):
    noise = np.random.default_rng(3).normal(size=crater_field.image.shape)
    curve = recall_curve(noise, crater_field[1], 10.0, light_azimuth_deg=crater_field.light_deg)
    assert curve.found.sum() / curve.labelled.sum() < 0.1
    assert np.isnan(curve.half_found_px())


def test_more_false_alarms_find_no_fewer_craters(crater_field):
    image, boxes, light_deg = crater_field
    noisy = image + np.random.default_rng(4).normal(0, 6.0, image.shape)
    found = [
        recall_curve(noisy, boxes, rate, light_azimuth_deg=light_deg).found.sum() for rate in (0, 10, 60)
    ]
    assert found[0] <= found[1] <= found[2]
    assert found[0] < found[2]


def test_masked_pixels_do_not_spoil_the_rest(crater_field):
    image, boxes, light_deg = crater_field
    holed = image.copy()
    holed[:8] = np.nan
    curve = recall_curve(holed, boxes, 10.0, light_azimuth_deg=light_deg)
    assert curve.found.sum() == curve.labelled.sum()


def test_half_is_found_where_the_curve_crosses_it_last():
    diameters = np.repeat([7.0, 9.0, 11.0, 14.0, 18.0], 10)
    found = np.concatenate([np.arange(10) < n for n in (8, 2, 4, 8, 10)])
    curve = binned(diameters, found)
    # From 0.4 at the middle of 10-12.5 pixels to 0.8 at that of 12.5-16: a quarter of the way, in logarithms.
    expected = np.exp(np.log(10 * 12.5) / 2 + 0.25 * (np.log(12.5 * 16) - np.log(10 * 12.5)) / 2)
    assert curve.half_found_px() == pytest.approx(expected)
    assert np.isnan(binned(diameters, np.zeros(50, bool)).half_found_px())


def test_the_interval_holds_the_share_and_shrinks():
    low, high = wilson(np.array([0, 5, 50]), np.array([10, 10, 100]))
    assert low[0] == pytest.approx(0.0, abs=1e-12)
    assert high[0] == pytest.approx(1 / 11)
    assert (low[1:] < 0.5).all()
    assert (high[1:] > 0.5).all()
    assert high[2] - low[2] < high[1] - low[1]
    assert np.isnan(wilson(np.array([0]), np.array([0]))[0]).all()


def test_curves_of_several_images_add_up():
    one = binned([7.0, 9.0], [True, False])
    both = together([one, one])
    np.testing.assert_array_equal(both.labelled, 2 * one.labelled)
    np.testing.assert_array_equal(both.found, 2 * one.found)
    with pytest.raises(ValueError, match="same bins"):
        together([one, binned([7.0], [True], (6.0, 9.0))])


def test_a_curve_comes_back_from_the_evaluation(crater_field):
    image, boxes, light_deg = crater_field
    curve = recall_curve(image, boxes, 10.0, light_azimuth_deg=light_deg)
    back = recall_from_json(json.loads(json.dumps(recall_as_json(curve))))
    for name in ("edges_px", "labelled", "found", "low", "high"):
        np.testing.assert_array_equal(getattr(back, name), getattr(curve, name), err_msg=name)
