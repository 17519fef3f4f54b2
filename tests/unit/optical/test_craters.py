"""Craters of known place and size are found; noise hides the small ones first, and is not itself found."""

import json

import numpy as np
import pytest

from nightside.optical.craters import (
    DIAMETERS_PX,
    binned,
    correlation,
    detect,
    light_azimuth,
    recall_as_json,
    recall_curve,
    recall_from_json,
    shaded_crater,
    together,
    wilson,
)

LIGHT_DEG = 210.0
SIZE = 400


@pytest.fixture(scope="module")
def field():
    """Bowls of 7 to 40 pixels on a lattice, lit from 210 degrees, a little rough."""
    rng = np.random.default_rng(11)
    image, boxes = 100.0 + rng.normal(0, 0.3, (SIZE, SIZE)), []
    for i, y in enumerate(range(25, SIZE - 25, 50)):
        for j, x in enumerate(range(25, SIZE - 25, 50)):
            diameter = 7.0 * 1.12 ** ((i * 7 + j) % 16)
            bowl = shaded_crater(diameter, LIGHT_DEG)
            reach = bowl.shape[0] // 2
            image[y - reach : y + reach + 1, x - reach : x + reach + 1] += 6.0 * bowl
            boxes.append((x, y, diameter, diameter))
    return image, np.array(boxes)


def test_the_wall_that_faces_the_light_is_bright():
    bowl = shaded_crater(20.0, 0.0)
    middle = bowl.shape[0] // 2
    # Light from the right falls on the left wall.
    assert bowl[middle, middle - 7] > 0.5
    assert bowl[middle, middle + 7] < -0.5
    assert bowl[middle, middle + 12] > 0
    np.testing.assert_allclose(bowl, -bowl[:, ::-1], atol=1e-12)


def test_correlation_is_one_on_the_template_itself():
    bowl = shaded_crater(15.0, 40.0)
    image = np.pad(7.0 + 3.0 * bowl, 20, constant_values=7.0)
    found = correlation(image, 15.0, 40.0)
    middle = image.shape[0] // 2
    assert found[middle, middle] == pytest.approx(1.0, abs=1e-9)
    assert found.max() <= 1.0 + 1e-9
    assert correlation(image, 15.0, 220.0)[middle, middle] == pytest.approx(-1.0, abs=1e-9)


def test_correlation_ignores_brightness_and_contrast(field):
    image, _ = field
    np.testing.assert_allclose(
        correlation(0.1 * image - 3.0, 12.4, LIGHT_DEG), correlation(image, 12.4, LIGHT_DEG), atol=1e-6
    )


def test_flat_ground_correlates_with_nothing():
    assert not correlation(np.full((60, 60), 9.0), 10.0, 0.0).any()


def test_the_light_is_found_with_its_sign(field):
    assert light_azimuth(field[0]) == LIGHT_DEG
    assert light_azimuth(field[0][:, ::-1]) == (180.0 - LIGHT_DEG) % 360.0


def test_a_crater_is_found_at_its_place_with_its_size(field):
    image, boxes = field
    found = detect(image, LIGHT_DEG)
    best = found.boxes[np.argsort(-found.score)[: len(boxes)]]
    for x, y, diameter, _ in boxes:
        near = best[np.hypot(best[:, 0] - x, best[:, 1] - y) <= 1.5]
        assert len(near)
        assert np.abs(np.log(near[:, 2] / diameter)).min() < np.log(1.2)


def test_without_noise_all_are_found_and_noise_hides_the_small_ones_first(field):
    image, boxes = field
    edges = (6.0, 12.0, 24.0, 48.0)
    clean = recall_curve(image, boxes, 10.0, light_azimuth_deg=LIGHT_DEG, edges_px=edges)
    noisy_image = image + np.random.default_rng(2).normal(0, 11.0, image.shape)
    noisy = recall_curve(noisy_image, boxes, 10.0, light_azimuth_deg=LIGHT_DEG, edges_px=edges)
    assert (clean.recall == 1.0).all()
    assert clean.half_found_px() == 6.0
    assert noisy.recall[0] < 0.4
    assert noisy.recall[2] > 0.9
    assert 8.0 < noisy.half_found_px() < 30.0


def test_pure_noise_finds_few_craters(field):
    noise = np.random.default_rng(3).normal(size=(SIZE, SIZE))
    curve = recall_curve(noise, field[1], 10.0, light_azimuth_deg=LIGHT_DEG)
    assert curve.found.sum() / curve.labelled.sum() < 0.1
    assert np.isnan(curve.half_found_px())


def test_more_false_alarms_find_no_fewer_craters(field):
    image, boxes = field
    noisy = image + np.random.default_rng(4).normal(0, 6.0, image.shape)
    found = [
        recall_curve(noisy, boxes, rate, light_azimuth_deg=LIGHT_DEG).found.sum() for rate in (0, 10, 60)
    ]
    assert found[0] <= found[1] <= found[2]
    assert found[0] < found[2]


def test_masked_pixels_do_not_spoil_the_rest(field):
    image, boxes = field
    holed = image.copy()
    holed[:8] = np.nan
    curve = recall_curve(holed, boxes, 10.0, light_azimuth_deg=LIGHT_DEG)
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


def test_curves_of_several_images_add_up(field):
    one = binned([7.0, 9.0], [True, False])
    both = together([one, one])
    np.testing.assert_array_equal(both.labelled, 2 * one.labelled)
    np.testing.assert_array_equal(both.found, 2 * one.found)
    with pytest.raises(ValueError, match="same bins"):
        together([one, binned([7.0], [True], (6.0, 9.0))])


def test_the_ladder_is_close_enough_for_the_overlap_that_counts():
    step = np.max(np.array(DIAMETERS_PX[1:]) / DIAMETERS_PX[:-1])
    assert 1.0 / step > 0.8


def test_a_curve_comes_back_from_the_evaluation(field):
    image, boxes = field
    curve = recall_curve(image, boxes, 10.0, light_azimuth_deg=LIGHT_DEG)
    back = recall_from_json(json.loads(json.dumps(recall_as_json(curve))))
    for name in ("edges_px", "labelled", "found", "low", "high"):
        np.testing.assert_array_equal(getattr(back, name), getattr(curve, name), err_msg=name)
