"""Physics of an airless surface: regolith heat, illumination of slopes, radiance. Arrays in, arrays out.

Everything is batched over places: one-dimensional arrays of latitude, albedo, H parameter and slope give one
row of temperatures each, in the periodic state that the day repeats. For a place with rocks, run the ground
and the rock and let their radiances add::

    import numpy as np
    from nightside import physics

    latitude = np.full(1000, -43.3)
    slope_east = np.random.default_rng(0).normal(0.0, 8.0, 1000)  # positive faces east: early Sun
    regolith = physics.diurnal_temperatures(latitude, 0.12, 0.07, slope_east)  # (1000, 120) K, every 0.2 h
    rock = physics.diurnal_temperatures(latitude, 0.12, slope_east_deg=slope_east, material=physics.ROCK)
    seen = physics.mixed_brightness_temperature(regolith, rock, 0.05)  # channel 7, 5 % of the area is rock
    delay = physics.onset_delay_h(latitude, slope_east)  # (1000,) h, positive where the Sun is late
    flux = physics.daily_mean_absorbed_flux(latitude, 0.12, slope_east)  # (1000,) W m-2

Values that cannot be raise ValueError with the argument, the index, the bounds and the unit that was probably meant; NaN, a
gap in a map, stays NaN where functions work element by element, and is refused by the solver.

How the temperatures depend on the ground, exactly, and how well they can therefore tell albedo and H::

    ground = physics.diurnal_sensitivities(latitude, parameters=["albedo", "h_parameter_m"])
    ground.by("h_parameter_m")  # (1000, 120) K m-1
    physics.parameter_covariance(ground.derivative, noise_k=1.0)  # (1000, 2, 2)
"""

from nightside.physics.heat import (
    FAILURES,
    PROFILE_LOCAL_TIMES_H,
    ConvergenceWarning,
    DiurnalSolution,
    diurnal_solution,
    diurnal_temperatures,
)
from nightside.physics.illumination import (
    absorbed_flux,
    cos_incidence,
    daily_mean_absorbed_flux,
    onset_delay_h,
    slope_angles_deg,
)
from nightside.physics.inversion import invert, surrogate_temperatures
from nightside.physics.inversion_check import Verification, verify
from nightside.physics.inversion_constants import CONSTANTS, moved_surrogates, systematic_std
from nightside.physics.inversion_priors import PARAMETERS, Priors, UnseenRocks
from nightside.physics.inversion_result import QUALITY, Inversion, poor_fits, with_rocks_where_needed
from nightside.physics.problem import DEFAULT_EMISSIVITY
from nightside.physics.radiance import (
    CHANNEL_7,
    DIVINER_BANDS,
    Band,
    band_radiance,
    brightness_temperature,
    mixed_brightness_temperature,
    planck_band_radiance,
)
from nightside.physics.regolith import (
    MOON,
    REGOLITH,
    ROCK,
    SOLAR_CONSTANT,
    STEFAN_BOLTZMANN,
    Body,
    Material,
    albedo_at_incidence,
    conductivity,
    contact_conductivity,
    density,
    depth_grid_m,
    heat_capacity,
    skin_depth_m,
    thermal_inertia,
)
from nightside.physics.sensitivity import (
    PARAMETER_UNITS,
    DiurnalSensitivities,
    diurnal_sensitivities,
    parameter_covariance,
)
from nightside.physics.surrogate import Domain, Surrogate, amplitude_range, make_surrogate

__all__ = [
    "CHANNEL_7",
    "CONSTANTS",
    "DEFAULT_EMISSIVITY",
    "DIVINER_BANDS",
    "FAILURES",
    "MOON",
    "PARAMETERS",
    "PARAMETER_UNITS",
    "PROFILE_LOCAL_TIMES_H",
    "QUALITY",
    "REGOLITH",
    "ROCK",
    "SOLAR_CONSTANT",
    "STEFAN_BOLTZMANN",
    "Band",
    "Body",
    "ConvergenceWarning",
    "DiurnalSensitivities",
    "DiurnalSolution",
    "Domain",
    "Inversion",
    "Material",
    "Priors",
    "Surrogate",
    "UnseenRocks",
    "Verification",
    "absorbed_flux",
    "albedo_at_incidence",
    "amplitude_range",
    "band_radiance",
    "brightness_temperature",
    "conductivity",
    "contact_conductivity",
    "cos_incidence",
    "daily_mean_absorbed_flux",
    "density",
    "depth_grid_m",
    "diurnal_sensitivities",
    "diurnal_solution",
    "diurnal_temperatures",
    "heat_capacity",
    "invert",
    "make_surrogate",
    "mixed_brightness_temperature",
    "moved_surrogates",
    "onset_delay_h",
    "parameter_covariance",
    "planck_band_radiance",
    "poor_fits",
    "skin_depth_m",
    "slope_angles_deg",
    "surrogate_temperatures",
    "systematic_std",
    "thermal_inertia",
    "verify",
    "with_rocks_where_needed",
]
