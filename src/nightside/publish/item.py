"""One product as a STAC item: where and when, its files with their checksums, and where it comes from.

Sources: STAC 1.1.0; extensions projection 2.0.0, file 2.1.0 (checksums are multihashes), raster 2.0.0
(scale and offset) and ssys 1.1.0 (Solar System).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pystac
import rasterio

from nightside import moon
from nightside.publish.products import Product
from nightside.store import NotFinished, grid_from
from nightside.store.footprint import footprint
from nightside.store.geotiff import PROVENANCE
from nightside.store.manifest import digest

PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
RASTER = "https://stac-extensions.github.io/raster/v2.0.0/schema.json"
SSYS = "https://stac-extensions.github.io/ssys/v1.1.0/schema.json"

MOON: dict[str, Any] = {"ssys:targets": ["Moon"], "ssys:target_class": "satellite"}
"""Longitudes and latitudes of the catalogue are planetocentric on the Moon, not on the Earth."""

ZARR = "application/vnd.zarr; version=3"
_SHA2_256 = "1220"
"""What a multihash of SHA-256 begins with: the function's code, and 32 bytes."""


def make_item(product: Product, thumbnail: Path | None, place: Path) -> pystac.Item:
    """Return the item of a product that will lie in the folder ``place``; links of its files are relative to it.

    Args:
        product: the product.
        thumbnail: its picture, as it lies now; the item expects it in ``place``.
        place: the item's folder.

    Raises:
        NotFinished: a GeoTIFF was made from another state of the store.
    """
    dataset, manifest = product.open(), product.manifest
    on_map = "spatial:transform" in dataset.attrs
    geometry, bbox = footprint(grid_from(dataset)) if on_map else (None, None)
    first, last = product.period
    item = pystac.Item(
        id=product.name,
        geometry=geometry,
        bbox=bbox,
        datetime=None,
        start_datetime=first,
        end_datetime=last,
        properties={
            "title": f"{product.name}: {', '.join(str(v) for v in dataset.data_vars)}",
            **MOON,
            "nightside:kind": manifest["kind"],
            "nightside:digest": manifest["digest"],
            "nightside:config_digest": manifest["config_digest"],
            "nightside:seed": manifest["seed"],
            "nightside:version": manifest["nightside"],
            "nightside:inputs": manifest["inputs"],
        },
        stac_extensions=[SSYS, FILE],
    )
    if product.maps:
        item.stac_extensions.append(RASTER)
    if on_map:
        item.stac_extensions.append(PROJECTION)
        item.properties |= _projection(dataset.attrs)
    item.add_asset("store", _asset(product.store, place, ZARR, ["data"], "all layers, as Zarr"))
    listing = product.store.with_name(product.store.name + ".json")
    item.add_asset("manifest", file_asset(listing, place, ["metadata"], "digests, inputs, versions, seed"))
    for path in product.maps:
        item.add_asset(path.stem, _map_asset(path, place, manifest["digest"], product.store.name))
    if thumbnail is not None:
        item.add_asset("thumbnail", file_asset(thumbnail, thumbnail.parent, ["thumbnail"], "picture"))
    return item


def file_asset(path: Path, place: Path, roles: list[str], title: str) -> pystac.Asset:
    """Return the asset of a file, with its size and checksum, for an object that lies in ``place``."""
    media = {
        ".json": pystac.MediaType.JSON, ".png": pystac.MediaType.PNG, ".tif": pystac.MediaType.COG,
        ".html": pystac.MediaType.HTML, ".safetensors": "application/octet-stream",
    }  # fmt: skip
    asset = _asset(path, place, media.get(path.suffix, pystac.MediaType.TEXT), roles, title)
    asset.extra_fields |= {"file:size": path.stat().st_size, "file:checksum": checksum(path)}
    return asset


def checksum(path: Path) -> str:
    """Return the multihash of a file's SHA-256."""
    return _SHA2_256 + digest(path)


def relative(path: Path, place: Path) -> str:
    """Return the link from a folder to a file."""
    return Path(os.path.relpath(path, place)).as_posix()


def _asset(path: Path, place: Path, media: str, roles: list[str], title: str) -> pystac.Asset:
    return pystac.Asset(relative(path, place), title=title, media_type=media, roles=roles)


def _map_asset(path: Path, place: Path, made_from: str, store: str) -> pystac.Asset:
    with rasterio.open(path) as cog:
        tags, kind, units, nodata = cog.tags(), cog.dtypes[0], cog.units[0], cog.nodata
        scale, offset = cog.scales[0], cog.offsets[0]
    if json.loads(tags.get(PROVENANCE, "{}")).get("digest") != made_from:
        raise NotFinished(f"{path} was made from another {store} than the one beside it; run its step again")
    asset = file_asset(path, place, ["data"], tags["long_name"])
    asset.extra_fields |= {"data_type": kind, "unit": units or "1"}
    if nodata is not None:
        asset.extra_fields["nodata"] = "nan" if nodata != nodata else nodata
    asset.extra_fields |= {"raster:scale": scale, "raster:offset": offset}
    return asset


def _projection(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        **{f"proj:{key}": attributes[f"spatial:{key}"] for key in ("shape", "transform", "bbox")},
        "proj:code": attributes["iau_code"],
        "proj:wkt2": attributes["proj:wkt2"],
        "gsd": abs(attributes["spatial:transform"][0]),
        "nightside:radius_m": moon.RADIUS_M,
    }
