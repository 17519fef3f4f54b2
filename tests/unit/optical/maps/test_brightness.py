"""Gains and offsets of images that see the same ground."""

import numpy as np
import pytest

from nightside.optical.brightness import Shared, expected_gains, match


def seen(scene, noise, gain, offset, seed):
    """Return what two cameras with these gains and offsets see of a scene, and the errors."""
    rng = np.random.default_rng(seed)
    signal = np.array([g * scene + o for g, o in zip(gain, offset, strict=True)])
    return signal + noise * rng.standard_normal(signal.shape), np.full(signal.shape, noise)


def pair(one, two, gains, offsets, contrast=10.0, noise=0.5, points=2000, mean=50.0):
    rng = np.random.default_rng([one, two, 7])
    scene = mean + contrast * rng.standard_normal(points)
    return Shared(
        one, two, *seen(scene, noise, [gains[one], gains[two]], [offsets[one], offsets[two]], one * 9 + two)
    )


def corrected(found, gains, offsets):
    """Return gain and offset that are left after the correction."""
    return found.gain * gains, found.gain * offsets + found.offset_dn


def test_known_gains_and_offsets_are_found():
    gains, offsets = np.array([1.0, 0.8, 1.3]), np.array([0.0, 2.0, -3.0])
    pairs = [pair(0, 1, gains, offsets), pair(1, 2, gains, offsets), pair(0, 2, gains, offsets)]
    found = match(pairs, np.ones(3), reference=0)
    gain, offset = corrected(found, gains, offsets)
    np.testing.assert_allclose(gain, 1.0, atol=0.01)
    np.testing.assert_allclose(gain * 50 + offset, 50.0, atol=0.1)
    assert (found.gain[0], found.offset_dn[0], found.groups) == (1.0, 0.0, 1)


def denoised(scene, contrast, noise, seed):
    """Return what is expected of a scene around 50 of a known contrast after it was seen in noise, and its error."""
    rng = np.random.default_rng(seed)
    kept = contrast**2 / (contrast**2 + noise**2)
    seen = 50.0 + kept * (scene - 50.0 + noise * rng.standard_normal(scene.shape))
    return seen, np.full(scene.shape, contrast * np.sqrt(1 - kept))


@pytest.mark.parametrize("reference", [0, 1])
def test_contrast_that_noise_hides_is_not_taken_for_a_gain(reference):
    # Images of one ground in much and in little noise: the first keeps half of its variance, and is five times as dark.
    scene = 50.0 + 6.0 * np.random.default_rng(5).standard_normal(20_000)
    dark, dark_std = denoised(scene, 6.0, 6.0, 1)
    clear, clear_std = denoised(scene, 6.0, 1.0, 2)
    signal, std = np.array([dark / 5, clear]), np.array([dark_std / 5, clear_std])
    # Their errors have the product of their variances over that of the scene in common: half of the smaller.
    found = match([Shared(0, 1, signal, std)], np.ones(2), reference=reference, correlation=0.5)
    assert found.gain[0] / found.gain[1] == pytest.approx(5.0, rel=0.02)
    assert abs(np.log(found.gain[0] / found.gain[1] / 5.0)) < 4 * found.gain_std[1 - reference]
    # The spread of the two signals is another: a fit of errors in both would take it for the gain.
    assert clear.std() / (dark.std() / 5) > 6.5


def test_ground_without_contrast_leaves_the_ratio_of_the_signals():
    gains, offsets = np.array([1.0, 0.5]), np.zeros(2)
    found = match([pair(0, 1, gains, offsets, contrast=0.05, noise=1.0)], np.ones(2), reference=0)
    assert found.gain[1] == pytest.approx(2.0, rel=0.05)


def test_a_shadow_that_moved_does_not_spoil_the_match():
    gains, offsets = np.array([1.0, 0.8]), np.array([0.0, 2.0])
    good = pair(0, 1, gains, offsets)
    signal = good.signal.copy()
    signal[1, :200] = 2.0
    found = match([Shared(0, 1, signal, good.std)], np.ones(2), reference=0)
    gain, offset = corrected(found, gains, offsets)
    np.testing.assert_allclose(gain * 50 + offset, 50.0, atol=1.0)


def test_groups_that_share_nothing_keep_their_own_reference_and_the_ratio_of_exposures():
    gains, offsets = np.array([1.0, 0.8, 1.0, 1.1]), np.zeros(4)
    expected = np.array([1.0, 1.0, 0.5, 0.5])
    pairs = [pair(0, 1, gains, offsets), pair(2, 3, gains, offsets)]
    found = match(pairs, expected, reference=0)
    assert found.groups == 2
    assert found.reference.tolist() == [0, 0, found.reference[2], found.reference[2]]
    np.testing.assert_allclose(found.gain[found.reference[2]], 0.5, rtol=0.01)
    np.testing.assert_allclose(found.gain[2] / found.gain[3], 1.1, rtol=0.01)


def test_the_reference_is_the_clearest_image_of_those_that_share_much():
    gains, offsets = np.ones(3), np.zeros(3)
    pairs = [pair(0, 2, gains, offsets), pair(1, 2, gains, offsets, noise=2.0)]
    pairs[0].std[1], pairs[0].std[0] = 2.0, 0.5
    assert match(pairs, np.ones(3)).reference.tolist() == [0, 0, 0]
    # The clearest one of little ground does not set the brightness of all.
    few = pair(0, 2, gains, offsets, noise=0.5, points=100)
    few.std[1] = 2.0
    assert match([few, pairs[1]], np.ones(3)).reference[0] != 0


def test_a_longer_exposure_and_a_more_responsive_camera_expect_a_smaller_gain():
    expected = expected_gains([1.0, 2.0, 1.0], ["left", "left", "right"])
    np.testing.assert_allclose(expected, [1.0, 0.5, 15_869 / 15_058])


def test_the_report_says_what_the_match_removed():
    gains, offsets = np.array([1.0, 0.8]), np.array([0.0, 2.0])
    found = match([pair(0, 1, gains, offsets)], np.ones(2))
    (line,) = found.report
    assert line["points"] == 2000
    assert abs(line["difference_before_dn"]) > 5
    assert abs(line["difference_after_dn"]) < 0.1
