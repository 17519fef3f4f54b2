"""The regolith column: its equations are those of the package, its solution the solver's, its inversion too."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from nightside import physics
from nightside.physics.informed import Model, RegolithColumn, fit_by_elimination, levenberg_marquardt
from nightside.physics.informed.regolith import (
    BOTTOM_M,
    SURFACE_SCALE_M,
    coordinate_of_hour,
    depth_of,
    phase_of,
    rate_of,
)
from nightside.physics_room.column_experiments import (
    ELEMENTS,
    LOCAL_TIMES_H,
    OBSERVED_H,
    observed_column,
    refined,
    solver_fit,
    split,
    surface,
)

COLUMN = RegolithColumn(albedo=0.1, h_parameter_m=0.05)
PARAMETERS = {k: torch.tensor(v, dtype=torch.float64) for k, v in COLUMN.fixed().items()}


def warm_wave(x):
    """A smooth field of temperatures, in K, on (s, y)."""
    return (
        230.0 + 60.0 * torch.cos(x[..., 0] - 2.5) * torch.exp(-1.3 * x[..., 1]) / 3.0 + 8.0 * x[..., 1] ** 2
    )


def of_depth(s, z_m):
    y = 2.0 * np.log1p(z_m / SURFACE_SCALE_M) / math.log1p(BOTTOM_M / SURFACE_SCALE_M) - 1.0
    return float(warm_wave(torch.tensor([s, y], dtype=torch.float64)))


@pytest.mark.parametrize("s", [0.4, 1.6, 3.1])
@pytest.mark.parametrize("z_m", [0.004, 0.06, 0.25])
def test_the_heat_residual_is_that_of_differences_of_the_flux(s, z_m):
    step = 1e-4 * (z_m + SURFACE_SCALE_M)

    def flux(z):
        contact = physics.contact_conductivity(z, 0.05)
        middle = of_depth(s, z)
        return (
            physics.conductivity(contact, middle)
            * (of_depth(s, z + step) - of_depth(s, z - step))
            / (2 * step)
        )

    temperature = of_depth(s, z_m)
    heating = (flux(z_m + step) - flux(z_m - step)) / (2 * step)
    per_second = heating / (physics.density(z_m, 0.05) * physics.heat_capacity(temperature))
    in_time = (of_depth(s + 1e-5, z_m) - of_depth(s - 1e-5, z_m)) / 2e-5
    expected = in_time - per_second * float(rate_of(torch.tensor(s))) * physics.MOON.day_s / (2 * math.pi)
    y = 2.0 * np.log1p(z_m / SURFACE_SCALE_M) / math.log1p(BOTTOM_M / SURFACE_SCALE_M) - 1.0
    found = COLUMN.heat(warm_wave, torch.tensor([s, y], dtype=torch.float64), PARAMETERS)
    assert float(found) == pytest.approx(float(expected), rel=1e-4, abs=1e-3)


def test_absorbed_sunlight_is_that_of_the_package():
    hours = np.array([0.0, 5.9, 6.1, 9.0, 12.0, 17.5, 18.2])
    column = replace(COLUMN, latitude_deg=-43.3)
    found = column.absorbed(
        coordinate_of_hour(torch.from_numpy(hours)), torch.tensor(0.1, dtype=torch.float64)
    )
    np.testing.assert_allclose(found, physics.absorbed_flux(hours, -43.3, 0.1), rtol=1e-6, atol=1e-6)


def test_ground_in_radiative_balance_has_no_surface_residual():
    x = torch.tensor([[math.pi, -1.0]], dtype=torch.float64)
    noon = float(physics.absorbed_flux([12.0], 0.0, 0.1)[0])
    kelvins = (noon / (0.95 * 5.670374419e-8)) ** 0.25
    balanced = COLUMN.surface_balance(lambda x: kelvins + 0.0 * x.sum(-1), x, PARAMETERS)
    assert abs(float(balanced)) < 1e-6
    # One kelvin warmer is about one kelvin of residual.
    warmer = COLUMN.surface_balance(lambda x: kelvins + 1.0 + 0.0 * x.sum(-1), x, PARAMETERS)
    assert float(warmer) == pytest.approx(1.0, abs=0.1)


def test_coordinates_of_time_are_inverted_and_cover_the_day():
    hours = torch.linspace(0.0, 23.9, 40, dtype=torch.float64)
    torch.testing.assert_close(phase_of(coordinate_of_hour(hours)) * (12.0 / math.pi), hours)
    assert float(rate_of(coordinate_of_hour(torch.tensor([6.0])))) == pytest.approx(0.1, abs=1e-3)


def test_conductivity_knots_hold_their_values():
    column = replace(COLUMN, knots=4)
    values = {f"log_k_{i}": torch.tensor(v, dtype=torch.float64) for i, v in enumerate((0.4, -0.1, 0.2, 0.0))}
    y = column.knot_coordinates()
    ratio = column.contact_conductivity(y, PARAMETERS | values) / COLUMN.contact_conductivity(y, PARAMETERS)
    torch.testing.assert_close(ratio.log(), torch.stack(list(values.values())))
    assert depth_of(y)[-1] == pytest.approx(BOTTOM_M)


@pytest.fixture(scope="module")
def first_solution():
    """The solution of the column for the parameters from which inversions start."""
    problem = observed_column(np.zeros(0), np.zeros(0))
    model = Model(problem, ELEMENTS)
    return levenberg_marquardt(model, model.initial(0), 8, damping=1e-2).vector


def test_spectral_elements_find_the_solver_s_temperatures(first_solution):
    problem = observed_column(np.zeros(0), np.zeros(0))
    solver = physics.diurnal_temperatures(
        0.0, problem.albedo, problem.h_parameter_m, local_time_h=LOCAL_TIMES_H
    )
    found = split(surface(Model(problem, ELEMENTS), first_solution) - solver[0])
    assert found["day_k"] < 0.1
    assert found["night_k"] < 0.2
    assert found["terminator_k"] < 0.5


@pytest.mark.parametrize("draw", [0, 1])
def test_elimination_finds_what_the_solver_finds_with_its_error_bars(first_solution, draw):
    seen = refined(OBSERVED_H) + np.random.default_rng(draw).normal(size=OBSERVED_H.size)
    model = Model(observed_column(seen), ELEMENTS)
    start = torch.cat([first_solution, model.initial(0)[-2:]])
    found, fitted = fit_by_elimination(model, start), solver_fit(seen)
    std = found.covariance.diagonal().sqrt()
    assert found.converged
    assert found.parameters["albedo"] == pytest.approx(fitted["albedo"], abs=0.1 * fitted["albedo_std"])
    assert found.parameters["log_h"] == pytest.approx(
        math.log(fitted["h_parameter_m"]), abs=0.1 * fitted["log_h_std"]
    )
    assert float(std[0]) == pytest.approx(fitted["albedo_std"], rel=0.03)
    assert float(std[1]) == pytest.approx(fitted["log_h_std"], rel=0.03)


def test_elimination_needs_measurements_and_equations_that_determine_the_field(first_solution):
    bare = Model(observed_column(np.zeros(0), np.zeros(0)), ELEMENTS)
    with pytest.raises(ValueError, match="0 measurements of 0 unknown"):
        fit_by_elimination(bare, first_solution)
    sparse = replace(observed_column(np.full(4, 200.0), np.arange(4.0)), times=12, depths=8)
    model = Model(sparse, ELEMENTS)
    with pytest.raises(ValueError, match="fewer equations than weights"):
        fit_by_elimination(model, model.initial(0))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"latitude_deg": 90.0}, "latitude_deg is 90.0"),
        ({"albedo": -0.1}, "albedo"),
        ({"h_parameter_m": 0.0}, "h_parameter_m"),
        ({"h_parameter_m": math.nan}, "h_parameter_m"),
        ({"emissivity": 1.1}, "emissivity"),
        ({"noise_k": 0.0}, "noise_k"),
        ({"observed_h": (1.0,)}, "0 temperatures at 1 local times"),
        ({"knots": 1}, "knots is 1"),
    ],
)
def test_unphysical_ground_is_refused(options, named):
    with pytest.raises(ValueError, match=named):
        RegolithColumn(**options)


def test_temperatures_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"observed_k\[1\] is nan"):
        RegolithColumn(observed_h=(1.0, 2.0), observed_k=(100.0, math.nan)).constraints()
