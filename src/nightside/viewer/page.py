"""The page's files for one results folder: served, or written into a folder for any web server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from nightside.store.files import atomic_folder
from nightside.viewer.anomalies import outlines
from nightside.viewer.catalogue import catalogue, files_of
from nightside.viewer.layers import DATA
from nightside.viewer.links import within

PAGE = Path(__file__).parent / "static"
"""The bundle, which ``make viewer`` builds from ``web``."""


def page_files(
    results: Path, threshold: float, min_area_km2: float, *, copied: bool = False
) -> dict[str, bytes]:
    """Return the files that are made for a results folder: ``view.json`` and ``anomalies.geojson``.

    Args:
        results: the folder.
        threshold: score from which ground is outlined.
        min_area_km2: of the smallest anomaly.
        copied: whether the files are copied, so that links out of the folder can be followed; the server does not.

    Raises:
        NotFinished: the folder holds nothing to show.
    """
    view = catalogue(results) if copied else within(catalogue(results), results)
    made: dict[str, Any] = {"anomalies.geojson": outlines(results, threshold, min_area_km2, view["warnings"])}
    made["view.json"] = view
    return {name: json.dumps(content, allow_nan=False).encode() for name, content in made.items()}


def export(results: Path, made: dict[str, bytes], folder: Path) -> None:
    """Write page, catalogue and the maps and stores it names into a folder; one written before is replaced.

    Raises:
        ValueError: the folder holds something else, or lies within the results.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "view.json").is_file():
        raise ValueError(f"{folder} holds other files; give a new folder, or one that was exported before")
    if results.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{folder} holds the results themselves; give a folder beside them")
    with atomic_folder(folder) as partial:
        for path in PAGE.iterdir():
            shutil.copyfile(path, partial / path.name)
        for name, content in made.items():
            (partial / name).write_bytes(content)
        for name in files_of(json.loads(made["view.json"])):
            source, target = results / name, partial / DATA / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
