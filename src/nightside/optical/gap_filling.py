"""What stands in the place of lost pixels while their neighbours are worked on; no filled pixel is a result.

Masked samples get what they are expected to be, the scene what lies around: so neither a line's level, nor its patterns,
nor the network's view of what is beside a gap are those of a black hole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nightside.camera.layout import Layout

SMOOTH, TRUNCATE = 6.0, 8.0
"""Standard deviation in pixels of the mean that fills the scene, and where it ends: far into a gap its edge still counts."""

REACH = int(SMOOTH * TRUNCATE)
"""How far, in pixels, a filled value depends on others."""

LEVEL_SAMPLES = 8.0
"""Masked samples whose mean tells a line's level as well as the other lines do: read noise against wander, squared."""

BESIDE = 2.0
"""Pixels over which a gap is felt by an estimate beside it: its neighbours on that side are missing."""


def fill_masked(
    dn: NDArray[np.float32], lost: NDArray[np.bool_], masked_dn: NDArray[np.float32], layout: Layout
) -> NDArray[np.float32]:
    """Return lines whose lost masked samples are their means, moved by as much as the line's other samples are.

    Args:
        dn: raw DN, (line, sample).
        lost: which hold no data, same shape.
        masked_dn: mean of each masked sample over the image, (masked,).
        layout: of the camera and mode.
    """
    masked = layout.masked
    there, values = ~lost[:, masked], dn[:, masked]
    moved = np.where(there, values - masked_dn, 0).sum(axis=1) / (there.sum(axis=1) + LEVEL_SAMPLES)
    filled = dn.copy()
    filled[:, masked] = np.where(there, values, masked_dn + moved[:, None])
    return filled


def fill_between(values: NDArray[np.float32], lost: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return lines whose lost samples lie on straight lines between their neighbours, (line, sample)."""
    filled = values.copy()
    every = np.arange(values.shape[1])
    for row in np.flatnonzero(lost.any(axis=1) & ~lost.all(axis=1)):
        good = ~lost[row]
        filled[row] = np.interp(every, every[good], values[row, good])
    return filled


def fill_around(image: NDArray[np.float32], lost: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return an image whose lost pixels are a weighted mean of those around, (line, sample); 0 beyond their reach."""
    filled = image.copy()
    rows = np.flatnonzero(lost.any(axis=1))
    if rows.size == 0:
        return filled
    part = slice(max(int(rows[0]) - REACH, 0), int(rows[-1]) + REACH + 1)
    here, good = lost[part], (~lost[part]).astype(np.float32)
    weight, total = (
        gaussian_filter(a, SMOOTH, truncate=TRUNCATE, mode="constant")[here]
        for a in (good, good * image[part])
    )
    filled[part][here] = np.where(weight > 0, total / np.maximum(weight, np.finfo(np.float32).tiny), 0)
    return filled


def widening(lost: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return what the standard deviations of estimates beside gaps are to be multiplied by, (line, sample).

    One, and the share of what is lost around. On smooth ground of 5 and 20 DN z-scores spread by 0.7 far from gaps, within
    eight pixels of one by 0.7 to 1.1, and by up to 1.6 without this.
    """
    return np.asarray(1 + gaussian_filter(lost.astype(np.float32), BESIDE), np.float32)
