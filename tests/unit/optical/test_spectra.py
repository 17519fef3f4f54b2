"""Stripes and patterns of known size are found with that size, and white noise with its own."""

import numpy as np
import pytest

from nightside.optical.spectra import (
    column_mean_std_dn,
    column_spectrum,
    line_mean_std_dn,
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


def test_stripes_are_measured_in_their_own_direction(white, rng):
    upright, level = rng.normal(0, 2.46, SAMPLES), rng.normal(0, 1.1, (LINES, 1))
    assert column_mean_std_dn(white + upright) == pytest.approx(upright.std(), rel=0.02)
    assert line_mean_std_dn(white + level) == pytest.approx(level.std(), rel=0.02)
    assert column_mean_std_dn(white + level) == pytest.approx(1.4 / np.sqrt(LINES), rel=0.15)


def test_masked_pixels_do_not_count(white):
    holed = white.copy()
    holed[::7, ::5] = np.nan
    assert column_mean_std_dn(holed) == pytest.approx(column_mean_std_dn(white), rel=0.2)
    assert np.isfinite(period_power_dn2(holed, 8))


def test_a_pattern_that_changes_from_line_to_line_is_found(white, rng):
    pattern = rng.normal(0, 2.1, (LINES, 8))
    pattern -= pattern.mean(axis=1, keepdims=True)
    found = period_power_dn2(white + np.tile(pattern, SAMPLES // 8), 8)
    floor = 7 * 1.4**2 / 256
    assert found == pytest.approx(np.mean(pattern**2) + floor, rel=0.02)
    assert period_power_dn2(white, 8) == pytest.approx(floor, rel=0.1)


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
