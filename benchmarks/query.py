"""How long a question takes in a store of the whole Moon at 128 pixels per degree: 46,080 x 23,040 cells, 120 times.

    python benchmarks/query.py [--folder /tmp/nightside_query]

Only a few chunks are written (some 20 MB); the arrays have their full size. Each time is that of one question to results
that are open: a profile with its reconstruction by an (untrained) autoencoder, one alone, and a point of four layers, in a
chunk that was not read before in this process, and again in the same. What the file system holds in memory is not emptied: warm.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
import zarr

import nightside
from nightside.config import Region, load
from nightside.config.thermal import Vae
from nightside.learning.model_folder import save_model
from nightside.store import MAP_CHUNK, grid_of, lonlat, write_json
from nightside.store.georeference import georeference
from nightside.store.manifest import describe, manifest_path
from nightside.store.template import stretched, write_template
from nightside.thermal.model import ProfileModel

CHUNKS = 8
TIMES = 120
LAYERS = ("anomaly_score", "reconstruction_error", "latent_1", "latent_2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the store there; default: a temporary folder")
    folder = parser.parse_args().folder
    work = folder or Path(tempfile.mkdtemp())
    try:
        rows = write(work / "whole_moon")
        measure(work / "whole_moon", rows)
    finally:
        if folder is None:
            shutil.rmtree(work)


def write(root: Path) -> list[tuple[int, int]]:
    """Write the two stores, with values in a few chunks; return the first row and column of each chunk."""
    grid = grid_of(Region(whole_moon=True, pixels_per_degree=128))
    rng = np.random.default_rng(1)
    at = [
        (int(r) * MAP_CHUNK, int(c) * MAP_CHUNK)
        for r, c in zip(
            rng.choice(grid.shape[0] // MAP_CHUNK, CHUNKS),
            rng.choice(grid.shape[1] // MAP_CHUNK, CHUNKS),
            strict=True,
        )
    ]
    hours = np.arange(TIMES) * 24 / TIMES
    k = {"units": "K", "long_name": "brightness temperature"}
    dims = ("y", "x", "local_time")
    one = np.zeros((1, 1, TIMES), np.float32)
    profiles = xr.Dataset(
        {"temperature": (dims, one, k), "temperature_std": (dims, one, k)},
        coords={"local_time": ("local_time", hours, {"units": "h"})},
    )
    maps = xr.Dataset({name: (("y", "x"), one[..., 0], {"units": "1", "long_name": name}) for name in LAYERS})
    settings = load(
        {
            "name": "whole_moon",
            "region": {"whole_moon": True, "pixels_per_degree": 2},
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
        }
    )
    for name, window in (("profiles", profiles), ("maps", maps)):
        store = root / f"thermal/{name}.zarr"
        if store.exists():
            continue
        sizes = {"y": grid.shape[0], "x": grid.shape[1]}
        whole = georeference(stretched(window, sizes), grid)
        write_template(whole, store)
        group = zarr.open_group(store, mode="r+")
        for variable in window.data_vars:
            for row, column in at:
                shape = (MAP_CHUNK, MAP_CHUNK, *window[variable].shape[2:])
                noisy = 200 + 50 * rng.standard_normal(shape)
                group[str(variable)][row : row + MAP_CHUNK, column : column + MAP_CHUNK] = noisy.astype(
                    np.float32
                )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(store)
        manifest = describe(whole, kind=name, settings=settings, geobox=grid, inputs=())
        write_json(manifest_path(store), manifest)
    some = (200 + 50 * rng.standard_normal((100, TIMES))).astype(np.float32)
    model = ProfileModel.for_profiles(some, np.ones_like(some), Vae(), None)
    save_model(root / "thermal/model", model, {"kind": "profile-vae", "network": model.shape()})
    return at


def measure(root: Path, at: list[tuple[int, int]]) -> None:
    """Print the time of each question."""
    grid = grid_of(Region(whole_moon=True, pixels_per_degree=128))
    begun = time.perf_counter()
    tree = nightside.open(root)
    print(f"open: {1000 * (time.perf_counter() - begun):.0f} ms; {dict(tree['thermal/profiles'].sizes)}")
    query = tree.nightside

    def profile(lon: float, lat: float) -> None:
        assert np.isfinite(query.profile(lon, lat).reconstruction).all()

    def profile_alone(lon: float, lat: float) -> None:
        assert np.isfinite(query.profile(lon, lat, reconstruct=False).temperature).all()

    def point(lon: float, lat: float) -> None:
        assert len(query.point(lon, lat)) == len(LAYERS)

    def window(lon: float, lat: float) -> None:
        query.region(lon - 0.5, lon + 0.5, lat - 0.5, lat + 0.5)["thermal/maps/anomaly_score"].compute()

    for question in (profile, profile_alone, point, window):
        first, *others = (timed(question, *places(grid, row, column)) for row, column in at)
        again = [timed(question, *places(grid, *at[0])) for _ in range(10)]
        wall, cpu = np.median(others, axis=0)
        print(
            f"{question.__name__}: first of all {first[0]:.1f} ms; another chunk each time: median {wall:.1f} ms "
            f"({cpu:.1f} ms of processor), longest {max(others)[0]:.1f}; the same place: median "
            f"{np.median(again, axis=0)[0]:.1f} ms"
        )


def places(grid: object, row: int, column: int) -> tuple[float, float]:
    """Return longitude and latitude of a cell in a chunk."""
    cell = {"y": slice(row + 60, row + 61), "x": slice(column + 60, column + 61)}
    lon, lat = lonlat(grid, cell)
    return float(lon[0, 0]), float(lat[0, 0])


def timed(question: Callable[[float, float], None], lon: float, lat: float) -> tuple[float, float]:
    """Return wall time and processor time in ms."""
    begun, worked = time.perf_counter(), time.process_time()
    question(lon, lat)
    return 1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - worked)


if __name__ == "__main__":
    main()
