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


def ground(seed, mean, contrast):
    """Return ground without a direction whose amplitude falls as its wavelength, as that of the Moon does."""
    rng = np.random.default_rng(seed)
    lines, samples = 1024, WHERE.samples
    frequency = np.hypot(np.fft.fftfreq(lines)[:, None], np.fft.rfftfreq(samples)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((lines, samples))) / np.maximum(frequency, 1 / 300) ** 1.5
    rough = np.fft.irfft2(spectrum, (lines, samples))
    return mean * (1 + contrast * rough / rough.std())


def test_ground_that_varies_is_not_taken_for_stripes():
    image = ground(4, 60.0, 0.3) + np.random.default_rng(5).normal(0, 2.0, (1024, WHERE.samples))
    columns = image.mean(0)
    taken = np.std(found(image))
    assert taken < 0.1
    assert np.std(columns - np.convolve(columns, np.ones(33) / 33, "same")) > 4 * taken


def test_stripes_are_found_on_bright_ground():
    rng = np.random.default_rng(6)
    stripes = 0.3 * rng.standard_normal(WHERE.samples)
    stripes += np.resize([1.5, -1.0, 0.5, -1.0], WHERE.samples)
    image = ground(7, 60.0, 0.3) + stripes + rng.normal(0, 2.0, (1024, WHERE.samples))
    inner = slice(WHERE.scene[0] + 40, WHERE.scene[1] - 40)
    smooth = np.convolve(stripes, np.ones(33) / 33, "same")
    left = np.std((found(image) - (stripes - smooth))[inner])
    assert left < np.std((stripes - smooth)[inner]) / 5
