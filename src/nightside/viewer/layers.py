"""The layers of the page: the GeoTIFFs of a results folder, each with all that is needed to draw it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import rasterio
from pyproj import CRS

from nightside.store.geotiff import check_whole
from nightside.viewer.projections import key_of

DATA = "data"
"""Where the page finds the results folder, beside itself."""

GROUPS = {"optical": "Images of the dark", "thermal": "Thermal maps", "physics": "Heat model"}
"""Rooms whose ``cog`` folders hold maps, in the order of the page; another room's name is its own title."""

_SCALE_OF = (
    ("signal_std", "viridis"),
    ("signal", "gray"),
    ("anomaly", "inferno"),
    ("error", "inferno"),
    ("albedo", "gray"),
    ("mean_free", "berlin"),
    ("mean_unsure", "berlin"),
)
"""The first part of a layer's name that fits says its scale; viridis is that of all others."""

_PROBED = 512
"""Rows and columns, at most, that tell the range of a GeoTIFF which does not."""


def file_of(url: str) -> str:
    """Return the file or store of the results folder that a page's URL names."""
    return unquote(url.removeprefix(f"{DATA}/"))


def layers_of(results: Path, warnings: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the layers in the order of the page; of each file that cannot be shown ``warnings`` gets a line."""
    order = list(GROUPS)
    files = sorted(
        (
            p
            for p in results.glob("*/cog*/*.tif")
            if not p.name.startswith(".") and p.parent.suffix != ".partial"
        ),
        key=lambda p: (order.index(p.parts[-3]) if p.parts[-3] in order else len(order), p),
    )
    known: set[str] = set()
    for path in files:
        try:
            layer = _layer(path, results)
            if layer["id"] in known:  # two files of a folder say that they are the same
                layer["id"] += f" {path.stem}"
                layer["title"] += f" ({path.stem})"
            known.add(layer["id"])
            yield layer
        except (OSError, ValueError) as error:
            warnings.append(
                f"{path.relative_to(results)} cannot be shown ({error}); remove it and run its step again"
            )


def _layer(path: Path, results: Path) -> dict[str, Any]:
    check_whole(path)
    with rasterio.open(path) as raster:
        if raster.crs is None or (key := key_of(CRS.from_wkt(raster.crs.to_wkt()))) is None:
            raise ValueError("it lies in none of the page's projections")
        affine, nodata = raster.transform, raster.nodata
        if affine.b or affine.d:
            raise ValueError("its rows do not lie along its projection's axes: gdalwarp lays them so")
        if np.dtype(raster.dtypes[0]).kind == "c":
            raise ValueError("it has complex numbers")
        tags = raster.tags()
        scale, offset = float(raster.scales[0]), float(raster.offsets[0])
        low, high = (end * scale + offset for end in _shown_first(raster))
        name = raster.descriptions[0] or path.stem
        found = {
            "codes": raster.dtypes[0] in ("uint8", "int16", "uint16"),
            "nodata": nodata is not None,
            "units": raster.units[0] or "",
            "width": raster.width,
            "height": raster.height,
        }
    room, variant = path.parts[-3], path.parts[-2].removeprefix("cog").strip("_")
    return {
        "id": "/".join(part for part in (room, variant, name) if part),
        "group": GROUPS.get(room, room),
        "name": name,
        "variant": variant,
        "title": _title(name, variant),
        "about": tags.get("long_name", name),
        "url": f"{DATA}/{quote(path.relative_to(results).as_posix())}",
        "projection": key,
        "transform": list(affine)[:6],
        "scale": scale,
        "offset": offset,
        "minimum": min(low, high),
        "maximum": max(low, high),
        "colours": next((scale for part, scale in _SCALE_OF if part in name), "viridis"),
        **found,
    }


def _shown_first(raster: rasterio.DatasetReader) -> tuple[float, float]:
    """Return the range of values, as stored, that a layer is first shown in."""
    tags, bands = raster.tags(), raster.tags(1)
    told = [
        tags.get(f"display_{end}", bands.get(f"STATISTICS_{end.upper()}")) for end in ("minimum", "maximum")
    ]
    if told[0] is not None and told[1] is not None:
        return float(told[0]), float(told[1])
    shape = tuple(min(length, _PROBED) for length in raster.shape)
    values = raster.read(1, out_shape=shape, masked=True).compressed()
    values = values[np.isfinite(values)]
    return tuple(np.percentile(values, [2, 98]).tolist()) if values.size else (0.0, 1.0)


def _title(name: str, variant: str) -> str:
    words = name.replace("latent_mean_", "latent ").replace("latent_std_", "error of latent ")
    words = words.replace("_std", ", error").replace("_", " ")
    return f"{words} ({variant} calibration)" if variant else words
