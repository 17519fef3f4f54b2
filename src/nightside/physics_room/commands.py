"""``nightside physics``: the verbs of the room."""

from __future__ import annotations

import typer

from nightside.physics_room import invert_commands

app = typer.Typer(no_args_is_help=True)
app.command()(invert_commands.invert)
app.command()(invert_commands.cog)
