"""Answers as text: a table for people, JSON and CSV for programs. Places have the decimals of ``degrees``."""

from __future__ import annotations

import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightside.query.degrees import DECIMALS

if TYPE_CHECKING:
    import pandas as pd


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


_NAMES = {".json": Format.JSON, ".csv": Format.CSV, ".txt": None}
"""The formats that files of an answer have by their names; text may be any."""

_PLACES = ("longitude", "latitude", "lon_min", "lon_max", "lat_min", "lat_max")


def format_of(form: Format | None, out: Path | None, *others: str) -> Format:
    """Return the format that a file's name asks for, else the one given, else a table.

    ``others`` are the ends of names that the verb writes as something else than text: no format fits them.

    Raises:
        ValueError: this verb writes no file of that name, or the name and the format given do not agree.
    """
    suffix = ".txt" if out is None else out.suffix.lower()
    if suffix not in (*_NAMES, *others):
        names = ", ".join([*_NAMES, *others])
        raise ValueError(
            f"{out}: '{suffix}' is no format of this answer; give a name that ends in one of {names}"
        )
    if suffix == ".txt":
        return form or Format.TABLE
    named = _NAMES.get(suffix)
    if form not in (None, named):
        raise ValueError(
            f"{out} ends in {suffix}, but --format is {form}; leave --format out, or give a name that ends in "
            f"{'.txt' if form is Format.TABLE else f'.{form}'}"
        )
    return named or Format.TABLE


def text(frame: pd.DataFrame, form: Format) -> str:
    """Return a frame as text: aligned columns, JSON as a list of objects (null where unknown), or CSV."""
    if form is Format.TABLE:
        return (_short(frame).to_string(index=False) if len(frame) else "nothing found") + "\n"
    exact = frame.round(dict.fromkeys(_PLACES, DECIMALS))
    if form is Format.CSV:
        return exact.to_csv(index=False)
    return as_json([dict(row) for row in exact.to_dict("records")])


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
        for row in _short(frame).itertuples(index=False):
            table.add_row(*map(str, row))
        Console().print(table)
    else:
        sys.stdout.write(text(frame, form))


def counted(count: int, one: tuple[str, str]) -> str:
    """Return a number of things in words."""
    return f"{count} {one[count != 1]}"


def _short(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame for people: numbers as text, places with their decimals."""

    def short(column: pd.Series[Any]) -> pd.Series[Any]:
        form = f".{DECIMALS}f" if column.name in _PLACES else ".6g"
        return column.map(lambda value: f"{value:{form}}" if isinstance(value, float) else value)

    return frame.apply(short)


def _known(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _known(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_known(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content.item() if hasattr(content, "item") else content
