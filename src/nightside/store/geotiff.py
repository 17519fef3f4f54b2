"""Cloud-Optimised GeoTIFF: the form in which a map opens in any GIS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside._version import __version__
from nightside.store.files import atomic_file
from nightside.store.georeference import crs_code
from nightside.store.grid import crs_of


def write_cog(
    values: NDArray[np.float32], geobox: GeoBox, path: Path, *, name: str, long_name: str, units: str
) -> None:
    """Write one map as a COG with overviews, its CRS, units and a colour-ready range.

    The band's statistics are stored, which a GIS uses for its first stretch, and the 2nd and 98th
    percentile as the tags ``display_minimum`` and ``display_maximum``.

    Args:
        values: shape (y, x); NaN where there is no data.
        geobox: the grid of ``values``.
        path: the file, ``X.tif``.
        name: the variable, kept as the band's description.
        long_name: what it is, in words.
        units: UDUNITS string.

    Raises:
        ValueError: the shapes of values and grid differ.
    """
    import rasterio
    from rasterio.shutil import copy

    if values.shape != tuple(geobox.shape):
        raise ValueError(f"{path.name}: values have shape {values.shape}, the grid {tuple(geobox.shape)}")
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "height": values.shape[0],
        "width": values.shape[1],
        "crs": crs_of(geobox).to_wkt(),
        "transform": geobox.affine,
        "nodata": float("nan"),
    }
    finite = values[np.isfinite(values)]
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as band:
            band.write(values.astype(np.float32), 1)
            band.set_band_description(1, name)
            band.set_band_unit(1, units)
            band.update_tags(
                long_name=long_name, iau_code=crs_code(geobox), software=f"nightside {__version__}"
            )
            if finite.size:
                low, high = np.percentile(finite, [2, 98])
                band.update_tags(display_minimum=f"{low:.6g}", display_maximum=f"{high:.6g}")
        # Written by Python: GDAL does not tell a full disk from other faults.
        with atomic_file(path) as partial, memory.open() as band, rasterio.MemoryFile(ext=".tif") as cog:
            copy(
                band,
                cog.name,
                driver="COG",
                COMPRESS="ZSTD",
                PREDICTOR="YES",
                OVERVIEWS="AUTO",
                STATISTICS="YES" if finite.size else "NO",
            )
            partial.write_bytes(cog.read())
