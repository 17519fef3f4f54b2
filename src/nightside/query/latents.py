"""Latents in the units of the factors that they follow, and maps as single layers, each with its units.

A store keeps latents normalised, as the decoder takes them, with ``latent_centre``, ``latent_scale`` and ``latent_units``
as attributes of ``latent_mean``. Whoever asks gets what they mean, as a GeoTIFF and the web map tell it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from nightside.store.template import missing_code

_OF_A_LAYER = ("y", "x", "local_time", "place")


def physical(maps: xr.Dataset) -> xr.Dataset:
    """Return maps whose ``latent_mean`` is centre + scale z, and ``latent_std`` scale times that of z.

    The coordinate ``latent_units`` (latent) has their units, and the attributes that made them are gone; a latent that
    bears no factor's name has centre 0, scale 1 and units 1. Values become float64, lazily where they are dask's. What
    has no such attributes is returned as it is.
    """
    if "latent_mean" not in maps or "latent_scale" not in maps["latent_mean"].attrs:
        return maps
    about = maps["latent_mean"].attrs
    scale, centre = (
        xr.DataArray(np.array(about[f"latent_{key}"]), dims="latent") for key in ("scale", "centre")
    )
    units = np.array(about["latent_units"], np.dtypes.StringDType())  # as zarr has text
    out = maps.assign_coords(latent_units=("latent", units, {"long_name": "units of the latent"}))
    for name, offset in (("latent_mean", centre), ("latent_std", 0.0)):
        if name in maps:
            made = maps[name] * scale + offset
            made.attrs = {"long_name": maps[name].attrs.get("long_name", name)}
            out[name] = made
    return out


def layers(maps: xr.Dataset) -> Iterator[tuple[str, xr.DataArray, str]]:
    """Yield name, values and units of each layer: ``anomaly_score``, ``latent_mean[onset]`` and so on.

    A code that stands for no data, see ``missing_code``, is NaN.
    """
    for name, stored in maps.data_vars.items():
        missing = missing_code(stored)
        variable = stored if missing is None else stored.where(stored != missing)
        units = variable.attrs.get("units", "")
        parts = [dimension for dimension in variable.dims if dimension not in _OF_A_LAYER]
        if not parts:
            yield str(name), variable, units
            continue
        (dimension,) = parts
        count = variable.sizes[dimension]
        labels = variable[dimension].to_numpy() if dimension in variable.coords else range(count)
        each = variable["latent_units"].to_numpy() if "latent_units" in variable.coords else [units] * count
        for k in range(count):
            yield f"{name}[{labels[k]}]", variable.isel({dimension: k}), str(each[k])


def column(latent: str, units: str) -> str:
    """Return the name of a latent's column, its units at the end as everywhere: ``latent_absorbed_flux_w_m2``."""
    suffix = "" if units in ("1", "") else f"_{units.lower().replace('-', '').replace(' ', '_')}"
    return f"latent_{latent}{suffix}"
