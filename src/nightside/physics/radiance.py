"""Radiance of a band and brightness temperature, for the thermal channels of Diviner.

A band is a square pass band between the instrument's half-power wavelengths; its radiance is the integral of
Planck's law over it. The half-power wavelengths are those of the Diviner team's table of radiances
(``Diviner_R_to_T_8-4-2009.xls``). Like that table, radiance is odd in temperature: a negative brightness
temperature stands for a negative (noise) radiance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.physics.bounds import FRACTION, TEMPERATURE, checked

Float = NDArray[np.float64]

_PLANCK = 6.62607015e-34
_LIGHT_SPEED = 299_792_458.0
_BOLTZMANN = 1.380649e-23

COLDEST_K, HOTTEST_K = 3.0, 1000.0
"""Range of the table of radiances."""

_SHORTEST_UM, _LONGEST_UM = 0.1, 1e5
_TABLE_SIZE = 8192
_QUADRATURE_NODES = 64
_COLDEST_PLANCK_K = 1e-9


@dataclass(frozen=True)
class Band:
    """A square pass band, in micrometres."""

    lower_um: float
    upper_um: float

    def __post_init__(self) -> None:
        if not 0.0 < self.lower_um < self.upper_um < np.inf:
            raise ValueError(f"band {self.lower_um}-{self.upper_um} um; expected 0 < lower_um < upper_um")
        if self.upper_um < _SHORTEST_UM or self.lower_um > _LONGEST_UM:
            raise ValueError(
                f"band {self.lower_um:g}-{self.upper_um:g} um; expected some of {_SHORTEST_UM:g} to {_LONGEST_UM:g} um "
                "(is it in metres or nanometres?)"
            )


DIVINER_BANDS: dict[int, Band] = {
    3: Band(7.55, 8.03),
    4: Band(8.10, 8.38),
    5: Band(8.38, 8.65),
    6: Band(12.45, 23.6),
    7: Band(24.65, 40.8),
    8: Band(52.4, 91.0),
    9: Band(100.0, 370.0),
}
"""Half-power pass bands of the thermal channels."""

CHANNEL_7 = DIVINER_BANDS[7]


def planck_band_radiance(temperature_k: ArrayLike, band: Band = CHANNEL_7) -> Float:
    """Return the radiance of a black body over ``band``, in W m-2 sr-1, by Gauss-Legendre quadrature.

    Integrates Planck's law in wavenumber, 2 h c^2 k^3 / (exp(h c k / k_B T) - 1). ``temperature_k`` has any
    shape; 0 K gives 0, NaN gives NaN. :func:`band_radiance` is the fast, tabulated form. Raises ValueError below 0 K.
    """
    temperature = checked("temperature_k", temperature_k, TEMPERATURE)
    low, high = 1e6 / band.upper_um, 1e6 / band.lower_um
    nodes, weights = np.polynomial.legendre.leggauss(_QUADRATURE_NODES)
    wavenumber = 0.5 * (high - low) * nodes + 0.5 * (high + low)
    # At 0 K, a temperature so low that the radiance is 0 as well.
    above_zero = np.where(temperature == 0.0, _COLDEST_PLANCK_K, temperature)[..., None]
    exponent = _PLANCK * _LIGHT_SPEED / _BOLTZMANN * wavenumber / above_zero
    # Wien's factor is taken out, so that nothing overflows at low temperatures.
    spectral = 2.0 * _PLANCK * _LIGHT_SPEED**2 * wavenumber**3 * np.exp(-exponent) / -np.expm1(-exponent)
    return np.asarray(0.5 * (high - low) * (spectral @ weights), np.float64)


def band_radiance(temperature_k: ArrayLike, band: Band = CHANNEL_7) -> Float:
    """Return the radiance over ``band``, in W m-2 sr-1, of black bodies at ``temperature_k`` (any shape).

    Interpolated in a table, within a relative 4e-5 (channel 7: 1e-5) of :func:`planck_band_radiance`. Temperatures between -3 and
    3 K give 0, those beyond +-1000 K, and NaN, give NaN; negative temperatures give negative radiances.
    """
    temperature = np.asarray(temperature_k, np.float64)
    log_temperature, log_radiance = _table(band)
    size = np.abs(temperature)
    inside = size >= COLDEST_K
    with np.errstate(invalid="ignore"):
        radiance = np.exp(np.interp(np.log(np.where(inside, size, COLDEST_K)), log_temperature, log_radiance))
    radiance = np.where(inside, np.copysign(radiance, temperature), 0.0)
    return np.where(size <= HOTTEST_K, radiance, np.nan)


def brightness_temperature(radiance: ArrayLike, band: Band = CHANNEL_7) -> Float:
    """Return the temperature, in K, of the black body that has ``radiance`` (W m-2 sr-1, any shape) over ``band``.

    The inverse of :func:`band_radiance`, with the same limits: 0 for radiances below that of 3 K, NaN above
    that of 1000 K and for NaN, negative for negative radiances.
    """
    values = np.asarray(radiance, np.float64)
    log_temperature, log_radiance = _table(band)
    size = np.abs(values)
    inside = size >= np.exp(log_radiance[0])
    temperature = np.exp(
        np.interp(np.log(np.where(inside, size, 1.0)), log_radiance, log_temperature, right=np.nan)
    )
    temperature = np.where(inside, np.copysign(temperature, values), 0.0)
    return np.where(np.isnan(values), np.nan, temperature)


def mixed_brightness_temperature(
    temperature_k: ArrayLike,
    other_temperature_k: ArrayLike,
    other_fraction: ArrayLike,
    band: Band = CHANNEL_7,
) -> Float:
    """Return the brightness temperature, in K, of a field of view that two surfaces share by area.

    Radiances add: L = (1 - f) L(T) + f L(T_other), the two-component surface of Bandfield et al. (2011), J.
    Geophys. Res. 116, E00H02. The arguments broadcast; ``other_fraction`` is 0 to 1 (rocks among regolith, for
    example). NaN in any of them gives NaN. Raises ValueError for a fraction outside that and, since they are those of
    surfaces and not of noisy measurements, for temperatures below 0 K.
    """
    fraction = checked("other_fraction", other_fraction, FRACTION)
    one = band_radiance(checked("temperature_k", temperature_k, TEMPERATURE), band)
    other = band_radiance(checked("other_temperature_k", other_temperature_k, TEMPERATURE), band)
    mixed = (1.0 - fraction) * one + fraction * other
    return brightness_temperature(mixed, band)


@lru_cache(maxsize=16)
def _table(band: Band) -> tuple[Float, Float]:
    """Return (log temperature, log radiance) of ``band``."""
    log_temperature = np.linspace(np.log(COLDEST_K), np.log(HOTTEST_K), _TABLE_SIZE)
    return log_temperature, np.log(planck_band_radiance(np.exp(log_temperature), band))
