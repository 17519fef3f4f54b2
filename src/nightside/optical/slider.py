"""Before and after as one HTML element: two pictures on each other, parted by a handle that moves."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, features

STRETCH = (0.5, 99.5)
"""Percentiles of the clean side that are black and white on both sides: one scale, so that neither is flattered."""

QUALITY = 88


@dataclass(frozen=True)
class Pair:
    """What the camera saw before and after.

    Attributes:
        title: of the place or the image.
        caption: what to look for; plain text.
        before: (y, x) in DN, as the standard calibration leaves it.
        after: (y, x) in DN, as nightside leaves it.
    """

    title: str
    caption: str
    before: NDArray[np.floating]
    after: NDArray[np.floating]


def slider(pair: Pair) -> str:
    """Return the element ``<before-after>`` in a figure, its pictures inside it.

    A range input lies over both pictures and moves the parting, so that mouse, touch, keys and screen readers work as
    with any slider; without scripts the pictures stand side by side.

    Raises:
        ValueError: both sides differ in shape, or the clean one has no finite pixel.
    """
    if pair.before.shape != pair.after.shape:
        raise ValueError(f"{pair.title}: before is {pair.before.shape} and after {pair.after.shape}")
    finite = pair.after[np.isfinite(pair.after)]
    if finite.size == 0:
        raise ValueError(f"{pair.title}: has no pixel to show; all are masked")
    low, high = (float(v) for v in np.percentile(finite, STRETCH))
    height, width = pair.after.shape
    title = escape(pair.title, quote=True)
    size = f'width="{width}" height="{height}"'
    return (
        '<figure class="card"><before-after>'
        f'<img class="after" {size} src="{embedded(pair.after, low, high)}" alt="{title}, by nightside">'
        f'<img class="before" {size} src="{embedded(pair.before, low, high)}" alt="{title}, standard calibration">'
        f'<input type="range" min="0" max="100" step="0.5" value="50" aria-label="{title}: share of the standard '
        'calibration shown, from the left">'
        '<span class="bar" aria-hidden="true"></span>'
        '<span class="tag left" aria-hidden="true">standard calibration</span>'
        '<span class="tag right" aria-hidden="true">nightside</span>'
        f"</before-after><figcaption><strong>{title}.</strong> {escape(pair.caption)}</figcaption></figure>"
    )


def embedded(values: ArrayLike, low: float, high: float) -> str:
    """Return a grey picture of an image (y, x) as a data URL: black at ``low``, white at ``high``, NaN black."""
    span = max(high - low, 1e-12)
    grey = np.nan_to_num((np.asarray(values, np.float64) - low) / span, nan=0.0)
    picture = Image.fromarray((np.clip(grey, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))
    kind = "webp" if features.check("webp") else "png"
    options = {"quality": QUALITY} if kind == "webp" else {}
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
