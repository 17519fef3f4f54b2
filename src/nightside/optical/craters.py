"""A plain crater detector: normalised cross-correlation with a shaded bowl, at a ladder of diameters.

The correlation is that of Lewis (1995), "Fast normalized cross-correlation", Vision Interface. It is no rival of a
trained detector; it is the same for every image, has no free parameter, and looks only at shape, not at brightness.
Boxes are (crater, 4): centre x, centre y, width, height in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter
from scipy.signal import oaconvolve

DIAMETERS_PX = tuple(round(6.0 * 1.2**k, 2) for k in range(14))
"""6 to 64 pixels, a fifth apart: a box of either neighbour still covers two thirds of one between."""

AZIMUTHS_DEG = tuple(range(0, 360, 15))
"""Directions of light that are tried."""

REACH = 1.3
"""Radius of the template in radii of its crater: the rim's outer flank is in it."""


@dataclass(frozen=True)
class Detections:
    """Places that look like a crater.

    Attributes:
        boxes: (detection, 4).
        score: (detection,) correlation, -1 to 1.
        rung: (detection,) index of the diameter in :data:`DIAMETERS_PX`.
    """

    boxes: NDArray[np.float64]
    score: NDArray[np.float64]
    rung: NDArray[np.intp]


def shaded_crater(diameter_px: float, light_azimuth_deg: float) -> NDArray[np.float64]:
    """Return the brightness of a small crater under slanting light, (y, x), 0 at its edge and outside.

    The slope towards the light of a parabolic bowl with a rim whose flank falls off as r^-3 (the fresh crater of Pike
    1977 in shape), which is the brightness of gentle relief to first order.

    Args:
        diameter_px: from rim to rim.
        light_azimuth_deg: where the light comes from, from +x (right) towards +y (down).
    """
    radius = diameter_px / 2.0
    reach = int(np.ceil(REACH * radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    r = np.hypot(x, y) / radius
    with np.errstate(divide="ignore"):
        slope = np.where(r < 1.0, 2.0 * r, -0.6 * np.maximum(r, 1.0) ** -4)
    azimuth = np.deg2rad(light_azimuth_deg)
    along = x * np.cos(azimuth) + y * np.sin(azimuth)
    outward = np.divide(along, r * radius, out=np.zeros_like(r), where=r > 0)
    # Ground that rises away from the light faces it: the wall on the far side is bright.
    return np.where(r <= REACH, -slope * outward, 0.0)


def correlation(image: ArrayLike, diameter_px: float, light_azimuth_deg: float) -> NDArray[np.float64]:
    """Return the normalised correlation of each place of an image (y, x) with :func:`shaded_crater`, -1 to 1.

    The mean and the variance that normalise it are those of the template's disk. Ground beyond the edge is taken as
    the image's mean.
    """
    values = np.asarray(image, np.float64)
    return _Disk(values, diameter_px).correlation(light_azimuth_deg)


def light_azimuth(image: ArrayLike, diameters_px: Sequence[float] = (10.4, 14.9)) -> float:
    """Return where the light of an image comes from, degrees from +x towards +y, to 15 degrees.

    That for which the upper tail of correlations is highest: nearly all shapes of this size on the Moon are hollows,
    which settles the sign that shading alone leaves open.
    """
    values = np.asarray(image, np.float64)
    disks = [_Disk(values, diameter) for diameter in diameters_px]
    tails = [sum(np.percentile(d.correlation(a), 99.5) for d in disks) for a in AZIMUTHS_DEG]
    return float(AZIMUTHS_DEG[int(np.argmax(tails))])


def detect(
    image: ArrayLike,
    light_azimuth_deg: float,
    diameters_px: Sequence[float] = DIAMETERS_PX,
    least: float = 0.2,
) -> Detections:
    """Return the places of an image (y, x) where correlation has a peak, of whatever height above ``least``.

    A peak is the highest within half a radius, and not lower than the same place at the next diameters. Saturated or
    masked pixels should have been filled; NaN is replaced by the image's mean.
    """
    values = np.asarray(image, np.float64)
    values = np.where(np.isfinite(values), values, np.nanmean(values))
    maps = [correlation(values, diameter, light_azimuth_deg) for diameter in diameters_px]
    boxes, scores, rungs = [], [], []
    for k, diameter in enumerate(diameters_px):
        reach = max(1, round(diameter / 4.0))
        peak = (maps[k] > least) & (maps[k] == maximum_filter(maps[k], 2 * reach + 1))
        for other in (maps[j] for j in (k - 1, k + 1) if 0 <= j < len(maps)):
            peak &= maps[k] >= maximum_filter(other, 3)
        y, x = np.nonzero(peak)
        boxes.append(np.stack([x, y, np.full(x.size, diameter), np.full(x.size, diameter)], axis=1))
        scores.append(maps[k][y, x])
        rungs.append(np.full(x.size, k))
    return Detections(np.concatenate(boxes).astype(float), np.concatenate(scores), np.concatenate(rungs))


class _Disk:
    """An image with the means and deviations of every disk of a template's size, used for all directions of light."""

    def __init__(self, values: NDArray[np.float64], diameter_px: float) -> None:
        self._diameter = diameter_px
        self._mask = (shaded_crater(diameter_px, 0.0) != 0) | (shaded_crater(diameter_px, 90.0) != 0)
        self._pad = self._mask.shape[0] // 2
        self._values = np.pad(values - values.mean(), self._pad)
        pixels = float(self._mask.sum())
        total, squares = (oaconvolve(v, self._mask, mode="valid") for v in (self._values, self._values**2))
        self._deviation = np.sqrt(np.maximum(squares - total**2 / pixels, 0.0))

    def correlation(self, light_azimuth_deg: float) -> NDArray[np.float64]:
        template = shaded_crater(self._diameter, light_azimuth_deg)
        template = np.where(self._mask, template - template[self._mask].mean(), 0.0)
        product = oaconvolve(self._values, template[::-1, ::-1], mode="valid")
        scale = self._deviation * np.sqrt((template**2).sum())
        floor = 1e-9 * max(float(self._deviation.max()), 1e-300)
        flat = self._deviation <= floor
        return np.where(flat, 0.0, product / np.where(flat, 1.0, scale))
