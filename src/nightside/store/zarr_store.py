"""Zarr stores, format 3: written beside, renamed, then given their manifest."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from odc.geo.geobox import GeoBox
from zarr.codecs import ZstdCodec

from nightside import moon
from nightside._version import __version__
from nightside.config import Settings
from nightside.store.files import atomic_folder, own_folder, write_json
from nightside.store.grid import crs_of, is_equirectangular
from nightside.store.manifest import (
    FORMAT,
    NotFinished,
    digest,
    input_digests,
    manifest_path,
    read_manifest,
)

MAP_CHUNK = 128
"""Side of a chunk in pixels: one place through time and one map each touch few chunks."""


def write_store(
    dataset: xr.Dataset,
    path: Path,
    *,
    kind: str,
    settings: Settings,
    geobox: GeoBox | None = None,
    inputs: Sequence[Path] = (),
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write a dataset as a finished Zarr store.

    Args:
        dataset: variables with ``units`` and ``long_name``; dimensions y and x are the grid's.
        path: the store, ``X.zarr``.
        kind: what it is, such as "cube"; the reader may ask for it.
        settings: the configuration that made it.
        geobox: adds coordinates, CF ``spatial_ref`` and the GeoZarr ``spatial:``/``proj:`` attributes.
        inputs: files and stores it was made from; their digests are recorded.
        details: anything else worth keeping in the manifest.

    Raises:
        ValueError: a variable has no units or long_name, or ``path`` is an input or holds other files.
    """
    for name, variable in dataset.data_vars.items():
        if not {"units", "long_name"} <= set(variable.attrs):
            raise ValueError(f"variable '{name}' of {path.name} needs 'units' and 'long_name'")
    if path.resolve() in [source.resolve() for source in inputs]:
        raise ValueError(f"{path} is an input of this step; give another place for its output")
    if not (path / "zarr.json").exists():
        own_folder(path)
    if geobox is not None:
        dataset = georeference(dataset, geobox)
    manifest_path(path).unlink(missing_ok=True)
    with atomic_folder(path) as partial:
        dataset.to_zarr(partial, zarr_format=3, consolidated=False, encoding=_encoding(dataset))
        # The specification of format 3 does not know consolidated metadata yet; xarray and GDAL read it.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(str(partial))
    manifest = {
        "format": FORMAT,
        "kind": kind,
        "digest": digest(path),
        "nightside": __version__,
        "config_digest": settings.digest(),
        "seed": settings.seed,
        "inputs": input_digests(inputs),
        "variables": {
            str(name): {
                "dimensions": [str(d) for d in variable.dims],
                "shape": list(variable.shape),
                "units": variable.attrs["units"],
            }
            for name, variable in dataset.data_vars.items()
            if name != "spatial_ref"
        },
        "crs": None if geobox is None else crs_of(geobox).to_wkt(),
        "details": dict(details or {}),
    }
    write_json(manifest_path(path), manifest)


def open_store(path: Path, kind: str | None = None, geobox: GeoBox | None = None) -> xr.Dataset:
    """Open a finished store lazily, chunked as it is stored.

    Raises:
        NotFinished: it is absent, half-written, of another kind or, where ``geobox`` is given, on another grid.
    """
    manifest = read_manifest(path)
    if kind is not None and manifest["kind"] != kind:
        raise NotFinished(f"{path} is a '{manifest['kind']}', not a '{kind}'; give the right store")
    try:
        dataset: xr.Dataset = xr.open_zarr(path, consolidated=True, decode_coords="all")
    except (OSError, ValueError, KeyError) as error:
        raise NotFinished(
            f"{path} was finished but has been damaged since ({error}); remove it and run its step again"
        ) from error
    if geobox is not None:
        _same_grid(path, dataset, geobox)
    return dataset


def _same_grid(path: Path, dataset: xr.Dataset, geobox: GeoBox) -> None:
    found, wanted = dataset.attrs, georeference(xr.Dataset(), geobox).attrs
    if any(found.get(key) != wanted[key] for key in ("spatial:shape", "spatial:transform", "proj:wkt2")):
        raise NotFinished(
            f"{path} lies on another grid than the configured region; give the configuration that made it, or "
            "run its step again with this one"
        )


def georeference(dataset: xr.Dataset, geobox: GeoBox) -> xr.Dataset:
    """Return the dataset with its CRS and the coordinates of the pixel centres attached."""
    crs = crs_of(geobox)
    x = (geobox.affine.c + (np.arange(geobox.shape[1]) + 0.5) * geobox.affine.a).astype(np.float64)
    y = (geobox.affine.f + (np.arange(geobox.shape[0]) + 0.5) * geobox.affine.e).astype(np.float64)
    a = geobox.affine
    reference = crs.to_cf()
    reference["spatial_ref"] = crs.to_wkt()
    reference["GeoTransform"] = f"{a.c} {a.a} {a.b} {a.f} {a.d} {a.e}"
    reference["long_name"], reference["units"] = "coordinate reference system", "1"
    out = dataset.assign_coords(
        x=("x", x, {"units": "m", "long_name": "easting", "standard_name": "projection_x_coordinate"}),
        y=("y", y, {"units": "m", "long_name": "northing", "standard_name": "projection_y_coordinate"}),
        spatial_ref=((), 0, reference),
    )
    for name in out.data_vars:
        if {"y", "x"} <= set(out[name].dims):
            out[name].attrs["grid_mapping"] = "spatial_ref"
    bounds = geobox.boundingbox
    out.attrs |= {
        "Conventions": "CF-1.11",
        "spatial:dimensions": ["y", "x"],
        "spatial:transform": [a.a, a.b, a.c, a.d, a.e, a.f],
        "spatial:shape": list(geobox.shape),
        "spatial:bbox": [bounds.left, bounds.bottom, bounds.right, bounds.top],
        "proj:wkt2": crs.to_wkt(),
        "iau_code": crs_code(geobox),
    }
    return out


def crs_code(geobox: GeoBox) -> str:
    """Return the IAU_2015 code of a grid, which a GeoTIFF would lose."""
    if is_equirectangular(geobox):
        return moon.EQUIRECTANGULAR_CODE
    north = crs_of(geobox).to_dict().get("lat_0", 90) > 0
    return moon.NORTH_POLAR_CODE if north else moon.SOUTH_POLAR_CODE


def _encoding(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    encoding = {}
    for name, variable in dataset.data_vars.items():
        chunks = tuple(min(MAP_CHUNK, n) if d in ("y", "x") else n for d, n in variable.sizes.items())
        encoding[str(name)] = {"chunks": chunks, "compressors": [ZstdCodec(level=3)]} if variable.ndim else {}
    return encoding
