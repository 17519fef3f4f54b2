"""Which craters of a known ground can be found on a mosaic of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightside.optical.crater_recall import recall_as_json, recall_curve
from nightside.optical.craters import light_azimuth

SIDE = 768
"""Of the part of a map that is searched, in pixels; a detector of 14 diameters takes some seconds for it."""

DEPTH_MIN = 0.06
"""Depth over diameter of the shallowest craters that count, about half of all: one who labels sees no others."""

DIAMETER_MIN_PX = 6.0

FALSE_ALARMS_PER_MPIXEL = 20.0
"""For each diameter of the ladder."""


def map_recall(
    ground: NDArray[np.floating], mosaic: NDArray[np.floating], boxes: NDArray[np.float64]
) -> dict[str, Any]:
    """Return recall against diameter on the clean ground and on the mosaic of it, by the names "clean" and "nightside".

    Looked at is the part of the map of which most is covered by both, the light that of the clean ground.

    Args:
        ground: clean, (y, x), of any scale.
        mosaic: on the same grid; NaN where no image lies.
        boxes: (crater, 4), centre x, centre y, width and height in pixels.

    Raises:
        ValueError: shapes differ, or the maps have no pixel in common.
    """
    if ground.shape != mosaic.shape:
        raise ValueError(f"maps of {ground.shape} and {mosaic.shape}; bring them onto one grid first")
    both = np.isfinite(ground) & np.isfinite(mosaic)
    if not both.any():
        raise ValueError("the mosaic and the ground of the truth have no pixel in common")
    top, left = _most_covered(both)
    part = slice(top, top + SIDE), slice(left, left + SIDE)
    moved = boxes - np.array([left, top, 0.0, 0.0])
    clean, made = (_filled(values[part], both[part]) for values in (ground, mosaic))
    x, y = np.rint(moved[:, :2]).astype(int).T
    inside = (y >= 0) & (y < clean.shape[0]) & (x >= 0) & (x < clean.shape[1])
    seen = np.flatnonzero(inside)
    seen = seen[both[part][y[seen], x[seen]]]
    light = light_azimuth(clean)
    return {
        name: recall_as_json(
            recall_curve(values, moved[seen], FALSE_ALARMS_PER_MPIXEL, light_azimuth_deg=light)
        )
        for name, values in (("clean", clean), ("nightside", made))
    }


def _most_covered(both: NDArray[np.bool_]) -> tuple[int, int]:
    starts = [
        sorted({*range(0, max(size - SIDE, 0) + 1, SIDE // 4), max(size - SIDE, 0)}) for size in both.shape
    ]
    corners = [(y, x) for y in starts[0] for x in starts[1]]
    return max(corners, key=lambda c: int(both[c[0] : c[0] + SIDE, c[1] : c[1] + SIDE].sum()))


def _filled(values: NDArray[np.floating], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(good, values, values[good].mean()).astype(np.float64)
