"""Where a ray meets a sphere about the origin."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nightside.camera.line_scan_kernel.compiled import compiled


@compiled()
def to_sphere(pose: NDArray[np.float64], d0: float, d1: float, d2: float, radius: float) -> float:
    """Return the distance along a unit ray to a sphere about the origin, NaN where it misses."""
    along = pose[0] * d0 + pose[1] * d1 + pose[2] * d2
    below = along * along - (pose[0] * pose[0] + pose[1] * pose[1] + pose[2] * pose[2] - radius * radius)
    if below < 0.0:
        return math.nan
    return float(-along - math.sqrt(below))
