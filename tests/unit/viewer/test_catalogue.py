"""What the page is told of a results folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.store import Band, write_cog
from nightside.viewer.catalogue import catalogue

GRID = GeoBox((900, 1100), Affine(240.0, 0, 0, 0, -240.0, 0), moon.crs(moon.EQUIRECTANGULAR_CODE).to_wkt())


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two maps of some blocks each."""
    values = np.random.default_rng(1).normal(size=GRID.shape).astype(np.float32)
    for name in ("whole", "cut"):
        write_cog(values, GRID, tmp_path / f"thermal/cog/{name}.tif", Band(name, name, "K"))
    return tmp_path


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_a_map_whose_copy_ended_early_is_named_and_not_shown(results: Path, kept: float) -> None:
    """GDAL opens such a file, and the browser would draw zeros."""
    cut = results / "thermal/cog/cut.tif"
    cut.write_bytes(cut.read_bytes()[: int(kept * cut.stat().st_size)])
    view = catalogue(results)
    assert [layer["name"] for layer in view["layers"]] == ["whole"]
    (warning,) = view["warnings"]
    assert "thermal/cog/cut.tif cannot be shown" in warning
    assert "bytes" in warning


def test_whole_maps_are_shown_without_a_word(results: Path) -> None:
    view = catalogue(results)
    assert {layer["name"] for layer in view["layers"]} == {"whole", "cut"}
    assert view["warnings"] == []
