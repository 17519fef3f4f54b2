"""The command line helps: every verb says what it does, an error is one message."""

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from nightside import __version__, cli
from nightside.cli import app
from nightside.config import load
from nightside.thermal.binning import local_time_bin


def test_the_version_is_printed():
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == __version__


@pytest.mark.parametrize("room", ["thermal", "optical", "physics", "synthetic"])
def test_every_verb_says_what_it_does(room):
    group = next(g.typer_instance for g in app.registered_groups if g.name == room)
    for command in group.registered_commands:
        assert command.callback.__doc__


def test_the_verbs_of_images_are_listed_in_the_order_of_their_use():
    optical = typer.main.get_command(app).commands["optical"]
    order = "acquire ingest darks train-destripe train-photon calibrate denoise project mosaic cog evaluate report"
    assert optical.list_commands(None) == order.split()


@pytest.mark.parametrize("of", [[], ["optical"], ["thermal", "cog"]], ids=" ".join)
def test_help_does_not_wait_for_heavy_libraries(of):
    heavy = ("torch", "numba", "scipy", "pandas", "xarray", "zarr", "rasterio", "matplotlib")
    script = (
        "import atexit, sys, nightside.cli\n"
        f"atexit.register(lambda: print('loaded:', *(m for m in {heavy} if m in sys.modules)))\n"
        "nightside.cli.main()"
    )
    command = [sys.executable, "-c", script, *of, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


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


def told(monkeypatch, capsys, fault):
    """Return what the command line says of an error that ``fault`` raises."""
    monkeypatch.setattr(cli, "app", fault)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    return capsys.readouterr().err


def test_an_error_of_the_package_is_told_and_one_of_a_library_is_a_bug(monkeypatch, capsys):
    def of_the_package():
        load({"name": "x"})

    assert told(monkeypatch, capsys, of_the_package).startswith("nightside: configuration: ")
    for fault in (
        lambda: np.zeros(2) + np.zeros(3),
        lambda: int("x"),
        lambda: local_time_bin(np.zeros(2), np.zeros(3)),  # numpy, called by the package
        lambda: {}["x"],
    ):
        monkeypatch.setattr(cli, "app", fault)
        with pytest.raises((ValueError, KeyError)):
            cli.main()


def test_an_error_of_the_system_names_the_file_and_the_remedy(monkeypatch, capsys, tmp_path):
    absent = tmp_path / "absent"
    assert told(monkeypatch, capsys, absent.read_bytes) == (
        f"nightside: {absent}: No such file or directory; check the path, or run the step that makes it\n"
    )

    def full():
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/x", None, "results/last.ckpt")

    said = told(monkeypatch, capsys, full)
    assert said.startswith("nightside: results/last.ckpt: No space left on device; free some disk")


def test_an_error_of_the_system_without_a_remedy_is_a_bug(monkeypatch):
    def fault():
        raise OSError("strange")

    monkeypatch.setattr(cli, "app", fault)
    with pytest.raises(OSError, match="strange"):
        cli.main()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_device_is_told_even_where_nobody_named_the_file(monkeypatch, capsys):
    assert "free some disk" in told(monkeypatch, capsys, lambda: Path("/dev/full").write_bytes(b"x" * 99))
