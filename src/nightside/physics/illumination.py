"""Where the Sun stands above a sloped facet, and how much of its light the facet absorbs.

A facet is given by two angles. ``slope_east_deg`` > 0 means that the surface **faces east** (it falls towards
the east, dz/d(east) = -tan(slope_east)), so that it meets the morning Sun early; ``slope_north_deg`` > 0 that
it faces north. The normal is therefore proportional to (tan slope_east, tan slope_north, 1) in the local
(east, north, up). The facet is dark while the Sun is behind it or below the horizon: the sphere's, or the
terrain's where ``horizon_deg`` gives its elevation at equally spaced azimuths clockwise from north, for all
places (k,) or for each (n, k). Light scattered or emitted by the surroundings is not modelled.

The Sun is the model's: a point that circles the sky in 24 lunar hours at a constant declination, in the meridian at
12 h, so that at the equator it rises at 6 h. The true Sun, half a degree wide, strays from it through the year.

Values outside their bounds raise ValueError (:mod:`nightside.physics.bounds`); a place with a NaN is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.moon import HOURS_PER_DAY
from nightside.physics.bounds import (
    ALBEDO,
    DECLINATION,
    GRADIENT,
    LATITUDE,
    LOCAL_TIME,
    SLOPE,
    checked,
    checked_horizon,
)
from nightside.physics.regolith import MOON, REGOLITH, SOLAR_CONSTANT, Body, Material, albedo_law

_DEGREES_PER_HOUR = 360.0 / HOURS_PER_DAY
_FEWEST_SAMPLES = 24


def slope_angles_deg(
    dz_deast: ArrayLike, dz_dnorth: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (slope_east_deg, slope_north_deg) of a surface from its height gradients (unitless, rise over run)."""
    east = -np.rad2deg(np.arctan(checked("dz_deast", dz_deast, GRADIENT)))
    north = -np.rad2deg(np.arctan(checked("dz_dnorth", dz_dnorth, GRADIENT)))
    return east, north


def hour_angle_series(
    latitude_deg: ArrayLike,
    slope_east_deg: ArrayLike = 0.0,
    slope_north_deg: ArrayLike = 0.0,
    solar_declination_deg: ArrayLike = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (a, b, c) of the cosine of incidence, mu(h) = a + b cos h + c sin h, over the hour angle h.

    h is 0 at local noon and positive in the afternoon. The inputs, in degrees, broadcast. It is the scalar
    product of the facet's normal with the Sun's direction, (east, north, up) =
    (-cos d sin h, sin d cos f - cos d cos h sin f, sin d sin f + cos d cos h cos f), at declination d and
    latitude f.
    """
    latitude = np.deg2rad(checked("latitude_deg", latitude_deg, LATITUDE))
    declination = np.deg2rad(checked("solar_declination_deg", solar_declination_deg, DECLINATION))
    east = np.tan(np.deg2rad(checked("slope_east_deg", slope_east_deg, SLOPE)))
    north = np.tan(np.deg2rad(checked("slope_north_deg", slope_north_deg, SLOPE)))
    norm = np.sqrt(east**2 + north**2 + 1.0)
    constant = np.sin(declination) * (north * np.cos(latitude) + np.sin(latitude)) / norm
    cosine = np.cos(declination) * (np.cos(latitude) - north * np.sin(latitude)) / norm
    sine = -np.cos(declination) * east / norm
    constant, cosine, sine = np.broadcast_arrays(constant, cosine, sine)
    return constant, cosine, sine


def compass_series(
    latitude_deg: ArrayLike, solar_declination_deg: ArrayLike = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (a, b, c) of the Sun's direction over the hour angle h: a + b cos h to the north, c sin h to the east."""
    latitude = np.deg2rad(checked("latitude_deg", latitude_deg, LATITUDE))
    declination = np.deg2rad(checked("solar_declination_deg", solar_declination_deg, DECLINATION))
    a, b, c = np.broadcast_arrays(
        np.sin(declination) * np.cos(latitude),
        -np.cos(declination) * np.sin(latitude),
        -np.cos(declination),
    )
    return a, b, c


def cos_incidence(
    local_time_h: ArrayLike,
    latitude_deg: ArrayLike,
    slope_east_deg: ArrayLike = 0.0,
    slope_north_deg: ArrayLike = 0.0,
    solar_declination_deg: ArrayLike = 0.0,
    *,
    horizon_deg: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the cosine of the angle between the Sun and a facet's normal, 0 where the facet is dark.

    ``local_time_h`` is in lunar hours after midnight; the other inputs, in degrees, have shape (n,) or are
    scalars, but for ``horizon_deg``, (k,) or (n, k). The result has the broadcast shape (n,) of those with the shape of ``local_time_h`` appended.
    """
    hour_angle = np.deg2rad((checked("local_time_h", local_time_h, LOCAL_TIME) - 12.0) * _DEGREES_PER_HOUR)
    facet = hour_angle_series(latitude_deg, slope_east_deg, slope_north_deg, solar_declination_deg)
    sphere = hour_angle_series(latitude_deg, 0.0, 0.0, solar_declination_deg)
    on_facet = _evaluate(facet, hour_angle)
    height = _evaluate(sphere, hour_angle)
    if horizon_deg is not None:
        compass = compass_series(latitude_deg, solar_declination_deg)
        height = height - _sine_of_horizon(horizon_deg, compass, hour_angle)
        on_facet = on_facet + 0.0 * height  # NaN where the horizon is
    # A product, because it keeps NaN where a choice would call the place dark.
    return np.asarray(np.maximum(on_facet, 0.0) * (height > 0.0), np.float64)


def absorbed_flux(
    local_time_h: ArrayLike,
    latitude_deg: ArrayLike,
    albedo: ArrayLike,
    slope_east_deg: ArrayLike = 0.0,
    slope_north_deg: ArrayLike = 0.0,
    solar_declination_deg: ArrayLike = 0.0,
    *,
    horizon_deg: ArrayLike | None = None,
    material: Material = REGOLITH,
    body: Body = MOON,
) -> NDArray[np.float64]:
    """Return the sunlight absorbed by a facet, in W m-2: S0/r^2 (1 - A(theta)) cos theta (Hayne 2017, eq. A9).

    Shapes are those of :func:`cos_incidence`; ``albedo`` (normal albedo A0, unitless) is of shape (n,) or a
    scalar.
    """
    times = np.asarray(local_time_h, np.float64)
    mu = cos_incidence(
        times, latitude_deg, slope_east_deg, slope_north_deg, solar_declination_deg, horizon_deg=horizon_deg
    )
    normal_albedo = checked("albedo", albedo, ALBEDO)
    normal_albedo = normal_albedo.reshape(normal_albedo.shape + (1,) * times.ndim)
    incidence_deg = np.rad2deg(np.arccos(np.minimum(mu, 1.0)))
    absorbed = (1.0 - albedo_law(normal_albedo, incidence_deg, material)) * mu
    return np.asarray(SOLAR_CONSTANT / body.sun_distance_au**2 * absorbed, np.float64)


def daily_mean_absorbed_flux(
    latitude_deg: ArrayLike,
    albedo: ArrayLike,
    slope_east_deg: ArrayLike = 0.0,
    slope_north_deg: ArrayLike = 0.0,
    solar_declination_deg: ArrayLike = 0.0,
    *,
    horizon_deg: ArrayLike | None = None,
    material: Material = REGOLITH,
    body: Body = MOON,
    samples: int = 960,
) -> NDArray[np.float64]:
    """Return the mean over the day of :func:`absorbed_flux`, in W m-2, with the shape (n,) of the inputs.

    Midpoint rule; 960 samples are within 0.03 % for facets that the horizon cuts.
    """
    if samples < _FEWEST_SAMPLES:
        raise ValueError(f"samples is {samples}; expected at least {_FEWEST_SAMPLES}, one an hour")
    times = (np.arange(samples) + 0.5) * HOURS_PER_DAY / samples
    flux = absorbed_flux(
        times,
        latitude_deg,
        albedo,
        slope_east_deg,
        slope_north_deg,
        solar_declination_deg,
        horizon_deg=horizon_deg,
        material=material,
        body=body,
    )
    return np.asarray(flux.mean(axis=-1), np.float64)


def onset_delay_h(
    latitude_deg: ArrayLike,
    slope_east_deg: ArrayLike,
    slope_north_deg: ArrayLike = 0.0,
    solar_declination_deg: ArrayLike = 0.0,
    *,
    horizon: bool = False,
) -> NDArray[np.float64]:
    """Return how much later the model Sun rises on a facet than on flat ground there, in lunar hours; negative is earlier.

    This "onset" is a delay, not a time of day. It is counted from the sunrise of the sphere's flat horizon at the same
    latitude (6 h at the equator, and everywhere at declination 0), as the model Sun has it: add the two for a local
    time, and the hours between true and model Sun for one by an ephemeris. By default it is the delay of the facet's
    own plane, mu(h) = 0: smooth through zero, about -slope_east / 15 at the equator. With ``horizon`` the Sun must also be above the sphere's horizon, so that
    no delay is below zero. NaN where the facet or the sphere has no sunrise (polar day, or no
    light).
    """
    facet_rise = _rise(
        hour_angle_series(latitude_deg, slope_east_deg, slope_north_deg, solar_declination_deg)
    )
    sphere_rise = _rise(hour_angle_series(latitude_deg, 0.0, 0.0, solar_declination_deg))
    later = np.angle(np.exp(1j * (facet_rise - sphere_rise)))
    delay = np.asarray(np.rad2deg(later) / _DEGREES_PER_HOUR, np.float64)
    return np.maximum(delay, 0.0) if horizon else delay


def _evaluate(
    series: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    hour_angle: NDArray[np.float64],
) -> NDArray[np.float64]:
    constant, cosine, sine = (term.reshape(term.shape + (1,) * hour_angle.ndim) for term in series)
    return np.asarray(constant + cosine * np.cos(hour_angle) + sine * np.sin(hour_angle), np.float64)


def _sine_of_horizon(
    horizon_deg: ArrayLike,
    compass: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    hour_angle: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the sine of the terrain's elevation below or above the Sun, interpolated linearly in azimuth."""
    zero = np.zeros_like(compass[0])
    north = _evaluate((compass[0], compass[1], zero), hour_angle)
    east = _evaluate((zero, zero, compass[2]), hour_angle)
    horizon = np.deg2rad(checked_horizon(horizon_deg))
    position = np.mod(np.arctan2(east, north), 2.0 * np.pi) * (horizon.shape[-1] / (2.0 * np.pi))
    lower = np.nan_to_num(position).astype(np.int64)
    # One horizon for each place, and the axes of the times after it.
    place = np.broadcast_to(horizon, (*compass[0].shape, horizon.shape[-1]))
    flat = place.reshape(-1, horizon.shape[-1])
    rows = np.arange(flat.shape[0]).reshape(compass[0].shape + (1,) * hour_angle.ndim)
    left, right = (flat[rows, (lower + k) % horizon.shape[-1]] for k in (0, 1))
    return np.asarray(np.sin(left + (position - lower) * (right - left)), np.float64)


def _rise(
    series: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    constant, cosine, sine = series
    amplitude = np.hypot(cosine, sine)
    with np.errstate(invalid="ignore", divide="ignore"):
        half_day = np.arccos(-constant / amplitude)
    return np.asarray(np.arctan2(sine, cosine) - half_day, np.float64)
