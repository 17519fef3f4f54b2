"""Whether a mosaic is as bright as the ground, and its errors as large as stated, where the truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside.optical.metrics import psnr_db, z_scores
from nightside.optical.project import project
from nightside.optical.strip import Strip
from nightside.store.windows import Window

ROWS_JUDGED = 512
"""The middle rows of a mosaic that are judged."""


def middle(grid: GeoBox) -> Window:
    """Return the window of a grid that is judged."""
    rows, columns = (int(n) for n in grid.shape)
    first = max(0, (rows - ROWS_JUDGED) // 2)
    return {"y": slice(first, min(rows, first + ROWS_JUDGED)), "x": slice(0, columns)}


def truth_on_map(
    strips: Sequence[Strip], truths: Mapping[str, xr.DataArray], reference: str, grid: GeoBox, window: Window
) -> NDArray[np.float64]:
    """Return the noise-free signal that a mosaic would have, (y, x) in DN of the reference; NaN where no image lies.

    Each image's truth is resampled as the image is, so that both are as sharp.

    Args:
        strips: the mosaic's images.
        truths: of each product id, its noise-free signal (line, sample) with ``mean_signal_dn``, that of the ground.
        reference: product id of the image whose brightness the mosaic has.
        grid: of the mosaic.
        window: of the grid.
    """
    truth = np.full([window[d].stop - window[d].start for d in ("y", "x")], np.nan)
    for strip in strips:
        if np.isfinite(truth).all():
            break
        clean = truths[strip.name]
        found = project(strip.showing(clean), grid, window)
        if found is not None:
            gain = truths[reference].attrs["mean_signal_dn"] / clean.attrs["mean_signal_dn"]
            truth = np.where(np.isnan(truth), gain * found.signal, truth)
    return truth


def brightness_figures(
    signal: NDArray[np.floating], std: NDArray[np.floating], truth: NDArray[np.floating]
) -> dict[str, Any]:
    """Return how a mosaic compares with the truth, all (y, x) in DN.

    Returns:
        ``slope`` and ``offset_dn`` of the line that tells the signal from the truth; ``bias_dn``, the mean error;
        ``psnr_db``; ``z_spread`` and ``z_mean`` of the error over its standard deviation, ``z_beyond_3``, the share beyond
        three (0.003 for a normal distribution), ``z_mean_by_signal``, the mean in each tenth of the signal.

    Raises:
        ValueError: they have no pixel in common.
    """
    values, sigma, clean = (np.asarray(a, np.float64) for a in (signal, std, truth))
    z = z_scores(values, sigma, clean)
    both = np.isfinite(values) & np.isfinite(clean)
    x, y = clean[both], values[both]
    slope = float(np.cov(x, y)[0, 1] / np.var(x, ddof=1))
    return {
        "slope": slope,
        "offset_dn": float(y.mean() - slope * x.mean()),
        "bias_dn": float(np.mean(y - x)),
        "mean_signal_dn": float(x.mean()),
        "psnr_db": psnr_db(values, clean),
        "z_spread": z.spread,
        "z_mean": z.mean,
        "z_beyond_3": z.beyond_three,
        "z_mean_by_signal": list(z.mean_by_signal),
    }
