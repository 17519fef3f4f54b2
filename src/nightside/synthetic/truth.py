"""The truth of the synthetic Moon: what every map is judged by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside import physics
from nightside.config import Settings, SyntheticMoon
from nightside.store import grid_of, lonlat
from nightside.synthetic.terrain import make_terrain
from nightside.synthetic.topography import relief_m

Float = NDArray[np.float64]

_BATCH = 4096


def make_truth(settings: Settings) -> xr.Dataset:
    """Return the truth on the region's grid.

    The Sun is 1 AU away and always over the equator: there are no seasons. Horizons are flat. Temperatures
    come from the regolith heat model (Hayne et al. 2017); where there are rocks, the channel-7 radiances of
    regolith and rock add by area (Bandfield et al. 2011), with unit emissivity in the channel.

    Returns:
        ``albedo``, ``slope_east_deg``, ``slope_north_deg``, ``onset_delay_h``, ``absorbed_flux`` (W m-2, mean
        of the day), ``h_parameter`` (m), ``rock_fraction``, ``hot_crater`` and ``odd_patch`` (0 or 1) and
        ``elevation`` (m) on (y, x), and ``temperature`` (K, noise-free brightness temperature) on (y, x, local_time) at 120 times.

    Raises:
        ValueError: the settings have no section 'synthetic'.
    """
    moon = synthetic_section(settings)
    geobox = grid_of(settings.mapped_region)
    relief = relief_m(moon.topography, geobox) if moon.topography is not None else None
    terrain = make_terrain(geobox, moon, np.random.default_rng([settings.seed, 1]), relief)
    latitude = lonlat(geobox)[1]
    places = (
        latitude,
        terrain.albedo,
        terrain.h_parameter_m,
        terrain.slope_east_deg,
        terrain.slope_north_deg,
    )
    flat = [field.ravel() for field in places]
    emissivity = np.where(terrain.odd_patch, moon.odd_emissivity, moon.emissivity)
    temperature = _temperatures(flat, emissivity.ravel(), terrain.rock_fraction.ravel(), moon)
    lat, albedo, _, east, north = flat
    onset = physics.onset_delay_h(lat, east, north)
    flux = np.concatenate(
        [
            physics.daily_mean_absorbed_flux(lat[part], albedo[part], east[part], north[part], samples=480)
            for part in _parts(lat.size)
        ]
    )
    hot = (terrain.rock_fraction > 0).astype(np.uint8)
    maps = {
        "albedo": (terrain.albedo, "1", "normal albedo"),
        "slope_east_deg": (terrain.slope_east_deg, "degree", "slope, positive where it faces east"),
        "slope_north_deg": (terrain.slope_north_deg, "degree", "slope, positive where it faces north"),
        "onset_delay_h": (onset, "h", "delay of sunrise by the slope, positive where the Sun is late"),
        "absorbed_flux": (flux, "W m-2", "absorbed sunlight, mean of the day"),
        "h_parameter": (terrain.h_parameter_m, "m", "scale height of density, H"),
        "rock_fraction": (terrain.rock_fraction, "1", "area covered by rocks"),
        "hot_crater": (hot, "1", "1 inside a hot crater"),
        "odd_patch": (terrain.odd_patch.astype(np.uint8), "1", "1 where the emissivity is odd"),
        "elevation": (terrain.elevation_m, "m", "height above the mean"),
    }
    shape = latitude.shape
    truth = xr.Dataset(
        {
            name: (("y", "x"), _compact(values).reshape(shape), {"units": units, "long_name": meaning})
            for name, (values, units, meaning) in maps.items()
        },
        coords={"local_time": ("local_time", physics.PROFILE_LOCAL_TIMES_H, {"units": "h"})},
    )
    truth["temperature"] = (
        ("y", "x", "local_time"),
        temperature.reshape(*shape, -1),
        {"units": "K", "long_name": "brightness temperature in channel 7, without noise"},
    )
    return truth


def synthetic_section(settings: Settings) -> SyntheticMoon:
    """Return the section 'synthetic'.

    Raises:
        ValueError: there is none.
    """
    if settings.synthetic is None:
        raise ValueError(
            f"configuration '{settings.name}' has no section 'synthetic'; add 'synthetic: {{}}' for its defaults"
        )
    return settings.synthetic


def _compact(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values if values.dtype == np.uint8 else values.astype(np.float32)


def _parts(size: int) -> list[slice]:
    return [slice(start, min(start + _BATCH, size)) for start in range(0, size, _BATCH)]


def _conducting(material: physics.Material, factor: float) -> physics.Material:
    return replace(
        material,
        surface_conductivity=material.surface_conductivity * factor,
        deep_conductivity=material.deep_conductivity * factor,
    )


def _temperatures(
    places: list[Float], emissivity: Float, rock_fraction: Float, moon: SyntheticMoon
) -> NDArray[np.float32]:
    size = places[0].size
    result = np.empty((size, physics.PROFILE_LOCAL_TIMES_H.size), np.float32)
    regolith = _conducting(physics.REGOLITH, moon.conductivity_factor)
    for part in _parts(size):
        lat, albedo, h, east, north = (values[part] for values in places)
        result[part] = physics.diurnal_temperatures(
            lat, albedo, h, east, north, emissivity[part], material=regolith
        )
    rocky = np.flatnonzero(rock_fraction > 0)
    if rocky.size:
        lat, albedo, _, east, north = (values[rocky] for values in places)
        rock = physics.diurnal_temperatures(
            lat,
            albedo,
            slope_east_deg=east,
            slope_north_deg=north,
            emissivity=emissivity[rocky],
            material=_conducting(physics.ROCK, moon.rock_conductivity_factor),
        )
        result[rocky] = physics.mixed_brightness_temperature(
            result[rocky], rock, rock_fraction[rocky][:, None]
        )
    return result
