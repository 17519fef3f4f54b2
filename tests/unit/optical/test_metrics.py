"""Figures of merit against closed forms and against torchmetrics."""

import numpy as np
import pytest

from nightside.optical.metrics import data_range, l1, psnr_db, ssim, z_scores


@pytest.fixture
def truth(rng):
    y, x = np.mgrid[:96, :128] / 20.0
    return 20.0 + 10.0 * np.sin(x) * np.cos(y) + rng.normal(0, 0.5, y.shape)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_the_range_ignores_a_glint(truth):
    without = data_range(truth)
    truth[3, 3] = 4000.0
    assert data_range(truth) == pytest.approx(without, rel=0.02)


def test_psnr_of_known_noise_is_the_closed_form(truth, rng):
    noise = rng.normal(0, 1.4, truth.shape)
    expected = 20 * np.log10(data_range(truth) / np.sqrt(np.mean(noise**2)))
    assert psnr_db(truth + noise, truth) == pytest.approx(expected, abs=1e-9)
    assert psnr_db(truth, truth) == np.inf


def test_half_the_noise_is_six_decibels(truth, rng):
    noise = rng.normal(0, 1.4, truth.shape)
    gain = psnr_db(truth + noise / 2, truth) - psnr_db(truth + noise, truth)
    assert gain == pytest.approx(6.0206, abs=1e-4)


def test_ssim_agrees_with_torchmetrics(truth, rng):
    torch = pytest.importorskip("torch")
    metric = pytest.importorskip("torchmetrics.functional.image").structural_similarity_index_measure
    noisy = truth + rng.normal(0, 2.0, truth.shape)
    as_tensor = (torch.as_tensor(a)[None, None] for a in (noisy, truth))
    _, local = metric(*as_tensor, data_range=data_range(truth), return_full_image=True)
    # Its mean counts windows that are mirrored at the edge as well; ours only those inside.
    theirs = float(local[..., 5:-5, 5:-5].mean())
    assert ssim(noisy, truth) == pytest.approx(theirs, abs=1e-7)
    assert ssim(truth, truth) == pytest.approx(1.0)


def test_masked_pixels_have_no_say(truth, rng):
    noisy = truth + rng.normal(0, 1.0, truth.shape)
    good = np.ones(truth.shape, bool)
    good[40:44, 50:53] = False
    spoilt, nan = noisy.copy(), noisy.copy()
    spoilt[~good], nan[~good] = 1e6, np.nan
    for figure in (psnr_db, ssim, l1):
        assert figure(spoilt, truth, good) == figure(noisy, truth, good)
        assert figure(nan, truth) == figure(noisy, truth, good)
        assert figure(spoilt, truth) != figure(noisy, truth)
    std = np.ones(truth.shape)
    assert z_scores(spoilt, std, truth, good) == z_scores(noisy, std, truth, good)


def test_honest_deviations_spread_by_one_and_halved_ones_by_two(truth, rng):
    std = rng.uniform(0.5, 3.0, truth.shape)
    image = truth + std * rng.normal(size=truth.shape)
    honest, halved = z_scores(image, std, truth), z_scores(image, std / 2, truth)
    assert honest.spread == pytest.approx(1.0, abs=0.03)
    assert honest.robust_spread == pytest.approx(1.0, abs=0.04)
    assert halved.spread == pytest.approx(2 * honest.spread)


def test_an_expectation_has_no_bias_at_any_of_its_values(rng):
    truth = rng.normal(size=(200, 500))
    expected = 0.5 * (truth + rng.normal(size=truth.shape))
    std = np.full(truth.shape, np.sqrt(0.5))
    z = z_scores(expected, std, truth)
    assert len(z.mean_by_signal) == 10
    np.testing.assert_allclose(z.mean_by_signal, 0.0, atol=0.04)
    assert z.beyond_three == pytest.approx(0.0027, abs=0.0006)
    # Twice as large it is noisy, not expected: too bright where it is bright.
    noisy = z_scores(2 * expected, std, truth)
    assert noisy.mean_by_signal[0] < -1
    assert noisy.mean_by_signal[-1] > 1


def test_outliers_widen_the_plain_spread_only(truth, rng):
    image = truth + rng.normal(size=truth.shape)
    image.flat[:60] += 30.0
    z = z_scores(image, np.ones(truth.shape), truth)
    assert z.spread > 2.0
    assert z.robust_spread < 1.06


@pytest.mark.parametrize("figure", [psnr_db, ssim, l1])
def test_nothing_to_compare_is_refused(truth, figure):
    with pytest.raises(ValueError, match="all are masked"):
        figure(truth, truth, np.zeros(truth.shape, bool))
    with pytest.raises(ValueError, match="have to agree"):
        figure(truth[:-1], truth)


def test_a_flat_truth_has_no_range(truth):
    with pytest.raises(ValueError, match="no range"):
        psnr_db(truth, np.full(truth.shape, 4.0))


def test_a_deviation_of_zero_is_refused(truth):
    with pytest.raises(ValueError, match="above 0"):
        z_scores(truth, np.zeros(truth.shape), truth)
