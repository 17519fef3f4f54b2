"""From pixels to the ground that they see."""

from __future__ import annotations

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from nightside.camera.line_scan_kernel.compiled import compiled
from nightside.camera.line_scan_kernel.lens import ray_of
from nightside.camera.line_scan_kernel.pose import pose_at
from nightside.camera.line_scan_kernel.sphere import to_sphere
from nightside.camera.line_scan_kernel.terrain import to_terrain


@compiled(parallel=True)
def ground_of(
    line: NDArray[np.float64],
    sample: NDArray[np.float64],
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    quaternion: NDArray[np.float64],
    lens: NDArray[np.float64],
    radius: float,
    heights: NDArray[np.float32],
    place: NDArray[np.float64],
    bounds: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill ``out`` (point, 3) with the ground that pixels see, body-fixed in metres; NaN off the Moon.

    ``bounds`` is (lowest height, highest height, step) of the terrain; ``place[0]`` is 0 where there is none.
    """
    for i in prange(line.size):
        pose = np.empty(12)
        pose_at(line[i], position, velocity, quaternion, pose)
        d0, d1, d2 = ray_of(sample[i], lens, pose)
        if place[0] == 0.0:
            s = to_sphere(pose, d0, d1, d2, radius)
        else:
            s = to_terrain(pose, d0, d1, d2, heights, place, bounds[0], bounds[1], bounds[2])
        if not s > 0.0:
            s = math.nan
        out[i, 0], out[i, 1], out[i, 2] = pose[0] + s * d0, pose[1] + s * d1, pose[2] + s * d2
