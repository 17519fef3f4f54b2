import numpy as np
import pytest
import xarray as xr

from nightside.config.thermal import Profiles
from nightside.thermal.periodic_gp import wrapped_matern32
from nightside.thermal.profiles import (
    GAP_TOO_LONG,
    GOOD,
    NO_OBSERVATIONS,
    interpolate_profiles,
    profiles_dataset,
)


def _cells(seed, cells=12, bins=96, seen=0.5):
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 12, (cells, bins)) * (rng.random((cells, bins)) < seen)
    hour = (np.arange(bins) + 0.5) * 24 / bins
    mean = 95 + 280 * np.maximum(0, -np.cos(hour * np.pi / 12)) ** 0.25 + rng.normal(0, 3, (cells, bins))
    return np.where(count > 0, mean, np.nan), count


@pytest.mark.parametrize("seed", range(6))
def test_profiles_agree_with_a_dense_solve_in_kelvins(seed):
    mean, count = _cells(seed, seen=[0.15, 0.3, 0.5, 0.7, 0.9, 1.0][seed])
    config = Profiles(gap_max_h=24)
    result = interpolate_profiles(mean, count, config)
    for i in range(mean.shape[0]):
        seen = np.flatnonzero(count[i])
        times, outputs = (seen + 0.5) / 4, np.arange(120) / 5
        apart = np.diff(times, append=times[0] + 24)
        centre = np.average(mean[i, seen], weights=apart + np.roll(apart, 1))
        noise = config.noise_k**2 / count[i, seen] + config.noise_floor_k**2
        gram = config.amplitude_k**2 * wrapped_matern32(times[:, None] - times, 6.0) + np.diag(noise)
        cross = config.amplitude_k**2 * wrapped_matern32(outputs[:, None] - times, 6.0)
        var = config.amplitude_k**2 - np.einsum("ij,ji->i", cross, np.linalg.solve(gram, cross.T))
        expected = centre + cross @ np.linalg.solve(gram, mean[i, seen] - centre)
        np.testing.assert_allclose(result.temperature_k[i], expected, atol=1e-4)
        np.testing.assert_allclose(result.temperature_std_k[i], np.sqrt(var), atol=1e-4)
        assert result.longest_gap_h[i] == pytest.approx(apart.max())


def test_shifting_the_observations_shifts_the_profile():
    mean, count = _cells(1)
    config = Profiles(gap_max_h=24)
    still = interpolate_profiles(mean, count, config)
    moved = interpolate_profiles(np.roll(mean, 28, axis=1), np.roll(count, 28, axis=1), config)
    np.testing.assert_allclose(moved.temperature_k, np.roll(still.temperature_k, 35, axis=1), atol=1e-3)
    np.testing.assert_allclose(
        moved.temperature_std_k, np.roll(still.temperature_std_k, 35, axis=1), atol=1e-3
    )


def test_deviation_falls_with_the_count():
    mean, count = _cells(2, seen=1.0)
    few = interpolate_profiles(mean, count, Profiles())
    many = interpolate_profiles(mean, 10 * count, Profiles())
    assert (many.temperature_std_k < few.temperature_std_k).all()


def test_constant_profile_stays_constant():
    _, count = _cells(3)
    result = interpolate_profiles(np.full(count.shape, 251.5), count, Profiles(gap_max_h=24))
    np.testing.assert_allclose(result.temperature_k, 251.5, atol=1e-4)


@pytest.mark.parametrize("first", [40, 88, 0])
def test_a_gap_longer_than_allowed_is_masked_wherever_it_lies(first):
    count = np.ones((2, 96), dtype=int)
    count[0, (first + np.arange(16)) % 96] = 0  # 16 bins unobserved: neighbours are 4.25 h apart
    count[1, (first + np.arange(15)) % 96] = 0  # 15 bins: 4 h
    result = interpolate_profiles(np.full((2, 96), 200.0), count, Profiles(gap_max_h=4))
    np.testing.assert_allclose(result.longest_gap_h, [4.25, 4.0])
    assert result.quality.tolist() == [GAP_TOO_LONG, GOOD]
    assert np.isnan(result.temperature_k[0]).all()
    assert np.isnan(result.temperature_std_k[0]).all()
    assert np.isfinite(result.temperature_k[1]).all()


def test_one_observation_is_a_gap_of_a_day_and_none_has_its_own_code():
    count = np.zeros((2, 96), dtype=int)
    count[0, 7] = 3
    mean = np.where(count > 0, 180.0, np.nan)
    result = interpolate_profiles(mean, count, Profiles())
    assert result.quality.tolist() == [GAP_TOO_LONG, NO_OBSERVATIONS]
    np.testing.assert_allclose(result.longest_gap_h, 24.0)
    allowed = interpolate_profiles(mean, count, Profiles(gap_max_h=24))
    np.testing.assert_allclose(allowed.temperature_k[0], 180.0, atol=1e-3)


def test_the_type_and_layout_of_the_bins_do_not_matter():
    mean, count = _cells(5)
    mean = mean.astype(np.float32)
    single = interpolate_profiles(mean, count.astype(np.uint16), Profiles(gap_max_h=24))
    double = interpolate_profiles(np.asfortranarray(mean.astype(np.float64)), count, Profiles(gap_max_h=24))
    for one, other in zip(single, double, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 50, 95])
def test_an_observed_bin_without_a_finite_mean_is_refused(bad, at):
    mean, count = np.full((2, 96), 200.0), np.ones((2, 96), dtype=int)
    mean[1, at] = bad
    with pytest.raises(ValueError, match="not finite"):
        interpolate_profiles(mean, count, Profiles())
    count[1, at] = 0
    assert np.isfinite(interpolate_profiles(mean, count, Profiles()).temperature_k).all()


def test_arrays_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        interpolate_profiles(np.zeros((2, 96)), np.ones((1, 96), dtype=int), Profiles())


def test_dataset_is_the_same_in_any_number_of_parts():
    mean, count = _cells(4, cells=12, seen=0.9)
    day = ("y", "x", "local_time")
    cube = xr.Dataset(
        {
            "brightness_temperature": (day, mean.reshape(4, 3, 96).astype(np.float32)),
            "count": (day, count.reshape(4, 3, 96).astype(np.int32)),
        }
    )
    whole = profiles_dataset(cube, Profiles())
    xr.testing.assert_identical(whole, profiles_dataset(cube, Profiles(), rows=3))
    assert whole["temperature"].dims == day
    assert whole["local_time"].to_numpy()[1] == pytest.approx(0.2)
