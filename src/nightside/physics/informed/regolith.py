"""A column of regolith through the lunar day, as a physics-informed problem.

The equations are those of :mod:`nightside.physics.heat` (Hayne et al. 2017, J. Geophys. Res. Planets 122,
2371-2400, Appendix A), for level ground at an equinox. Coordinates are chosen so that the field is smooth in them:

- s, 0 to 2 pi, for the time: the Sun's phase after midnight is s + SLOWING / 2 sin 2s, so that s runs slowly at
  sunrise and sunset, where temperatures change in minutes;
- y, -1 to 1, for the depth z = SURFACE_SCALE_M (e^(L (y + 1) / 2) - 1): logarithmic, like the wave that decays.

Every residual is in kelvins, so that the night, of a few W m-2, counts as much as the day, of a thousand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nightside.moon import HOURS_PER_DAY
from nightside.physics.bounds import (
    EMISSIVITY,
    H_PARAMETER,
    LOCAL_TIME,
    TEMPERATURE,
    check_fields,
    checked,
)
from nightside.physics.informed.problem import Constraint, Field, Parameters, Problem, Residual, derivatives
from nightside.physics.regolith import (
    HEAT_CAPACITY_FLOOR_K,
    MOON,
    REFERENCE_TEMPERATURE_K,
    REGOLITH,
    SOLAR_CONSTANT,
    STEFAN_BOLTZMANN,
    Body,
    Material,
)

SLOWING = 0.9
SURFACE_SCALE_M = 0.02
BOTTOM_M = 0.4
_LOG_RANGE = math.log1p(BOTTOM_M / SURFACE_SCALE_M)
_DTYPE = torch.float64

_NIGHT_FLUX = 5.0
_GROUND_CONDUCTANCE = 0.2
_BOTTOM_K_M2_W = 15.0
_LEAST_K = 20.0


@dataclass(frozen=True)
class RegolithColumn(Problem):
    """Level ground at ``latitude_deg``, of albedo A0 and e-folding depth H, in its periodic state.

    With ``observed_h`` (local times, h) and ``observed_k`` (surface temperatures, K, of standard deviation
    ``noise_k``) albedo and H are unknown, and their search starts at the values given here: the unknown parameters
    are ``albedo`` and ``log_h`` (the logarithm of H in m). The equation holds at ``times`` x ``depths`` points, the
    surface balance at twice as many times; ``weight`` multiplies the mean square of all equations.

    With ``knots`` depths the conductivity is unknown too: the contact conductivity is that of the material times
    e^f(y), where f is a Gaussian process around 0 (squared exponential, its length the distance of two knots, its
    standard deviation ``knot_std``) that takes the values ``log_k_0``, ``log_k_1``, ... at the knots; H then stays
    as it is. f is smooth because the field has to be: with kinks in it, spectral elements converge slowly.

    Raises ValueError for unphysical values.
    """

    latitude_deg: float = 0.0
    albedo: float = 0.12
    h_parameter_m: float = 0.07
    emissivity: float = 0.95
    observed_h: tuple[float, ...] = ()
    observed_k: tuple[float, ...] = ()
    noise_k: float = 1.0
    times: int = 128
    depths: int = 22
    weight: float = 1.0
    knots: int = 0
    knot_std: float = 0.5
    material: Material = REGOLITH
    body: Body = MOON

    def __post_init__(self) -> None:
        check_fields(self, {"h_parameter_m": H_PARAMETER, "emissivity": EMISSIVITY})
        ranges = {
            "latitude_deg": (abs(self.latitude_deg) < 90.0, "between -90 and 90 degrees"),
            "albedo": (0.0 <= self.albedo < 1.0, "0 to below 1"),
            "noise_k": (0.0 < self.noise_k < math.inf, "a positive standard deviation in kelvins"),
            "knot_std": (0.0 < self.knot_std < math.inf, "a positive standard deviation"),
            "weight": (0.0 < self.weight < math.inf, "a positive number"),
        }
        for name, (fine, expected) in ranges.items():
            if not fine:
                raise ValueError(f"{name} is {getattr(self, name)}; expected {expected}")
        if len(self.observed_h) != len(self.observed_k):
            raise ValueError(
                f"{len(self.observed_k)} temperatures at {len(self.observed_h)} local times; expected as many"
            )
        checked("observed_h", self.observed_h, LOCAL_TIME, nan=False)
        checked("observed_k", self.observed_k, TEMPERATURE, nan=False)
        if self.knots == 1 or self.knots < 0:
            raise ValueError(f"knots is {self.knots}; expected none, or at least the top and the bottom")

    def fixed(self) -> Mapping[str, float]:
        """Return albedo, the logarithm of H, and a conductivity as the material has it."""
        own = {"albedo": self.albedo, "log_h": math.log(self.h_parameter_m)}
        return own | {f"log_k_{i}": 0.0 for i in range(self.knots)}

    def unknown(self) -> Mapping[str, float]:
        """Return where the search for what the observations are to tell starts."""
        if not self.observed_h:
            return {}
        return {k: v for k, v in self.fixed().items() if not (self.knots and k == "log_h")}

    def ansatz(self, value: Tensor, x: Tensor) -> Tensor:
        """Return 240 K + 100 K times what the network gives."""
        return 240.0 + 100.0 * value

    def constraints(self) -> tuple[Constraint, ...]:
        """Return the heat equation, the two boundaries, and what was observed."""
        s = (torch.arange(self.times, dtype=_DTYPE) + 0.5) * (2.0 * math.pi / self.times)
        fine = (torch.arange(2 * self.times, dtype=_DTYPE) + 0.5) * (math.pi / self.times)
        y = -1.0 + (torch.arange(self.depths, dtype=_DTYPE) + 0.5) * (2.0 / self.depths)
        parts = [
            Constraint("heat", torch.cartesian_prod(s, y), self.heat, self.weight),
            Constraint("surface balance", _at(fine, -1.0), self.surface_balance, 10.0 * self.weight),
            Constraint("bottom flux", _at(s, 1.0), self.bottom_flux, self.weight),
        ]
        if self.observed_h:
            where = _at(coordinate_of_hour(torch.tensor(self.observed_h, dtype=_DTYPE)), -1.0)
            observed = torch.tensor(self.observed_k, dtype=_DTYPE)
            chi_square = len(self.observed_h) / self.noise_k**2
            parts.append(Constraint("observations", where, _temperature, chi_square, observed, True))
            if self.knots:
                covariance = self.knot_std**2 * self._bells(self.knot_coordinates())[0]
                whitening = torch.linalg.inv(torch.linalg.cholesky(covariance))
                anywhere = torch.zeros(1, 2, dtype=_DTYPE)
                parts += [
                    Constraint(f"prior {i}", anywhere, _sum_of(whitening[i]), measured=True)
                    for i in range(self.knots)
                ]
        return tuple(parts)

    def heat(self, u: Field, x: Tensor, p: Parameters) -> Tensor:
        """Return dT/ds - d/dz (K dT/dz) / (rho c_p) dt/ds, in K, at x = (s, y)."""
        t, slope, curvature = derivatives(u, x, axis=1)
        z = depth_of(x[..., 1])
        dy_dz = 2.0 / (_LOG_RANGE * (z + SURFACE_SCALE_M))
        gradient = slope[..., 1] * dy_dz
        second = curvature * dy_dz**2 - gradient / (z + SURFACE_SCALE_M)
        contact, contact_slope, density = self._ground(x[..., 1], z, p)
        chi = self.material.radiative_conductivity / REFERENCE_TEMPERATURE_K**3
        radiative = 1.0 + chi * t**3
        divergence = contact * (radiative * second + 3.0 * chi * t**2 * gradient**2)
        divergence = divergence + contact_slope * radiative * gradient
        per_second = divergence / (density * self._heat_capacity(t))
        return slope[..., 0] - per_second * rate_of(x[..., 0]) * (self.body.day_s / (2.0 * math.pi))

    def surface_balance(self, u: Field, x: Tensor, p: Parameters) -> Tensor:
        """Return emitted less absorbed and conducted flux, over the rise of emission with temperature: K."""
        t, slope, _ = derivatives(u, x, axis=1)
        contact, _, _ = self._ground(x[..., 1], depth_of(x[..., 1]), p)
        chi = self.material.radiative_conductivity / REFERENCE_TEMPERATURE_K**3
        from_below = contact * (1.0 + chi * t**3) * slope[..., 1] * (2.0 / (_LOG_RANGE * SURFACE_SCALE_M))
        emission = self.emissivity * STEFAN_BOLTZMANN
        imbalance = emission * t**4 - self.absorbed(x[..., 0], p["albedo"]) - from_below
        usual = (self.absorbed(x[..., 0], torch.tensor(0.12, dtype=_DTYPE)) + _NIGHT_FLUX) / emission
        return imbalance / (4.0 * emission * usual**0.75 + _GROUND_CONDUCTANCE)

    def bottom_flux(self, u: Field, x: Tensor, p: Parameters) -> Tensor:
        """Return the flux at the bottom less the interior's, times 15 K per W m-2: K over about 5 cm."""
        t, slope, _ = derivatives(u, x, axis=1)
        z = depth_of(x[..., 1])
        contact, _, _ = self._ground(x[..., 1], z, p)
        chi = self.material.radiative_conductivity / REFERENCE_TEMPERATURE_K**3
        gradient = slope[..., 1] * (2.0 / (_LOG_RANGE * (z + SURFACE_SCALE_M)))
        return _BOTTOM_K_M2_W * (contact * (1.0 + chi * t**3) * gradient - self.body.interior_flux)

    def absorbed(self, s: Tensor, albedo: Tensor) -> Tensor:
        """Return the absorbed sunlight, in W m-2, at s (...): :func:`nightside.physics.absorbed_flux`, in torch."""
        cosine = -torch.cos(phase_of(s)) * math.cos(math.radians(self.latitude_deg))
        # Off the ends of arccos, where its slope is infinite.
        incidence = torch.arccos(cosine.clamp(1e-9, 1.0 - 1e-9)) * (2.0 / math.pi)
        rise = self.material.albedo_cubic * 8.0 * incidence**3 + self.material.albedo_eighth * incidence**8
        flux = (SOLAR_CONSTANT / self.body.sun_distance_au**2) * (1.0 - albedo - rise) * cosine
        return torch.where(cosine > 0.0, flux, torch.zeros_like(flux))

    def contact_conductivity(self, y: Tensor, p: Parameters) -> Tensor:
        """Return the contact conductivity, in W m-1 K-1, at depths y (...)."""
        return self._ground(y, depth_of(y), p)[0]

    def knot_coordinates(self) -> Tensor:
        """Return y at the knots (knots), evenly from the surface to the bottom."""
        return torch.linspace(-1.0, 1.0, self.knots, dtype=_DTYPE)

    def _bells(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the covariance (..., knots) of f at y (...) with its values at the knots, per variance; its slope."""
        width = 2.0 / (self.knots - 1)
        distance = (y[..., None] - self.knot_coordinates()) / width
        bells = torch.exp(-0.5 * distance**2)
        return bells, -distance / width * bells

    def _ground(self, y: Tensor, z: Tensor, p: Parameters) -> tuple[Tensor, Tensor, Tensor]:
        """Return contact conductivity, its slope in depth, and density."""
        ground, h = self.material, torch.exp(p["log_h"])
        decay = torch.exp(-z / h)
        rise = ground.deep_conductivity - ground.surface_conductivity
        contact, slope = ground.deep_conductivity - rise * decay, rise * decay / h
        density = ground.deep_density - (ground.deep_density - ground.surface_density) * decay
        if self.knots:
            values = torch.stack([p[f"log_k_{i}"] for i in range(self.knots)])
            bells, slopes = self._bells(y)
            heights = torch.linalg.inv(self._bells(self.knot_coordinates())[0]) @ values
            logarithm, tilt = bells @ heights, slopes @ heights
            dy_dz = 2.0 / (_LOG_RANGE * (z + SURFACE_SCALE_M))
            factor = torch.exp(logarithm)
            contact, slope = contact * factor, factor * (slope + contact * tilt * dy_dz)
        return contact, slope, density

    def _heat_capacity(self, t: Tensor) -> Tensor:
        floored = t.clamp(min=max(HEAT_CAPACITY_FLOOR_K, _LEAST_K))
        c0, c1, c2, c3, c4 = self.material.heat_capacity_coefficients
        return c0 + floored * (c1 + floored * (c2 + floored * (c3 + floored * c4)))


def phase_of(s: Tensor) -> Tensor:
    """Return the Sun's phase after midnight, in radians, at s."""
    return s + 0.5 * SLOWING * torch.sin(2.0 * s)


def rate_of(s: Tensor) -> Tensor:
    """Return how fast the phase runs in s: 1.9 at noon and midnight, 0.1 at sunrise and sunset."""
    return 1.0 + SLOWING * torch.cos(2.0 * s)


def coordinate_of_hour(local_time_h: Tensor) -> Tensor:
    """Return s at local times in hours after midnight, by bisection of the phase."""
    phase = torch.remainder(local_time_h, HOURS_PER_DAY) * (2.0 * math.pi / HOURS_PER_DAY)
    low, high = torch.zeros_like(phase), torch.full_like(phase, 2.0 * math.pi)
    for _ in range(60):
        middle = 0.5 * (low + high)
        before = phase_of(middle) < phase
        low, high = torch.where(before, middle, low), torch.where(before, high, middle)
    return 0.5 * (low + high)


def depth_of(y: Tensor) -> Tensor:
    """Return the depth, in m, at y."""
    return SURFACE_SCALE_M * torch.expm1((0.5 * _LOG_RANGE) * (y + 1.0))


def _at(s: Tensor, y: float) -> Tensor:
    return torch.stack([s, torch.full_like(s, y)], dim=-1)


def _temperature(u: Field, x: Tensor, p: Parameters) -> Tensor:
    return u(x)


def _sum_of(factors: Tensor) -> Residual:
    """Return the residual that adds up the knots' values times ``factors`` (knots)."""

    def residual(u: Field, x: Tensor, p: Parameters) -> Tensor:
        total = sum((factor * p[f"log_k_{i}"] for i, factor in enumerate(factors)), torch.zeros(()))
        return total + 0.0 * x[..., 0]

    return residual
