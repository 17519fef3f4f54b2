"""The command line helps: every verb says what it does, an error is one message."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from nightside import __version__
from nightside.cli import app


def test_the_version_is_printed():
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == __version__


@pytest.mark.parametrize("room", ["thermal", "synthetic"])
def test_every_verb_says_what_it_does(room):
    group = next(g.typer_instance for g in app.registered_groups if g.name == room)
    for command in group.registered_commands:
        assert command.callback.__doc__


def test_help_does_not_wait_for_heavy_libraries():
    script = "import sys, nightside.cli; print(*(m for m in ('torch', 'rasterio', 'matplotlib') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_error_is_one_message_without_a_traceback(tmp_path):
    command = "from nightside.cli import main; main()"
    arguments = [
        "thermal",
        "cube",
        "--config",
        str(tmp_path / "no.yaml"),
        "--bins",
        "b.zarr",
        "--out",
        "c.zarr",
    ]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("nightside: ")
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
