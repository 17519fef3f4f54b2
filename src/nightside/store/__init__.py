"""Stores, manifests, grids and georeferenced products: the only place that writes results."""

from nightside.store.files import TIMINGS, Busy, atomic_file, atomic_folder, hold, own_folder, write_json
from nightside.store.georeference import grid_from
from nightside.store.geotiff import Band, write_cog, write_cogs
from nightside.store.grid import cell_area_m2, cell_index, grid_of, lonlat
from nightside.store.manifest import NotFinished, read_json, read_manifest
from nightside.store.parts import write_parts
from nightside.store.progress import say, tracked, warn, wrote
from nightside.store.windows import MAP_CHUNK, Part, Window
from nightside.store.zarr_store import open_store, overview_for, overviews_of, write_store

__all__ = [
    "MAP_CHUNK",
    "TIMINGS",
    "Band",
    "Busy",
    "NotFinished",
    "Part",
    "Window",
    "atomic_file",
    "atomic_folder",
    "cell_area_m2",
    "cell_index",
    "grid_from",
    "grid_of",
    "hold",
    "lonlat",
    "open_store",
    "overview_for",
    "overviews_of",
    "own_folder",
    "read_json",
    "read_manifest",
    "say",
    "tracked",
    "warn",
    "write_cog",
    "write_cogs",
    "write_json",
    "write_parts",
    "write_store",
    "wrote",
]
