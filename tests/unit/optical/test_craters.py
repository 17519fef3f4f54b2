"""Craters of known place and size are found at their place, with their size, whatever the brightness."""

import numpy as np
import pytest

from nightside.optical.craters import DIAMETERS_PX, correlation, detect, light_azimuth, shaded_crater


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


def test_correlation_ignores_brightness_and_contrast(crater_field):
    image, _, light_deg = crater_field
    np.testing.assert_allclose(
        correlation(0.1 * image - 3.0, 12.4, light_deg), correlation(image, 12.4, light_deg), atol=1e-6
    )


def test_flat_ground_correlates_with_nothing():
    assert not correlation(np.full((60, 60), 9.0), 10.0, 0.0).any()


def test_the_light_is_found_with_its_sign(crater_field):
    assert light_azimuth(crater_field[0]) == crater_field.light_deg
    assert light_azimuth(crater_field[0][:, ::-1]) == (180.0 - crater_field.light_deg) % 360.0


def test_a_crater_is_found_at_its_place_with_its_size(crater_field):
    image, boxes, light_deg = crater_field
    found = detect(image, light_deg)
    best = found.boxes[np.argsort(-found.score)[: len(boxes)]]
    for x, y, diameter, _ in boxes:
        near = best[np.hypot(best[:, 0] - x, best[:, 1] - y) <= 1.5]
        assert len(near)
        assert np.abs(np.log(near[:, 2] / diameter)).min() < np.log(1.2)


def test_the_ladder_is_close_enough_for_the_overlap_that_counts():
    step = np.max(np.array(DIAMETERS_PX[1:]) / DIAMETERS_PX[:-1])
    assert 1.0 / step > 0.8
