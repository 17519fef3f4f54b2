"""Density, conductivity, heat capacity, albedo and the depth grid of the ground."""

import numpy as np
import pytest

from nightside import physics
from nightside.physics.regolith import DEEP_SKIN_DEPTHS, NODES_IN_SKIN_DEPTH


def test_density_and_conductivity_run_from_surface_to_deep_values():
    depth = np.array([0.0, 0.07, 10.0])
    density = physics.density(depth, 0.07)
    contact = physics.contact_conductivity(depth, 0.07)
    np.testing.assert_allclose(density[[0, 2]], [1100.0, 1800.0])
    np.testing.assert_allclose(contact[[0, 2]], [7.4e-4, 3.4e-3])
    # One e-folding depth down, all but 1/e of the change has happened; conductivity is linear in density.
    assert (density[1] - 1100.0) / 700.0 == pytest.approx(1.0 - np.exp(-1.0))
    assert (contact[1] - 7.4e-4) / 2.66e-3 == pytest.approx(1.0 - np.exp(-1.0))


def test_radiation_multiplies_conductivity_by_one_plus_chi_at_350_kelvin():
    assert float(physics.conductivity(1e-3, 350.0)) == pytest.approx(3.7e-3)
    assert float(physics.conductivity(1e-3, 0.0)) == pytest.approx(1e-3)


def test_heat_capacity_is_the_polynomial_above_ten_kelvin_and_positive_below():
    coefficients = physics.REGOLITH.heat_capacity_coefficients
    expected = sum(c * 300.0**power for power, c in enumerate(coefficients))
    assert float(physics.heat_capacity(300.0)) == pytest.approx(expected)
    cold = physics.heat_capacity(np.array([0.0, 1.0, 5.0, 10.0]))
    assert (cold > 0.0).all()
    np.testing.assert_allclose(cold, cold[-1])


def test_albedo_rises_with_incidence_and_never_exceeds_one():
    albedo = physics.albedo_at_incidence(0.12, np.array([0.0, 45.0, 90.0]))
    np.testing.assert_allclose(albedo, [0.12, 0.12 + 0.06 + 0.25 / 256.0, 0.12 + 0.48 + 0.25])
    assert float(physics.albedo_at_incidence(0.9, 90.0)) == 1.0


def test_rock_holds_twenty_times_the_heat_of_the_regolith_surface():
    rock = physics.thermal_inertia(1.5, 2940.0, material=physics.ROCK)
    regolith = physics.thermal_inertia(physics.contact_conductivity(0.0, 0.07), physics.density(0.0, 0.07))
    assert rock / regolith > 20.0


def test_grid_follows_the_skin_depth():
    depth = physics.depth_grid_m()
    assert depth[0] == 0.0
    assert depth[1] == pytest.approx(physics.skin_depth_m() / NODES_IN_SKIN_DEPTH)
    assert depth[-1] >= DEEP_SKIN_DEPTHS * physics.skin_depth_m(deep=True)
    spacing = np.diff(depth)
    np.testing.assert_allclose(spacing[1:] / spacing[:-1], spacing[1] / spacing[0])
    # A hundredfold shorter day has a tenfold smaller skin depth, and so has the grid.
    short = physics.Body(day_s=physics.MOON.day_s / 100.0)
    np.testing.assert_allclose(physics.depth_grid_m(body=short), depth / 10.0)


def test_a_grid_too_coarse_for_the_skin_depth_is_refused():
    with pytest.raises(ValueError, match="too coarse for the skin depth"):
        physics.depth_grid_m(refinement=0.3)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: physics.Material(surface_density=-1.0), "surface_density"),
        (lambda: physics.Material(deep_conductivity=float("nan")), "deep_conductivity"),
        (lambda: physics.Material(radiative_conductivity=-0.1), "radiative_conductivity"),
        (lambda: physics.Body(day_s=0.0), "day_s"),
        (lambda: physics.Body(day_s=1.0), "5000 to 1e.10 s"),
        (lambda: physics.Body(day_s=float("nan")), "day_s"),
        (lambda: physics.Body(sun_distance_au=1e-3), "sun_distance_au"),
        (lambda: physics.Body(interior_flux=1e4), "interior_flux"),
        (lambda: physics.Body(interior_flux=-1.0), "interior_flux"),
        (lambda: physics.Band(30.0, 20.0), "band"),
    ],
)
def test_unphysical_constants_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=name):
        make()
