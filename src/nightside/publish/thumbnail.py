"""A small picture of a product, for a list of them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from nightside.publish.products import Product
from nightside.store import open_store, overview_for

SIZE = 384
"""Longer side of a picture in pixels, at most."""

_MOST = 64_000_000
"""Values that are read for a picture at most: a large store without overviews has none."""


def thumbnail(product: Product) -> bytes | None:
    """Return a picture as PNG, or None where there is nothing to show, or too much to read.

    It shows the first map of numbers, averaged over what else it depends on, such as the time of day.
    """
    dataset = product.open()
    axes = ("y", "x") if {"y", "x"} <= set(dataset.sizes) else ("line", "sample")
    if axes[0] == "y":
        dataset = open_store(product.store, chunked=False, overview=overview_for(dataset, SIZE))
    shown = [v for v in dataset.data_vars.values() if set(axes) <= set(v.dims) and v.dtype.kind in "fui"]
    if not shown:
        return None
    variable = min(shown, key=lambda v: (v.ndim, v.dtype.kind != "f"))
    if variable.size > _MOST:
        return None
    step = -(-max(variable.sizes[d] for d in axes) // SIZE)
    every = {d: slice(step // 2, None, step) for d in axes}
    others = [d for d in variable.dims if d not in axes]
    plane = variable.isel(every).astype(np.float64).mean(others).transpose(*axes)
    return _png(plane.to_numpy(), "gray" if product.room == "optical" else "inferno")


def _png(values: NDArray[np.float64], colours: str) -> bytes:
    """Return values (y, x) as PNG between their 2nd and 98th percentile; transparent where they are NaN."""
    import matplotlib
    from PIL import Image

    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [2, 98]) if known.size else (0.0, 1.0)
    scaled = np.ma.masked_invalid((values - low) / max(high - low, 1e-12))
    rgba = matplotlib.colormaps[colours].with_extremes(bad=(0, 0, 0, 0))(scaled, bytes=True)
    out = BytesIO()
    Image.fromarray(rgba, "RGBA").save(out, format="PNG")
    return out.getvalue()
