"""Answers as text: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def text(frame: pd.DataFrame, form: Format) -> str:
    """Return a frame as text: aligned columns, JSON as a list of objects (null where unknown), or CSV."""
    if form is Format.CSV:
        return frame.to_csv(index=False)
    if form is Format.JSON:
        return as_json([dict(row) for row in frame.to_dict("records")])
    shown = frame.map(_short)
    return (shown.to_string(index=False) if len(frame) else "nothing found") + "\n"


def as_json(content: Any) -> str:
    """Return JSON, in which what is not finite is null."""
    return json.dumps(_known(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def show(frame: pd.DataFrame, form: Format, out: Path | None, title: str, row: tuple[str, str]) -> None:
    """Write an answer to a file, or to the terminal: a table there is drawn by rich, a piped one is plain.

    Of a file the log says how many rows it holds; ``row`` is what one is, and what several are.
    """
    from nightside.store import atomic_file, wrote

    if out is not None:
        with atomic_file(out) as partial:
            partial.write_text(text(frame, form), encoding="utf-8")
        wrote(out, counted(len(frame), row))
    elif form is Format.TABLE and sys.stdout.isatty() and len(frame):
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, title_justify="left")
        for name in frame.columns:
            table.add_column(str(name), justify="left" if frame[name].dtype.kind in "OTU" else "right")
        for row in frame.map(_short).itertuples(index=False):
            table.add_row(*map(str, row))
        Console().print(table)
    else:
        sys.stdout.write(text(frame, form))


def counted(count: int, one: tuple[str, str]) -> str:
    """Return a number of things in words."""
    return f"{count} {one[count != 1]}"


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _known(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _known(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_known(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content.item() if hasattr(content, "item") else content
