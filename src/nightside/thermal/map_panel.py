"""One map on its axes: degrees, a scale bar in kilometres, a colour bar with units, masked cells grey."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nightside import moon

MASKED = "#9a9a9a"


@dataclass(frozen=True)
class Frame:
    """Where a map lies: ``extent`` (left, right, bottom, top) in degrees, or in km from the pole.

    ``km_per_unit`` is the length on the ground of one unit of x, at the middle of the map.
    """

    extent: tuple[float, float, float, float]
    labels: tuple[str, str]
    aspect: float
    km_per_unit: float


def frame_of(profiles: xr.Dataset) -> Frame:
    """Return the frame of a dataset with ``latitude`` and ``longitude`` (y, x), in degrees, row 0 in the north.

    On a grid that is not made of meridians and parallels it is in kilometres, from the coordinates x and y.
    """
    lat, lon = profiles["latitude"].to_numpy(), profiles["longitude"].to_numpy()
    if np.ptp(lat, axis=1).max() > 1e-6:
        x, y = profiles["x"].to_numpy() / 1000.0, profiles["y"].to_numpy() / 1000.0
        return Frame((*_edges(x), *_edges(y)), ("x (km)", "y (km)"), 1.0, 1.0)
    east = np.rad2deg(np.unwrap(np.deg2rad(lon[0])))
    south, north = _edges(lat[:, 0])
    shrink = max(math.cos(math.radians((south + north) / 2)), 0.05)
    km = moon.metres_per_degree() / 1000.0 * shrink
    # A map of half the Moon or more is not to scale away from its middle parallel.
    aspect = 1.0 if north - south > 90.0 else 1.0 / shrink
    return Frame((*_edges(east), south, north), ("longitude (° E)", "latitude (° N)"), aspect, km)


def draw_map(
    figure: Figure,
    axes: Axes,
    values: NDArray[Any],
    frame: Frame,
    *,
    title: str,
    units: str,
    colours: str = "viridis",
    percentiles: tuple[float, float] = (1.0, 99.0),
    scale_bar: bool = True,
) -> None:
    """Draw ``values`` (y, x) with the range of its percentiles; NaN is grey."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, percentiles) if finite.size else (0.0, 1.0)
    image = axes.imshow(
        values,
        extent=frame.extent,
        cmap=colormaps[colours].with_extremes(bad=MASKED),
        vmin=low,
        vmax=high if high > low else low + 1.0,
        aspect=frame.aspect,
        interpolation="nearest",
        origin="upper",
    )
    axes.set_title(title)
    axes.set_xlabel(frame.labels[0])
    axes.set_ylabel(frame.labels[1])
    axes.ticklabel_format(useOffset=False)
    axes.locator_params(nbins=4)
    bar = figure.colorbar(image, ax=axes, shrink=0.82, aspect=22, pad=0.03, extend="both")
    bar.set_label(units)
    bar.outline.set_linewidth(0.5)
    if scale_bar:
        _draw_scale_bar(axes, frame)


def outline(axes: Axes, inside: NDArray[Any], frame: Frame, colour: str = "#38e1ff") -> None:
    """Draw the edges of the cells that are ``inside`` (y, x)."""
    if not inside.any():
        return
    # Repeated cells make the contour follow the pixels' edges.
    fine = np.pad(np.kron(inside.astype(float), np.ones((6, 6))), 1)
    rows, columns = inside.shape
    left, right, bottom, top = frame.extent
    dx, dy = (right - left) / (6 * columns), (top - bottom) / (6 * rows)
    x = left + (np.arange(fine.shape[1]) - 0.5) * dx
    y = top - (np.arange(fine.shape[0]) - 0.5) * dy
    axes.contour(x, y, fine, levels=[0.5], colors=colour, linewidths=1.3)


def _edges(centres: NDArray[np.float64]) -> tuple[float, float]:
    half = abs(centres[1] - centres[0]) / 2 if centres.size > 1 else 0.5
    return float(centres.min() - half), float(centres.max() + half)


def _draw_scale_bar(axes: Axes, frame: Frame) -> None:
    left, right, _, _ = frame.extent
    target = (right - left) * frame.km_per_unit / 4
    power = 10.0 ** math.floor(math.log10(target))
    length = max(step * power for step in (1, 2, 5) if step * power <= target * 1.0001)
    share = length / frame.km_per_unit / (right - left)
    box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "alpha": 0.75, "edgecolor": "none"}
    axes.text(
        0.045 + share / 2,
        0.075,
        f"{length:g} km",
        transform=axes.transAxes,
        ha="center",
        va="bottom",
        fontsize=8,
        bbox=box,
    )
    axes.plot([0.045, 0.045 + share], [0.055, 0.055], transform=axes.transAxes, color="white", lw=4.5)
    axes.plot([0.045, 0.045 + share], [0.055, 0.055], transform=axes.transAxes, color="#222222", lw=2.2)
