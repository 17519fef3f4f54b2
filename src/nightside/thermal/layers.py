"""The maps of a region as single layers, each with its name and units: what becomes a file each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.store import Band


def layers(maps: xr.Dataset) -> Iterator[tuple[NDArray[np.float32], Band]]:
    """Yield values (y, x) and band of each map that ``mapping.map_with`` made.

    A latent that follows a factor keeps its own values, with the scale and offset that make the factor of them, in
    its units: a GIS that applies those shows hours, W m-2 or the logarithm of metres.
    """
    mean = maps["latent_mean"]
    for name, variable in maps.data_vars.items():
        meaning = variable.attrs["long_name"]
        if "latent" not in variable.dims:
            yield variable.to_numpy(), Band(str(name), meaning, variable.attrs["units"])
            continue
        for k, latent in enumerate(maps["latent"].to_numpy()):
            units, scale, offset = (mean.attrs[f"latent_{key}"][k] for key in ("units", "scale", "centre"))
            band = Band(
                f"{name}_{latent}",
                f"{meaning}, latent {k + 1} ({latent})",
                units,
                scale=scale,
                offset=offset if name == mean.name else 0.0,
            )
            yield variable.isel(latent=k).to_numpy(), band
