import numpy as np
import pytest
from scipy.stats import spearmanr

from nightside.config import Settings, load
from nightside.store import grid_of
from nightside.synthetic.terrain import make_terrain
from nightside.synthetic.truth import make_truth


@pytest.fixture(scope="module")
def wide() -> Settings:
    return load(
        {
            "name": "test",
            "region": {
                "longitude_deg": 348.67,
                "latitude_deg": -43.29,
                "width_km": 12,
                "pixels_per_degree": 128,
            },
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
        }
    )


@pytest.fixture(scope="module")
def truth(wide):
    return make_truth(wide)


def test_factors_of_truth_are_independent(truth):
    names = ("onset_delay_h", "absorbed_flux", "h_parameter")
    rho = spearmanr(np.stack([truth[n].values.ravel() for n in names], axis=1)).statistic
    assert np.abs(rho[np.triu_indices(3, 1)]).max() < 0.25


def test_soil_has_the_configured_mean_and_spread(truth, wide):
    moon = wide.synthetic
    assert abs(truth.albedo.values.mean() - moon.albedo_mean) < 0.002
    assert abs(truth.albedo.values.std() - moon.albedo_std) < 0.003
    assert abs(np.log(truth.h_parameter.values).std() - moon.h_parameter_spread) < 0.02


@pytest.mark.parametrize("rms", [2.0, 10.0])
def test_slopes_have_the_configured_rms(wide, rms):
    moon = wide.synthetic.model_copy(update={"slope_rms_deg": rms})
    terrain = make_terrain(grid_of(wide.region), moon, np.random.default_rng(0))
    east, north = (np.tan(np.deg2rad(s)) for s in (terrain.slope_east_deg, terrain.slope_north_deg))
    steepest = np.rad2deg(np.arctan(np.hypot(east, north)))
    assert abs(np.sqrt(np.mean(steepest**2)) - rms) < 0.05 * rms


def test_slopes_are_those_of_the_elevation(wide, truth):
    pixel = float(grid_of(wide.region).affine.a)
    down = np.gradient(truth.elevation.values.astype(float), pixel, axis=0)
    # South is down the rows: ground that rises southwards faces north.
    assert np.allclose(np.tan(np.deg2rad(truth.slope_north_deg.values)), down, atol=1e-3)


def test_hot_craters_are_warmer_at_night_and_several_cells_wide(truth):
    hot = truth.hot_crater.values > 0
    midnight = truth.temperature.values[..., 0]
    assert hot.sum() >= 6 * 9
    assert np.median(midnight[hot]) > np.median(midnight[~hot]) + 10
    assert (truth.rock_fraction.values[hot] > 0.01).all()


def test_east_facing_slopes_see_the_sun_early(truth):
    rho = spearmanr(truth.slope_east_deg.values.ravel(), truth.onset_delay_h.values.ravel()).statistic
    assert rho < -0.95


def test_temperatures_are_those_of_the_moon(truth):
    temperature = truth.temperature.values
    assert temperature.shape[-1] == 120
    assert 70 < temperature.min() < 100
    assert 330 < temperature.max() < 400


def test_polar_grids_have_terrain():
    polar = load(
        {
            "name": "pole",
            "region": {
                "projection": "polar_stereographic",
                "longitude_deg": 120,
                "latitude_deg": -86,
                "width_km": 6,
                "pixel_m": 240,
            },
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-01-31"},
            "synthetic": {},
        }
    )
    terrain = make_terrain(grid_of(polar.region), polar.synthetic, np.random.default_rng(1))
    steepest = np.hypot(terrain.slope_east_deg, terrain.slope_north_deg)
    assert 4 < np.sqrt(np.mean(steepest**2)) < 8


def test_another_moon_conducts_and_radiates_otherwise(settings):
    def temperature(**changes):
        moon = settings.synthetic.model_copy(update=changes)
        return make_truth(settings.model_copy(update={"synthetic": moon})).temperature

    usual, warmer, colder = (
        temperature(),
        temperature(conductivity_factor=1.3),
        temperature(emissivity=0.98),
    )
    night, noon = {"local_time": 0}, {"local_time": 60}
    assert 1.0 < float((warmer - usual).isel(night).mean()) < 6.0
    assert abs(float((warmer - usual).isel(noon).mean())) < 1.0
    assert float((colder - usual).isel(noon).mean()) < -1.5


def test_odd_patches_are_warmer_than_the_same_moon_without_them(wide, truth):
    moon = wide.synthetic.model_copy(update={"odd_patches": 4})
    patched = make_truth(wide.model_copy(update={"synthetic": moon}))
    odd = patched.odd_patch.values > 0
    assert odd.sum() > 4 * 9
    assert not (odd & (patched.hot_crater.values > 0)).any()
    warmer = (patched.temperature - truth.temperature).values
    assert (warmer[odd] > 0.5).all()
    np.testing.assert_array_equal(warmer[~odd], 0.0)


def test_rocks_that_conduct_less_are_colder_at_night(wide, truth):
    moon = wide.synthetic.model_copy(update={"rock_conductivity_factor": 0.5})
    other = make_truth(wide.model_copy(update={"synthetic": moon}))
    hot = truth.hot_crater.values > 0
    midnight = (other.temperature - truth.temperature).isel(local_time=0).values
    assert (midnight[hot] < 0).all()
    np.testing.assert_array_equal(midnight[~hot], 0.0)
