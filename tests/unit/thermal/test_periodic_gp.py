import numpy as np
import pytest

from nightside.thermal.periodic_gp import (
    LANES,
    Process,
    posterior,
    ring_of,
    wrapped_matern32,
    wrapped_variance,
)


def _posterior(value, count, process, local_times, length_scale):
    """Return mean and variance of every cell about 0."""
    cells, bins = value.shape
    mean, deviation = np.empty((cells, local_times)), np.empty((cells, local_times))
    ring = ring_of(bins, local_times, length_scale)
    posterior(value, count, np.arange(cells), np.zeros(cells), process, ring, mean, deviation)
    return mean, deviation**2


def _dense(value, variance, local_times, length_scale):
    """Solve the regression of one cell as the textbook writes it."""
    seen = np.flatnonzero(variance > 0)
    times = (seen + 0.5) * 24 / value.size
    outputs = np.arange(local_times) * 24 / local_times
    prior = wrapped_variance(length_scale)
    gram = prior * wrapped_matern32(times[:, None] - times, length_scale) + np.diag(variance[seen])
    cross = prior * wrapped_matern32(outputs[:, None] - times, length_scale)
    reduction = np.einsum("ij,ji->i", cross, np.linalg.solve(gram, cross.T))
    return cross @ np.linalg.solve(gram, value[seen]), prior - reduction


@pytest.mark.parametrize("length_scale", [0.5, 6.0, 48.0])
def test_wrapped_kernel_is_the_sum_over_all_days(length_scale):
    lag = np.linspace(-30, 30, 301)
    images = np.sqrt(3) * np.abs(lag[:, None] + 24 * np.arange(-60, 61)) / length_scale
    total = ((1 + images) * np.exp(-images)).sum(axis=1)
    np.testing.assert_allclose(
        wrapped_variance(length_scale) * wrapped_matern32(lag, length_scale), total, rtol=1e-12
    )


@pytest.mark.parametrize("length_scale", [0.5, 6.0, 48.0])
def test_wrapped_kernel_is_positive_on_the_circle(length_scale):
    spectrum = np.fft.fft(wrapped_matern32(np.arange(192) / 8, length_scale))
    assert np.abs(spectrum.imag).max() < 1e-10
    assert spectrum.real.min() > 0


@pytest.mark.parametrize(("bins", "local_times"), [(96, 120), (120, 120), (24, 96), (250, 120), (8, 8)])
@pytest.mark.parametrize("noise", [1e-8, 1e-3, 1.0])
@pytest.mark.parametrize("length_scale", [1.0, 6.0, 30.0])
def test_posterior_agrees_with_a_dense_solve(bins, local_times, noise, length_scale):
    rng = np.random.default_rng(bins)
    seen = rng.random((20, bins)) < np.linspace(0.0, 1.0, 20)[:, None]
    seen[np.arange(20), rng.integers(0, bins, 20)] = True
    value = np.where(seen, rng.normal(size=(20, bins)), np.nan)
    count = np.where(seen, rng.integers(1, 5, (20, bins)), 0)
    mean, var = _posterior(value, count, Process(1.0, noise, noise / 8), local_times, length_scale)
    variance = np.where(seen, noise / np.maximum(count, 1) + noise / 8, 0.0)
    for i in range(20):
        expected, expected_var = _dense(value[i], variance[i], local_times, length_scale)
        np.testing.assert_allclose(mean[i], expected, atol=2e-6 * max(1.0, np.abs(expected).max()))
        np.testing.assert_allclose(var[i], expected_var, atol=1e-7)


def test_without_observations_the_posterior_is_the_prior():
    mean, var = _posterior(np.full((1, 96), np.nan), np.zeros((1, 96), int), Process(1.0, 1.0, 0.0), 120, 6.0)
    np.testing.assert_allclose(mean, 0.0, atol=1e-12)
    np.testing.assert_allclose(var, wrapped_variance(6.0), rtol=1e-10)


def test_another_unit_of_scale_changes_the_unit_only():
    rng = np.random.default_rng(0)
    value, count = rng.normal(size=(3, 96)), rng.integers(0, 3, (3, 96))
    mean, var = _posterior(value, count, Process(1.0, 0.1, 0.01), 120, 6.0)
    in_millis, var_in_millis = _posterior(1e3 * value, count, Process(1e3, 1e5, 1e4), 120, 6.0)
    np.testing.assert_allclose(in_millis, 1e3 * mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(var_in_millis, 1e6 * var, rtol=1e-9)


def test_only_the_chosen_cells_are_done_and_none_depends_on_its_neighbours():
    rng = np.random.default_rng(1)
    number = 3 * LANES
    value, count = rng.normal(size=(number, 24)), rng.integers(0, 3, (number, 24))
    ring, process, centre = ring_of(24, 24, 6.0), Process(1.0, 0.1, 0.01), rng.normal(size=number)
    whole = np.empty((2, number, 24))
    posterior(value, count, np.arange(number), centre, process, ring, *whole)
    chosen = np.flatnonzero(rng.random(number) < 0.5)
    part = np.full((2, number, 24), np.nan)
    posterior(value, count, chosen, centre, process, ring, *part)
    np.testing.assert_array_equal(part[:, chosen], whole[:, chosen])
    assert np.isnan(np.delete(part, chosen, axis=1)).all()
