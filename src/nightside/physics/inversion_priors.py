"""What is known of a place before it is fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightside.physics import inversion_kernel as kernel

Float = NDArray[np.float64]

PARAMETERS = ("albedo", "h_parameter", "onset_delay", "slope_north", "rock_fraction")
"""In the order of estimates and covariances; of H it is the natural logarithm that is estimated.

``onset_delay`` is by how many hours the facet's noon comes after 12 h, as of ``illumination.onset_delay_h``. The Sun rises
at 6 h on the sphere. Above 0 it comes to the facet so long after 6 h, and goes at 18 h; below 0 it comes at 6 h, when it
rises, and goes so long before 18 h.
"""


@dataclass(frozen=True)
class UnseenRocks:
    """A prior of the rock fraction: exponential of ``mean``, but of ``rocky_mean`` in a ``rocky_share`` of places.

    The mean of the Moon is about 0.4 % (Bandfield et al. 2011, J. Geophys. Res. 116, E00H02); the rocky places are a
    choice that keeps ground with more from being taken for fine ground of a small H.
    """

    mean: float = 0.004
    rocky_share: float = 0.05
    rocky_mean: float = 0.05

    def __post_init__(self) -> None:
        if not (
            0.0 < self.mean <= 0.05 and 0.0 <= self.rocky_share <= 1.0 and self.mean <= self.rocky_mean <= 0.5
        ):
            raise ValueError(
                f"unseen_rocks are {self}; expected a mean above 0, to 0.05, a share of 0 to 1, and a rocky mean from "
                "there to 0.5"
            )


@dataclass(frozen=True)
class Priors:
    """Gaussian priors, each (mean, standard deviation); a parameter of deviation 0 is fixed at its mean.

    ``h_parameter`` is the median in m and the deviation of ln H; ``onset_delay`` is in h, ``slope_north`` in degrees,
    ``rock_fraction`` a part of the area, never below 0.

    ``unseen_rocks`` asks for a second answer, the mean over rocks that no fit can see, beside the fit itself.
    """

    albedo: tuple[float, float] = (0.12, 0.05)
    h_parameter: tuple[float, float] = (0.07, 0.7)
    onset_delay: tuple[float, float] = (0.0, 1.0)
    slope_north: tuple[float, float] = (0.0, 6.0)
    rock_fraction: tuple[float, float] = (0.0, 0.0)
    unseen_rocks: UnseenRocks | None = None

    def __post_init__(self) -> None:
        for name in PARAMETERS:
            mean, std = getattr(self, name)
            if not (np.isfinite(mean) and np.isfinite(std) and std >= 0.0):
                raise ValueError(
                    f"prior of {name} is ({mean}, {std}); expected a mean and a deviation of at least 0"
                )
        if not self.h_parameter[0] > 0.0:
            raise ValueError(f"prior median of H is {self.h_parameter[0]} m; expected a positive depth")
        if self.unseen_rocks and self.rock_fraction[0] > 0.0 and self.rock_fraction[1] == 0.0:
            raise ValueError("unseen_rocks do not go with a rock_fraction that is fixed above 0")

    @property
    def mean(self) -> Float:
        """Means (5), of ln H for H."""
        values = [getattr(self, name)[0] for name in PARAMETERS]
        values[kernel.LOG_H] = np.log(values[kernel.LOG_H])
        return np.array(values, np.float64)

    @property
    def std(self) -> Float:
        """Standard deviations (5); 0 where fixed."""
        return np.array([getattr(self, name)[1] for name in PARAMETERS], np.float64)
