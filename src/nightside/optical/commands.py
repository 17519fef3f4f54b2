"""``nightside optical``: the verbs of the optical room."""

from __future__ import annotations

import typer

from nightside.optical import mosaic_commands, project_commands

app = typer.Typer(no_args_is_help=True)
app.command()(project_commands.project)
app.command()(mosaic_commands.mosaic)
app.command()(mosaic_commands.cog)
