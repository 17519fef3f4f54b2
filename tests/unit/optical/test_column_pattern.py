import numpy as np
import pytest

from nightside.camera.layout import layout
from nightside.camera.linearity import Linearity
from nightside.optical.column_pattern import ColumnPattern
from nightside.optical.photon_net import Response

WHERE = layout("left", 2)
RESPONSE = Response(Linearity.none(), 71.0, 1.0)


def found(image):
    pattern = ColumnPattern(WHERE)
    pattern.add(image.astype(np.float32), RESPONSE)
    return pattern.stripes()


def test_stripes_of_an_image_are_found_to_the_error_of_its_noise():
    rng = np.random.default_rng(1)
    stripes = rng.normal(0, 1.0, WHERE.samples)
    image = 20 + stripes + rng.normal(0, 2.0, (1024, WHERE.samples))
    inner = slice(WHERE.scene[0] + 40, WHERE.scene[1] - 40)
    smooth = np.convolve(stripes, np.ones(33) / 33, "same")
    assert np.std((found(image) - (stripes - smooth))[inner]) < 0.25


def test_nothing_is_taken_for_a_stripe_where_there_is_none():
    rng = np.random.default_rng(2)
    assert np.std(found(rng.normal(5, 2.0, (1024, WHERE.samples)))) < 0.02


@pytest.mark.parametrize("lines", [0, 31, 100])
def test_too_few_lines_tell_nothing(lines):
    assert not found(np.random.default_rng(3).normal(5, 2, (lines, WHERE.samples))).any()
