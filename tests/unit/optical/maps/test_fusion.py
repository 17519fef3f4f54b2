"""Weights of images whose errors have something in common."""

import numpy as np
import pytest

from nightside.optical.fusion import least_variance_weights, variance_of_mean


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.75])
def test_weights_and_variance_are_those_of_the_best_linear_estimate(correlation):
    variance = np.random.default_rng(1).uniform(0.1, 20.0, (5, 1, 50))
    weights = least_variance_weights(variance, correlation)
    stated = variance_of_mean(weights, variance, correlation)
    for place in range(50):
        v = variance[:, 0, place]
        covariance = correlation * np.minimum.outer(v, v) + (1 - correlation) * np.diag(v)
        best = np.linalg.solve(covariance, np.ones(5))
        best /= best.sum()
        np.testing.assert_allclose(weights[:, 0, place], best, rtol=1e-9)
        assert stated[0, place] == pytest.approx(best @ covariance @ best)


def test_images_that_are_not_there_do_not_count():
    variance = np.array([np.inf, 4.0, np.inf, 1.0, np.inf, np.inf]).reshape(3, 1, 2)
    weights = least_variance_weights(variance, 0.75)
    np.testing.assert_array_equal(weights[:, 0, 0], 0.0)
    assert weights[2, 0, 1] == 0.0
    np.testing.assert_allclose(weights[:2, 0, 1], least_variance_weights(variance[:2, :, 1:], 0.75)[:, 0, 0])
    assert variance_of_mean(weights, variance, 0.75)[0, 1] < 1.0
    np.testing.assert_array_equal(variance_of_mean(weights, variance, 0.75)[0, 0], 0.0)


def test_a_dark_image_neither_spoils_a_clear_one_nor_makes_it_seem_surer():
    # What is expected of one scene in little and in much noise; the second knows next to nothing beyond the first.
    rng = np.random.default_rng(2)
    scene = 6.0 * rng.standard_normal(200_000)
    images, variances = [], []
    for noise in (1.0, 12.0, 12.0):
        kept = 36.0 / (36.0 + noise**2)
        images.append(kept * (scene + noise * rng.standard_normal(scene.size)))
        variances.append(np.full((1, scene.size), 36.0 * (1 - kept)))
    variance = np.stack(variances)
    spread = {}
    for correlation in (0.0, 0.75):
        weights = least_variance_weights(variance, correlation)
        error = (weights[:, 0] * np.stack(images)).sum(axis=0) - scene
        spread[correlation] = (
            error.std(),
            error.std() / np.sqrt(variance_of_mean(weights, variance, correlation).mean()),
        )
    clear = (images[0] - scene).std()
    assert spread[0.75][0] < 1.01 * clear < spread[0.0][0]
    assert spread[0.75][1] == pytest.approx(1.0, abs=0.03)
    assert spread[0.0][1] > 1.05
