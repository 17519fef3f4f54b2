"""``view.json``: what a results folder holds, so that a browser need not list folders."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pyproj import CRS

from nightside import moon
from nightside._version import __version__
from nightside.formats.model_files import CARD, WEIGHTS
from nightside.store import NotFinished, open_store
from nightside.store.links import broken_links
from nightside.store.manifest import fault_of
from nightside.viewer.layers import DATA, file_of, layers_of
from nightside.viewer.projections import MAPS, described, key_of

SCALES = ("viridis", "inferno", "cividis", "gray", "berlin")
"""Colour scales, uniform to the eye; the last one diverges from a dark middle."""

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
    layers = list(layers_of(results, warnings))
    if not layers:
        raise NotFinished(
            f"{results} holds no maps (*/cog/*.tif); run the workflow to its end, or give the folder of a run. "
            + " ".join(warnings)
        )
    return {
        "nightside": __version__,
        "name": results.resolve().name,
        "radius_m": moon.RADIUS_M,
        "projections": {key: described(title, code) for key, (title, code) in MAPS.items()},
        "scales": {name: _colours(name) for name in SCALES},
        "layers": layers,
        "compare": _pair(layers),
        "profiles": _profiles(results, warnings),
        "warnings": warnings,
    }


def files_of(view: dict[str, Any]) -> list[str]:
    """Return the files and stores, relative to the results folder, that a catalogue names."""
    names = [layer["url"] for layer in view["layers"]]
    profiles = view["profiles"]
    if profiles is not None:
        names.append(profiles["url"])
        if profiles["model"] is not None:
            names += [profiles["model"]["maps"], profiles["model"]["weights"]]
    return [file_of(name) for name in names]


def _colours(name: str) -> list[str]:
    """Return 256 colours from low to high, as ``#rrggbb``."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colour) for colour in colormaps[name](np.arange(256))]


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
        "projection": key_of(CRS.from_wkt(dataset.spatial_ref.attrs["spatial_ref"])),
        "transform": [a, b, c, d, e, f],
        "width": dataset.sizes["x"],
        "height": dataset.sizes["y"],
    }


def _model(results: Path, warnings: list[str]) -> dict[str, Any] | None:
    """Return the autoencoder whose decoder the page runs: weights, sizes, and what its latents are."""
    folder, maps = results / "thermal/model", results / "thermal/maps.zarr"
    if not (folder / CARD).is_file() or not maps.exists():
        return None
    try:
        mean = _whole(maps, "maps")["latent_mean"]
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        network = {key: int(card["network"][key]) for key in ("local_times", "latents", "width")}
    except (NotFinished, KeyError, ValueError) as error:
        warnings.append(f"profiles are shown without their reconstruction: {error}")
        return None
    named = {key: list(mean.attrs[f"latent_{key}"]) for key in ("units", "centre", "scale")}
    return {
        "weights": f"{DATA}/thermal/model/{WEIGHTS}",
        "maps": f"{DATA}/thermal/maps.zarr",
        **network,
        "names": [str(name) for name in mean["latent"].to_numpy()],
        **named,
    }
