"""A server for a small folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightside.viewer.server import Server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results with one file of 1000 bytes, beside a secret."""
    results = tmp_path / "results"
    (results / "thermal").mkdir(parents=True)
    (results / "thermal" / "map.tif").write_bytes(bytes(range(250)) * 4)
    (results / "thermal" / "empty.json").write_bytes(b"")
    (results / ".hidden").write_text("hidden")
    (results / "name with ä+%41.txt").write_text("odd")
    (tmp_path / "secret.txt").write_text("secret")
    (results / "out.txt").symlink_to(tmp_path / "secret.txt")
    (results / "above").symlink_to(tmp_path)
    (results / "inside.tif").symlink_to(results / "thermal" / "map.tif")
    return results


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[Server]:
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>the page")
    with Server(folder, page, {"view.json": b"{}"}) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()
