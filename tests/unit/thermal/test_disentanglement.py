import numpy as np
import pytest

from nightside.thermal.disentanglement import (
    active_units,
    match_factors,
    mutual_information_gap,
    roc_auc,
    spearman_matrix,
)

RNG = np.random.default_rng(0)


def test_spearman_agrees_with_scipy() -> None:
    from scipy.stats import spearmanr

    z, v = RNG.normal(size=(200, 2)), RNG.integers(0, 9, (200, 1))
    expected = [spearmanr(z[:, k], v[:, 0]).statistic for k in range(2)]
    assert np.allclose(spearman_matrix(z, v)[:, 0], expected)


def test_a_constant_latent_follows_nothing() -> None:
    assert spearman_matrix(np.ones((9, 1)), np.arange(9.0)[:, None])[0, 0] == 0.0


def test_rows_without_data_do_not_count() -> None:
    z, v = np.arange(9.0)[:, None], np.arange(9.0)[:, None]
    v[3] = np.nan
    assert spearman_matrix(z, v)[0, 0] == pytest.approx(1.0)


def test_each_factor_finds_its_latent() -> None:
    factors = RNG.normal(size=(3000, 2))
    latents = np.stack([RNG.normal(size=3000), -np.exp(factors[:, 0]), factors[:, 1]], axis=1)
    found = match_factors(latents, {"onset": factors[:, 0], "conductivity": factors[:, 1]})
    assert found["onset"]["latent"] == 1
    assert found["onset"]["spearman"] == pytest.approx(-1.0)
    assert found["onset"]["next_best"] < 0.1
    assert found["conductivity"]["latent"] == 2


def test_gap_is_one_for_a_copy_and_nothing_for_two_copies() -> None:
    factor = RNG.normal(size=(20_000, 1))
    noise = RNG.normal(size=(20_000, 1))
    assert mutual_information_gap(np.hstack([factor, noise]), factor) > 0.95
    assert mutual_information_gap(np.hstack([factor, factor]), factor) == pytest.approx(0.0)


def test_active_units_are_counted_by_their_nats() -> None:
    assert active_units([0.0001, 0.5, 2.0]) == 2


def test_auc_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    positive, score = RNG.random(300) < 0.1, RNG.integers(0, 20, 300).astype(float)
    assert roc_auc(score, positive) == pytest.approx(roc_auc_score(positive, score))


def test_auc_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="0 positives"):
        roc_auc(np.arange(3), np.zeros(3))
