"""Progress: told by those that take long, with what is left; silent where it is not wanted."""

import logging

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from nightside.cli import app
from nightside.store import progress


@pytest.fixture
def told(caplog, monkeypatch):
    """What is told, as one would see it."""
    monkeypatch.setattr(progress.LOG, "propagate", True)
    caplog.set_level(logging.INFO, "nightside.progress")
    return lambda: [record.getMessage() for record in caplog.records]


def clock(seconds):
    """A clock that goes on by ``seconds`` whenever it is read."""
    times = iter(np.arange(0, 1e6, seconds))
    return lambda: float(next(times))


def test_what_takes_long_tells_what_is_done_and_left(told):
    assert list(progress.tracked(range(4), "x.zarr", "windows", clock=clock(30.0))) == [0, 1, 2, 3]
    assert told() == [
        "x.zarr: 1 of 4 windows, 2 min left",
        "x.zarr: 2 of 4 windows, 60 s left",
        "x.zarr: 3 of 4 windows, 30 s left",
    ]


def test_what_is_short_tells_nothing_on_its_way(told):
    list(progress.tracked(range(1000), "x.zarr", "windows", clock=clock(0.009)))
    assert told() == []


def test_work_of_an_earlier_call_counts_as_done_but_not_as_speed(told):
    list(progress.tracked(range(2), "x.zarr", "windows", before=8, clock=clock(20.0)))
    assert told() == ["x.zarr: 9 of 10 windows, 20 s left"]


@pytest.mark.parametrize(("options", "shown"), [([], "wrote x.zarr: signal\n"), (["--quiet"], "")])
def test_the_command_line_shows_it_on_stderr_unless_told_not_to(options, shown, monkeypatch, tmp_path):
    monkeypatch.setattr(progress.LOG, "handlers", [])
    spoken = typer.Typer()
    spoken.registered_callback = app.registered_callback

    @spoken.command()
    def work():
        progress.wrote("x.zarr", "signal")
        typer.echo("warning: always", err=True)

    done = CliRunner().invoke(spoken, [*options, "work"], catch_exceptions=False)
    assert done.stderr == shown + "warning: always\n"
    assert done.stdout == ""
