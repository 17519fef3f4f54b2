"""Cloud-Optimised GeoTIFF: the form in which a map opens in any GIS."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside._version import __version__
from nightside.store.files import atomic_file, atomic_folder, own_folder, write_json
from nightside.store.grid import crs_code, crs_of
from nightside.store.manifest import provenance


@dataclass(frozen=True)
class Band:
    """What a map is: ``name`` of the variable, ``long_name`` in words, and UDUNITS ``units`` of scale x value + offset.

    ``comment`` says what else has to be known of it; ``codes`` what each value means, where they are codes. Both are kept as
    tags, the latter as CF's ``flag_values`` and ``flag_meanings``, and in the image's description.
    """

    name: str
    long_name: str
    units: str
    scale: float = 1.0
    offset: float = 0.0
    comment: str = ""
    codes: Mapping[int, str] = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, str]:
        """What a GeoTIFF keeps of it, but for name, units, scale and offset."""
        tags, description = {"long_name": self.long_name}, self.long_name
        if self.comment:
            tags["comment"] = self.comment
            description += f"; {self.comment}"
        if self.codes:
            tags["flag_values"] = " ".join(map(str, self.codes))
            tags["flag_meanings"] = " ".join(self.codes.values())
            description += ": " + ", ".join(f"{code} {meaning}" for code, meaning in self.codes.items())
        # Of TIFF itself, and therefore ASCII.
        return tags | {"TIFFTAG_IMAGEDESCRIPTION": description.encode("ascii", "replace").decode()}


PROVENANCE = "nightside_provenance"
"""The tag of a GeoTIFF that holds, as JSON, which store it was made from, and how."""


def write_cog(
    values: NDArray[Any],
    geobox: GeoBox,
    path: Path,
    band: Band,
    made_from: Mapping[str, Any] | None = None,
) -> None:
    """Write one map as a COG with overviews, its CRS, units and a colour-ready range.

    Overviews are made as a store's are: numbers averaged, whole numbers by the most frequent.

    The band's statistics are stored, which a GIS uses for its first stretch, and the 2nd and 98th
    percentile as the tags ``display_minimum`` and ``display_maximum``; both are of the values as stored, before
    scale and offset.

    Args:
        values: shape (y, x); NaN where there is no data. Whole numbers of 8 and 16 bits keep their type, all of them
            data: codes of quality, counts. Anything else becomes float32.
        geobox: the grid of ``values``.
        path: the file, ``X.tif``.
        band: what it is; its name is kept as the band's description.
        made_from: the provenance of the values, see ``manifest.provenance``; it becomes the tag ``nightside_provenance``.

    Raises:
        ValueError: the shapes of values and grid differ.
    """
    import rasterio
    from rasterio.shutil import copy

    if values.shape != tuple(geobox.shape):
        raise ValueError(f"{path.name}: values have shape {values.shape}, the grid {tuple(geobox.shape)}")
    codes = values.dtype in (np.uint8, np.int16, np.uint16)
    profile = {
        "driver": "GTiff",
        "dtype": values.dtype.name if codes else "float32",
        "count": 1,
        "height": values.shape[0],
        "width": values.shape[1],
        "crs": crs_of(geobox).to_wkt(),
        "transform": geobox.affine,
        "nodata": None if codes else float("nan"),
    }
    finite = values[np.isfinite(values)]
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(values if codes else values.astype(np.float32), 1)
            raster.set_band_description(1, band.name)
            raster.set_band_unit(1, band.units)
            if (band.scale, band.offset) != (1.0, 0.0):
                raster.scales, raster.offsets = (band.scale,), (band.offset,)
            raster.update_tags(**band.tags, iau_code=crs_code(geobox), software=f"nightside {__version__}")
            if made_from is not None:
                raster.update_tags(**{PROVENANCE: json.dumps(made_from)})
            if finite.size:
                low, high = np.percentile(finite, [2, 98])
                raster.update_tags(display_minimum=f"{low:.6g}", display_maximum=f"{high:.6g}")
        # Written by Python: GDAL does not tell a full disk from other faults.
        with atomic_file(path) as partial, memory.open() as raster, rasterio.MemoryFile(ext=".tif") as cog:
            copy(
                raster,
                cog.name,
                driver="COG",
                COMPRESS="ZSTD",
                PREDICTOR="YES",
                OVERVIEWS="AUTO",
                OVERVIEW_RESAMPLING="MODE" if codes else "AVERAGE",
                STATISTICS="YES" if finite.size else "NO",
            )
            partial.write_bytes(cog.read())


def write_cogs(
    layers: Iterable[tuple[NDArray[Any], Band]], geobox: GeoBox, folder: Path, listing: Path, store: Path
) -> None:
    """Write the maps of a store as one folder of COGs, each called after its band; what was there is replaced.

    Args:
        layers: values (y, x) and what they are.
        geobox: their grid.
        folder: where the COGs go.
        listing: a JSON that lists them and names the store.
        store: where the layers come from; each COG bears its provenance.

    Raises:
        NotFinished: the store is not.
        ValueError: the folder holds files of others, or a map does not fit the grid.
    """
    made_from = provenance(store)
    own_folder(folder, "*.tif")
    listing.unlink(missing_ok=True)
    names = []
    with atomic_folder(folder) as partial:
        for values, band in layers:
            names.append(f"{band.name}.tif")
            write_cog(values, geobox, partial / names[-1], band, made_from)
    write_json(listing, {"folder": folder.name, "store": store.name, "files": names})
