"""The inversion of temperatures: the truth comes from the solver itself, the estimates from its surrogate."""

import numpy as np
import pytest

from nightside import physics
from nightside.physics import inversion_check, inversion_kernel
from nightside.physics.surrogate import facet_of, slope_east_of

N = 3000
HOURS = (np.arange(48) + 0.5) * 0.5
SLOPE_STD_DEG = 5.0


@pytest.fixture(scope="module")
def surrogate() -> physics.Surrogate:
    return physics.make_surrogate(physics.Domain(amplitude=(0.4, 1.0)), rocks=True)


@pytest.fixture(scope="module")
def places() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    latitude, slope = rng.uniform(-50.0, 50.0, N), rng.normal(0.0, SLOPE_STD_DEG, N)
    return {
        "latitude": latitude,
        "albedo": rng.normal(0.12, 0.02, N).clip(0.03, 0.3),
        "h_parameter_m": 0.07 * np.exp(0.4 * rng.standard_normal(N)),
        "slope_east": slope,
        "onset": physics.onset_delay_h(latitude, slope),
    }


@pytest.fixture(scope="module")
def noise_free(places) -> np.ndarray:
    return physics.diurnal_temperatures(
        places["latitude"],
        places["albedo"],
        places["h_parameter_m"],
        places["slope_east"],
        local_time_h=HOURS,
    )


@pytest.fixture(scope="module")
def observed(noise_free) -> np.ndarray:
    return noise_free + np.random.default_rng(2).normal(0.0, 1.0, noise_free.shape)


FLAT_NORTH = physics.Priors(slope_north=(0.0, 0.0))


@pytest.fixture(scope="module")
def fitted(surrogate, places, observed) -> physics.Inversion:
    return physics.invert(
        surrogate, places["latitude"], observed, np.ones_like(observed), HOURS, FLAT_NORTH, timing_std_h=0.0
    )


def test_the_surrogate_is_the_solver_within_a_tenth_of_a_kelvin_away_from_sunrise(
    surrogate, places, noise_free
):
    estimate = np.stack(
        [places["albedo"], np.log(places["h_parameter_m"]), places["onset"], np.zeros(N), np.zeros(N)], axis=1
    )
    error = physics.surrogate_temperatures(surrogate, places["latitude"], estimate, HOURS) - noise_free
    onset = places["onset"][:, None]
    rise, fall = np.maximum(6.0 + onset, 6.0), np.minimum(18.0 + onset, 18.0)
    distance = np.minimum(np.abs(HOURS - rise), np.abs(HOURS - fall))
    assert np.abs(error)[distance > 1.0].max() < 0.15
    assert np.sqrt((error[distance > 1.0] ** 2).mean()) < 0.02
    assert np.sqrt((error[distance > 0.1] ** 2).mean()) < 0.1


def test_estimates_are_unbiased_and_h_is_within_five_per_cent(fitted, places):
    assert fitted.answered.all()
    assert (fitted.quality == inversion_kernel.GOOD).mean() > 0.998
    albedo_error = fitted.estimate[:, 0] - places["albedo"]
    ratio = fitted.h_parameter_m / places["h_parameter_m"]
    assert abs(albedo_error.mean()) < 0.02 * 0.12
    assert abs(ratio.mean() - 1.0) < 0.02
    assert np.sqrt((albedo_error**2).mean()) < 0.025 * 0.12
    assert np.sqrt(((ratio - 1.0) ** 2).mean()) < 0.05
    assert fitted.chi_square.mean() == pytest.approx(1.0, abs=0.03)


def test_intervals_of_95_per_cent_cover_the_truth_in_93_to_97(fitted, places):
    truth = np.stack([places["albedo"], np.log(places["h_parameter_m"]), places["onset"]], axis=1)
    inside = np.abs(fitted.estimate[:, :3] - truth) < 1.96 * fitted.std[:, :3]
    assert ((inside.mean(axis=0) > 0.93) & (inside.mean(axis=0) < 0.97)).all()


def test_absorbed_flux_is_that_of_the_solver_and_its_intervals_cover_it(fitted, places):
    truth = physics.daily_mean_absorbed_flux(places["latitude"], places["albedo"], places["slope_east"])
    z = (fitted.absorbed_flux - truth) / fitted.absorbed_flux_std
    assert 0.92 < (np.abs(z) < 1.96).mean() < 0.98
    np.testing.assert_allclose(fitted.absorbed_flux, truth, rtol=0.04)


def test_a_slope_to_the_north_of_unknown_size_enters_the_error_of_albedo(surrogate):
    rng = np.random.default_rng(5)
    n = 2000
    latitude, east, north = np.full(n, -43.3), *rng.normal(0.0, SLOPE_STD_DEG, (2, n))
    albedo = rng.normal(0.12, 0.02, n)
    observed = physics.diurnal_temperatures(latitude, albedo, 0.07, east, north, local_time_h=HOURS)
    observed += rng.normal(0.0, 1.0, observed.shape)
    ones = np.ones_like(observed)
    known = physics.invert(surrogate, latitude, observed, ones, HOURS, FLAT_NORTH, timing_std_h=0.0)
    prior = physics.Priors(slope_north=(0.0, SLOPE_STD_DEG))
    honest = physics.invert(surrogate, latitude, observed, ones, HOURS, prior, timing_std_h=0.0)

    def covered(found):
        good = found.quality == inversion_kernel.GOOD
        return (np.abs(found.estimate[good, 0] - albedo[good]) < 1.96 * found.std[good, 0]).mean()

    assert covered(known) < 0.2
    assert 0.93 < covered(honest) < 0.98
    assert np.nanmedian(honest.std[:, 0]) > 4.0 * np.nanmedian(known.std[:, 0])
    assert np.nanmedian(honest.correlation[:, 0, 3]) > 0.9


def test_bins_seen_at_one_moment_each_are_fitted_with_honest_errors(surrogate, places):
    """Each quarter of an hour holds one observation, made at any moment of it."""
    rng = np.random.default_rng(7)
    fine = (np.arange(480) + 0.5) * 0.05
    # The solver's step that ends at an abrupt sunrise is lit already: no truth lies in it.
    fine[(fine > 5.95) & (fine < 6.0)] = 5.95
    solved = physics.diurnal_temperatures(
        places["latitude"], places["albedo"], places["h_parameter_m"], places["slope_east"], local_time_h=fine
    )
    bins = 96
    moment = rng.integers(0, 5, (N, bins)) + 5 * np.arange(bins)
    seen = np.take_along_axis(solved, moment, axis=1) + rng.normal(0.0, 1.0, (N, bins))
    hours, ones = (np.arange(bins) + 0.5) * 0.25, np.ones_like(seen)
    found = physics.invert(surrogate, places["latitude"], seen, ones, hours, FLAT_NORTH, bin_width_h=0.25)
    ratio = found.h_parameter_m / places["h_parameter_m"]
    assert abs(ratio.mean() - 1.0) < 0.02
    inside = np.abs(np.log(ratio)) < 1.96 * found.std[:, 1]
    assert 0.93 < inside.mean() < 0.97
    assert found.chi_square.mean() == pytest.approx(1.0, abs=0.1)


def test_rocks_are_found_where_a_surface_without_them_does_not_fit(surrogate):
    rng = np.random.default_rng(3)
    fraction = np.repeat([0.0, 0.1], 200)
    latitude = np.full(400, -43.3)
    soil, rock = (
        physics.diurnal_temperatures(latitude, local_time_h=HOURS, material=m)
        for m in (physics.REGOLITH, physics.ROCK)
    )
    seen = physics.mixed_brightness_temperature(soil, rock, fraction[:, None])
    seen += rng.normal(0.0, 1.0, seen.shape)
    ones = np.ones_like(seen)
    with_rocks = physics.Priors(slope_north=(0.0, 0.0), rock_fraction=(0.0, 0.2))
    plain = physics.invert(surrogate, latitude, seen, ones, HOURS, FLAT_NORTH)
    found = physics.with_rocks_where_needed(
        plain, lambda k: physics.invert(surrogate, latitude[k], seen[k], ones[k], HOURS, with_rocks), 4.0
    )
    assert (plain.quality != inversion_kernel.GOOD)[200:].all()
    assert (found.quality == inversion_kernel.GOOD).all()
    assert (found.estimate[:200, 4] == 0.0).mean() > 0.98
    assert found.estimate[200:, 4].mean() == pytest.approx(0.1, abs=0.01)
    inside = np.abs(found.estimate[200:, 4] - 0.1) < 1.96 * found.std[200:, 4]
    assert inside.mean() > 0.85


def test_one_run_of_the_solver_verifies_each_answer(surrogate, fitted, places, observed):
    deviation = np.ones_like(observed)
    deviation[:, ::2] = np.nan
    chosen = np.arange(0, N, 50)
    check = physics.verify(
        surrogate, fitted, places["latitude"], deviation, HOURS, timing_std_h=0.0, places=chosen
    )
    np.testing.assert_array_equal(check.place, chosen)
    assert np.isnan(check.error_k[:, ::2]).all()
    assert np.isfinite(check.error_k[:, 1::2]).all()
    summary = check.summary()
    assert summary["places"] == chosen.size
    assert 0.0 < summary["rms_away_from_sunrise_k"] < 0.05
    assert summary["rms_shift_sigma"] < 0.5


def test_verification_does_not_flag_good_answers_where_sunlight_jumps():
    """Truth of many short steps on slopes to the east and west, seen every 0.25 h, at sunrise and sunset exactly."""
    rng, n, hours = np.random.default_rng(7), 60, np.arange(96) * 0.25
    latitude, slope = (
        rng.uniform(0.0, 55.0, n),
        rng.choice([-20.0, -10.0, -5.0, -2.0, 2.0, 5.0, 10.0, 20.0], n),
    )
    truth = physics.diurnal_temperatures(latitude, 0.12, 0.07, slope, local_time_h=hours, steps_per_day=1920)
    table = physics.make_surrogate(physics.Domain(amplitude=(0.5, 1.0)))
    seen, deviation = truth + rng.normal(size=truth.shape), np.ones_like(truth)
    good = physics.invert(table, latitude, seen, deviation, hours, FLAT_NORTH, timing_std_h=0.0)
    check = physics.verify(table, good, latitude, deviation, hours, timing_std_h=0.0)
    np.testing.assert_array_equal(check.place, np.arange(n))
    at_the_jump = np.isin(hours, [6.0, 18.0])
    assert np.abs(check.error_k[:, at_the_jump]).max() < 1.0
    assert np.nanmax(np.abs(check.shift_sigma)) < 1.0


def test_verification_sees_a_wrong_surrogate(surrogate, fitted, places, observed):
    """A table of another emissivity, checked against the solver: the first-order shift is the albedo's error."""
    import dataclasses

    wrong = dataclasses.replace(surrogate, emissivity=0.94)
    check = inversion_check.verify(
        wrong, fitted, places["latitude"], np.ones_like(observed), HOURS, places=np.arange(20)
    )
    assert check.summary()["rms_away_from_sunrise_k"] > 0.3
    assert (np.abs(check.shift[:, 0]) > 0.004).all()


def test_derivatives_agree_with_differences(surrogate):
    p = np.array([[0.12, np.log(0.07), 0.4, 3.0, 0.05], [0.2, np.log(0.03), -0.7, -5.0, 0.1]])
    latitude, bins = np.array([-43.3, 20.0]), (0.0, 0.0)
    hours = np.array([1.0, 4.0, 9.0, 12.0, 15.0, 21.0])

    def model(q):
        return inversion_kernel.temperatures(surrogate.table, latitude, q, hours, bins, True)

    slopes = model(p)[2]
    for k, step in enumerate((1e-4, 1e-4, 1e-4, 1e-3, 1e-4)):
        up, down = p.copy(), p.copy()
        up[:, k] += step
        down[:, k] -= step
        numeric = (model(up)[0] - model(down)[0]) / (2.0 * step)
        # Radiances are interpolated linearly in a table, whose slope is good to a thousandth.
        np.testing.assert_allclose(slopes[:, :, k], numeric, rtol=5e-3, atol=0.02)


def test_facets_and_their_amplitude_and_onset_are_the_same_thing():
    onset, amplitude = np.array([-2.0, 0.0, 1.0]), np.array([0.5, 0.8, 0.9])
    latitude, east = facet_of(onset, amplitude)
    np.testing.assert_allclose(physics.onset_delay_h(latitude, east), onset, atol=1e-12)
    noon = 12.0 + onset
    np.testing.assert_allclose(
        [physics.cos_incidence(h, f, e) for h, f, e in zip(noon, latitude, east, strict=True)], amplitude
    )
    steep = slope_east_of(np.array([0.5]), np.array([30.0]), np.array([10.0]))
    np.testing.assert_allclose(physics.onset_delay_h(30.0, steep, 10.0), 0.5)


def test_bad_input_is_masked_with_its_reason_and_harms_no_neighbour(surrogate, fitted, places, observed):
    seen, deviation = observed[:8].copy(), np.ones((8, 48))
    latitude = places["latitude"][:8].copy()
    seen[0], deviation[0] = np.nan, np.nan
    seen[1, 5:], deviation[1, 5:] = np.nan, np.nan
    seen[2], deviation[2] = np.nan, 1.0  # errors are known, values are not
    seen[3, 3] = -20.0
    deviation[4, 3] = 0.0
    latitude[5] = np.nan
    latitude[6] = 85.0  # beyond the table
    found = physics.invert(surrogate, latitude, seen, deviation, HOURS, FLAT_NORTH, timing_std_h=0.0)
    names = [physics.QUALITY[int(code)] for code in found.quality]
    assert names == [
        "no_observations", "too_few_observations", "no_observations", "bad_input", "bad_input", "bad_input",
        "outside_table", "good",
    ]  # fmt: skip
    for values in (found.estimate, found.std, found.absorbed_flux, found.chi_square, found.absorbed_flux_std):
        assert np.isnan(values[:7]).all()
    np.testing.assert_array_equal(found.estimate[7], fitted.estimate[7])


def test_what_has_no_value_or_no_error_is_left_out_and_the_rest_is_fitted(surrogate, places, observed):
    latitude, seen, deviation = places["latitude"][:4], observed[:4].copy(), np.ones((4, 48))
    gone = [3, 20]
    kept = np.delete(np.arange(48), gone)
    without = physics.invert(surrogate, latitude, seen[:, kept], deviation[:, kept], HOURS[kept], FLAT_NORTH)
    seen[:, gone[0]] = np.nan
    deviation[:, gone[1]] = np.nan
    found = physics.invert(surrogate, latitude, seen, deviation, HOURS, FLAT_NORTH)
    np.testing.assert_array_equal(found.estimate, without.estimate)
    np.testing.assert_array_equal(found.degrees_of_freedom, without.degrees_of_freedom)


def test_arrays_in_any_order_are_fitted_by_the_same_machine_code(surrogate, fitted, places, observed):
    compiled = len(inversion_kernel.fit.signatures)
    some = observed[:20]
    for laid in (np.asfortranarray(some), np.repeat(some, 2, axis=1)[:, ::2]):
        found = physics.invert(
            surrogate, places["latitude"][:20], laid, np.ones_like(laid), HOURS, FLAT_NORTH, timing_std_h=0.0
        )
        np.testing.assert_array_equal(found.estimate, fitted.estimate[:20])
    assert len(inversion_kernel.fit.signatures) == compiled


def test_a_day_that_no_ground_has_is_called_a_poor_fit_and_keeps_its_values(surrogate, places, observed):
    seen = observed[:4] + np.where(np.arange(4) < 2, 8.0, 0.0)[:, None] * (-1.0) ** np.arange(48)
    ones = np.ones_like(seen)
    found = physics.invert(surrogate, places["latitude"][:4], seen, ones, HOURS, FLAT_NORTH)
    names = [physics.QUALITY[int(code)] for code in found.quality]
    assert names == ["poor_fit", "poor_fit", "good", "good"]
    assert np.isfinite(found.estimate).all()
    lenient = physics.invert(
        surrogate, places["latitude"][:4], seen, ones, HOURS, FLAT_NORTH, poor_fit_sigmas=np.inf
    )
    assert (lenient.quality == inversion_kernel.GOOD).all()
    np.testing.assert_array_equal(lenient.estimate, found.estimate)


def test_no_place_has_no_answer(surrogate):
    none = physics.invert(surrogate, [], np.empty((0, 48)), np.empty((0, 48)), HOURS, FLAT_NORTH)
    assert none.estimate.shape == (0, 5)
    with pytest.raises(ValueError, match="no latitude"):
        physics.amplitude_range([])


def test_ground_that_the_table_does_not_hold_is_out_of_range_not_a_number(surrogate):
    hot = physics.diurnal_temperatures(0.0, local_time_h=HOURS, material=physics.ROCK)
    found = physics.invert(surrogate, [0.0], hot, np.ones_like(hot), HOURS, FLAT_NORTH)
    assert physics.QUALITY[int(found.quality[0])] in ("out_of_range", "not_converged")
    assert np.isnan(found.estimate).all()


def test_a_prior_alone_comes_back_where_nothing_was_seen_by_night(surrogate, places, observed):
    day = np.abs(HOURS - 12.0) < 4.0
    found = physics.invert(
        surrogate,
        places["latitude"][:50],
        observed[:50, day],
        np.ones((50, day.sum())),
        HOURS[day],
        FLAT_NORTH,
    )
    good = found.quality == inversion_kernel.GOOD
    assert good.sum() > 40
    assert np.median(found.std[good, 1]) > 0.25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"std_k": np.ones((1, 3))}, "do not fit"),
        ({"local_time_h": np.full(48, np.nan)}, "local_time_h"),
        ({"local_time_h": HOURS + 1.0}, "24.25; expected 0 to 24"),
        ({"local_time_h": HOURS - 1.0}, "-0.75; expected 0 to 24"),
        ({"bin_width_h": -1.0}, "bin_width_h"),
        ({"observations_min": 0}, "observations_min"),
        ({"poor_fit_sigmas": 0.0}, "poor_fit_sigmas"),
        ({"latitude_deg": []}, "do not fit 0 latitudes"),
        ({"priors": physics.Priors(albedo=(0.7, 0.1))}, "prior mean of albedo"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(surrogate, arguments, message):
    defaults = {
        "temperature_k": np.full((1, 48), 200.0), "std_k": np.ones((1, 48)), "local_time_h": HOURS,
        "priors": FLAT_NORTH,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        physics.invert(surrogate, **{"latitude_deg": [0.0], **defaults, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"albedo": (0.12, -1.0)}, "prior of albedo"),
        ({"h_parameter": (0.0, 1.0)}, "positive depth"),
        ({"onset_delay": (np.nan, 1.0)}, "prior of onset_delay"),
    ],
)
def test_priors_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        physics.Priors(**arguments)


def test_rocks_need_a_surrogate_that_has_them():
    plain = physics.make_surrogate(
        physics.Domain(amplitude=(0.9, 1.0), onset_max_h=0.5, h_parameter_m=(0.05, 0.1))
    )
    with pytest.raises(ValueError, match="made without"):
        physics.invert(
            plain,
            [0.0],
            np.full((1, 48), 200.0),
            np.ones((1, 48)),
            HOURS,
            physics.Priors(rock_fraction=(0.0, 0.1)),
        )


@pytest.mark.parametrize(
    "arguments",
    [{"amplitude": (0.0, 1.0)}, {"albedo": (0.3, 0.2)}, {"h_parameter_m": (0.0, 1.0)}, {"onset_max_h": 9.0}],
)
def test_domains_beyond_physics_are_refused(arguments):
    with pytest.raises(ValueError, match=r"is no range|onset_max_h"):
        physics.Domain(**arguments)
