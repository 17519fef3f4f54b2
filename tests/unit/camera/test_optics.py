"""What a sample of the NAC sees."""

import numpy as np
import pytest

from nightside.camera.optics import optics

CAMERAS = ["left", "right"]


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("summing", [1, 2])
def test_the_way_back_from_a_direction_finds_the_sample(camera, summing):
    lens = optics(camera, summing)
    sample = np.linspace(-0.5, 5064 / summing - 0.5, 1001)
    np.testing.assert_allclose(lens.sample_of(lens.look(sample)), sample, atol=1e-7)


@pytest.mark.parametrize("camera", CAMERAS)
def test_distortion_inverts_to_the_tolerance_over_the_whole_detector(camera):
    lens = optics(camera)
    y = np.linspace(-18, 18, 999)
    np.testing.assert_allclose(lens.distort_mm(lens.undistort_mm(y)), y, atol=2e-10)
    # Barrel or pincushion matters by 28 pixels at the edge: the wrong sign is not a rounding error.
    assert 0.05 < 18 - lens.undistort_mm(18.0) < 0.15


def test_first_sample_lies_where_the_instrument_kernel_says():
    np.testing.assert_allclose(optics("left").distorted_mm(0), -17.829, atol=1e-12)
    np.testing.assert_allclose(optics("right").distorted_mm(0), 17.465, atol=1e-12)


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_summed_sample_looks_between_the_two_that_it_averages(camera):
    pair = optics(camera).distorted_mm([2 * 700, 2 * 700 + 1]).mean()
    np.testing.assert_allclose(optics(camera, 2).distorted_mm(700), pair, atol=1e-12)


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_corners_of_the_field_of_view_are_those_of_the_instrument_kernel(camera):
    # INS-85600_FOV_BOUNDARY_CORNERS and -85610's, to half a pixel.
    corner = {"left": (-2.5336e-2, 2.5032e-2), "right": (2.4756e-2, -2.5472e-2)}[camera]
    look = optics(camera).look([-0.5, 5063.5])
    np.testing.assert_allclose(look[:, 1] / look[:, 2], corner, atol=5e-6)


def test_constants_of_a_kernel_take_precedence():
    lens = optics("left", kernel={"focal_length_mm": 700.0, "distortion_per_mm2": 0.0})
    np.testing.assert_allclose(lens.look(2547)[1:], [0, 1], atol=1e-12)
    np.testing.assert_allclose(lens.look(3547)[1] / lens.look(3547)[2], 7.0 / 700.0)


def test_directions_far_from_the_axis_have_no_sample():
    assert np.isnan(optics("left").sample_of([0.0, 0.1, 1.0]))


def test_samples_skipped_on_the_detector_shift_the_image():
    np.testing.assert_allclose(
        optics("right", 2, first_sample=10).distorted_mm(0), optics("right", 2).distorted_mm(5)
    )
