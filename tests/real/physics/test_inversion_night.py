"""H from temperatures that Diviner measured at night."""

import numpy as np
import pytest
import xarray as xr

from nightside import physics
from nightside.config import Inversion
from nightside.physics.surrogate import slope_east_of
from nightside.physics_room.invert_cells import tables_for
from nightside.physics_room.invert_maps import inversion_maps

pytestmark = pytest.mark.real

ALBEDO = 0.12
"""Table A1 of Hayne et al. (2017), highlands: the curves have no day to find it from."""


@pytest.mark.parametrize("latitude_deg", [0, 30])
def test_h_of_the_night_curves_is_that_of_the_literature(shared_data, latitude_deg):
    path = shared_data / "thermal" / f"diviner_regtemp_lat{latitude_deg:02d}.csv"
    hours_after_noon, measured = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    hours = np.mod(hours_after_noon + 12.0, 24.0)
    surrogate = physics.make_surrogate(physics.Domain(amplitude=(0.8, 1.0), onset_max_h=0.5))
    priors = physics.Priors(albedo=(ALBEDO, 0.0), onset_delay=(0.0, 0.0), slope_north=(0.0, 0.0))
    found = physics.invert(surrogate, [latitude_deg], measured, np.ones(9), hours, priors)
    h = float(found.h_parameter_m[0])
    assert h == pytest.approx(0.065, abs=0.004)
    assert h * found.std[0, 1] == pytest.approx(0.0034, abs=0.0006)
    modelled = physics.diurnal_temperatures(latitude_deg, ALBEDO, h, local_time_h=hours)[0]
    assert np.sqrt(((modelled - measured) ** 2).mean()) < 0.4


@pytest.mark.parametrize("latitude_deg", [0, 30])
def test_the_default_maps_say_the_same_of_these_nights(shared_data, latitude_deg):
    """With albedo, onset and slope free, as they are, of which a night says little: the priors keep them."""
    path = shared_data / "thermal" / f"diviner_regtemp_lat{latitude_deg:02d}.csv"
    hours_after_noon, measured = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    hours = np.mod(hours_after_noon + 12.0, 24.0)
    dimensions = ("y", "x", "local_time")
    cube = xr.Dataset(
        {
            "brightness_temperature": (dimensions, measured[None, None]),
            "count": (dimensions, np.ones((1, 1, measured.size), np.int32)),
        },
        coords={"local_time": hours},
    )
    latitude, options = np.full((1, 1), float(latitude_deg)), Inversion()
    maps = inversion_maps(cube, latitude, options, 240, tables_for(latitude, options))
    found = {name: float(maps[name][0, 0]) for name in maps.data_vars}
    assert found["quality"] == 0
    assert found["h_parameter"] == pytest.approx(0.065, abs=0.004)
    slope = slope_east_of(found["onset_delay"], latitude_deg, found["slope_north"])
    modelled = physics.diurnal_temperatures(
        latitude_deg, found["albedo"], found["h_parameter"], slope, found["slope_north"], local_time_h=hours
    )[0]
    assert np.sqrt(((modelled - measured) ** 2).mean()) < 0.4
