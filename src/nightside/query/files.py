"""A region as a file: Zarr as the results are, or netCDF."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nightside.store import MAP_CHUNK, atomic_file, atomic_folder


def write_region(tree: xr.DataTree, path: Path) -> None:
    """Write the windows of a region, product by product as groups, as ``.zarr`` or ``.nc``.

    Raises:
        ValueError: the file is called otherwise, or exists.
    """
    if path.suffix.lower() not in (".zarr", ".nc"):
        raise ValueError(f"{path}: give a name that ends in .zarr, or in .nc for netCDF")
    if path.exists():
        raise ValueError(f"{path} exists; remove it, or give another name")
    if path.suffix.lower() == ".zarr":
        whole = tree.chunk({"y": MAP_CHUNK, "x": MAP_CHUNK})
        with atomic_folder(path) as partial, warnings.catch_warnings():
            # The specification of format 3 does not know consolidated metadata yet; xarray and GDAL read it.
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            whole.to_zarr(partial, zarr_format=3, consolidated=True)
        return
    with atomic_file(path) as partial:
        tree.map_over_datasets(_for_netcdf).to_netcdf(partial, engine="h5netcdf")


def _for_netcdf(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset with attributes and text that netCDF can hold."""
    out = dataset.copy()
    out.attrs = {name: _plain(value) for name, value in out.attrs.items()}
    for name in out.variables:
        out[name].attrs = {key: _plain(value) for key, value in out[name].attrs.items()}
        if out[name].dtype.kind in "TO":
            out[name] = (out[name].dims, out[name].to_numpy().astype(object), out[name].attrs)
    return out


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, np.ndarray, np.generic)) and not isinstance(value, bool):
        return value
    if isinstance(value, list) and value and all(type(v) in (int, float) for v in value):
        return value
    return json.dumps(value)
