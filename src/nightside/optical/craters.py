"""Which craters can be seen: recall of labelled ones against diameter, at a fixed rate of false alarms.

The detector is plain: normalised cross-correlation (Lewis 1995, "Fast normalized cross-correlation", Vision Interface)
with the shading of a bowl under slanting light, at a ladder of diameters. It is no rival of a trained one; it is the same
for every image, has no free parameter, and looks only at shape, not at brightness. Boxes are (crater, 4): centre x,
centre y, width, height in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter
from scipy.signal import oaconvolve

DIAMETERS_PX = tuple(round(6.0 * 1.2**k, 2) for k in range(14))
"""6 to 64 pixels, a fifth apart: a box of either neighbour still covers two thirds of one between."""

AZIMUTHS_DEG = tuple(range(0, 360, 15))
OVERLAP = 0.4
"""Least intersection over union of boxes with which a crater counts as found."""

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


@dataclass(frozen=True)
class RecallCurve:
    """Recall against diameter; bins are half-open.

    Attributes:
        edges_px: (bin + 1,) diameters.
        labelled: (bin,) craters.
        found: (bin,) of those.
        low, high: (bin,) ends of the 68 % interval of recall (Wilson 1927).
    """

    edges_px: NDArray[np.float64]
    labelled: NDArray[np.intp]
    found: NDArray[np.intp]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def diameters_px(self) -> NDArray[np.float64]:
        """Geometric middle of each bin."""
        return np.asarray(np.sqrt(self.edges_px[1:] * self.edges_px[:-1]))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of the labelled craters that were found; NaN in a bin without any."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.found / self.labelled)

    def half_found_px(self) -> float:
        """Return the smallest diameter from which on at least half are found; NaN where even the largest are not.

        Between the middles of two bins recall is taken as linear in the logarithm of the diameter. Empty bins are
        passed over. Where even the smallest bin reaches a half, its lower edge is returned: the figure is then a
        bound.
        """
        filled = np.flatnonzero(self.labelled)
        recall, middle = self.recall[filled], np.log(self.diameters_px[filled])
        if recall.size == 0 or recall[-1] < 0.5:
            return float("nan")
        below = np.flatnonzero(recall < 0.5)
        if below.size == 0:
            return float(self.edges_px[filled[0]])
        k = int(below[-1])
        share = (0.5 - recall[k]) / (recall[k + 1] - recall[k])
        return float(np.exp(middle[k] + share * (middle[k + 1] - middle[k])))


DEFAULT_EDGES_PX = (6.0, 8.0, 10.0, 12.5, 16.0, 20.0, 26.0, 34.0, 48.0, 70.0)


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


def accepted(
    detections: Detections, boxes: NDArray[np.float64], area_mpixel: float, false_alarms_per_mpixel: float
) -> NDArray[np.bool_]:
    """Return which detections pass when each diameter may raise its share of false alarms.

    Noise makes far more small peaks than large ones. With one threshold for all, the small ones' would hide large
    craters; so every rung of the ladder has its own, at which it raises at most ``false_alarms_per_mpixel`` x area.
    A detection that overlaps no labelled crater is a false alarm.

    Args:
        detections: of an image.
        boxes: labelled craters of it.
        area_mpixel: of the image.
        false_alarms_per_mpixel: for each diameter of the ladder.
    """
    false = ~_overlap(detections.boxes, boxes, OVERLAP).any(axis=1)
    allowed = int(false_alarms_per_mpixel * area_mpixel)
    passes = np.zeros(detections.score.size, np.bool_)
    for k in np.unique(detections.rung):
        here = detections.rung == k
        wrong = np.sort(detections.score[here & false])[::-1]
        threshold = wrong[allowed] if wrong.size > allowed else -np.inf
        passes |= here & (detections.score > threshold)
    return passes


def recall_curve(
    image: ArrayLike,
    boxes: ArrayLike,
    false_alarms_per_mpixel: float = 20.0,
    *,
    light_azimuth_deg: float | None = None,
    edges_px: Sequence[float] = DEFAULT_EDGES_PX,
) -> RecallCurve:
    """Return which share of the labelled craters of an image is found, by diameter.

    Args:
        image: (y, x), of any linear scale.
        boxes: (crater, 4). Those whose centre lies outside the image do not count.
        false_alarms_per_mpixel: for each of :data:`DIAMETERS_PX`.
        light_azimuth_deg: as from :func:`light_azimuth` of the clean image; found from this image without it.
        edges_px: of the bins.
    """
    values, labelled = np.asarray(image, np.float64), np.asarray(boxes, np.float64)
    rows, columns = values.shape
    inside = (np.abs(labelled[:, 0] - (columns - 1) / 2) <= columns / 2) & (
        np.abs(labelled[:, 1] - (rows - 1) / 2) <= rows / 2
    )
    labelled = labelled[inside]
    azimuth = light_azimuth(values) if light_azimuth_deg is None else light_azimuth_deg
    detections = detect(values, azimuth)
    passes = accepted(detections, labelled, values.size / 1e6, false_alarms_per_mpixel)
    overlap = _overlap(detections.boxes[passes], labelled, OVERLAP)
    order = np.argsort(-detections.score[passes])
    found = np.zeros(len(labelled), np.bool_)
    # One detection finds one crater: the one it covers best among those not found yet.
    for row in overlap[order]:
        row = np.where(found, 0.0, row)
        if row.size and row.max() > 0:
            found[int(np.argmax(row))] = True
    return binned(np.sqrt(labelled[:, 2] * labelled[:, 3]), found, edges_px)


def binned(
    diameters_px: ArrayLike, found: ArrayLike, edges_px: Sequence[float] = DEFAULT_EDGES_PX
) -> RecallCurve:
    """Return the curve of craters of known diameter, each found or not."""
    edges, hit = np.asarray(edges_px, np.float64), np.asarray(found, np.bool_)
    diameters = np.asarray(diameters_px, np.float64)
    total = np.histogram(diameters, edges)[0]
    number = np.histogram(diameters[hit], edges)[0]
    return RecallCurve(edges, total, number, *wilson(number, total))


def together(curves: Sequence[RecallCurve]) -> RecallCurve:
    """Return one curve of the craters of several images.

    Raises:
        ValueError: there is none, or their bins differ.
    """
    if not curves or any(not np.array_equal(c.edges_px, curves[0].edges_px) for c in curves):
        raise ValueError("only curves of the same bins add up, and there has to be one")
    total = np.sum([c.labelled for c in curves], axis=0)
    number = np.sum([c.found for c in curves], axis=0)
    return RecallCurve(curves[0].edges_px, total, number, *wilson(number, total))


def recall_as_json(curve: RecallCurve) -> dict[str, Any]:
    """Return a curve as it stands in ``evaluation.json``; diameters in pixels, None where there is no value."""
    half = curve.half_found_px()
    return {
        "edges_px": curve.edges_px.tolist(),
        "labelled": curve.labelled.tolist(),
        "found": curve.found.tolist(),
        "half_found_px": None if np.isnan(half) else half,
    }


def recall_from_json(found: Mapping[str, Any]) -> RecallCurve:
    """Return the curve of :func:`recall_as_json`."""
    labelled, number = (np.asarray(found[key], np.intp) for key in ("labelled", "found"))
    edges = np.asarray(found["edges_px"], np.float64)
    return RecallCurve(edges, labelled, number, *wilson(number, labelled))


def wilson(
    number: NDArray[np.intp], total: NDArray[np.intp], z: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the interval of a share at ``z`` standard deviations (Wilson 1927, JASA 22); NaN of none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share, n = number / total, total.astype(np.float64)
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.asarray(middle - half), np.asarray(middle + half)


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


def _overlap(boxes: NDArray[np.float64], others: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Return intersection over union (box, other); 0 where it is below ``least``."""
    sides = []
    for axis in (0, 1):
        a, b = boxes[:, None, axis], others[None, :, axis]
        wa, wb = boxes[:, None, axis + 2], others[None, :, axis + 2]
        sides.append(
            np.clip(np.minimum(a + wa / 2, b + wb / 2) - np.maximum(a - wa / 2, b - wb / 2), 0, None)
        )
    shared = sides[0] * sides[1]
    union = (boxes[:, 2] * boxes[:, 3])[:, None] + (others[:, 2] * others[:, 3])[None, :] - shared
    ratio = shared / union
    return np.asarray(np.where(ratio >= least, ratio, 0.0))
