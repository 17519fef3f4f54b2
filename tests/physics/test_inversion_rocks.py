"""Rocks in the inversion: few that no fit can see, and many that are fitted. The truth comes from the solver."""

from dataclasses import replace

import numpy as np
import pytest

from nightside import physics

HOURS = (np.arange(48) + 0.5) * 0.5
BARE = physics.Priors(slope_north=(0.0, 0.0))
UNSEEN = physics.UnseenRocks()
HONEST = replace(BARE, unseen_rocks=UNSEEN)
ROCKY = replace(BARE, rock_fraction=(0.0, 0.2))


@pytest.fixture(scope="module")
def surrogate() -> physics.Surrogate:
    return physics.make_surrogate(physics.Domain(amplitude=(0.4, 1.0)), rocks=True)


def seen_with(fraction: np.ndarray, seed: int, **fixed: float) -> dict[str, np.ndarray]:
    """Return random places with a ``fraction`` (n) of rocks and what was seen of them, with 1 K of noise."""
    rng, n = np.random.default_rng(seed), fraction.size
    latitude, slope = rng.uniform(-50.0, 50.0, n), rng.normal(0.0, 5.0, n)
    albedo = rng.normal(0.12, 0.02, n).clip(0.03, 0.3)
    h = fixed.get("h", 0.07 * np.exp(0.4 * rng.standard_normal(n))) * np.ones(n)
    soil, rock = (
        physics.diurnal_temperatures(latitude, albedo, h, slope, local_time_h=HOURS, material=material)
        for material in (physics.REGOLITH, physics.ROCK)
    )
    seen = physics.mixed_brightness_temperature(soil, rock, fraction[:, None])
    return {
        "latitude": latitude,
        "albedo": albedo,
        "h": h,
        "onset": physics.onset_delay_h(latitude, slope),
        "fraction": fraction,
        "seen": seen + rng.normal(0.0, 1.0, seen.shape),
    }


def fit(surrogate, truth, priors) -> physics.Inversion:
    ones = np.ones_like(truth["seen"])
    return physics.invert(surrogate, truth["latitude"], truth["seen"], ones, HOURS, priors, timing_std_h=0.0)


def covered(estimate, std, truth) -> dict[str, float]:
    """Return the parts of 95 % intervals that hold the truth; of H as the maps have it, in metres."""
    h = np.exp(estimate[:, 1])
    errors = {
        "albedo": (estimate[:, 0] - truth["albedo"], std[:, 0]),
        "h": (h - truth["h"], std[:, 1] * h),
        "onset": (estimate[:, 2] - truth["onset"], std[:, 2]),
        "fraction": (estimate[:, 4] - truth["fraction"], std[:, 4]),
    }
    return {name: float((np.abs(error) < 1.96 * std).mean()) for name, (error, std) in errors.items()}


def allowing(found) -> tuple[np.ndarray, np.ndarray]:
    return found.estimate_with_unseen_rocks, found.std_with_unseen_rocks


def test_where_few_rocks_are_likely_the_intervals_that_allow_for_them_cover_the_truth_in_93_to_97(surrogate):
    fraction = np.random.default_rng(11).exponential(UNSEEN.mean, 4000)
    truth = seen_with(fraction, 12)
    found = fit(surrogate, truth, HONEST)
    assert found.answered.all()
    parts = covered(*allowing(found), truth)
    assert all(0.93 < part < 0.97 for name, part in parts.items() if name != "fraction"), parts
    # That of a quantity near its bound is no symmetric interval: it errs on the safe side.
    assert 0.93 < parts["fraction"] < 0.98
    assert abs(np.mean(found.estimate_with_unseen_rocks[:, 1] - np.log(truth["h"]))) < 0.05
    assert abs(np.mean(found.estimate_with_unseen_rocks[:, 4] - fraction)) < 0.001
    assert covered(found.estimate, found.std, truth)["h"] < 0.5


@pytest.mark.parametrize("fraction", [0.002, 0.005, 0.01, 0.02, 0.03])
def test_h_that_allows_for_unseen_rocks_is_within_two_of_its_deviations_on_average(surrogate, fraction):
    truth = seen_with(np.full(200, fraction), 21, h=0.07)
    found = fit(surrogate, truth, HONEST)
    estimate, std = allowing(found)
    z = (estimate[:, 1] - np.log(0.07)) / std[:, 1]
    assert abs(np.median(z)) < 2.0
    if fraction <= 0.005:
        assert (np.abs(z) < 1.96).mean() > 0.95
    assert np.nanmedian((found.estimate[:, 1] - np.log(0.07)) / found.std[:, 1]) < -2.5


def test_h_is_that_of_ground_without_rocks_whether_or_not_unseen_ones_are_thought_of(surrogate):
    truth = seen_with(np.zeros(1000), 31)
    plain, found = fit(surrogate, truth, BARE), fit(surrogate, truth, HONEST)
    for name in ("estimate", "covariance", "best_fit", "chi_square", "absorbed_flux_std", "quality"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
    np.testing.assert_array_equal(plain.best_fit, plain.estimate)
    np.testing.assert_array_equal(plain.estimate_with_unseen_rocks, plain.estimate)
    np.testing.assert_array_equal(plain.covariance_with_unseen_rocks, plain.covariance)
    ratio = found.h_parameter_m / truth["h"]
    assert abs(ratio.mean() - 1.0) < 0.02
    assert np.sqrt(((ratio - 1.0) ** 2).mean()) < 0.05
    inside = np.abs(found.h_parameter_m - truth["h"]) < 1.96 * found.h_parameter_std_m
    assert 0.93 < inside.mean() < 0.97
    estimate, std = allowing(found)
    assert covered(estimate, std, truth)["h"] > 0.97
    assert np.median(std[:, 1] / plain.std[:, 1]) > 3.0
    assert (estimate[:, 1] > plain.estimate[:, 1]).all()


@pytest.mark.parametrize("fraction", [0.0, 0.008, 0.02])
def test_the_mean_over_rocks_is_that_of_fits_at_every_fraction(surrogate, fraction):
    """The posterior by brute force: a full fit at each of many fractions, Gaussian about each."""
    truth = seen_with(np.full(20, fraction), 41)
    grid = np.linspace(0.0, 0.06, 121)
    height, log_h, variance = (np.full((grid.size, 20), np.nan) for _ in range(3))
    prior = HONEST.std[:3] ** 2
    for k, f in enumerate(grid):
        fixed = fit(surrogate, truth, replace(BARE, rock_fraction=(float(f), 0.0)))
        data = fixed.chi_square * fixed.degrees_of_freedom
        of_priors = ((fixed.estimate[:, :3] - HONEST.mean[:3]) ** 2 / prior).sum(axis=1)
        volume = np.linalg.slogdet(np.nan_to_num(fixed.covariance[:, :3, :3], nan=1.0))[1]
        density = (1.0 - UNSEEN.rocky_share) / UNSEEN.mean * np.exp(-f / UNSEEN.mean)
        density += UNSEEN.rocky_share / UNSEEN.rocky_mean * np.exp(-f / UNSEEN.rocky_mean)
        height[k] = 0.5 * (data + of_priors - volume) - np.log(density)
        log_h[k], variance[k] = fixed.estimate[:, 1], fixed.covariance[:, 1, 1]
    weight = np.nan_to_num(np.exp(np.nanmin(height, axis=0) - height))
    weight[0] *= 0.5
    weight /= weight.sum(axis=0)
    mean = np.nansum(weight * log_h, axis=0)
    std = np.sqrt(np.nansum(weight * (variance + (log_h - mean) ** 2), axis=0))
    estimate, deviation = allowing(fit(surrogate, truth, HONEST))
    np.testing.assert_allclose(deviation[:, 1], std, rtol=0.04)
    np.testing.assert_allclose((estimate[:, 1] - mean) / std, 0.0, atol=0.04)
    np.testing.assert_allclose(estimate[:, 4], weight.T @ grid, rtol=0.05, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mean": 0.0}, "unseen_rocks"),
        ({"mean": 0.2}, "unseen_rocks"),
        ({"rocky_share": 1.5}, "unseen_rocks"),
        ({"rocky_mean": 0.001}, "unseen_rocks"),
    ],
)
def test_priors_of_few_rocks_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        physics.UnseenRocks(**arguments)


def test_unseen_rocks_need_a_table_with_rocks_and_no_fixed_fraction():
    with pytest.raises(ValueError, match="fixed above 0"):
        physics.Priors(rock_fraction=(0.1, 0.0), unseen_rocks=UNSEEN)
    small = physics.Domain(amplitude=(0.9, 1.0), onset_max_h=0.5, h_parameter_m=(0.05, 0.1))
    seen = np.full((1, 48), 200.0)
    with pytest.raises(ValueError, match="made without"):
        physics.invert(physics.make_surrogate(small), [0.0], seen, np.ones((1, 48)), HOURS, HONEST)


def test_where_rocks_are_fitted_intervals_of_h_and_rocks_cover_the_truth(surrogate):
    """A local covariance covers 90 %, with H up to nine deviations off: rocks and H make one long curved valley."""
    truth = seen_with(np.random.default_rng(51).uniform(0.05, 0.3, 1500), 52)
    found = fit(surrogate, truth, replace(ROCKY, unseen_rocks=UNSEEN))
    good = found.answered
    assert good.mean() > 0.995
    np.testing.assert_array_equal(fit(surrogate, truth, ROCKY).estimate, found.estimate)
    for estimate, std in ((found.estimate, found.std), allowing(found)):
        parts = covered(estimate, std, truth)
        assert parts["h"] > 0.93 * good.mean(), parts
        assert 0.93 < parts["albedo"] < 0.98
        assert 0.93 < parts["fraction"] < 0.99
        z = (estimate[:, 1] - np.log(truth["h"]))[good] / std[good, 1]
        assert (np.abs(z) < 1.96).mean() > 0.95
        assert np.sqrt((z**2).mean()) < 1.0
