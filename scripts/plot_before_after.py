"""Draw docs/before_after.png: an image of the demo under the report's slider, half of it as the standard calibration leaves it.

Run from the repository after ``make demo``: ``python scripts/plot_before_after.py [results/demo]``. The image is the one
whose window, the report's own, is nearest to 5 DN in the mean.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from nightside.optical.report_commands import pair_of
from nightside.optical.slider import STRETCH, Pair
from nightside.store import open_store

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "before_after.png"
SIGNAL_DN = 5.0
SIZE = (532, 832)
"""Rows and columns, in pixels of the image."""


def pairs(optical: Path) -> Iterator[Pair]:
    """Yield what the report shows of each image."""
    stores = sorted((optical / "denoised").glob("*.zarr"))
    if not stores:
        raise SystemExit(
            f"{optical}: holds no denoised image; run 'make demo', or give another folder of results"
        )
    for path in stores:
        yield pair_of(
            *(open_store(optical / kind / path.name, chunked=False) for kind in ("denoised", "standard"))
        )


def grey(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return a window of an image as bytes."""
    shown = np.nan_to_num((values[: SIZE[0], : SIZE[1]] - low) / (high - low))
    return (255 * shown.clip(0, 1) + 0.5).astype(np.uint8)


def tag(picture: ImageDraw.ImageDraw, text: str, x: int, anchor: str) -> None:
    """Write a word on a dark field in an upper corner."""
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 13)
    left, top, right, bottom = picture.textbbox((x, 17), text, font=font, anchor=anchor)
    picture.rounded_rectangle((left - 8, top - 5, right + 8, bottom + 5), 10, fill=20)
    picture.text((x, 17), text, fill=235, font=font, anchor=anchor)


def draw(pair: Pair) -> Image.Image:
    """Return both sides as one picture, each in the same shades, parted in the middle."""
    low, high = np.percentile(pair.after[np.isfinite(pair.after)], STRETCH)
    before, after = (grey(side, low, high) for side in (pair.before, pair.after))
    middle = after.shape[1] // 2
    after[:, :middle] = before[:, :middle]
    after[:, middle - 1 : middle + 1] = 255
    picture = Image.fromarray(after)
    pen = ImageDraw.Draw(picture)
    tag(pen, "standard calibration", 18, "lm")
    tag(pen, "nightside", after.shape[1] - 18, "rm")
    return picture


def main() -> None:
    """Draw the image nearest to 5 DN."""
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results" / "demo"
    chosen = min(pairs(results / "optical"), key=lambda pair: abs(np.nanmean(pair.after) - SIGNAL_DN))
    draw(chosen).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {chosen.title}. {chosen.caption}")


if __name__ == "__main__":
    main()
