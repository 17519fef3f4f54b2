"""No public function of the physics answers nonsense with a number: it names it, or hands NaN on."""

import inspect

import numpy as np
import pytest

from nightside import physics

SUN = {"latitude_deg": 20.0, "slope_east_deg": 3.0, "slope_north_deg": 2.0, "solar_declination_deg": 1.0}
GOOD = {
    physics.slope_angles_deg: {"dz_deast": 0.1, "dz_dnorth": 0.2},
    physics.cos_incidence: {"local_time_h": 12.0, **SUN},
    physics.absorbed_flux: {"local_time_h": 12.0, "albedo": 0.1, **SUN},
    physics.daily_mean_absorbed_flux: {"albedo": 0.1, **SUN},
    physics.onset_delay_h: SUN,
    physics.planck_band_radiance: {"temperature_k": 250.0},
    physics.mixed_brightness_temperature: {
        "temperature_k": 100.0,
        "other_temperature_k": 200.0,
        "other_fraction": 0.1,
    },
    physics.density: {"depth_m": 0.1, "h_parameter_m": 0.07},
    physics.contact_conductivity: {"depth_m": 0.1, "h_parameter_m": 0.07},
    physics.conductivity: {"contact": 1e-3, "temperature_k": 250.0},
    physics.heat_capacity: {"temperature_k": 250.0},
    physics.albedo_at_incidence: {"normal_albedo": 0.1, "incidence_deg": 30.0},
    physics.thermal_inertia: {"contact": 1e-3, "density_": 1500.0, "temperature_k": 250.0},
}
BAD = {
    "latitude_deg": [(95.0, "-90 to 90"), (-90.1, "-90 to 90"), (np.inf, "-90 to 90")],
    "albedo": [(-3.0, "0 to 1"), (12.0, "per cent")],
    "normal_albedo": [(-0.1, "0 to 1"), (12.0, "per cent")],
    "slope_east_deg": [(95.0, "between -90 and 90"), (170.0, "between"), (90.0, "between")],
    "slope_north_deg": [(-90.0, "between -90 and 90")],
    "solar_declination_deg": [(91.0, "-90 to 90")],
    "local_time_h": [(180.0, "degrees or seconds"), (-np.inf, "-24 to 48")],
    "dz_deast": [(170.0, "degrees"), (np.inf, "rise over run")],
    "dz_dnorth": [(-170.0, "degrees")],
    "temperature_k": [(-10.0, "degrees Celsius"), (95_000.0, "millikelvins")],
    "other_temperature_k": [(-100.0, "degrees Celsius")],
    "other_fraction": [(-0.1, "0 to 1"), (1.1, "0 to 1"), (10.0, "per cent")],
    "depth_m": [(-0.1, "0 to 1000 m"), (2000.0, "in mm")],
    "h_parameter_m": [
        (70.0, "in mm or cm"),
        (2.0, "in mm or cm"),
        (-0.07, "0.001 to 1 m"),
        (1e-9, "0.001 to 1 m"),
    ],
    "contact": [(-1e-3, "above 0"), (1500.0, "mW")],
    "density_": [(1.8, "g cm-3"), (-1.0, "10 to 25000"), (np.inf, "10 to 25000")],
    "incidence_deg": [(-1.0, "0 to 90"), (90.5, "0 to 90")],
}
ARGUMENTS = [pytest.param(f, name, id=f"{f.__name__}-{name}") for f, given in GOOD.items() for name in given]
NOT_ELEMENTWISE = {
    # Radiances, and temperatures read from them, may be negative with noise, and are NaN beyond the table.
    "band_radiance", "brightness_temperature",
    # Of constants that are checked when they are made.
    "depth_grid_m", "skin_depth_m",
    # The solver and what is built upon it, tested beside them.
    "diurnal_sensitivities", "diurnal_solution", "diurnal_temperatures", "parameter_covariance",
    "amplitude_range", "invert", "make_surrogate", "poor_fits", "surrogate_temperatures", "verify",
    "moved_surrogates", "systematic_std", "with_rocks_where_needed",
}  # fmt: skip


def called(function, given):
    found = function(**given)
    return np.stack(np.broadcast_arrays(*found)) if isinstance(found, tuple) else np.asarray(found)


def test_every_public_function_is_tested():
    public = {name for name in physics.__all__ if inspect.isfunction(getattr(physics, name))}
    assert public == {f.__name__ for f in GOOD} | NOT_ELEMENTWISE


@pytest.mark.parametrize(("function", "name"), ARGUMENTS)
def test_a_value_out_of_bounds_is_named_with_its_place_and_the_unit_meant(function, name):
    good = GOOD[function][name]
    for value, expected in BAD[name]:
        with pytest.raises(ValueError, match=rf"^{name} is .*expected .*{expected}"):
            function(**GOOD[function] | {name: value})
        with pytest.raises(ValueError, match=rf"^{name}\[2\] is .*{expected}"):
            function(**GOOD[function] | {name: [good, np.nan, value, value]})


@pytest.mark.parametrize(("function", "name"), ARGUMENTS)
def test_nan_stays_nan_and_touches_nothing_beside_it(function, name):
    good = GOOD[function]
    alone = called(function, good)
    found = called(function, good | {name: [good[name], np.nan]})
    # Products of matrices round differently for one row and for two.
    np.testing.assert_allclose(found[..., 0], alone, rtol=1e-14)
    hit = np.isnan(found[..., 1])
    assert np.isfinite(alone).all()
    # Of two slopes, each has its own gradient.
    assert hit.any() if function is physics.slope_angles_deg else hit.all()


@pytest.mark.parametrize(("function", "name"), ARGUMENTS)
def test_no_places_give_no_values(function, name):
    found = called(function, GOOD[function] | {name: []})
    assert found.shape[-1] == 0


def test_a_gap_in_a_horizon_is_a_gap_in_the_light():
    mu = physics.cos_incidence([9.0, 12.0], [0.0, 0.0], horizon_deg=[[5.0, 5.0], [np.nan, np.nan]])
    assert np.isfinite(mu[0]).all()
    assert np.isnan(mu[1]).all()
    with pytest.raises(ValueError, match=r"^horizon_deg\[1\] is 91"):
        physics.cos_incidence(12.0, 0.0, horizon_deg=[5.0, 91.0])
    with pytest.raises(ValueError, match="at least 1"):
        physics.cos_incidence(12.0, 0.0, horizon_deg=[])


@pytest.mark.parametrize("samples", [0, -5])
def test_a_mean_of_too_few_samples_is_refused(samples):
    with pytest.raises(ValueError, match=f"samples is {samples}"):
        physics.daily_mean_absorbed_flux(0.0, 0.1, samples=samples)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"h_parameter_m": 70.0}, r"h_parameter_m\[0\] is 70.0; .*in mm or cm"),
        ({"h_parameter_m": np.nan}, r"h_parameter_m\[0\] is nan"),
        ({"albedo": [0.1, 12.0]}, r"albedo\[1\] is 12.0; .*per cent"),
        ({"emissivity": 95.0}, "per cent"),
        ({"slope_east_deg": np.nan}, r"slope_east_deg\[0\] is nan"),
        ({"solar_declination_deg": np.nan}, "solar_declination_deg is nan"),
        ({"horizon_deg": [np.nan]}, r"horizon_deg\[0\] is nan"),
        ({"steps_per_day": np.nan}, "steps_per_day is nan"),
        ({"refinement": 1e9}, "0.5.*to 100"),
    ],
)
def test_the_solver_takes_neither_nonsense_nor_nan(options, message):
    with pytest.raises(ValueError, match=message):
        physics.diurnal_temperatures(0.0, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: physics.Body(day_s=708.7), "day_s is 708.7.*hours or days"),
        (lambda: physics.Body(day_s=29.53), "hours or days"),
        (lambda: physics.Body(day_s=4222.6), "hours or days"),
        (lambda: physics.Body(interior_flux=18.0), "interior_flux is 18.*mW m-2"),
        (lambda: physics.Body(sun_distance_au=1.496e8), "in km"),
        (lambda: physics.Material(surface_conductivity=0.74), "pores of .*mW"),
        (lambda: physics.Material(deep_conductivity=3.4), "pores of .*mW"),
        (lambda: physics.Material(surface_density=1.1), "surface_density is 1.1.*g cm-3"),
        (lambda: physics.Material(deep_conductivity=1500.0, radiative_conductivity=0.0), "mW"),
        (lambda: physics.Material(albedo_cubic=np.nan), "albedo_cubic is nan"),
        (lambda: physics.Band(24.65e-6, 40.8e-6), "in metres or nanometres"),
        (lambda: physics.Band(24_650.0e3, 40_800.0e3), "in metres or nanometres"),
    ],
)
def test_constants_in_another_unit_are_refused_with_the_unit(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_rock_ice_and_iron_are_materials():
    for density, conductivity in ((2940.0, 1.5), (920.0, 5.6), (7800.0, 30.0)):
        physics.Material(density, density, conductivity, conductivity, radiative_conductivity=0.0)
