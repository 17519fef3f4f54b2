"""``nightside <room> <verb>``: every step of the workflow, by hand."""

from __future__ import annotations

import sys

import typer

from nightside._version import __version__
from nightside.synthetic.commands import app as synthetic
from nightside.thermal.commands import app as thermal

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(thermal, name="thermal", help="Diviner tables to maps of latents and thermal anomalies.")
app.add_typer(synthetic, name="synthetic", help="A Moon with known truth, in the instruments' own formats.")


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    """Maps the dark of the Moon."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; an error that the user can mend is one message, without a traceback."""
    try:
        app()
    except (ValueError, OSError) as error:
        sys.stderr.write(f"nightside: {error}\n")
        raise SystemExit(1) from None
