"""``nightside physics oscillator`` leaves a table, pictures and an animation."""

import json
import re

import pytest
from PIL import Image
from typer.testing import CliRunner

from nightside.cli import app
from nightside.physics_room import oscillator_experiments


def run(folder, *options):
    return CliRunner().invoke(app, ["physics", "oscillator", "--out-dir", str(folder), *options])


def test_the_article_is_tabulated_drawn_and_animated(tmp_path, monkeypatch):
    monkeypatch.setattr(oscillator_experiments, "NAIVE_STEPS", 100)
    monkeypatch.setattr(oscillator_experiments, "INFORMED_STEPS", 100)
    done = run(tmp_path / "o", "--experiment", "article", "--seeds", "5, 7")
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "o/oscillator.json").read_text())["article"]
    assert [row["seed"] for row in rows] == [5, 7]
    assert set(rows[0]["naive"]) >= {"relative_l2", "relative_l2_inside", "relative_l2_outside", "seconds"}
    with Image.open(tmp_path / "o/oscillator.gif") as animation:
        assert animation.n_frames > 20
    assert (tmp_path / "o/oscillator.gif").stat().st_size < 2e6
    with Image.open(tmp_path / "o/oscillator.png") as picture:
        assert picture.width > 800
    assert not (tmp_path / "o/past_the_article.png").exists()


def test_the_quick_one_shows_in_seconds_what_the_article_does(tmp_path):
    done = run(tmp_path, "--quick", "--seeds", "0")
    assert done.exit_code == 0, done.output
    assert re.search(r"relative L2 \S+ \(\S+ inside, \S+ outside the data\) after 1000 steps", done.output)
    row = json.loads((tmp_path / "oscillator.json").read_text())["quick"]
    assert row["seed"] == 0
    assert row["naive"]["relative_l2_outside"] > 1.0
    assert row["informed"]["relative_l2"] < 0.05
    assert row["informed"]["steps"] <= 100
    assert {path.name for path in tmp_path.iterdir()} == {"oscillator.json", "oscillator.png"}
    with Image.open(tmp_path / "oscillator.png") as picture:
        assert picture.width > 800


def test_seeds_that_are_no_numbers_are_named(tmp_path):
    done = run(tmp_path, "--seeds", "1,b")
    assert isinstance(done.exception, ValueError)
    assert "--seeds is '1,b'" in str(done.exception)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--quick", "--experiment", "inverse"), "leave out --experiment"),
        (("--quick", "--draws", "3"), "leave out --draws"),
        (("--quick", "--seeds", "4,5"), "--quick has one seed, --seeds is '4,5'"),
        (("--experiment", "inverse", "--seeds", "4"), "--seeds changes nothing in experiment 'inverse'"),
        (("--experiment", "article", "--draws", "3"), "--draws changes nothing in experiment 'article'"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(tmp_path, options, named):
    done = run(tmp_path, *options)
    assert isinstance(done.exception, ValueError)
    assert named in str(done.exception)
    assert not list(tmp_path.iterdir())
