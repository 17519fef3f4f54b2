"""Which craters can be seen: recall of labelled ones against diameter, at a fixed rate of false alarms.

The craters are found by :mod:`nightside.optical.craters`; boxes are as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.optical.craters import Detections, detect, light_azimuth

OVERLAP = 0.4
"""Least intersection over union of boxes with which a crater counts as found."""

DEFAULT_EDGES_PX = (6.0, 8.0, 10.0, 12.5, 16.0, 20.0, 26.0, 34.0, 48.0, 70.0)
"""Of the bins of diameter."""

_AT_ONCE = 16
"""Boxes whose overlaps are found together: as many as stay in the processor's cache."""


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
        false_alarms_per_mpixel: for each of :data:`craters.DIAMETERS_PX`.
        light_azimuth_deg: as from :func:`craters.light_azimuth` of the clean image; found from this image without it.
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


def _overlap(boxes: NDArray[np.float64], others: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Return intersection over union (box, other); 0 where it is below ``least``."""
    ratio = np.zeros((len(boxes), len(others)))
    for first in range(0, len(boxes), _AT_ONCE):
        block = slice(first, first + _AT_ONCE)
        ratio[block] = _ratio(boxes[block], others)
    ratio[ratio < least] = 0.0
    return ratio


def _ratio(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = []
    for axis in (0, 1):
        a, b = boxes[:, None, axis], others[None, :, axis]
        wa, wb = boxes[:, None, axis + 2], others[None, :, axis + 2]
        sides.append(
            np.clip(np.minimum(a + wa / 2, b + wb / 2) - np.maximum(a - wa / 2, b - wb / 2), 0, None)
        )
    shared = sides[0] * sides[1]
    union = (boxes[:, 2] * boxes[:, 3])[:, None] + (others[:, 2] * others[:, 3])[None, :] - shared
    return np.asarray(shared / union)
