"""Anomalies for the page: outlines in longitude and latitude, as GeoJSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nightside.query.anomalies import anomalies
from nightside.store import NotFinished, open_store

NOTHING: dict[str, Any] = {"type": "FeatureCollection", "features": []}


def outlines(results: Path, threshold: float, min_area_km2: float, warnings: list[str]) -> dict[str, Any]:
    """Return the anomalies of a results folder as GeoJSON; without maps, an empty one. Faults go to ``warnings``."""
    path = results / "thermal/maps.zarr"
    if not path.exists():
        return NOTHING
    try:
        found = anomalies(open_store(path, kind="maps"), threshold, min_area_km2)
    except NotFinished as error:
        warnings.append(str(error))
        return NOTHING
    # GeoJSON has no way to say that degrees are the Moon's; the page knows.
    geojson: dict[str, Any] = json.loads(found.set_crs(None, allow_override=True).to_json())
    return geojson
