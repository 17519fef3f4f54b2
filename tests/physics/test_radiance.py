"""Radiance of Diviner's bands and brightness temperature."""

import numpy as np
import pytest

from nightside import physics

# Radiance at 300 K (W m-2 sr-1), and radiances at 100 K and 50 K relative to it, from the Diviner team's table
# Diviner_R_to_T_8-4-2009.xls, which integrates the measured pass bands.
INSTRUMENT = {
    6: (48.863, 0.00429, 4.4e-6),
    7: (15.272, 0.0357, 4.8e-4),
    8: (2.443, 0.1286, 0.0134),
    9: (0.5725, 0.2147, 0.0547),
}


def test_planck_integral_over_all_wavelengths_is_stefan_boltzmann():
    decades = [physics.Band(10.0**k, 10.0 ** (k + 1)) for k in range(4)]
    total = sum(float(physics.planck_band_radiance(300.0, band)) for band in decades)
    assert total == pytest.approx(5.670374419e-8 * 300.0**4 / np.pi, rel=1e-6)


@pytest.mark.parametrize(("channel", "tolerance_k"), [(6, 0.5), (7, 0.1), (8, 2.0), (9, 4.0)])
def test_square_band_reads_a_100_kelvin_scene_as_the_instrument_does(channel, tolerance_k):
    """The ratio to 300 K is what calibration fixes. For channel 7 it is 0.4 % low: 0.09 K at 100 K."""
    band = physics.DIVINER_BANDS[channel]
    instrument_radiance = INSTRUMENT[channel][1] * physics.planck_band_radiance(300.0, band)
    assert float(physics.brightness_temperature(instrument_radiance, band)) == pytest.approx(
        100.0, abs=tolerance_k
    )


def test_square_band_of_channel_7_differs_from_the_instrument_by_a_known_amount():
    band = physics.CHANNEL_7
    at_300 = float(physics.planck_band_radiance(300.0, band))
    # The square band transmits all light; the filter's peak is below 1, and the excess is 13 %.
    assert at_300 / INSTRUMENT[7][0] == pytest.approx(1.134, abs=0.005)
    ratio_100 = float(physics.planck_band_radiance(100.0, band)) / at_300
    ratio_50 = float(physics.planck_band_radiance(50.0, band)) / at_300
    assert ratio_100 / INSTRUMENT[7][1] - 1.0 == pytest.approx(-0.0037, abs=0.002)
    assert ratio_50 / INSTRUMENT[7][2] - 1.0 == pytest.approx(-0.046, abs=0.012)
    read = physics.brightness_temperature(np.array([INSTRUMENT[7][1], INSTRUMENT[7][2]]) * at_300)
    np.testing.assert_allclose(read, [100.09, 50.28], atol=0.1)


@pytest.mark.parametrize("channel", sorted(physics.DIVINER_BANDS))
def test_table_agrees_with_the_integral_and_inverts(channel):
    band = physics.DIVINER_BANDS[channel]
    temperature = np.random.default_rng(channel).uniform(3.0, 1000.0, 2000)
    radiance = physics.band_radiance(temperature, band)
    np.testing.assert_allclose(radiance, physics.planck_band_radiance(temperature, band), rtol=4e-5)
    np.testing.assert_allclose(physics.brightness_temperature(radiance, band), temperature, rtol=1e-9)


def test_radiance_is_odd_in_temperature_and_undefined_beyond_the_table():
    np.testing.assert_allclose(physics.band_radiance(-80.0), -physics.band_radiance(80.0))
    np.testing.assert_allclose(
        physics.brightness_temperature([-1.0, 0.0]), [-physics.brightness_temperature(1.0), 0.0]
    )
    assert np.isnan(physics.band_radiance([np.nan, 1001.0])).all()
    assert np.isnan(physics.brightness_temperature([np.nan, 1e9])).all()


def test_mixture_lies_between_its_parts_and_leans_to_the_warmer():
    mixed = physics.mixed_brightness_temperature(100.0, 200.0, np.array([0.0, 0.1, 0.5, 1.0]))
    np.testing.assert_allclose(mixed[[0, 3]], [100.0, 200.0], rtol=1e-9)
    assert (np.diff(mixed) > 0.0).all()
    assert mixed[1] > 110.0
    # Shorter waves lean more: the anisothermality from which rock abundance is measured.
    assert physics.mixed_brightness_temperature(100.0, 200.0, 0.1, physics.DIVINER_BANDS[6]) > mixed[1]
    assert physics.mixed_brightness_temperature(100.0, 200.0, 0.1, physics.DIVINER_BANDS[8]) < mixed[1]


@pytest.mark.parametrize("fraction", [-0.1, 1.1])
def test_area_fractions_outside_zero_to_one_are_refused(fraction):
    with pytest.raises(ValueError, match="other_fraction"):
        physics.mixed_brightness_temperature(100.0, 200.0, fraction)
