"""Which way a sample looks, and which sample looks a given way: the lens with its distortion."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nightside.camera.line_scan_kernel.compiled import compiled


@compiled()
def ray_of(sample: float, lens: NDArray[np.float64], pose: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the unit vector along which a sample looks."""
    y = lens[1] + lens[2] * sample
    y = y / (1.0 + lens[3] * y * y)
    norm = math.sqrt(y * y + lens[0] * lens[0])
    y, z = y / norm, lens[0] / norm
    return pose[4] * y + pose[5] * z, pose[7] * y + pose[8] * z, pose[10] * y + pose[11] * z


@compiled()
def sample_of(ideal: float, lens: NDArray[np.float64]) -> float:
    """Return the sample at ``ideal``, in mm, of a detector without distortion."""
    distorted = ideal
    for _ in range(50):
        before = distorted
        distorted = ideal * (1.0 + lens[3] * before * before)
        if abs(distorted - before) <= 1e-10:
            break
    return float((distorted - lens[1]) / lens[2])
