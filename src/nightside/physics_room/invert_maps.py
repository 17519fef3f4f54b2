"""Maps of albedo, H, onset and rocks from a cube or from profiles, window by window."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside import physics
from nightside.config import Inversion
from nightside.physics_room.invert_cells import (
    Tables,
    invert_cells,
    priors,
    systematic_std,
    without_sunrise,
)
from nightside.physics_room.invert_observations import observations

Float = NDArray[np.float64]

PROFILE_BIASES = (
    "interpolated profiles round sunrise and sunset: times near these are left out, and H is 3 % too large in the demo, its "
    "standard deviation nearly twice its error (docs/inversion.md)"
)

_UNSEEN = "_with_unseen_rocks"
_LAYERS = {
    "albedo": ("1", "albedo at normal incidence", ""),
    "h_parameter": (
        "m",
        "scale height of density, H, of ground without rocks",
        "what the literature calls H (Hayne et al. 2017); its error is that of this place if it has no rocks but those of "
        "rock_fraction: 0.5 % of rocks that nobody sees turn 70 mm into 57 mm",
    ),
    "onset_delay": (
        "h",
        "shift of the day's sunlight by the slope to the east",
        "above 0: the Sun comes so long after 6 h and goes at 18 h; below 0: it comes at 6 h and goes so long before 18 h",
    ),
    "slope_north": (
        "degree",
        "slope, positive where it faces north",
        "as far as temperatures and the prior tell; its error is part of that of the albedo",
    ),
    "rock_fraction": (
        "1",
        "area covered by rocks that the fit needs",
        "0 without a standard deviation: ground without rocks fits",
    ),
    f"h_parameter{_UNSEEN}": (
        "m",
        "scale height of density, H, allowing for rocks that no fit can see",
        "mean over a prior of rocks, for intervals that hold whether there are some or not, and for statements about single "
        "places; too large, though within its error, where there are none",
    ),
    f"rock_fraction{_UNSEEN}": (
        "1",
        "area covered by rocks, mean over their prior where none can be seen",
        "",
    ),
}
"""Of each quantity: units, what it is, and what it is for."""


def inversion_maps(
    observed: xr.Dataset, latitude_deg: Float, options: Inversion, bins: int, tables: Tables
) -> xr.Dataset:
    """Return the maps of a window: ``observed`` is of a cube or of profiles, ``latitude_deg`` (y, x)."""
    latitude = latitude_deg.ravel()
    seen = without_sunrise(observations(observed, options, bins), latitude, options, tables.surrogate)
    found = invert_cells(seen, latitude, options, tables.surrogate)
    maps: dict[str, Any] = {}

    def add(name: str, values: NDArray[Any], units: str, meaning: str, **more: Any) -> None:
        kept = values if values.dtype == np.uint8 else values.astype(np.float32)
        attributes = {"units": units, "long_name": meaning, **more}
        maps[name] = (("y", "x"), kept.reshape(latitude_deg.shape), attributes)

    def add_estimate(name: str, value: Float, std: Float) -> None:
        units, meaning, comment = _LAYERS[name]
        add(name, value, units, meaning, **({"comment": comment} if comment else {}))
        add(f"{name}_std", std, units, f"standard deviation: {meaning}")

    free, h = free_parameters(options), found.h_parameter_m
    for name in free:
        k = physics.PARAMETERS.index(name)
        value, std = found.estimate[:, k], found.std[:, k]
        if name == "h_parameter":
            value, std = h, found.h_parameter_std_m
        elif name == "rock_fraction":
            std = np.where(rocks_fitted(found), std, np.nan)
        add_estimate(name, value, std)
    if options.unseen_rocks is not None:
        for name in ("h_parameter", "rock_fraction"):
            k = physics.PARAMETERS.index(name)
            value, std = found.estimate_with_unseen_rocks[:, k], found.std_with_unseen_rocks[:, k]
            if name == "rock_fraction":
                add_estimate(name + _UNSEEN, value, std)
            elif name in free:
                add_estimate(name + _UNSEEN, np.exp(value), np.exp(value) * std)
    if tables.moved:
        systematic = systematic_std(seen, found, latitude, options, tables)
        for name in free:
            k = physics.PARAMETERS.index(name)
            scale = h if name == "h_parameter" else 1.0
            units, meaning, _ = _LAYERS[name]
            add(
                f"{name}_systematic_std", scale * systematic[:, k], units,
                f"standard deviation by the ground's constants: {meaning}",
                comment="one error for the whole map, beside that of each place (physics.inversion.ground)",
            )  # fmt: skip
    add("absorbed_flux", found.absorbed_flux, "W m-2", "absorbed sunlight, mean of the day")
    add("absorbed_flux_std", found.absorbed_flux_std, "W m-2", "standard deviation: absorbed sunlight")
    correlation = found.correlation
    for a, b in itertools.combinations(free, 2):
        of_both = correlation[:, physics.PARAMETERS.index(a), physics.PARAMETERS.index(b)]
        add(f"correlation_{a}_{b}", of_both, "1", f"correlation of the errors of {a} and {b}")
    add("chi_square", found.chi_square, "1", "chi-square of the fit, divided by its degrees of freedom")
    add(
        "quality", found.quality, "1", "quality of the inversion: all but good and poor_fit are masked",
        flag_values=sorted(physics.QUALITY),
        flag_meanings=" ".join(physics.QUALITY[code] for code in sorted(physics.QUALITY)),
    )  # fmt: skip
    coords = {name: observed.coords[name] for name in ("y", "x") if name in observed.coords}
    return xr.Dataset(maps, coords=coords)


def free_parameters(options: Inversion) -> tuple[str, ...]:
    """Return the names of the parameters that are estimated, anywhere."""
    std = priors(options, rocks=options.rocks != "never").std
    return tuple(name for name, deviation in zip(physics.PARAMETERS, std, strict=True) if deviation > 0.0)


def rocks_fitted(found: physics.Inversion) -> NDArray[np.bool_]:
    """Return where (n) the fit has rocks."""
    k = physics.PARAMETERS.index("rock_fraction")
    return np.asarray(found.best_fit_covariance[:, k, k] > 0.0)
