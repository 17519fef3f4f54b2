import numpy as np
import pytest
import xarray as xr

from nightside.thermal.cube import cube_dataset, cube_from_bins


def test_moments_are_those_of_the_observations():
    kelvins = np.random.default_rng(0).normal(300, 5, (50, 7))
    mean, deviation, count = cube_from_bins(np.full(7, 50), kelvins.sum(axis=0), (kelvins**2).sum(axis=0))
    np.testing.assert_allclose(mean, kelvins.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(deviation, kelvins.std(axis=0, ddof=1), rtol=1e-5)
    assert count.tolist() == [50] * 7


def test_equal_observations_never_give_a_negative_variance():
    n = np.arange(2, 2000)
    kelvins = 387.123456789
    total, squares = np.cumsum(np.full(2000, kelvins)), np.cumsum(np.full(2000, kelvins**2))
    _, deviation, _ = cube_from_bins(n, total[n - 1], squares[n - 1])
    assert np.isfinite(deviation).all()
    assert deviation.max() < 1e-4


def test_empty_bins_are_nan_and_one_observation_has_no_deviation():
    mean, deviation, count = cube_from_bins(
        np.array([0, 1]), np.array([0.0, 250.0]), np.array([0.0, 62500.0])
    )
    assert np.isnan(mean[0])
    assert mean[1] == 250
    assert np.isnan(deviation).all()
    assert count.tolist() == [0, 1]


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="counts"):
        cube_from_bins(np.array([-1]), np.zeros(1), np.zeros(1))


def _block(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 4, (5, 3, 8)).astype(np.int32)
    day = ("y", "x", "local_time")
    return xr.Dataset({"n": (day, n), "sum_k": (day, 200.0 * n), "sum_k2": (day, 40100.0 * n)})


def test_blocks_add_up_in_any_order():
    blocks = [_block(seed) for seed in range(4)]
    forward = cube_dataset(blocks)
    xr.testing.assert_identical(forward, cube_dataset(blocks[::-1], rows=2))
    assert forward["count"].sum() == sum(block["n"].sum() for block in blocks)


def test_blocks_of_another_grid_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        cube_dataset([_block(0), _block(1).isel(y=slice(0, 2))])
    with pytest.raises(ValueError, match="no bins"):
        cube_dataset([])
