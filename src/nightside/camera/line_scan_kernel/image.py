"""From the ground to the pixel that sees it: a search for the line whose plane holds it, then the sample."""

from __future__ import annotations

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from nightside.camera.line_scan_kernel.compiled import compiled
from nightside.camera.line_scan_kernel.lens import sample_of
from nightside.camera.line_scan_kernel.pose import pose_at

_TOLERANCE_LINES = 1e-8


@compiled()
def ahead(
    line: float,
    ground: NDArray[np.float64],
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    quaternion: NDArray[np.float64],
    slope: float,
    pose: NDArray[np.float64],
) -> float:
    """Return how far ground lies off the plane that the detector sees: x / z in the camera's frame.

    Beyond the image it goes on with ``slope``, its typical change from line to line.
    """
    near = min(max(line, -1.0), float(position.shape[0]))
    pose_at(near, position, velocity, quaternion, pose)
    v0, v1, v2 = ground[0] - pose[0], ground[1] - pose[1], ground[2] - pose[2]
    x = pose[3] * v0 + pose[6] * v1 + pose[9] * v2
    z = pose[5] * v0 + pose[8] * v1 + pose[11] * v2
    return float(x / z + slope * (line - near))


@compiled()
def first_guess(angle: float, angles: NDArray[np.float64], lines: NDArray[np.float64]) -> float:
    """Return the line at an angle along the track: linear between the table's entries, and beyond them."""
    low, high = 0, angles.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if angles[middle] <= angle:
            low = middle
        else:
            high = middle
    t = (angle - angles[low]) / (angles[high] - angles[low])
    return float(lines[low] + t * (lines[high] - lines[low]))


@compiled(parallel=True)
def image_of(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    height: NDArray[np.float64],
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    quaternion: NDArray[np.float64],
    lens: NDArray[np.float64],
    radius: float,
    slope: float,
    axes: NDArray[np.float64],
    angles: NDArray[np.float64],
    lines: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Fill ``out`` (point, 2) with the line and sample that see ground; beyond the image they are extrapolated.

    Longitude and latitude are in radians, height in metres. ``axes`` (2, 3) span the plane of the track; ``angles``
    and ``lines`` are the table from which the search begins. NaN where the ground faces away or lies behind.
    """
    for i in prange(longitude.size):
        out[i, 0] = out[i, 1] = math.nan
        if not math.isfinite(longitude[i] + latitude[i] + height[i]):
            continue
        ground, pose = np.empty(3), np.empty(12)
        c = math.cos(latitude[i])
        ground[0], ground[1] = c * math.cos(longitude[i]), c * math.sin(longitude[i])
        ground[2] = math.sin(latitude[i])
        first = axes[0, 0] * ground[0] + axes[0, 1] * ground[1] + axes[0, 2] * ground[2]
        second = axes[1, 0] * ground[0] + axes[1, 1] * ground[1] + axes[1, 2] * ground[2]
        line = first_guess(math.atan2(second, first), angles, lines)
        for j in range(3):
            ground[j] *= radius + height[i]
        off = ahead(line, ground, position, velocity, quaternion, slope, pose)
        change = -off / slope
        for _ in range(40):
            line_before, off_before = line, off
            line += change
            off = ahead(line, ground, position, velocity, quaternion, slope, pose)
            if abs(change) < _TOLERANCE_LINES:
                break
            steepness = (off - off_before) / (line - line_before)
            # A step against the scan, or a wild one, is a sign of distance: then the typical slope leads back.
            if not 0.2 < steepness / slope < 5.0:
                steepness = slope
            change = -off / steepness
        if not abs(change) < 1e3 * _TOLERANCE_LINES:
            continue
        v0, v1, v2 = ground[0] - pose[0], ground[1] - pose[1], ground[2] - pose[2]
        if not v0 * ground[0] + v1 * ground[1] + v2 * ground[2] < 0.0:
            continue
        y = pose[4] * v0 + pose[7] * v1 + pose[10] * v2
        z = pose[5] * v0 + pose[8] * v1 + pose[11] * v2
        ideal = lens[0] * y / z
        if not (z > 0.0 and abs(ideal) <= 40.0):
            continue
        out[i, 0], out[i, 1] = line, sample_of(ideal, lens)
