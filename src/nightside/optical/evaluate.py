"""What a calibrated and denoised image is worth beside the truth, and whether a mosaic lies where it should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from nightside.camera.layout import Camera, layout
from nightside.camera.pattern_statistics import column_mean_std
from nightside.optical.metrics import data_range, l1, psnr_db, ssim, z_scores
from nightside.optical.spectra import fill_masked, period_power_dn2

LINES_AT_ONCE = 1024
"""The middle of a strip that is judged: SSIM holds ten arrays of it."""

GOAL_STRIPES = 10.0
"""By how many times stripes and pattern have to fall below the standard calibration's."""

GOAL_Z = (0.9, 1.1)

LEAST_OVERLAP = 0.3
"""Share of the ground in common that two maps still have to share at a lag that is considered."""


@dataclass(frozen=True)
class Judged:
    """One image with its truth, all (line, sample) in DN above the dark.

    Attributes:
        product_id: of the image.
        camera, summing, compand_code: how it was taken.
        truth: noise-free signal.
        standard: what the standard calibration makes of it.
        signal, signal_std: what nightside makes of it.
        good: pixels that count.
    """

    product_id: str
    camera: Camera
    summing: Literal[1, 2]
    compand_code: int
    truth: NDArray[np.floating]
    standard: NDArray[np.floating]
    signal: NDArray[np.floating]
    signal_std: NDArray[np.floating]
    good: NDArray[np.bool_]


@dataclass(frozen=True)
class Shift:
    """By how much one map lies off another, in its pixels, and how alike they are there (-1 to 1)."""

    down_px: float
    right_px: float
    correlation: float


def evaluate(
    images: Iterable[Judged],
    mosaic: Mapping[str, Any] | None = None,
    recall: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the figures of ``evaluation.json``.

    Args:
        images: any number, one after the other.
        mosaic: from :func:`mosaic_figures`, or None where no truth lies beneath the mosaic.
        recall: from :func:`nightside.optical.map_recall.map_recall`, or None where no craters are known.

    Returns:
        ``by_signal``, one row an image in order of mode, table and signal; ``mosaic``; ``recall``; and ``reached``, the goals
        for stripes and z-scores that can be judged image by image.

    Raises:
        ValueError: there is no image, or one has no pixel that counts.
    """
    rows = [figures(image) for image in images]
    if not rows:
        raise ValueError("no image to evaluate; give a truth and what was made of its image")
    rows.sort(key=lambda row: (row["mode"], row["table"], row["signal_dn"]))
    return {
        "by_signal": rows,
        "mosaic": dict(mosaic) if mosaic is not None else None,
        "recall": dict(recall) if recall is not None else None,
        "reached": {
            "stripes": all(
                min(row["stripes"]["column_ratio"], row["stripes"]["period_ratio"]) >= GOAL_STRIPES
                for row in rows
            ),
            "z_spread": all(GOAL_Z[0] <= row["z_spread"] <= GOAL_Z[1] for row in rows),
        },
    }


def figures(image: Judged) -> dict[str, Any]:
    """Return the row of one image: quality of the standard calibration's and of nightside's signal, and stripes.

    Only the samples that see the Moon count, of the middle 1,024 lines.
    """
    kept = layout(image.camera, image.summing)
    first = max(0, (image.truth.shape[0] - LINES_AT_ONCE) // 2)
    window = slice(first, first + LINES_AT_ONCE), slice(*kept.scene)
    truth, standard, signal, std = (
        np.asarray(a[window], np.float64)
        for a in (image.truth, image.standard, image.signal, image.signal_std)
    )
    good = image.good[window] & np.isfinite(truth) & np.isfinite(standard) & np.isfinite(signal)
    if not good.any():
        raise ValueError(f"{image.product_id}: no pixel to evaluate; all are masked, saturated or missing")
    peak = data_range(truth, good)
    both = {"standard": standard, "nightside": signal}
    residual = {name: fill_masked(values - truth, good) for name, values in both.items()}
    columns = {name: column_mean_std(values) for name, values in residual.items()}
    period = {name: period_power_dn2(values, kept.phases) for name, values in residual.items()}
    z = z_scores(signal, std, truth, good)
    return {
        "product_id": image.product_id,
        "signal_dn": float(truth[good].mean()),
        "mode": "normal" if image.summing == 1 else "summed",
        "table": image.compand_code,
        "range_dn": peak,
        "psnr_db": {name: psnr_db(values, truth, good, peak) for name, values in both.items()},
        "ssim": {name: ssim(values, truth, good, peak) for name, values in both.items()},
        "l1_dn": {name: l1(values, truth, good) for name, values in both.items()},
        "z_spread": z.spread,
        "z_spread_robust": z.robust_spread,
        "z_mean": z.mean,
        "z_beyond_3": z.beyond_three,
        "z_mean_by_signal": list(z.mean_by_signal),
        "stripes": {
            "column_std_dn": columns,
            "column_ratio": _ratio(columns),
            "period_power_dn2": period,
            "period_ratio": _ratio(period),
        },
    }


def _ratio(power: Mapping[str, float]) -> float:
    """Return how often nightside's is in the standard's: a thousand at most, as an estimate may be 0 or below."""
    return power["standard"] / max(power["nightside"], 1e-3 * power["standard"])


def shift_between(image: NDArray[np.floating], reference: NDArray[np.floating]) -> Shift:
    """Return how far features of a map (y, x) lie below and to the right of the same ones in a reference.

    The peak of the masked normalised cross-correlation (Padfield 2012, IEEE TIP 21(5)) of both, without what is wider
    than some 20 pixels; its top is that of a parabola through three values on each axis. NaN does not count. Good to
    about a twentieth of a pixel where both show the same craters.

    Raises:
        ValueError: shapes differ, or they have no pixel in common.
    """
    if image.shape != reference.shape:
        raise ValueError(f"maps of {image.shape} and {reference.shape}; bring them onto one grid first")
    both = np.isfinite(image) & np.isfinite(reference)
    if not both.any():
        raise ValueError("the mosaic and the ground of the truth have no pixel in common")
    masks = [np.isfinite(values).astype(np.float64) for values in (image, reference)]
    a, b = (
        _detail(np.asarray(values, np.float64), mask)
        for values, mask in zip((image, reference), masks, strict=True)
    )
    # Each lag by the detail that overlaps there: else a smaller overlap draws the peak towards no shift.
    overlap = _correlate(*masks)
    power = _correlate(a**2, masks[1]) * _correlate(masks[0], b**2)
    enough = (overlap > LEAST_OVERLAP * overlap.max()) & (power > 1e-12 * power.max())
    likeness = np.where(enough, _correlate(a, b) / np.sqrt(np.where(enough, power, 1.0)), 0.0)
    rows, columns = likeness.shape
    row, column = (int(i) for i in np.unravel_index(np.argmax(likeness), likeness.shape))
    down = row + _top(*(likeness[(row + k) % rows, column] for k in (-1, 0, 1)))
    right = column + _top(*(likeness[row, (column + k) % columns] for k in (-1, 0, 1)))
    return Shift(
        float(down - rows * (down > rows / 2)),
        float(right - columns * (right > columns / 2)),
        float(likeness[row, column]),
    )


def mosaic_figures(
    mosaic: NDArray[np.floating], ground: NDArray[np.floating], pixel_m: float
) -> dict[str, float]:
    """Return by how much a mosaic (y, x) lies off the rendered ground on the same grid, in pixels and metres."""
    found = shift_between(mosaic, ground)
    distance = float(np.hypot(found.down_px, found.right_px))
    return {
        "shift_down_px": found.down_px,
        "shift_right_px": found.right_px,
        "position_error_px": distance,
        "position_error_m": distance * pixel_m,
        "correlation": found.correlation,
        "covered": float(np.isfinite(mosaic).mean()),
    }


def _detail(values: NDArray[np.float64], mask: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is narrower than some 20 pixels, 0 where ``mask`` is."""
    weight = gaussian_filter(mask, 8.0, mode="constant")
    wide = gaussian_filter(np.where(mask > 0, values, 0.0), 8.0, mode="constant") / np.maximum(weight, 1e-6)
    return np.where(mask > 0, values - wide, 0.0)


def _correlate(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of a(p + lag) b(p) for each lag, in numpy's order; zeros lie beside both maps."""
    size = [2 * n for n in a.shape]
    return np.asarray(np.fft.irfft2(np.fft.rfft2(a, size) * np.conj(np.fft.rfft2(b, size)), size))


def _top(left: float, middle: float, right: float) -> float:
    bend = left - 2.0 * middle + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0
