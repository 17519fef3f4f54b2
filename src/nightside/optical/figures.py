"""Pictures of the optical report: spectra of what is left of the noise, quality by signal, recall, and the mosaic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from nightside.optical.crater_recall import RecallCurve
from nightside.optical.spectra import column_spectrum, row_spectrum
from nightside.store import atomic_file
from nightside.style import ACCENT, BLUE, GREY, INK, STYLE

COLOURS = {"standard": ACCENT, "nightside": BLUE}
NAMES = {"standard": "standard calibration", "nightside": "nightside"}
_OTHERS = ("#8a63a8", "#c98a1b", "#3f8f6b", "#777777")
_DPI = 140


def draw_spectra(path: Path, residuals: Mapping[str, NDArray[np.floating]], period: int) -> None:
    """Draw the power of residuals (line, sample) in DN along lines and columns, and their columns' means.

    Args:
        path: of the PNG.
        residuals: image less truth, or images of the dark, by name; all finite.
        period: of the pattern of columns, whose frequencies are marked.
    """
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(11, 6.4), layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.5))
        stripes = figure.add_subplot(grid[0, :])
        row, column = figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[1, 1])
        for name, values in residuals.items():
            colour = COLOURS.get(name, GREY)
            stripes.plot(values.mean(axis=0), color=colour, lw=0.6, label=NAMES.get(name, name))
            for axes, spectrum in ((row, row_spectrum(values)), (column, column_spectrum(values))):
                f, p = _thinned(spectrum.frequency[1:], spectrum.power_dn2[1:])
                axes.semilogy(f, p, color=colour, lw=0.9)
        for k in range(1, period // 2 + 1):
            row.axvline(k / period, color=GREY, lw=0.7, ls=":", zorder=0)
        row.set_title(f"Along lines (dotted: pattern of {period} columns)")
        column.set_title("Along columns")
        stripes.set_title("Mean of each column")
        stripes.set_ylabel("DN")
        stripes.set_xlabel("sample")
        stripes.margins(x=0)
        stripes.legend(loc="upper right", ncols=2)
        for axes in (row, column):
            axes.set_xlabel("cycles per pixel")
            axes.set_ylabel("power (DN² per bin)")
        _bare(stripes, row, column)
        _save(figure, path)


def draw_quality(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw PSNR and SSIM against signal, one point an image; rows as in ``evaluation.json``."""
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.8), layout="constrained")
        for axes, key, unit in zip(
            figure.subplots(1, 2), ("psnr_db", "ssim"), ("PSNR (dB)", "SSIM"), strict=True
        ):
            names = list(rows[0][key])
            for name in names:
                colour = COLOURS.get(name) or _OTHERS[names.index(name) % len(_OTHERS)]
                for mode, marker, style in (("normal", "o", "-"), ("summed", "s", "--")):
                    points = sorted((r["signal_dn"], r[key][name]) for r in rows if r["mode"] == mode)
                    if points:
                        axes.plot(
                            *zip(*points, strict=True), style, marker=marker, ms=4, color=colour,
                            label=f"{NAMES.get(name, name)}, {mode}",
                        )  # fmt: skip
            axes.set_xscale("log")
            signals = sorted({float(f"{r['signal_dn']:.1g}") for r in rows})
            axes.set_xticks(signals, labels=[f"{s:g}" for s in signals])
            axes.minorticks_off()
            axes.set_xlabel("mean signal (DN)")
            axes.set_ylabel(unit)
            axes.grid(color="#e6e9ee", lw=0.7)
            _bare(axes)
        axes.legend(loc="lower right")
        _save(figure, path)


def draw_recall(path: Path, curves: Mapping[str, RecallCurve], title: str = "Labelled craters found") -> None:
    """Draw recall against diameter with its intervals of 68 %, one line an image."""
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.subplots()
        for number, (name, curve) in enumerate(curves.items()):
            colour = COLOURS.get(name) or (INK if name == "clean" else _OTHERS[number % len(_OTHERS)])
            axes.plot(curve.diameters_px, curve.recall, "o-", ms=4, color=colour, label=NAMES.get(name, name))
            axes.fill_between(curve.diameters_px, curve.low, curve.high, color=colour, alpha=0.15, lw=0)
        axes.axhline(0.5, color=GREY, lw=0.8, ls=":")
        axes.set_xscale("log")
        axes.set_ylim(0, 1)
        axes.set_title(title)
        axes.set_xlabel("diameter (pixels)")
        axes.set_ylabel("share found")
        axes.set_xticks(
            [6, 8, 10, 15, 20, 30, 50], labels=["6", "8", "10", "15", "20", "30", "50"], minor=False
        )
        axes.minorticks_off()
        axes.legend(loc="upper left")
        _bare(axes)
        _save(figure, path)


def draw_mosaic(
    path: Path,
    signal: NDArray[np.floating],
    longitude_deg: NDArray[np.floating],
    latitude_deg: NDArray[np.floating],
    pixel_m: float,
) -> None:
    """Draw a mosaic (y, x) with its meridians and parallels and a scale bar.

    Args:
        path: of the PNG.
        signal: DN, NaN where no image lies.
        longitude_deg: of each pixel, (y, x).
        latitude_deg: likewise.
        pixel_m: side of a pixel.
    """
    step = max(1, int(np.ceil(max(signal.shape) / 1400)))
    shown, lon, lat = (a[::step, ::step] for a in (signal, longitude_deg, latitude_deg))
    rows, columns = shown.shape
    with plt.rc_context(STYLE):
        width = float(np.clip(9.0 * columns / rows, 5.0, 11.0))
        figure = Figure(figsize=(width, width * rows / columns + 0.5), layout="constrained")
        axes = figure.subplots()
        finite = shown[np.isfinite(shown)]
        low, high = np.percentile(finite, (0.5, 99.5)) if finite.size else (0.0, 1.0)
        axes.imshow(shown, cmap="gray", vmin=low, vmax=high, interpolation="antialiased")
        axes.set_facecolor("#1a1f27")
        _graticule(axes, lat, _nice(np.ptp(lat)), "{:g}° N", "{:g}° S")
        middle = lon[rows // 2, columns // 2]
        _graticule(
            axes, (lon - middle + 180.0) % 360.0 - 180.0, _nice(_extent(lon, middle)), "{:g}° E", None, middle
        )
        bar_px = _nice(columns * step * pixel_m) / (step * pixel_m)
        x, y = columns * 0.05, rows * 0.95
        axes.plot([x, x + bar_px], [y, y], color="white", lw=3, solid_capstyle="butt")
        metres = bar_px * step * pixel_m
        text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
        axes.text(x, y - rows * 0.015, text, color="white", fontsize=9, va="bottom")
        axes.set_xticks([])
        axes.set_yticks([])
        _save(figure, path)


def _graticule(
    axes: Axes, degrees: NDArray[Any], step: float, positive: str, negative: str | None, origin: float = 0.0
) -> None:
    first, last = np.nanmin(degrees) + origin, np.nanmax(degrees) + origin
    for level in np.arange(np.ceil(first / step) * step, last, step):
        line = axes.contour(degrees + origin, levels=[level], colors="#ffc857", linewidths=1.0, alpha=0.85)
        value = round(float(level), 6)
        shown = value % 360.0 if negative is None else abs(value)
        label = (positive if negative is None or value >= 0 else negative).format(round(shown, 6))
        for text in axes.clabel(line, fmt=lambda _, text=label: text, fontsize=10, colors="#ffc857"):
            text.set_path_effects([withStroke(linewidth=3, foreground="#1a1f27")])


def _extent(longitude_deg: NDArray[Any], middle: float) -> float:
    return float(np.ptp((longitude_deg - middle + 180.0) % 360.0 - 180.0))


def _nice(span: float) -> float:
    """Return a fifth of a span, rounded to 1, 2 or 5 times a power of ten."""
    raw = max(span, 1e-9) / 4.0
    power = 10.0 ** np.floor(np.log10(raw))
    return float(power * max(n for n in (1, 2, 5) if n * power <= raw * 1.0001))


def _thinned(x: NDArray[Any], y: NDArray[Any], most: int = 640) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return means over neighbours where there are more points than a picture shows; peaks are kept, not averaged."""
    each = max(1, x.size // most)
    cut = x.size // each * each
    return x[:cut].reshape(-1, each).mean(axis=1), y[:cut].reshape(-1, each).max(axis=1)


def _bare(*many: Axes) -> None:
    for axes in many:
        axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    with atomic_file(path) as partial:
        figure.savefig(partial, dpi=_DPI, format="png")
