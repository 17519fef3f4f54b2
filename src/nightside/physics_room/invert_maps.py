"""Maps of albedo, H, onset and rocks from a cube or from profiles, window by window."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside import physics
from nightside.config import Inversion
from nightside.moon import HOURS_PER_DAY
from nightside.physics import inversion as codes
from nightside.physics.inversion_check import Verification
from nightside.physics.inversion_kernel import NO_OBSERVATIONS, POOR_FIT, TOO_FEW_OBSERVATIONS

Float = NDArray[np.float64]

_CUBE = ("y", "x", "local_time")
COMMENTS = {
    "h_parameter": "mean over the rocks that there may be, of which few look like a smaller H (docs/inversion.md)",
    "rock_fraction": "0 without a standard deviation: none were fitted; few would not be seen, and H allows for them",
}
NO_ROCKS = (
    "of the best fit, if there is no rock at all; 0.5 % of rocks turn 70 mm into 57 mm (docs/inversion.md)"
)
PROFILE_BIASES = (
    "interpolated profiles round sunrise and sunset: times near these are left out, and H without rocks is 3 % too large in "
    "the demo, its standard deviation nearly twice its error (docs/inversion.md)"
)

_GAP_TOO_LONG = 2
"""Of the quality of profiles."""

_UNITS = {
    "albedo": ("1", "albedo at normal incidence"),
    "h_parameter": ("m", "scale height of density, H"),
    "onset_delay": ("h", "delay of sunrise by the slope, positive where the Sun is late"),
    "slope_north": ("degree", "slope, positive where it faces north, as far as temperatures and prior tell"),
    "rock_fraction": ("1", "area covered by rocks"),
}


@dataclass(frozen=True)
class Seen:
    """What was observed of n places at m local times, and how it has to be understood.

    ``temperature_k`` and ``std_k`` (n, m), NaN where nothing was observed; ``local_time_h`` (m); ``bin_width_h``, 0 for
    moments; ``timing_std_h``; ``gap`` (n): masked because the profile has too long a gap. ``sunrise_h``: what lies nearer
    to a cell's sunrise and sunset is left out, as an interpolation has rounded these corners.
    """

    temperature_k: Float
    std_k: Float
    local_time_h: Float
    bin_width_h: float
    timing_std_h: float
    gap: NDArray[np.bool_]
    sunrise_h: float = 0.0


def observations(observed: xr.Dataset, options: Inversion, bins: int) -> Seen:
    """Return the observations of a cube or of profiles, cells in the order of rows.

    The bins of a cube are independent; an empty one is left out. A profile is moments, whose errors are taken for
    ``profile_std_factor`` times what they are, as those of neighbouring times are one error; the bins it was made
    from, ``bins`` a day, make its moments uncertain as they do the cube's.
    """
    hours = observed["local_time"].to_numpy().astype(np.float64)
    width = HOURS_PER_DAY / bins
    timing = float(np.hypot(width / np.sqrt(12.0), options.timing_std_h))
    if "count" in observed:
        count = _cells(observed["count"])
        mean = _cells(observed["brightness_temperature"])
        with np.errstate(divide="ignore"):
            std = np.sqrt(options.noise_k**2 / count + options.noise_floor_k**2)
        seen = count > 0
        return Seen(
            np.where(seen, mean, np.nan),
            np.where(seen, std, np.nan),
            hours,
            width,
            timing,
            np.zeros(len(mean), bool),
        )
    std = options.profile_std_factor * _cells(observed["temperature_std"])
    quality = observed["quality"].transpose("y", "x").to_numpy().ravel()
    gap = quality == _GAP_TOO_LONG
    return Seen(_cells(observed["temperature"]), std, hours, 0.0, timing, gap, options.profile_sunrise_h)


def without_sunrise(
    seen: Seen, latitude_deg: Float, options: Inversion, surrogate: physics.Surrogate
) -> Seen:
    """Return ``seen`` without what is nearer than ``sunrise_h`` to the sunrise and sunset of its cell.

    The onset for that is of a fit to everything, 0 where there is none.
    """
    if not seen.sunrise_h > 0.0:
        return seen
    bare = replace(priors(options, rocks=False), few_rocks=None)
    onset = np.nan_to_num(_invert(seen, latitude_deg, options, surrogate, bare).estimate[:, 2:3])
    rise, fall = np.maximum(6.0 + onset, 6.0), np.minimum(18.0 + onset, 18.0)
    distance = np.minimum(np.abs(seen.local_time_h - rise), np.abs(seen.local_time_h - fall))
    near = distance < seen.sunrise_h
    return replace(
        seen,
        temperature_k=np.where(near, np.nan, seen.temperature_k),
        std_k=np.where(near, np.nan, seen.std_k),
        sunrise_h=0.0,
    )


def surrogate_for(latitude_deg: Float, options: Inversion) -> physics.Surrogate:
    """Return a table for the latitudes (any shape) of a region."""
    finite = latitude_deg[np.isfinite(latitude_deg)]
    within = np.clip(finite, -options.latitude_max_deg, options.latitude_max_deg)
    steepest = min(3.0 * options.slope_north_deg.std + abs(options.slope_north_deg.mean), 30.0)
    # Poleward slopes act as a higher latitude; beyond 88 degrees there is no table.
    reach = min(steepest, max(88.0 - float(np.abs(within).max()), 0.0)) if within.size else 0.0
    domain = physics.Domain(
        amplitude=physics.amplitude_range(within if within.size else np.zeros(1), reach),
        onset_max_h=options.onset_max_h,
        albedo=(0.0, options.albedo_max),
        h_parameter_m=options.h_parameter_range_m,
    )
    return physics.make_surrogate(domain, emissivity=options.emissivity, rocks=may_have_rocks(options))


def may_have_rocks(options: Inversion) -> bool:
    """Return whether rocks are fitted anywhere, or allowed for."""
    return options.rocks != "never" or options.rock_fraction_mean > 0.0


def priors(options: Inversion, *, rocks: bool) -> physics.Priors:
    """Return the priors of the configuration."""
    return physics.Priors(
        albedo=(options.albedo.mean, options.albedo.std),
        h_parameter=(options.h_parameter_m, options.h_parameter_spread),
        onset_delay=(options.onset_delay_h.mean, options.onset_delay_h.std),
        slope_north=(options.slope_north_deg.mean, options.slope_north_deg.std),
        rock_fraction=(0.0, options.rock_fraction_std if rocks else 0.0),
        few_rocks=physics.FewRocks(
            options.rock_fraction_mean, options.rocky_share, options.rocky_fraction_mean
        )
        if options.rock_fraction_mean > 0.0
        else None,
    )


def invert_cells(
    seen: Seen, latitude_deg: Float, options: Inversion, surrogate: physics.Surrogate
) -> physics.Inversion:
    """Invert n cells; ``latitude_deg`` (n). Rocks are fitted as the options say."""
    seen = without_sunrise(seen, latitude_deg, options, surrogate)

    def fit(k: Any, rocks: bool) -> physics.Inversion:
        return _invert(seen, latitude_deg, options, surrogate, priors(options, rocks=rocks), k)

    found = fit(slice(None), options.rocks == "everywhere")
    if options.rocks == "where_needed":
        found = physics.with_rocks_where_needed(found, lambda k: fit(k, True), options.poor_fit_sigmas)
    quality = found.quality
    quality[physics.poor_fits(found, options.poor_fit_sigmas)] = POOR_FIT
    quality[seen.gap & (quality == NO_OBSERVATIONS)] = TOO_FEW_OBSERVATIONS
    return found


def _invert(
    seen: Seen,
    latitude_deg: Float,
    options: Inversion,
    surrogate: physics.Surrogate,
    known: physics.Priors,
    k: Any = slice(None),
) -> physics.Inversion:
    # Poleward cells are left to the code that says so.
    latitude = np.where(np.abs(latitude_deg) <= options.latitude_max_deg, latitude_deg, 90.0)
    return physics.invert(
        surrogate, latitude[k], seen.temperature_k[k], seen.std_k[k], seen.local_time_h, known,
        bin_width_h=seen.bin_width_h, timing_std_h=seen.timing_std_h, observations_min=options.observations_min,
    )  # fmt: skip


def inversion_maps(
    observed: xr.Dataset, latitude_deg: Float, options: Inversion, bins: int, surrogate: physics.Surrogate
) -> xr.Dataset:
    """Return the maps of a window: ``observed`` is of a cube or of profiles, ``latitude_deg`` (y, x)."""
    found = invert_cells(observations(observed, options, bins), latitude_deg.ravel(), options, surrogate)
    shape = latitude_deg.shape
    maps: dict[str, Any] = {}

    def add(name: str, values: NDArray[Any], units: str, meaning: str, **more: Any) -> None:
        kept = values if values.dtype == np.uint8 else values.astype(np.float32)
        maps[name] = (("y", "x"), kept.reshape(shape), {"units": units, "long_name": meaning, **more})

    free, with_rocks = free_parameters(options), rocks_fitted(found)
    for k, name in enumerate(codes.PARAMETERS):
        if name not in free:
            continue
        units, meaning = _UNITS[name]
        value, std = found.estimate[:, k], found.std[:, k]
        if name == "h_parameter":
            value = found.h_parameter_m
            std = std * value
        if name == "rock_fraction":
            value = np.where(np.isfinite(value) & ~with_rocks, 0.0, value)
            std = np.where(with_rocks, std, np.nan)
        comment = COMMENTS.get(name) if may_have_rocks(options) else None
        add(name, value, units, meaning, **({"comment": comment} if comment else {}))
        add(f"{name}_std", std, units, f"standard deviation: {meaning}")
    add("absorbed_flux", found.absorbed_flux, "W m-2", "absorbed sunlight, mean of the day")
    add("absorbed_flux_std", found.absorbed_flux_std, "W m-2", "standard deviation: absorbed sunlight")
    for a, b in itertools.combinations(free, 2):
        i, j = codes.PARAMETERS.index(a), codes.PARAMETERS.index(b)
        add(
            f"correlation_{a}_{b}",
            found.correlation[:, i, j],
            "1",
            f"correlation of the errors of {a} and {b}",
        )
    if "h_parameter" in free and may_have_rocks(options) and options.rocks != "everywhere":
        without, std = h_without_rocks(found)
        units, meaning = _UNITS["h_parameter"]
        add(
            "h_parameter_without_rocks", without, units, f"{meaning}, if there are no rocks", comment=NO_ROCKS
        )
        add(
            "h_parameter_without_rocks_std",
            std,
            units,
            f"standard deviation: {meaning}, if there are no rocks",
        )
    add("chi_square", found.chi_square, "1", "chi-square of the fit, divided by its degrees of freedom")
    meanings = " ".join(codes.QUALITY[code] for code in sorted(codes.QUALITY))
    add(
        "quality", found.quality, "1", "quality of the inversion: all but good and poor_fit are masked",
        flag_values=sorted(codes.QUALITY), flag_meanings=meanings,
    )  # fmt: skip
    coords = {name: observed.coords[name] for name in ("y", "x") if name in observed.coords}
    return xr.Dataset(maps, coords=coords)


def free_parameters(options: Inversion) -> tuple[str, ...]:
    """Return the names of the parameters that are estimated, anywhere."""
    std = priors(options, rocks=options.rocks != "never").std
    return tuple(name for name, deviation in zip(codes.PARAMETERS, std, strict=True) if deviation > 0.0)


def rocks_fitted(found: physics.Inversion) -> NDArray[np.bool_]:
    """Return where (n) the best fit is one with rocks."""
    k = codes.PARAMETERS.index("rock_fraction")
    return np.asarray(found.best_fit_covariance[:, k, k] > 0.0)


def h_without_rocks(found: physics.Inversion) -> tuple[Float, Float]:
    """Return H (n) of the best fit and its standard deviation, both in m, NaN where that fit has rocks."""
    k = codes.PARAMETERS.index("h_parameter")
    h = np.where(rocks_fitted(found), np.nan, np.exp(found.best_fit[:, k]))
    return h, h * np.sqrt(found.best_fit_covariance[:, k, k])


def verify_cells(
    seen: Seen, latitude_deg: Float, options: Inversion, surrogate: physics.Surrogate
) -> tuple[Verification, float]:
    """Invert n cells, and check the answers by the true solver; return that, and fits per second, the best of three."""
    used = without_sunrise(seen, latitude_deg, options, surrogate)
    found = invert_cells(used, latitude_deg, options, surrogate)
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        invert_cells(seen, latitude_deg, options, surrogate)
        seconds.append(time.perf_counter() - begun)
    rate = latitude_deg.size / min(seconds)
    check = physics.verify(
        surrogate, found, latitude_deg, used.std_k, seen.local_time_h, bin_width_h=seen.bin_width_h,
        timing_std_h=seen.timing_std_h,
    )  # fmt: skip
    return check, rate


def _cells(variable: xr.DataArray) -> Float:
    values = variable.transpose(*_CUBE).to_numpy().astype(np.float64)
    return values.reshape(-1, values.shape[-1])
