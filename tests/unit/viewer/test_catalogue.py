"""What the page is told of a results folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.store import Band, write_cog
from nightside.viewer.catalogue import catalogue, files_of

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


def odd(folder: Path, name: str, crs: str, transform: Affine, dtype: str = "float32") -> Path:
    """Write a GeoTIFF as another program might: no tags, no statistics."""
    path = folder / f"thermal/cog/{name}.tif"
    values = np.linspace(100.0, 300.0, 100).reshape(10, 10).astype(dtype)
    with rasterio.open(
        path, "w", driver="GTiff", dtype=dtype, count=1, height=10, width=10, crs=crs, transform=transform
    ) as raster:
        raster.write(values, 1)
    return path


MOON, STRAIGHT = moon.crs(moon.EQUIRECTANGULAR_CODE).to_wkt(), Affine(1000.0, 0, 0, 0, -1000.0, 0)


@pytest.mark.parametrize(
    ("crs", "transform", "dtype", "word"),
    [
        ("EPSG:4326", Affine(0.1, 0, 0, 0, -0.1, 0), "float32", "none of the page's projections"),
        ("EPSG:3857", STRAIGHT, "float32", "none of the page's projections"),
        ("IAU_2015:49910", STRAIGHT, "float32", "none of the page's projections"),
        ('LOCAL_CS["plan",UNIT["metre",1]]', STRAIGHT, "float32", "none of the page's projections"),
        (MOON, STRAIGHT * Affine.rotation(20.0), "float32", "along its projection's axes"),
        (MOON, STRAIGHT, "complex64", "complex numbers"),
    ],
)
def test_a_map_that_cannot_be_drawn_right_is_named_and_the_rest_shown(
    results: Path, crs: str, transform: Affine, dtype: str, word: str
) -> None:
    """Of the Earth, of Mars, of nothing; turned; complex."""
    odd(results, "odd", crs, transform, dtype)
    view = catalogue(results)
    assert {layer["name"] for layer in view["layers"]} == {"whole", "cut"}
    (warning,) = view["warnings"]
    assert "thermal/cog/odd.tif cannot be shown" in warning
    assert word in warning


def test_a_map_without_a_range_is_shown_in_that_of_its_values(results: Path) -> None:
    odd(results, "plain", MOON, STRAIGHT)
    layer = next(layer for layer in catalogue(results)["layers"] if layer["name"] == "plain")
    assert (layer["minimum"], layer["maximum"]) == pytest.approx((104.0, 296.0))


def test_two_files_that_say_they_are_one_are_two_layers(results: Path) -> None:
    (results / "thermal/cog/again.tif").write_bytes((results / "thermal/cog/whole.tif").read_bytes())
    layers = catalogue(results)["layers"]
    assert len({layer["id"] for layer in layers}) == len({layer["title"] for layer in layers}) == 3


def test_a_name_with_signs_of_urls_is_encoded_in_its_url_alone(results: Path) -> None:
    (results / "thermal/cog/cut.tif").rename(results / "thermal/cog/50% #2?.tif")
    view = catalogue(results)
    assert "data/thermal/cog/50%25%20%232%3F.tif" in {layer["url"] for layer in view["layers"]}
    assert "thermal/cog/50% #2?.tif" in files_of(view)
