import numpy as np
import pytest

from nightside.camera.pattern_statistics import (
    column_mean_std,
    lag_correlations,
    pattern_statistics,
    period_power,
)


def test_each_statistic_finds_its_own_noise():
    rng = np.random.default_rng(1)
    white = 2.0 * rng.standard_normal((400, 800))
    line = 1.5 * rng.standard_normal((400, 1))
    pattern = rng.standard_normal((400, 8))
    pattern -= pattern.mean(axis=1, keepdims=True)
    stripes = 3.0 * rng.standard_normal(800)
    found = pattern_statistics(white + line + np.tile(pattern, 100) + stripes + 7)
    assert found.mean == pytest.approx(7, abs=0.4)
    assert found.column_std == pytest.approx(3, rel=0.1)
    assert found.line_std == pytest.approx(1.5, rel=0.1)
    assert found.pattern_std == pytest.approx(pattern.std(), rel=0.05)
    assert found.white_std == pytest.approx(2, rel=0.02)
    assert found.temporal_std == pytest.approx(np.sqrt(4 + 2.25 + pattern.var()), rel=0.05)


def test_white_noise_has_no_power_at_the_period_on_average():
    rng = np.random.default_rng(2)
    power = [period_power(rng.standard_normal((200, 160))) for _ in range(40)]
    assert abs(np.mean(power)) < 3 * np.std(power) / np.sqrt(40)
    assert np.std(power) < 0.01


def test_power_at_the_period_is_the_patterns_variance():
    pattern = np.tile([1.0, -1, 2, -2, 0, 1, -1, 0], 20)
    noise = np.random.default_rng(3).standard_normal((500, 160))
    assert period_power(noise + pattern) == pytest.approx((pattern**2).mean() * 8 / 7, rel=0.02)
    assert period_power(noise + 5.0 * np.arange(500)[:, None]) == pytest.approx(0, abs=0.02)


def test_neighbours_that_share_noise_correlate():
    rng = np.random.default_rng(4)
    shared = np.repeat(rng.standard_normal((300, 200)), 2, axis=1)
    image = shared + rng.standard_normal((300, 400))
    assert pattern_statistics(image).pairs == pytest.approx(0.5, abs=0.02)
    assert lag_correlations(image, (1, 4)) == pytest.approx((0.25, 0.0), abs=0.02)


def test_stripes_are_the_spread_of_column_means():
    assert column_mean_std(np.tile([1.0, 3.0], (5, 10))) == pytest.approx(1)


def test_a_tiny_image_is_refused():
    with pytest.raises(ValueError, match="too small"):
        pattern_statistics(np.zeros((1, 80)))
