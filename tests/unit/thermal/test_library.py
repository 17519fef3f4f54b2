"""The library's places are what the heat model makes of their factors."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from nightside.thermal.library import FACTORS, H_PARAMETER_M, ROCK_RANGE, ROCKY_SHARE, make_library


@pytest.fixture(scope="module")
def library():
    return make_library([-43.0, -42.0], 120, 800, seed=4)


def test_factors_are_broad_and_independent(library):
    rho = spearmanr(library.factors).statistic
    assert np.abs(rho[np.triu_indices(3, 1)]).max() < 0.15
    log_h = library.factors[:, FACTORS.index("conductivity")]
    assert np.median(log_h) == pytest.approx(np.log(H_PARAMETER_M), abs=0.06)
    assert 0.4 < log_h.std() < 0.6


def test_temperatures_follow_the_factors(library):
    bare = library[library.rock == 0.0]
    onset, flux, log_h = bare.factors.T
    morning, noon, night = (bare.temperature[:, k] for k in (33, 60, 10))
    assert spearmanr(onset, morning).statistic < -0.7
    assert spearmanr(flux, noon).statistic > 0.7
    assert spearmanr(log_h, night).statistic < -0.7


def test_a_fifth_of_the_places_has_rocks_and_warm_nights(library):
    rocky = library.rock > 0.0
    assert rocky.mean() == pytest.approx(ROCKY_SHARE, abs=0.05)
    assert library.rock[rocky].min() >= ROCK_RANGE[0]
    assert library.rock.max() <= ROCK_RANGE[1]
    night = library.temperature[:, 10]
    assert np.median(night[library.rock > 0.1]) > np.median(night[~rocky]) + 15


def test_the_same_seed_gives_the_same_places(library):
    again = make_library([-43.0, -42.0], 120, 800, seed=4)
    np.testing.assert_array_equal(again.temperature, library.temperature)
    assert not np.array_equal(make_library([-43.0, -42.0], 120, 800, seed=6).factors, library.factors)


def test_no_latitude_is_refused():
    with pytest.raises(ValueError, match="no finite latitude"):
        make_library([np.nan], 120, 64, seed=1)
