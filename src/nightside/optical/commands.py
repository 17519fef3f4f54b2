"""``nightside optical``: the verbs of the optical room."""

from __future__ import annotations

import typer

from nightside.optical.calibrate_commands import calibrate
from nightside.optical.darks_commands import darks

app = typer.Typer(no_args_is_help=True)
app.command()(calibrate)
app.command()(darks)
