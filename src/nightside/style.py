"""How all pictures and pages look, whichever room makes them."""

from __future__ import annotations

from importlib import resources
from typing import Any

INK, ACCENT, GREY, BLUE = "#1f3044", "#d1495b", "#8a94a0", "#2f6fa8"

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.8,
    "axes.labelcolor": "#333333",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "white",
}


def page_style() -> str:
    """Return the style sheet that all reports begin with."""
    return resources.files("nightside").joinpath("report.css").read_text(encoding="utf-8")
