"""The verb ``nightside physics column``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def column(
    out_dir: Annotated[Path, typer.Option(help="where column.json and column.png go")],
    draws: Annotated[int, typer.Option(help="noise draws of the inversions", min=2)] = 4,
    quick: Annotated[bool, typer.Option("--quick", help="leave out Adam and the fine elements")] = False,
) -> None:
    """Solve and invert a column of regolith by physics-informed networks, beside the solver."""
    from nightside.physics_room.column_experiments import run
    from nightside.physics_room.column_figure import write_figure
    from nightside.store import write_json

    table, curves = run(draws, quick=quick, tell=lambda line: typer.echo(line, err=True))
    write_figure(out_dir / "column.png", table, curves)
    write_json(out_dir / "column.json", table)
