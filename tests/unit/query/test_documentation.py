"""The examples of docs/query.md run, one after the other, on results as the workflow writes them."""

import re
from pathlib import Path

import matplotlib
import pytest

PAGE = Path(__file__).parents[3] / "docs/query.md"


def test_the_examples_run(globe, demo, served, tmp_path, monkeypatch):
    """``results/demo`` is a small one, and so is ``results/global``; the address of its server is the only word that is exchanged."""
    matplotlib.use("Agg")
    (tmp_path / "results").mkdir()
    (tmp_path / "results/demo").symlink_to(demo)
    (tmp_path / "results/global").symlink_to(globe)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 4
    url, _ = served(demo)
    names: dict[str, object] = {}
    for number, block in enumerate(blocks):
        code = block.replace("http://127.0.0.1:8000/demo", url)
        exec(compile(code, f"{PAGE.name}, block {number + 1}", "exec"), names)
    assert (tmp_path / "anomalies.gpkg").is_file()


@pytest.mark.parametrize(
    "verb", ["query point", "query profile", "query region", "query anomalies", "provenance"]
)
def test_the_page_names_every_verb(verb):
    assert f"nightside {verb}" in PAGE.read_text()
