"""The inversion of cells as the configuration says, and its check by the solver."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightside import physics
from nightside.config import Inversion
from nightside.physics import inversion_kernel as codes
from nightside.physics_room.invert_observations import Seen

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Tables:
    """The surrogate, and one for each constant that is uncertain, with this moved by its standard deviation."""

    surrogate: physics.Surrogate
    moved: tuple[physics.Surrogate, ...] = ()

    @property
    def solutions(self) -> int:
        """How many periodic solutions they took."""
        return sum(table.solutions for table in (self.surrogate, *self.moved))


def tables_for(latitude_deg: Float, options: Inversion) -> Tables:
    """Return the tables for the latitudes (any shape) of a region."""
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
    constants: dict[str, Any] = options.ground.values()
    emissivity = constants.pop("emissivity")
    surrogate = physics.make_surrogate(
        domain,
        emissivity=emissivity,
        rocks=options.rocks != "never" or options.unseen_rocks is not None,
        material=replace(physics.REGOLITH, **constants),
    )
    return Tables(surrogate, physics.moved_surrogates(surrogate, options.ground.deviations()))


def priors(options: Inversion, *, rocks: bool) -> physics.Priors:
    """Return the priors of the configuration."""
    unseen = options.unseen_rocks
    return physics.Priors(
        albedo=(options.albedo.mean, options.albedo.std),
        h_parameter=(options.h_parameter_m, options.h_parameter_spread),
        onset_delay=(options.onset_delay_h.mean, options.onset_delay_h.std),
        slope_north=(options.slope_north_deg.mean, options.slope_north_deg.std),
        rock_fraction=(0.0, options.rock_fraction_std if rocks else 0.0),
        unseen_rocks=physics.UnseenRocks(**unseen.model_dump()) if unseen else None,
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
    masked_gap = seen.gap & (found.quality == codes.NO_OBSERVATIONS)
    quality = np.where(masked_gap, np.uint8(codes.TOO_FEW_OBSERVATIONS), found.quality)
    return replace(found, quality=quality)


def _invert(
    seen: Seen,
    latitude_deg: Float,
    options: Inversion,
    surrogate: physics.Surrogate,
    known: physics.Priors,
    k: Any = slice(None),
) -> physics.Inversion:
    return physics.invert(
        surrogate, _latitude(latitude_deg, options)[k], seen.temperature_k[k], seen.std_k[k], seen.local_time_h, known,
        bin_width_h=seen.bin_width_h, timing_std_h=seen.timing_std_h, observations_min=options.observations_min,
        poor_fit_sigmas=options.poor_fit_sigmas,
    )  # fmt: skip


def _latitude(latitude_deg: Float, options: Inversion) -> Float:
    """Return the latitudes, with poleward ones out of any table, where they get the code that says so."""
    return np.where(np.abs(latitude_deg) <= options.latitude_max_deg, latitude_deg, 90.0)


def without_sunrise(
    seen: Seen, latitude_deg: Float, options: Inversion, surrogate: physics.Surrogate
) -> Seen:
    """Return ``seen`` without what is nearer than ``sunrise_h`` to the sunrise and sunset of its cell.

    The onset for that is of a fit to everything, 0 where there is none.
    """
    if not seen.sunrise_h > 0.0 or not latitude_deg.size:
        return seen
    bare = replace(priors(options, rocks=False), unseen_rocks=None)
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


def systematic_std(
    seen: Seen, found: physics.Inversion, latitude_deg: Float, options: Inversion, tables: Tables
) -> Float:
    """Return the standard deviations (n, 5) that the constants of the ground cause, of ln H for H."""
    return physics.systematic_std(
        tables.surrogate, tables.moved, found, _latitude(latitude_deg, options), seen.std_k, seen.local_time_h,
        bin_width_h=seen.bin_width_h, timing_std_h=seen.timing_std_h,
    )  # fmt: skip


def verify_cells(
    seen: Seen, latitude_deg: Float, options: Inversion, surrogate: physics.Surrogate
) -> tuple[physics.Verification, float]:
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
