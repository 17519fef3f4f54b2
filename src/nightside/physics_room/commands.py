"""``nightside physics``: the verbs of the physics room."""

from __future__ import annotations

import typer

from nightside.physics_room import column_commands, invert_commands, oscillator_commands

app = typer.Typer(no_args_is_help=True)
app.command()(invert_commands.invert)
app.command()(invert_commands.cog)
app.command()(oscillator_commands.oscillator)
app.command()(column_commands.column)
