"""A table of the heat model that is smooth in every direction, and so can be inverted thousands of times a second.

**Four numbers make a day.** With the Sun over the equator the cosine of incidence on a facet is A cos(h - h0), h the
hour angle, and the ground is dark while the sphere's horizon hides the Sun (|h| > 90 degrees). So latitude and both
slopes act through two numbers only: the amplitude A and h0, which is the onset delay. With albedo and ln H they
are the table's four axes: one table serves every latitude. Emissivity, material and body are constants of a table.

**Sunrise moves**, and a temperature at a fixed hour is not smooth in what moves it. The time axis is therefore warped:
its nodes lie at fixed parts of this facet's own day and night, closer where the Sun comes and goes. A late facet
(h0 > 0) has its own sunrise and the sphere's sunset, an early one the reverse: each kind has its table.

**Chebyshev, then singular vectors.** The solver runs at the Chebyshev nodes of the axes; the profiles on the warped
nodes are projected on their first singular vectors, and each coefficient is a Chebyshev series in four variables.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from nightside.moon import HOURS_PER_DAY
from nightside.physics.bounds import H_PARAMETER
from nightside.physics.heat import ConvergenceWarning, diurnal_temperatures
from nightside.physics.illumination import daily_mean_absorbed_flux
from nightside.physics.problem import DEFAULT_EMISSIVITY, STEPS_PER_DAY
from nightside.physics.radiance import CHANNEL_7, Band, band_radiance, brightness_temperature
from nightside.physics.regolith import MOON, REGOLITH, ROCK, Body, Material

Float = NDArray[np.float64]

DAY_NODES, NIGHT_NODES = 72, 48
"""Nodes of the warped time axis; the first of the night is the last of the day."""

STEPS = 2 * STEPS_PER_DAY
"""Steps a day of the solver where the table is made: half the length of the default."""

COMPONENTS, ROCK_COMPONENTS = 24, 16
"""Singular vectors that are kept."""

LEAST_TERM_K = 1e-3
"""Terms of the series that move temperatures by less, root mean square over the nodes, are left out: most of them."""

_ONSET_NODES, _ALBEDO_NODES, _MIN_AMPLITUDE_NODES = 7, 4, 4
_RADIANCE_NODES = 4096
_COLDEST_K, _HOTTEST_K = 20.0, 600.0


@dataclass(frozen=True)
class Domain:
    """Where the table is valid: |onset delay| to ``onset_max_h``, and ranges of A, albedo and H (m)."""

    amplitude: tuple[float, float] = (0.1, 1.0)
    onset_max_h: float = 3.0
    albedo: tuple[float, float] = (0.0, 0.4)
    h_parameter_m: tuple[float, float] = (0.01, 0.6)

    def __post_init__(self) -> None:
        for name, (low, high), least, most in (
            ("amplitude", self.amplitude, 0.02, 1.0),
            ("albedo", self.albedo, 0.0, 0.9),
            ("h_parameter_m", self.h_parameter_m, H_PARAMETER.least, H_PARAMETER.most),
        ):
            if not least <= low < high <= most:
                raise ValueError(f"{name} {low:g} to {high:g} is no range within {least:g} to {most:g}")
        if not 0.0 < self.onset_max_h <= 5.0:
            raise ValueError(f"onset_max_h is {self.onset_max_h:g}; expected above 0, to 5 hours")


class Table(NamedTuple):
    """A surrogate, as arrays that compiled code takes. The first axis of most is (late, early).

    ``low`` and ``width`` (4): of the axes onset (h, its size), amplitude, albedo, ln H. ``soil`` and ``rock``
    (2, terms, k): Chebyshev coefficients of the components, of the degrees (2, terms, 4) in ``soil_degrees`` and
    ``rock_degrees``, which are in lexical order; ``soil_basis`` and ``rock_basis`` (2, k, nodes), ``soil_mean`` and
    ``rock_mean`` (2, nodes): profiles in K on the warped nodes.
    ``flux`` (2, onset, amplitude, albedo): of the absorbed flux, mean of the day, W m-2. ``log_radiance`` on
    temperatures from ``coldest`` by ``kelvin``; ``temperature`` on log radiances from ``faintest`` by ``faint``.
    """

    low: Float
    width: Float
    day_nodes: int
    soil: Float
    soil_degrees: NDArray[np.int64]
    soil_basis: Float
    soil_mean: Float
    rock: Float
    rock_degrees: NDArray[np.int64]
    rock_basis: Float
    rock_mean: Float
    flux: Float
    coldest: float
    kelvin: float
    log_radiance: Float
    faintest: float
    faint: float
    temperature: Float


@dataclass(frozen=True)
class Surrogate:
    """A table, and what it was made for."""

    domain: Domain
    table: Table
    emissivity: float
    material: Material
    rock_material: Material | None
    body: Body
    band: Band
    solutions: int


def amplitude_range(latitude_deg: ArrayLike, slope_north_max_deg: float = 0.0) -> tuple[float, float]:
    """Return the range of A that facets at ``latitude_deg`` (any shape) have, whatever their slope to the east.

    ``slope_north_max_deg`` is the steepest slope towards either pole. A is cos(latitude) or more on ground that is
    level from north to south, and 1 at most; poleward of some 89 degrees it is cut at 0.02, the least of a table.
    """
    latitude = np.asarray(latitude_deg, np.float64)
    finite = np.abs(latitude[np.isfinite(latitude)])
    if not finite.size:
        raise ValueError("no latitude, or none that is finite, to make a table for")
    low = np.cos(np.deg2rad(min(float(finite.max()) + slope_north_max_deg, 90.0)))
    return float(np.clip(0.999 * low, 0.02, 0.95)), 1.0


def make_surrogate(
    domain: Domain,
    *,
    emissivity: float = DEFAULT_EMISSIVITY,
    rocks: bool = False,
    material: Material = REGOLITH,
    body: Body = MOON,
    band: Band = CHANNEL_7,
) -> Surrogate:
    """Solve the heat model at the nodes of a table.

    ``rocks`` adds a table of ``regolith.ROCK`` and so the fraction of area that they cover. Some 3,000 to 6,000
    periodic solutions, a second or so. Raises ValueError if a node has no periodic state.
    """
    low_a, high_a = domain.amplitude
    log_h = np.log(domain.h_parameter_m)
    low = np.array([0.0, low_a, domain.albedo[0], log_h[0]])
    width = np.array([domain.onset_max_h, high_a - low_a, np.ptp(domain.albedo), np.ptp(log_h)])
    nodes = (
        _ONSET_NODES,
        _MIN_AMPLITUDE_NODES + int(np.ceil(2.2 * np.log(high_a / low_a))),
        _ALBEDO_NODES,
        5 + int(np.ceil(1.2 * width[3])),
    )
    axes = [low[k] + width[k] * 0.5 * (_nodes(n) + 1.0) for k, n in enumerate(nodes)]
    soil = _profiles(axes, emissivity, material, body)
    flux = _flux(axes[:3], material, body)
    soil_series = _compress(soil, COMPONENTS)
    if rocks:
        rock_profiles = _profiles([*axes[:3], np.zeros(1)], emissivity, ROCK, body)
        rock_series = _compress(rock_profiles, ROCK_COMPONENTS)
    else:
        rock_series = (
            np.zeros((2, 1, 1)),
            np.zeros((2, 1, 4), np.int64),
            np.zeros((2, 1, 1)),
            np.zeros((2, 1)),
        )
    coldest, kelvin, log_radiance, faintest, faint, temperature = _radiance(band)
    table = Table(
        low, width, DAY_NODES, *soil_series, *rock_series, flux,
        coldest, kelvin, log_radiance, faintest, faint, temperature,
    )  # fmt: skip
    count = int(np.prod(soil.shape[:5])) + (int(np.prod(rock_profiles.shape[:5])) if rocks else 0)
    return Surrogate(domain, table, emissivity, material, ROCK if rocks else None, body, band, count)


def facet_of(onset_h: Float, amplitude: Float) -> tuple[Float, Float]:
    """Return (latitude, slope to the east), in degrees, of a facet level from north to south that has h0 and A."""
    h0 = np.deg2rad(15.0 * np.asarray(onset_h, np.float64))
    squared = (amplitude * np.cos(h0)) ** 2 / (1.0 - (amplitude * np.sin(h0)) ** 2)
    cosine = np.sqrt(np.clip(squared, 0.0, 1.0))
    return np.rad2deg(np.arccos(cosine)), np.rad2deg(np.arctan(-np.tan(h0) * cosine))


def slope_east_of(onset_h: Float, latitude_deg: Float, slope_north_deg: Float) -> Float:
    """Return the slope to the east, in degrees, that delays the onset by ``onset_h`` at a latitude and slope north."""
    latitude = np.deg2rad(latitude_deg)
    across = np.cos(latitude) - np.tan(np.deg2rad(slope_north_deg)) * np.sin(latitude)
    return np.asarray(np.rad2deg(np.arctan(-across * np.tan(np.deg2rad(15.0 * onset_h)))), np.float64)


def _nodes(n: int) -> Float:
    return np.asarray(np.cos(np.pi * (np.arange(n) + 0.5) / n)) if n > 1 else np.zeros(1)


def _node_times(late: bool, onset_h: float) -> Float:
    """Return the local times, in hours, of the warped nodes; the compiled inverse is ``inversion_kernel.table.warp``."""
    rise, fall = (6.0 + onset_h, 18.0) if late else (6.0, 18.0 - onset_h)
    u = np.linspace(0.0, 1.0, DAY_NODES)
    day = rise + (fall - rise) * np.where(u < 0.5, 2.0 * u**2, 1.0 - 2.0 * (1.0 - u) ** 2)
    night = fall + (HOURS_PER_DAY - fall + rise) * np.linspace(0.0, 1.0, NIGHT_NODES) ** 2
    return np.asarray(np.mod(np.concatenate([day, night]), HOURS_PER_DAY), np.float64)


def _profiles(axes: list[Float], emissivity: float, material: Material, body: Body) -> Float:
    """Return temperatures (2, onset, amplitude, albedo, ln H, nodes), in K."""
    amplitude, albedo, log_h = (a.ravel() for a in np.meshgrid(*axes[1:], indexing="ij"))
    shape = tuple(a.size for a in axes)
    out = np.empty((2, *shape, DAY_NODES + NIGHT_NODES))
    for side, sign in enumerate((1.0, -1.0)):
        for i, onset in enumerate(axes[0]):
            latitude, slope = facet_of(np.full(amplitude.size, sign * onset), amplitude)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                solved = diurnal_temperatures(
                    latitude, albedo, np.exp(log_h), slope, 0.0, emissivity,
                    local_time_h=_node_times(side == 0, onset), material=material, body=body, steps_per_day=STEPS,
                )  # fmt: skip
            if not np.isfinite(solved).all():
                raise ValueError(
                    f"no periodic state at an onset delay of {sign * onset:.2f} h; narrow the domain"
                )
            solved[:, 0] = solved[:, -1]  # the day begins as the night ends
            out[side, i] = solved.reshape(*shape[1:], -1)
    return out


def _flux(axes: list[Float], material: Material, body: Body) -> Float:
    onset, amplitude, albedo = (a.ravel() for a in np.meshgrid(*axes, indexing="ij"))
    sides = []
    for sign in (1.0, -1.0):
        latitude, slope = facet_of(sign * onset, amplitude)
        flux = daily_mean_absorbed_flux(latitude, albedo, slope, material=material, body=body, samples=4800)
        sides.append(_series(flux.reshape([a.size for a in axes]), 3))
    return np.stack(sides)


def _compress(profiles: Float, components: int) -> tuple[Float, NDArray[np.int64], Float, Float]:
    """Return the series of the components of profiles (2, .., nodes), its degrees, the basis and the mean."""
    series, degrees, bases, means = [], [], [], []
    for side in profiles:
        flat = side.reshape(-1, side.shape[-1])
        mean = flat.mean(axis=0)
        # Singular vectors by way of the small Gram matrix: ten times quicker, and the last that is kept counts 1e-5.
        gram = (flat - mean).T @ (flat - mean)
        basis = np.ascontiguousarray(np.linalg.eigh(gram)[1][:, ::-1][:, :components].T)
        coefficients = _series(((flat - mean) @ basis.T).reshape(*side.shape[:-1], -1), 4)
        large = np.sqrt((coefficients**2).sum(axis=-1) / mean.size) > LEAST_TERM_K
        series.append(coefficients[large])
        degrees.append(np.argwhere(large))
        bases.append(basis)
        means.append(mean)
    terms = max(len(s) for s in series)
    # The shorter side is filled up with terms of nothing.
    series = [np.pad(s, ((0, terms - len(s)), (0, 0))) for s in series]
    degrees = [np.pad(d, ((0, terms - len(d)), (0, 0)), mode="edge") for d in degrees]
    return np.stack(series), np.ascontiguousarray(np.stack(degrees)), np.stack(bases), np.stack(means)


def _series(values: Float, axes: int) -> Float:
    """Return the Chebyshev coefficients along the first ``axes`` axes of values at the nodes."""
    for axis in range(axes):
        n = values.shape[axis]
        inverse = np.linalg.inv(chebyshev.chebvander(_nodes(n), n - 1))
        values = np.moveaxis(np.tensordot(inverse, values, (1, axis)), 0, axis)
    return np.ascontiguousarray(values)


def _radiance(band: Band) -> tuple[float, float, Float, float, float, Float]:
    kelvin = np.linspace(_COLDEST_K, _HOTTEST_K, _RADIANCE_NODES)
    log_radiance = np.log(band_radiance(kelvin, band))
    even = np.linspace(log_radiance[0], log_radiance[-1], _RADIANCE_NODES)
    temperature = np.clip(brightness_temperature(np.exp(even), band), _COLDEST_K, _HOTTEST_K)
    return (
        float(kelvin[0]), float(kelvin[1] - kelvin[0]), log_radiance,
        float(even[0]), float(even[1] - even[0]), temperature,
    )  # fmt: skip
