"""Rooms that are links to another disk: the server does not follow them, and that is said."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from nightside.cli import app
from nightside.config import Region
from nightside.store import Band, NotFinished, grid_of, write_cog
from nightside.viewer.page import page_files


@pytest.fixture
def results(tmp_path):
    """Two rooms with a map each; ``thermal`` is a link to another disk."""
    grid = grid_of(Region(longitude_deg=10.0, latitude_deg=0.0, width_km=4.0, pixels_per_degree=128))
    for room, folder in (("thermal", tmp_path / "scratch"), ("optical", tmp_path / "demo")):
        file = folder / room / "cog" / f"{room}_map.tif"
        file.parent.mkdir(parents=True)
        write_cog(np.ones(grid.shape, np.float32), grid, file, Band(f"{room}_map", room, "1"))
    (tmp_path / "demo/thermal").symlink_to(tmp_path / "scratch/thermal")
    return tmp_path / "demo"


def shown(results, **how):
    view = json.loads(page_files(results, 5.0, 0.0, **how)["view.json"])
    return [layer["name"] for layer in view["layers"]], view["warnings"]


def test_what_the_server_would_refuse_is_left_out_and_named(results):
    layers, (said,) = shown(results)
    assert layers == ["optical_map"]
    assert said.startswith(
        f"{results / 'thermal'} is a link to {results.parent / 'scratch/thermal'}, out of "
    )
    assert "--export FOLDER" in said


def test_an_exported_page_has_a_copy_of_what_lies_behind_the_link(results, tmp_path):
    done = CliRunner().invoke(app, ["view", str(results), "--export", str(tmp_path / "page")])
    assert (done.exit_code, done.stderr) == (0, "")
    copy = tmp_path / "page/data/thermal/cog/thermal_map.tif"
    assert copy.read_bytes() == (results / "thermal/cog/thermal_map.tif").read_bytes()
    assert not (tmp_path / "page/data/thermal").is_symlink()


def test_the_command_tells_it_in_a_line(results, monkeypatch):
    class Nothing(Exception):
        """Instead of serving."""

    def refuse(*_):
        raise Nothing

    monkeypatch.setattr("nightside.viewer.server.Server", refuse)
    done = CliRunner().invoke(app, ["view", str(results), "--no-browser"])
    assert isinstance(done.exception, Nothing)
    assert done.stderr.startswith(f"warning: {results / 'thermal'} is a link to ")
    assert done.stderr.count("\n") == 1


def test_nothing_but_links_is_an_error(results):
    (results / "optical").rename(results.parent / "elsewhere")
    (results / "optical").symlink_to(results.parent / "elsewhere")
    with pytest.raises(NotFinished, match=r"optical is a link to .*\n.*thermal is a link to"):
        page_files(results, 5.0, 0.0)


def test_a_link_that_leads_nowhere_is_named(results):
    (results.parent / "scratch").rename(results.parent / "gone")
    layers, (said,) = shown(results)
    assert layers == ["optical_map"]
    assert said.startswith(
        f"{results / 'thermal'} is a link to {results.parent / 'scratch/thermal'}, which is not there"
    )
