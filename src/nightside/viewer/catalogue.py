"""``view.json``: what a results folder holds, so that a browser need not list folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from warnings import catch_warnings, simplefilter

import numpy as np
import rasterio
import xarray as xr
from pyproj import CRS
from pyproj.exceptions import ProjError

from nightside import moon
from nightside._version import __version__
from nightside.store import NotFinished, open_store
from nightside.store.geotiff import check_whole
from nightside.store.grid import from_lonlat
from nightside.store.links import broken_links
from nightside.store.manifest import fault_of

DATA = "data"
"""Where the page finds the results folder, beside itself."""

GROUPS = {"optical": "Images of the dark", "thermal": "Thermal maps", "physics": "Heat model"}
"""Rooms whose ``cog`` folders hold maps, in the order of the page; another room's name is its own title."""

MAPS = {
    "equirectangular": ("Near side", moon.EQUIRECTANGULAR_CODE),
    "farside": ("Far side", moon.FARSIDE_EQUIRECTANGULAR_CODE),
    "north": ("North pole", moon.NORTH_POLAR_CODE),
    "south": ("South pole", moon.SOUTH_POLAR_CODE),
}
"""The projections of the page: key, title and code of the CRS."""

_PLACES = ([0.0, 70.0, 170.0, -100.0], [0.0, 30.0, -60.0, 75.0])

SCALES = ("viridis", "inferno", "cividis", "gray", "berlin")
"""Colour scales, uniform to the eye; the last one diverges from a dark middle."""

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

_CHECKED_FILES, _CHECKED_BYTES = 2000, 1_000_000_000
"""A store with fewer files and bytes is compared with its manifest before it is shown: a second or two."""


def catalogue(results: Path) -> dict[str, Any]:
    """Return all that the page needs to know of a results folder, as JSON; paths are relative to the page.

    A layer's ``minimum`` and ``maximum`` are the file's display range, in the units of ``scale`` x value + ``offset``.
    What cannot be shown is named in ``warnings``; the rest is shown.

    Raises:
        NotFinished: the folder is none, or holds no map.
    """
    if not results.is_dir():
        raise NotFinished(f"{results} is no folder; give the results of a run, such as results/demo")
    warnings = list(broken_links(results, (path.name for path in results.iterdir())).values())
    layers = list(_layers(results, warnings))
    if not layers:
        raise NotFinished(
            f"{results} holds no maps (*/cog/*.tif); run the workflow to its end, or give the folder of a run. "
            + " ".join(warnings)
        )
    return {
        "nightside": __version__,
        "name": results.resolve().name,
        "radius_m": moon.RADIUS_M,
        "projections": {key: _projection(title, code) for key, (title, code) in MAPS.items()},
        "scales": {name: _colours(name) for name in SCALES},
        "layers": layers,
        "compare": _pair(layers),
        "profiles": _profiles(results, warnings),
        "warnings": warnings,
    }


def file_of(url: str) -> str:
    """Return the file or store of the results folder that a page's URL names."""
    return unquote(url.removeprefix(f"{DATA}/"))


def files_of(view: dict[str, Any]) -> list[str]:
    """Return the files and stores, relative to the results folder, that a catalogue names."""
    names = [layer["url"] for layer in view["layers"]]
    profiles = view["profiles"]
    if profiles is not None:
        names.append(profiles["url"])
        if profiles["model"] is not None:
            names += [profiles["model"]["maps"], profiles["model"]["weights"]]
    return [file_of(name) for name in names]


def _projection(title: str, code: str) -> dict[str, Any]:
    with catch_warnings():
        # proj4js knows these terms; the warning is of what WKT says beyond them, here names only.
        simplefilter("ignore", UserWarning)
        return {"title": title, "code": code, "proj4": str(moon.crs(code).to_proj4())}


def _key(crs: CRS) -> str | None:
    """Return which of ``MAPS`` a CRS is: by where places lie, because a GeoTIFF loses its code and rewrites its terms."""
    for key, (_, code) in MAPS.items():
        try:
            here, there = (from_lonlat(c).transform(*_PLACES) for c in (moon.crs(code), crs))
        except ProjError:  # of another body, or of none
            return None
        if np.allclose(here, there, rtol=0.0, atol=1e-3):
            return key
    return None


def _colours(name: str) -> list[str]:
    """Return 256 colours from low to high, as ``#rrggbb``."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colour) for colour in colormaps[name](np.arange(256))]


def _layers(results: Path, warnings: list[str]) -> Iterator[dict[str, Any]]:
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
        if raster.crs is None or (key := _key(CRS.from_wkt(raster.crs.to_wkt()))) is None:
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


def _pair(layers: list[dict[str, Any]]) -> list[str] | None:
    """Return the layers before and after: the mosaic of the standard calibration, and nightside's."""
    found = {layer["variant"]: layer["id"] for layer in layers if layer["name"] == "signal"}
    return [found["standard"], found[""]] if {"standard", ""} <= set(found) else None


def _profiles(results: Path, warnings: list[str]) -> dict[str, Any] | None:
    """Return where the profiles are, and what reconstructs them."""
    path = results / "thermal/profiles.zarr"
    if not path.exists():
        return None
    try:
        profiles = _whole(path, "profiles")
    except NotFinished as error:
        warnings.append(str(error))
        return None
    return {**_grid(profiles, path, results), "model": _model(results, warnings)}


def _whole(path: Path, kind: str) -> xr.Dataset:
    """Open a store; one of up to ``_CHECKED_BYTES`` is compared with its manifest, so that half a copy is found out.

    Raises:
        NotFinished: see ``open_store``, or the store is not what its manifest says.
    """
    dataset = open_store(path, kind=kind)
    sizes = [p.stat().st_size for p in islice(path.rglob("*"), _CHECKED_FILES)]
    small = len(sizes) < _CHECKED_FILES and sum(sizes) < _CHECKED_BYTES
    if small and (fault := fault_of(path)):
        raise NotFinished(fault)
    return dataset


def _grid(dataset: xr.Dataset, path: Path, results: Path) -> dict[str, Any]:
    affine = [float(part) for part in dataset.spatial_ref.attrs["GeoTransform"].split()]
    c, a, b, f, d, e = affine
    return {
        "url": f"{DATA}/{path.relative_to(results).as_posix()}",
        "projection": _key(CRS.from_wkt(dataset.spatial_ref.attrs["spatial_ref"])),
        "transform": [a, b, c, d, e, f],
        "width": dataset.sizes["x"],
        "height": dataset.sizes["y"],
    }


def _model(results: Path, warnings: list[str]) -> dict[str, Any] | None:
    """Return the autoencoder whose decoder the page runs: weights, sizes, and what its latents are."""
    folder, maps = results / "thermal/model", results / "thermal/maps.zarr"
    if not (folder / "model.json").is_file() or not maps.exists():
        return None
    try:
        mean = _whole(maps, "maps")["latent_mean"]
        card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        network = {key: int(card["network"][key]) for key in ("local_times", "latents", "width")}
    except (NotFinished, KeyError, ValueError) as error:
        warnings.append(f"profiles are shown without their reconstruction: {error}")
        return None
    named = {key: list(mean.attrs[f"latent_{key}"]) for key in ("units", "centre", "scale")}
    return {
        "weights": f"{DATA}/thermal/model/model.safetensors",
        "maps": f"{DATA}/thermal/maps.zarr",
        **network,
        "names": [str(name) for name in mean["latent"].to_numpy()],
        **named,
    }
