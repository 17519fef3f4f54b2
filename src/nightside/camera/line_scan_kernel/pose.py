"""Where the camera is and how it looks, at a line and between lines."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nightside.camera.line_scan_kernel.compiled import compiled


@compiled()
def pose_at(
    line: float,
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    quaternion: NDArray[np.float64],
    pose: NDArray[np.float64],
) -> None:
    """Interpolate place (cubic Hermite) and attitude (normalised linear) between whole lines."""
    k = min(max(math.floor(line), 0), position.shape[0] - 2)
    t = line - k
    u = 1.0 - t
    h00, h10 = (1.0 + 2.0 * t) * u * u, t * u * u
    h01, h11 = t * t * (3.0 - 2.0 * t), -t * t * u
    for i in range(3):
        pose[i] = (
            h00 * position[k, i] + h10 * velocity[k, i] + h01 * position[k + 1, i] + h11 * velocity[k + 1, i]
        )
    w = u * quaternion[k, 0] + t * quaternion[k + 1, 0]
    x = u * quaternion[k, 1] + t * quaternion[k + 1, 1]
    y = u * quaternion[k, 2] + t * quaternion[k + 1, 2]
    z = u * quaternion[k, 3] + t * quaternion[k + 1, 3]
    scale = 2.0 / (w * w + x * x + y * y + z * z)
    pose[3] = 1.0 - scale * (y * y + z * z)
    pose[4] = scale * (x * y - w * z)
    pose[5] = scale * (x * z + w * y)
    pose[6] = scale * (x * y + w * z)
    pose[7] = 1.0 - scale * (x * x + z * z)
    pose[8] = scale * (y * z - w * x)
    pose[9] = scale * (x * z - w * y)
    pose[10] = scale * (y * z + w * x)
    pose[11] = 1.0 - scale * (x * x + y * y)
