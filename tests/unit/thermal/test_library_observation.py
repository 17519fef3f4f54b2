import numpy as np
import pytest
import xarray as xr

from nightside.config.thermal import Profiles
from nightside.thermal.library_observation import Sampling, observe, sampling_of

BINS = 96
CONFIG = Profiles(noise_k=1.5)


def cube_of(count, noise_k, rng):
    """A cube whose bins spread by ``noise_k``, but for one at sunrise that spreads by 40 K."""
    spread = np.full(BINS, noise_k)
    spread[24] = 40.0
    freedom = np.maximum(count - 1, 1)
    std = np.where(count > 1, spread * np.sqrt(rng.chisquare(freedom) / freedom), np.nan)
    dims = ("y", "x", "local_time")
    return xr.Dataset({"count": (dims, count), "brightness_temperature_std": (dims, std)})


def day(n):
    hours = np.arange(120) * 0.2
    return np.tile(95 + 280 * np.maximum(0, -np.cos(hours * np.pi / 12)) ** 0.25, (n, 1))


def test_the_noise_is_that_of_repeated_observations():
    rng = np.random.default_rng(0)
    cube = cube_of(rng.integers(0, 5, (70, 9, BINS)), 2.5, rng)
    good = np.ones((70, 9), np.bool_)
    assert sampling_of(cube, good, 10_000, 0, 9.0).noise_k == pytest.approx(2.5, rel=0.03)


def test_without_repeats_the_noise_is_the_configured_one():
    cube = cube_of(np.ones((3, 4, BINS), np.int64), 2.5, np.random.default_rng(0))
    assert sampling_of(cube, np.ones((3, 4), np.bool_), 5, 0, 9.0).noise_k == 9.0


def test_only_good_cells_are_drawn():
    count = np.ones((90, 4, BINS), np.int64)
    count[40:] = 2
    good = np.zeros((90, 4), np.bool_)
    good[40:] = True
    drawn = sampling_of(cube_of(count, 1.0, np.random.default_rng(0)), good, 30, 0, 1.0)
    assert drawn.count.shape == (30, BINS)
    assert (drawn.count == 2).all()


def test_the_library_is_sure_where_the_region_was_observed():
    count = np.zeros((1, BINS), np.int32)
    count[0, ::8] = 400
    sampling = Sampling(count, noise_k=1.5)
    profiles, std = observe(day(500), sampling, CONFIG, seed=1)
    error = np.sqrt(np.mean((profiles - day(500)) ** 2, axis=0))
    hours = np.arange(120) * 0.2
    since = (hours - 0.125) % 2.0
    observed = (since < 0.1) | (since > 1.9)
    between = (since > 0.9) & (since < 1.1)
    assert std[:, observed].max() < 2.0 < std[:, between].min()
    night = (hours < 4) | (hours > 20)
    assert error[observed & night].max() < error[between & night].min()
    assert error[(hours > 5.2) & (hours < 6.8)].max() > 20.0  # the corner of sunrise was not seen


def test_noise_falls_with_the_count():
    flat = np.full((4000, 120), 200.0)
    spread = {}
    for repeats in (1, 16):
        sampling = Sampling(np.full((1, BINS), repeats, np.int32), noise_k=8.0)
        config = Profiles(noise_k=0.01, noise_floor_k=0.0, length_scale_h=0.05)
        spread[repeats] = observe(flat, sampling, config, seed=0)[0][:, 0].std()
    assert spread[1] / spread[16] == pytest.approx(4.0, rel=0.1)


def test_another_grid_is_refused():
    cube = cube_of(np.ones((3, 4, BINS), np.int64), 1.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="give the cube that the profiles were made of"):
        sampling_of(cube, np.ones((4, 3), np.bool_), 5, 0, 1.0)
