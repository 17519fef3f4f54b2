"""``nightside <room> <verb>``: every step of the workflow, by hand."""

from __future__ import annotations

import dis
import errno
import sys

import typer

from nightside._version import __version__
from nightside.optical.commands import app as optical
from nightside.physics_room.commands import app as physics
from nightside.publish.commands import app as publish
from nightside.query import folder_commands as folder
from nightside.query.commands import app as query
from nightside.synthetic.commands import app as synthetic
from nightside.thermal.commands import app as thermal
from nightside.viewer.commands import view

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(thermal, name="thermal", help="Diviner tables to maps of latents and thermal anomalies.")
app.add_typer(optical, name="optical", help="NAC images of the dark to clean, georeferenced mosaics.")
app.add_typer(physics, name="physics", help="Heat in the ground, and networks that obey an equation.")
app.add_typer(publish, name="publish", help="A catalogue of what a run made, and a check of what was copied.")
app.add_typer(synthetic, name="synthetic", help="A Moon with known truth, in the instruments' own formats.")
app.add_typer(query, name="query", help="Ask results: a point, a profile, a region, the anomalies.")
app.command()(folder.index)
app.command()(folder.verify)
app.command()(folder.provenance)
app.command()(view)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Tell of no progress; warnings remain."),
) -> None:
    """Maps the dark of the Moon."""
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if "--help" in sys.argv:  # of a room or a verb: nothing is made, and stores take a second to load
        return
    from nightside.store import progress

    progress.show(quiet=quiet)


REMEDIES = {
    errno.ENOENT: "check the path, or run the step that makes it",
    errno.EACCES: "check its permissions, or give another place",
    errno.EPERM: "check its permissions, or give another place",
    errno.EROFS: "give a place that may be written",
    errno.ENOTDIR: "one of its folders is a file; check the path",
    errno.EEXIST: "a file is where a folder should be; give another place",
    errno.EISDIR: "give a file",
    errno.ENOSPC: "free some disk or move 'results', then run the same command again",
    errno.EDQUOT: "free some disk or move 'results', then run the same command again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), then run the same command again",
    errno.EIO: "check the disk, then run the same command again",
}
"""What to do about an error of the operating system."""


def main() -> None:
    """Run the command line; an error that the user can mend is one message, without a traceback."""
    try:
        app()
    except (ValueError, OSError) as error:
        message = _for_the_user(error)
        if message is None:
            raise
        sys.stderr.write(f"nightside: {message}\n")
        raise SystemExit(1) from None


def _for_the_user(error: ValueError | OSError) -> str | None:
    """Return what to tell the user, or None where the error is a fault of the program."""
    if isinstance(error, OSError) and error.errno in REMEDIES:
        if error.filename is None and _raised_by_nightside(error):
            return error.strerror
        file = error.filename2 or error.filename
        return f"{f'{file}: ' if file else ''}{error.strerror}; {REMEDIES[error.errno]}"
    return str(error) if _raised_by_nightside(error) else None


def _raised_by_nightside(error: BaseException) -> bool:
    """Say whether a ``raise`` of this package made the error, and so its text; a library's is unexpected."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None or not at.tb_frame.f_globals.get("__name__", "").startswith("nightside."):
        return False
    return at.tb_frame.f_code.co_code[at.tb_lasti] == dis.opmap["RAISE_VARARGS"]
