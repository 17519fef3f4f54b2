"""Stripes and patterns of known size are found with that size, and white noise with its own."""

import numpy as np
import pytest

from nightside.optical.spectra import (
    column_spectrum,
    fill_masked,
    noise_psd,
    period_power_dn2,
    row_spectrum,
)

LINES, SAMPLES = 256, 512


@pytest.fixture
def rng():
    return np.random.default_rng(9)


@pytest.fixture
def white(rng):
    return rng.normal(0, 1.4, (LINES, SAMPLES))


def test_masked_pixels_take_their_columns_mean(white):
    stripes = white + np.arange(SAMPLES) / 50.0
    good = np.ones(white.shape, bool)
    good[::7, ::5] = False
    filled = fill_masked(np.where(good, stripes, 1e9), good)
    np.testing.assert_array_equal(filled[good], stripes[good])
    np.testing.assert_allclose(filled[0, ::5], stripes[:, ::5].mean(axis=0, where=good[:, ::5]))


def test_a_pattern_that_drifts_along_the_line_is_found(white, rng):
    pattern = np.tile(rng.normal(0, 2.1, (LINES, 8)), SAMPLES // 8)
    pattern = pattern * np.linspace(-1, 1, SAMPLES)
    # Half a line holds a mean amplitude of a half, a whole line none.
    assert period_power_dn2(white + pattern, 8, SAMPLES) < 0.1
    assert period_power_dn2(white + pattern, 8, 64) == pytest.approx(2.1**2 / 3, rel=0.15)
    assert abs(period_power_dn2(white, 8)) < 0.01


def test_another_period_is_not_taken_for_it(white):
    other = 3.0 * np.cos(2 * np.pi * np.arange(SAMPLES) / 5.0)
    assert period_power_dn2(white + other, 8) < 0.1


def test_power_adds_up_to_the_variance(white):
    for spectrum in (row_spectrum(white), column_spectrum(white)):
        assert spectrum.power_dn2.sum() == pytest.approx(white.var(), rel=1e-9)
        assert spectrum.frequency[0] == 0.0
        assert spectrum.frequency[-1] == 0.5


def test_a_pattern_of_eight_is_a_peak_at_an_eighth(white):
    spectrum = row_spectrum(white + np.cos(2 * np.pi * np.arange(SAMPLES) / 8))
    assert spectrum.frequency[np.argmax(spectrum.power_dn2)] == pytest.approx(1 / 8)
    assert column_spectrum(white + np.cos(2 * np.pi * np.arange(SAMPLES) / 8)).power_dn2[0] > 0.4


def test_the_spectrum_of_white_noise_is_its_variance_times_the_pixels(white):
    psd = noise_psd(white, (64, 64))
    assert psd.shape == (64, 64)
    assert psd.mean() == pytest.approx(64 * 64 * 1.4**2, rel=0.03)
    # Each value is a mean over 105 windows that overlap.
    assert (psd.ravel()[1:].std() / psd.mean()) < 0.25


def test_smoothing_leaves_the_total(white):
    rough, smooth = (noise_psd(white, (32, 32), smooth=s) for s in (False, True))
    assert smooth.mean() == pytest.approx(rough.mean())
    assert smooth.std() < rough.std()


def test_spectra_refuse_holes_and_images_that_are_too_small(white):
    with pytest.raises(ValueError, match="no window"):
        noise_psd(white, (LINES + 1, 8))
    with pytest.raises(ValueError, match="needs 16"):
        period_power_dn2(white[:, :10], 8)
    white[0, 0] = np.nan
    for spectrum in (row_spectrum, column_spectrum):
        with pytest.raises(ValueError, match="finite"):
            spectrum(white)
