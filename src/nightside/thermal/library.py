"""A library of heat-model profiles that gives the latents of the guided objective their meaning.

The places of the library are drawn from broad priors, some with rocks; nothing in it is known of the region that
is mapped, save its latitudes. Library and region share the heat model of Hayne et al. (2017): as far as the real Moon departs
from it (roughness, scattered light, another conductivity) the named latents are those of the nearest model.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.moon import HOURS_PER_DAY
from nightside.physics.heat import diurnal_temperatures
from nightside.physics.illumination import daily_mean_absorbed_flux, onset_delay_h
from nightside.physics.radiance import CHANNEL_7, Band, mixed_brightness_temperature
from nightside.physics.regolith import REGOLITH, ROCK, Material

FACTORS = ("onset", "absorbed_flux", "conductivity")
"""What the first latents of a guided autoencoder are called, in order."""

FACTOR_UNITS = ("h", "W m-2", "ln m")
"""Units of the factors: onset delay, daily mean absorbed flux, and the natural logarithm of H in metres."""

SLOPE_STD_DEG = 6.0
"""Prior standard deviation of each component of slope; real 200 m slopes in highlands are of this size."""

ALBEDO_RANGE = (0.04, 0.20)
H_PARAMETER_M = 0.07
H_PARAMETER_SPREAD = 0.5

ROCKY_SHARE = 0.2
"""Share of the library's places that have rocks, so that rocks are not taken for conductive soil."""

ROCK_RANGE = (0.005, 0.5)
"""Area covered by rocks in those: from the global mean (Bandfield et al. 2011) to the youngest craters."""

_TRIES = 3


@dataclass(frozen=True)
class Library:
    """n places: noise-free ``temperature`` (n, m) in K, ``factors`` (n, 3), which are ``FACTORS``, and ``rock`` (n).

    ``rock`` is the area covered by rocks, 0 to 1.
    """

    temperature: NDArray[np.float64]
    factors: NDArray[np.float64]
    rock: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = self.temperature.shape[0]
        if self.temperature.ndim != 2 or self.factors.shape != (n, len(FACTORS)) or self.rock.shape != (n,):
            raise ValueError(
                f"library of shapes {self.temperature.shape}, {self.factors.shape} and {self.rock.shape}; "
                "expected (n, m), (n, 3) and (n)"
            )

    def __getitem__(self, places: slice | NDArray[np.bool_]) -> Library:
        """Return some of the places."""
        return Library(self.temperature[places], self.factors[places], self.rock[places])


def make_library(
    latitude_deg: ArrayLike,
    local_times: int,
    n: int,
    seed: int,
    *,
    material: Material = REGOLITH,
    emissivity: float = 0.95,
    band: Band = CHANNEL_7,
) -> Library:
    """Draw n places and solve the heat model for each.

    Args:
        latitude_deg: latitudes from which those of the library are drawn, for example those of the cells mapped.
        local_times: points of a profile, evenly spaced over the lunar day from midnight.
        n: places.
        seed: of the draw.
        material: constants of the regolith.
        emissivity: infrared emissivity of the surface.
        band: of the radiometer, in which radiances of soil and rock add.

    Raises:
        ValueError: at these latitudes hardly any place has a sunrise and a periodic state.
    """
    rng = np.random.default_rng(seed)
    latitudes = np.asarray(latitude_deg, np.float64).ravel()
    latitudes = latitudes[np.isfinite(latitudes)]
    if not latitudes.size:
        raise ValueError("no finite latitude to draw the library from")
    draws = int(np.ceil(1.1 * n)) + 16
    found: list[Library] = []
    for _ in range(_TRIES):
        found.append(_draw(rng, rng.choice(latitudes, draws), local_times, material, emissivity, band))
        if sum(part.rock.size for part in found) >= n:
            columns = (np.concatenate([getattr(part, f.name) for part in found]) for f in fields(Library))
            return Library(*columns)[:n]
    raise ValueError(
        f"only {sum(part.rock.size for part in found)} of {n} places drawn have a sunrise; these latitudes are polar: "
        "choose objective 'beta_vae' or 'beta_tcvae' in thermal.vae"
    )


def _draw(
    rng: np.random.Generator,
    latitude: NDArray[np.float64],
    local_times: int,
    material: Material,
    emissivity: float,
    band: Band,
) -> Library:
    """Return those places, one for each latitude, that have a sunrise."""
    draws = latitude.size
    albedo = rng.uniform(*ALBEDO_RANGE, draws)
    h = H_PARAMETER_M * np.exp(H_PARAMETER_SPREAD * rng.standard_normal(draws))
    east, north = np.clip(SLOPE_STD_DEG * rng.standard_normal((2, draws)), -30.0, 30.0)
    scarce, abundant = np.log(ROCK_RANGE)
    rock = np.where(rng.random(draws) < ROCKY_SHARE, np.exp(rng.uniform(scarce, abundant, draws)), 0.0)
    onset = onset_delay_h(latitude, east, north)
    flux = daily_mean_absorbed_flux(latitude, albedo, east, north, material=material)
    lit = np.isfinite(onset) & (flux > 0.0)
    latitude, albedo, h, east, north, rock = (a[lit] for a in (latitude, albedo, h, east, north, rock))
    times = np.arange(local_times) * HOURS_PER_DAY / local_times
    temperature = diurnal_temperatures(
        latitude, albedo, h, east, north, emissivity, local_time_h=times, material=material
    )
    k = np.flatnonzero(rock)
    rock_k = diurnal_temperatures(
        latitude[k],
        albedo[k],
        slope_east_deg=east[k],
        slope_north_deg=north[k],
        emissivity=emissivity,
        local_time_h=times,
        material=ROCK,
    )
    temperature[k] = mixed_brightness_temperature(temperature[k], rock_k, rock[k, None], band)
    factors = np.stack([onset[lit], flux[lit], np.log(h)], axis=1)
    solved = np.asarray(np.isfinite(temperature).all(axis=1))
    return Library(temperature, factors, rock)[solved]
