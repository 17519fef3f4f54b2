"""``nightside optical``: the verbs of the optical room."""

from __future__ import annotations

import typer

from nightside.optical.evaluate_commands import evaluate
from nightside.optical.report_commands import report

app = typer.Typer(no_args_is_help=True)

app.command()(evaluate)
app.command()(report)
