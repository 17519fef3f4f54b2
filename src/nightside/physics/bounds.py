"""What each physical quantity may be, and the error that names a value which is not.

One policy for the whole of :mod:`nightside.physics`. A value outside its bounds raises ValueError with the argument,
the index, the value, the bounds, and the unit that was probably meant. NaN, a gap in a map, stays NaN in what is
computed element by element; the solver and the constants of a body or a material take none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Bounds:
    """From ``least`` to ``most``, ends included unless ``open_ends``; ``expected`` says so in words.

    ``below`` and ``above`` ask which unit was meant by a value beyond that end. ``above_to`` is as far as the question
    makes sense.
    """

    least: float
    most: float
    expected: str
    below: str = ""
    above: str = ""
    above_to: float = math.inf
    open_ends: bool = False

    def contain(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which values lie within; NaN does not."""
        if self.open_ends:
            return np.asarray((values > self.least) & (values < self.most))
        return np.asarray((values >= self.least) & (values <= self.most))

    def fault(self, name: str, value: float, index: tuple[int, ...] = ()) -> ValueError:
        """Return the error that says what is wrong with a value."""
        where = name if not index else f"{name}[{', '.join(map(str, index))}]"
        hint = (
            self.below if value <= self.least else self.above if self.most <= value <= self.above_to else ""
        )
        question = f" (is it in {hint}?)" if hint else ""
        return ValueError(f"{where} is {value}; expected {self.expected}{question}")


LATITUDE = Bounds(-90.0, 90.0, "-90 to 90 degrees")
DECLINATION = Bounds(-90.0, 90.0, "-90 to 90 degrees")
HORIZON = Bounds(-90.0, 90.0, "-90 to 90 degrees")
SLOPE = Bounds(-90.0, 90.0, "a slope between -90 and 90 degrees", open_ends=True)
GRADIENT = Bounds(-100.0, 100.0, "a rise over run of -100 to 100", below="degrees", above="degrees")
INCIDENCE = Bounds(0.0, 90.0, "0 to 90 degrees")
ALBEDO = Bounds(0.0, 1.0, "0 to 1", above="per cent", above_to=100.0)
FRACTION = Bounds(0.0, 1.0, "0 to 1", above="per cent", above_to=100.0)
EMISSIVITY = Bounds(np.nextafter(0.0, 1.0), 1.0, "above 0, to 1", above="per cent", above_to=100.0)
LOCAL_TIME = Bounds(
    -24.0, 48.0, "-24 to 48 hours after midnight", below="degrees or seconds", above="degrees or seconds"
)
TEMPERATURE = Bounds(0.0, 5000.0, "0 to 5000 K", below="degrees Celsius", above="millikelvins")
DEPTH = Bounds(0.0, 1000.0, "a depth of 0 to 1000 m", above="mm")
H_PARAMETER = Bounds(1e-3, 1.0, "a depth of 0.001 to 1 m", above="mm or cm")
"""H is 0.02 to 0.15 m on the Moon. A layer below 1 mm lies within the first half cell (1.4 mm), which does not resolve it:
0.6 K at 1 mm. Beyond 1 m, far below the day's heat, all H make the same night within 0.5 K; and 2 to 15, so in cm, is named."""

PERIODICITY = Bounds(np.nextafter(0.0, 1.0), 0.1, "above 0, to 0.1 K", above="millikelvins")
"""The largest change of a periodic column over a day. A column that loses a tenth of it each day is ten times that from its end."""

DENSITY = Bounds(10.0, 25_000.0, "10 to 25000 kg m-3", below="g cm-3")
CONDUCTIVITY = Bounds(np.nextafter(0.0, 1.0), 500.0, "above 0, to 500 W m-1 K-1", above="mW m-1 K-1")
"""No mineral conducts better than metals."""

RADIATIVE_RATIO = Bounds(0.0, 1000.0, "0 to 1000")
ALBEDO_RISE = Bounds(0.0, 1.0, "0 to 1")
DAY = Bounds(5000.0, 1e10, "5000 to 1e+10 s", below="hours or days")
"""Grains at the equator of a sphere of 5,650 kg m-3 that turns in 5,000 s weigh nothing, sqrt(3 pi / G rho): it keeps no
regolith. So the 708 hours of the Moon, and the 4,223 of Mercury, are known from seconds."""

SUN_DISTANCE = Bounds(0.01, 1000.0, "0.01 to 1000 AU", above="km")
INTERIOR_FLUX = Bounds(0.0, 10.0, "0 to 10 W m-2", above="mW m-2")
"""Io, the hottest inside, emits 2 to 3 W m-2; the Moon 0.018."""


def checked(name: str, values: ArrayLike, bounds: Bounds, *, nan: bool = True) -> NDArray[np.float64]:
    """Return ``values`` (any shape) as float64 if all lie within ``bounds``, or are NaN where ``nan`` allows it.

    Raises ValueError for the first that does not.
    """
    array = np.asarray(values, np.float64)
    # Two reductions and no mask: all that good input costs. NaN goes through both, and fails the comparison.
    if array.size and not bounds.contain(np.array([array.min(), array.max()])).all():
        bad = ~bounds.contain(array)
        if nan:
            bad &= ~np.isnan(array)
        if bad.any():
            index = tuple(int(k) for k in np.argwhere(bad)[0])
            raise bounds.fault(name, float(array[index]), index)
    return array


def checked_horizon(horizon_deg: ArrayLike, *, nan: bool = True) -> NDArray[np.float64]:
    """Return the elevations (k,) or (n, k) of a horizon, in degrees; raise ValueError for another shape, or beyond 90."""
    horizon = np.asarray(horizon_deg, np.float64)
    if horizon.ndim not in (1, 2) or not horizon.shape[-1]:
        raise ValueError(f"horizon_deg has the shape {horizon.shape}; expected (k,) or (n, k), k at least 1")
    return checked("horizon_deg", horizon, HORIZON, nan=nan)


def check_fields(owner: object, bounds: dict[str, Bounds]) -> None:
    """Raise ValueError unless each named attribute, a number, is within its bounds; NaN is not."""
    for name, allowed in bounds.items():
        checked(name, getattr(owner, name), allowed, nan=False)
