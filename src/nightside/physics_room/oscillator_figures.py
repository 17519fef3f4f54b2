"""The pictures of the oscillator: the two networks, how they were trained, what goes past them, and an animation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from nightside.physics_room.oscillator_measures import DATA_STEPS, TIMES, Curves
from nightside.store import atomic_file
from nightside.style import ACCENT, BLUE, GREY, INK, STYLE

_T = TIMES[:, 0].numpy()
_SHORT = {
    "plain, Adam": "one network (Adam)",
    "windows, Levenberg-Marquardt": "windows",
    "carrier wave, Levenberg-Marquardt": "carrier wave",
}


def write_figures(folder: Path, table: dict[str, Any], curves: Curves) -> None:
    """Write oscillator.png where its networks were trained, oscillator.gif where that was the article's way,
    and past_the_article.png where more was run.
    """
    with rc_context(STYLE):
        if curves.informed:
            _save(two_networks(curves), folder / "oscillator.png")
        if "article" in table:
            with atomic_file(folder / "oscillator.gif") as partial:
                _write_animation(partial, _animation(curves))
        if "optimiser" in table or "frequency" in table or "inverse" in table:
            _save(past_the_article(table, curves), folder / "past_the_article.png")


def two_networks(curves: Curves) -> Figure:
    """Return the naive and the physics-informed network at the end of their training."""
    figure = Figure(figsize=(10.5, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, frames, title, colour in (
        (left, curves.naive, "Naive network", GREY),
        (right, curves.informed, "Physics-informed network", ACCENT),
    ):
        step, _, u = frames[-1]
        _draw_truth(axes, curves, collocation=axes is right)
        axes.plot(_T, u, color=colour, lw=1.9, label=f"network, {step:,} steps")
        error = np.linalg.norm(u - curves.exact) / np.linalg.norm(curves.exact)
        axes.set_title(f"{title} · relative L2 {error:.2g}")
        axes.legend(loc="upper right", ncols=2, fontsize=8)
    left.set_ylabel("position u")
    return figure


def past_the_article(table: dict[str, Any], curves: Curves) -> Figure:
    """Return what was run of: error through the steps, the high frequency, friction with its error bars."""
    wanted = [name for name in ("optimiser", "frequency", "inverse") if name in table]
    figure = Figure(figsize=(4.4 * len(wanted), 3.7), layout="constrained")
    draw: dict[str, Callable[[Axes, Any, Curves], None]] = {
        "optimiser": _draw_optimiser,
        "frequency": _draw_frequency,
        "inverse": _draw_inverse,
    }
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(wanted))), wanted, strict=True):
        draw[name](axes, table[name], curves)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_optimiser(axes: Axes, rows: list[dict[str, Any]], curves: Curves) -> None:
    for name, colour in (("informed, Adam", GREY), ("informed, Levenberg-Marquardt", ACCENT)):
        steps, _, error = np.array(curves.logs[name]).T
        axes.loglog(np.maximum(steps, 1), error, color=colour, lw=2, label=name.removeprefix("informed, "))
    axes.set_xlabel("step")
    axes.set_ylabel("relative L2")
    axes.set_title("Twenty thousand steps, or a hundred")
    axes.legend(loc="lower left")


def _draw_frequency(axes: Axes, rows: list[dict[str, Any]], curves: Curves) -> None:
    assert curves.high_exact is not None
    axes.plot(_T, curves.high_exact, color=BLUE, lw=3.2, alpha=0.35, label="exact")
    for (name, label), colour, dash in zip(
        _SHORT.items(), (GREY, ACCENT, INK), ("-", "-", "--"), strict=True
    ):
        error = np.linalg.norm(curves.high[name] - curves.high_exact) / np.linalg.norm(curves.high_exact)
        axes.plot(_T, curves.high[name], color=colour, lw=1.2, ls=dash, label=f"{label}: {error:.0e}")
    axes.set_xlabel("time t")
    axes.set_ylim(-1.15, 1.9)
    axes.set_title("Four times the frequency (w₀ = 80)")
    axes.legend(loc="upper right", ncols=2, fontsize=8)


def _draw_inverse(axes: Axes, result: dict[str, Any], curves: Curves) -> None:
    for name, label, shift, colour in (
        ("network", "network", -0.2, ACCENT),
        ("random_features", "random features", 0.0, "#e8a33d"),
        ("least_squares", "least squares", 0.2, INK),
    ):
        number = np.array([row["draw"] for row in result["draws"]])
        value = np.array([row[name]["friction"] for row in result["draws"]])
        std = np.array([row[name]["std"] for row in result["draws"]])
        axes.errorbar(number + shift, value, std, fmt="o", ms=4, lw=1.4, color=colour, label=label)
    axes.axhline(result["truth"], color=BLUE, lw=1.4, alpha=0.6, label="truth")
    axes.set_xticks(number)
    axes.set_xlabel("noise draw")
    axes.set_ylabel("friction μ ± 1 σ")
    axes.set_title("Unknown friction from 40 noisy points")
    axes.legend(loc="upper right", ncols=2, fontsize=8)
    axes.set_ylim(top=axes.get_ylim()[1] + 0.25 * np.ptp(axes.get_ylim()))


def _draw_truth(axes: Axes, curves: Curves, *, collocation: bool) -> None:
    axes.plot(_T, curves.exact, color=BLUE, lw=5, alpha=0.3, label="exact")
    steps = list(DATA_STEPS)
    axes.plot(
        _T[steps],
        curves.exact[steps],
        "o",
        color="#e8a33d",
        ms=6.5,
        mec="white",
        mew=0.8,
        label="data",
        zorder=4,
        clip_on=False,
    )
    if collocation:
        where = np.linspace(0.0, 1.0, 30)
        axes.plot(where, np.full(30, -1.12), "|", color="#3f8f5f", ms=7, label="equation")
    axes.axvspan(0.0, _T[steps[-1]], color="#f4f1ea", zorder=0, lw=0)
    axes.set_xlim(0, 1)
    axes.set_ylim(-1.25, 1.55)
    axes.set_xlabel("time t")
    axes.spines[["top", "right"]].set_visible(False)


def _animation(curves: Curves) -> list[Image.Image]:
    """Return a picture of both networks for each frame of their training."""
    figure = Figure(figsize=(9.0, 3.2), dpi=75, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    lines = []
    for axes, collocation, colour in zip(panels, (False, True), (GREY, ACCENT), strict=True):
        _draw_truth(axes, curves, collocation=collocation)
        lines.append(axes.plot(_T, np.zeros_like(_T), color=colour, lw=1.9)[0])
        axes.legend(loc="upper right", ncols=3, fontsize=7.5)
    panels[0].set_ylabel("position u")
    pictures = []
    for frame in range(len(curves.informed)):
        for axes, line, frames, title in zip(
            panels, lines, (curves.naive, curves.informed), ("Naive", "Physics-informed"), strict=True
        ):
            step, _, u = frames[min(frame, len(frames) - 1)]
            line.set_ydata(u)
            axes.set_title(f"{title} · step {step:,}")
        canvas.draw()  # type: ignore[no-untyped-call]
        # Laid out once: frames differ in their curves alone.
        figure.set_layout_engine("none")
        drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        pictures.append(Image.fromarray(drawn).convert("RGB"))
    return pictures


def _write_animation(path: Path, pictures: list[Image.Image]) -> None:
    """Write a GIF of ten pictures a second; the last one is held, so that the end can be read."""
    first, *others = pictures
    held_ms = [*[100] * len(others), 1300]
    first.save(path, format="GIF", save_all=True, append_images=others, duration=held_ms, loop=0)


def _save(figure: Figure, path: Path) -> None:
    with atomic_file(path) as partial:
        figure.savefig(partial, dpi=110)
