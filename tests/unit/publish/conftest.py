"""A run in small: a map at Tycho with its GeoTIFF, a mosaic on the pole, and the image that it was made from."""

import shutil

import numpy as np
import pystac.validation
import pytest
import xarray as xr
from pystac.validation import RegisteredValidator
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from nightside.config import Region, load
from nightside.publish.item import FILE, PROJECTION, RASTER, SSYS
from nightside.store import Band, grid_of, open_store, write_cogs, write_parts, write_store


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    results = tmp_path_factory.mktemp("run") / "results/test"
    region = {"longitude_deg": 348.67, "latitude_deg": -43.29, "width_km": 4, "pixels_per_degree": 128}
    diviner = {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"}
    settings = load({"name": "test", "region": region, "diviner": diviner, "synthetic": {}})
    results.mkdir(parents=True)
    (results / "config.yaml").write_text(settings.to_yaml())
    (results / "report.html").write_text("<p>report</p>")
    _thermal(results / "thermal", settings)
    _optical(results / "optical", settings)
    return results, settings


@pytest.fixture
def run(made_once, tmp_path):
    """Return a copy of the run that a test may damage, and its configuration."""
    results, settings = made_once
    return shutil.copytree(results, tmp_path / "results/test"), settings


def _thermal(room, settings):
    grid = grid_of(settings.region)
    meta = {"units": "K", "long_name": "temperature"}
    day = np.random.default_rng(1).normal(200, 50, (*grid.shape, 4)).astype(np.float32)
    cube = xr.Dataset({"t": (("y", "x", "local_time"), day, meta)})
    write_store(cube, room / "cube.zarr", kind="cube", settings=settings, geobox=grid)
    maps = xr.Dataset({"mean": (("y", "x"), day.mean(axis=2), meta)})
    store = room / "maps.zarr"
    inputs = [room / "cube.zarr"]
    write_store(maps, store, kind="maps", settings=settings, geobox=grid, inputs=inputs)
    write_cogs(
        [(day.mean(axis=2), Band("mean", "mean", "K", 2.0, 1.0))],
        grid,
        room / "cog",
        room / "cog.json",
        store,
    )
    (room / "evaluation.json").write_text("{}")


def _optical(room, settings):
    meta = {"units": "DN", "long_name": "signal"}
    for name, year in (("M103595705LE", 2009), ("M243633951RE", 2014)):
        strip = xr.Dataset(
            {"signal": (("line", "sample"), np.ones((20, 30), np.float32) * year, meta)},
            attrs={"start_time": f"{year}-02-03T04:05:06.000", "stop_time": f"{year}-02-03T04:05:07.500"},
        )
        write_store(strip, room / f"denoised/{name}.zarr", kind="nac_denoised", settings=settings)
    polar = {"projection": "polar_stereographic", "longitude_deg": 0, "latitude_deg": -90, "pixel_m": 10}
    grid = grid_of(Region(width_km=3.0, **polar))

    def make(window):
        shape = tuple(window[d].stop - window[d].start for d in "yx")
        return xr.Dataset({"signal": (("y", "x"), np.ones(shape, np.float32), meta)})

    inputs = sorted(room.glob("denoised/*.zarr"))
    write_parts(
        room / "mosaic.zarr", make, kind="nac_mosaic", settings=settings, geobox=grid, inputs=inputs,
        overviews=True,
    )  # fmt: skip
    signal = open_store(room / "mosaic.zarr")["signal"].to_numpy()
    layers = [(signal, Band("signal", "signal", "DN"))]
    write_cogs(layers, grid, room / "cog", room / "cog.json", room / "mosaic.zarr")
    scenes = xr.Dataset({"radiance": (("scene", "line", "sample"), np.ones((1, 8, 8), np.float32), meta)})
    write_store(scenes, room / "scenes.zarr", kind="nac_scenes", settings=settings)


def _numbers(*lengths):
    return {
        "type": "array",
        "items": {"type": "number"},
        "anyOf": [{"minItems": n, "maxItems": n} for n in lengths],
    }


FIELDS = {
    FILE: (
        "file",
        {
            "file:checksum": {"type": "string", "pattern": "^[a-f0-9]+$"},
            "file:size": {"type": "integer", "minimum": 0},
        },
    ),
    SSYS: (
        "ssys",
        {
            "ssys:targets": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "ssys:target_class": {"enum": ["planet", "satellite", "comet", "asteroid"]},
        },
    ),
    RASTER: ("raster", {"raster:scale": {"type": "number"}, "raster:offset": {"type": "number"}}),
    PROJECTION: (
        "proj",
        {
            "proj:code": {"type": ["string", "null"]},
            "proj:wkt2": {"type": ["string", "null"]},
            "proj:bbox": _numbers(4, 6),
            "proj:transform": _numbers(6, 9),
            "proj:shape": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}},
        },
    ),
}
"""What the published schemas of the STAC extensions demand of the fields that the catalogue uses, restated.

From the schemas of stac-extensions: file v2.1.0, ssys v1.1.0, raster v2.0.0 and projection v2.0.0 (there ``proj:code`` is
text, "authority:code"). Each refuses fields of its prefix that it does not know.
"""


@pytest.fixture
def offline():
    """Pystac validates by its own copies of STAC's and GeoJSON's schemas, and by the fields below; no network."""
    kept = RegisteredValidator.get_validator()
    validator = JsonSchemaSTACValidator()
    for uri, (prefix, properties) in FIELDS.items():
        fields = {
            "type": "object",
            "properties": properties,
            "patternProperties": {f"^(?!{prefix}:)": {}},
            "additionalProperties": False,
        }
        assets = {"type": "object", "additionalProperties": fields}
        validator.schema_cache[uri] = {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": uri,
            "type": "object",
            "required": ["stac_extensions"],
            "properties": {
                "stac_extensions": {"contains": {"const": uri}},
                "properties": fields,
                "assets": assets,
            },
        }
    pystac.validation.set_validator(validator)
    yield
    pystac.validation.set_validator(kept)
