"""How all pictures and pages look, whichever room makes them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import Path
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


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int | None = None) -> str:
    """Return an HTML table of a page; cells are HTML already, ``numbers_from`` is the first column of numbers."""
    kinds = [
        ' class="number"' if numbers_from is not None and k >= numbers_from else "" for k in range(len(head))
    ]
    top = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>' for kind, name in zip(kinds, head, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def verdict(reached: bool) -> str:
    """Return the cell that says whether a goal was reached."""
    word = "yes" if reached else "no"
    return f'<span class="{word}">{word}</span>'


def embedded_png(path: Path) -> str:
    """Return a picture as a data URL, so that a page needs nothing beside it."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
