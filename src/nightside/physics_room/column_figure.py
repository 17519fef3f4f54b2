"""The picture of the column: errors through the day, H of each draw, the conductivity with depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nightside.moon import HOURS_PER_DAY
from nightside.physics_room.column_experiments import LOCAL_TIMES_H, Curves
from nightside.store import atomic_file
from nightside.style import ACCENT, BLUE, GREY, INK, STYLE

_COLOURS = {
    "solver": INK,
    "tanh network, Levenberg-Marquardt": "#e8a33d",
    "spectral elements, Levenberg-Marquardt": ACCENT,
}
_INVERSIONS = {
    "solver and least squares": ("solver", INK),
    "one loss, tanh network": ("one loss, tanh", GREY),
    "one loss, spectral elements": ("one loss, spectral", "#e8a33d"),
    "elimination, spectral elements": ("elimination", ACCENT),
}


def write_figure(path: Path, table: dict[str, Any], curves: Curves) -> None:
    """Write the picture of what :func:`column_experiments.run` returns, as PNG."""
    with rc_context(STYLE):
        figure = Figure(figsize=(13.2, 3.9), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        _draw_errors(left, curves)
        _draw_inversions(middle, table["inverse"])
        _draw_conductivity(right, table["conductivity"])
        for axes in (left, middle, right):
            axes.spines[["top", "right"]].set_visible(False)
        with atomic_file(path) as partial:
            figure.savefig(partial, dpi=110)


def _draw_errors(axes: Axes, curves: Curves) -> None:
    for name, colour in _COLOURS.items():
        label = name.removesuffix(", Levenberg-Marquardt")
        axes.semilogy(LOCAL_TIMES_H, _envelope(curves.difference[name]), color=colour, lw=1.5, label=label)
    for start, end in ((0, 6), (18, 24)):
        axes.axvspan(start, end, color="#eef1f6", zorder=0, lw=0)
    axes.set_xlim(0, 24)
    axes.set_xticks([0, 6, 12, 18, 24])
    axes.set_ylim(1e-3, 30)
    axes.set_xlabel("local time (h)")
    axes.set_ylabel("error of surface temperature within ½ h (K)")
    axes.set_title("Known ground")
    axes.legend(loc="upper center", ncols=2, fontsize=8)


def _envelope(error: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the largest size (m) of an error (m, evenly through the day) within half an hour: no dips where it changes sign."""
    near = round(0.5 * len(error) / HOURS_PER_DAY)
    return np.asarray(np.max([np.roll(np.abs(error), k) for k in range(-near, near + 1)], axis=0))


def _draw_inversions(axes: Axes, result: dict[str, Any]) -> None:
    for number, (name, (label, colour)) in enumerate(_INVERSIONS.items()):
        rows = [row for row in result["draws"] if row["method"] == name]
        draw = np.array([row["draw"] for row in rows]) + 0.16 * (number - 1.5)
        h = 100 * np.array([row["h_parameter_m"] for row in rows])
        factor = np.exp(np.minimum([row["log_h_std"] for row in rows], 3.0))
        axes.errorbar(
            draw, h, [h - h / factor, h * factor - h], fmt="o", ms=4, lw=1.4, color=colour, label=label
        )
    axes.axhline(100 * result["truth"]["h_parameter_m"], color=BLUE, lw=1.4, alpha=0.6)
    axes.set_yscale("log")
    axes.set_ylim(5, 12)
    axes.set_yticks([5, 6, 7, 8, 10, 12], ["5", "6", "7", "8", "10", "12"])
    axes.minorticks_off()
    axes.set_xticks(sorted({row["draw"] for row in result["draws"]}))
    axes.set_xlabel("noise draw")
    axes.set_ylabel("H ± 1 σ (cm)")
    axes.set_title("H from 48 temperatures, 1 K")
    axes.legend(loc="upper right", ncols=2, fontsize=8)


def _draw_conductivity(axes: Axes, result: dict[str, Any]) -> None:
    depth = 100 * np.array(result["depth_m"])
    for row in result["draws"]:
        value, std = np.array(row["log_conductivity"]), np.array(row["std"])
        last = row is result["draws"][-1]
        axes.fill_between(depth, np.exp(value - std), np.exp(value + std), color=ACCENT, alpha=0.13, lw=0)
        axes.plot(
            depth, np.exp(value), "o-", ms=4, lw=1.2, color=ACCENT, label="found ± 1 σ" if last else None
        )
    axes.plot(depth, np.exp(result["truth"]), color=BLUE, lw=2.2, alpha=0.7, label="truth")
    axes.axhline(1.0, color=GREY, lw=1.0, ls=":", label="assumed at first")
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xticks([0, 1, 5, 10, 40], ["0", "1", "5", "10", "40"])
    axes.set_xlim(left=0)
    axes.set_xlabel("depth (cm)")
    axes.set_ylabel("conductivity / usual regolith's")
    axes.set_title("Conductivity as a function of depth")
    axes.legend(loc="lower left", fontsize=8)
