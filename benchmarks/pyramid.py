"""One map at screen resolution from a store of the whole Moon at 128 pixels per degree. Run: python benchmarks/pyramid.py.

The store has 46,080 by 23,040 pixels of one layer, but only one chunk in each square of 4,096 pixels holds data, so
that it fits on any disk: the overview from which the screen is drawn is full of them all the same, as a whole store's
would be. Times of reading are those of fresh processes, from the call that opens the store to the array, imports left out
(a notebook has made them); ``again`` is a second read in the same process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from nightside.config import Settings, load
from nightside.store import (
    MAP_CHUNK,
    Window,
    grid_of,
    open_store,
    overview_for,
    overviews_of,
    write_json,
    write_parts,
)

SIDE = 4096
SCREEN = 1440
OUT = Path(__file__).parents[1] / "results" / "benchmarks" / "pyramid.json"

NIGHTSIDE = """
import sys, time
from pathlib import Path
from nightside.store import open_store, overview_for
import xarray, zarr, dask.array
def read():
    begun = time.perf_counter()
    factor = overview_for(open_store(Path(sys.argv[1])), int(sys.argv[2]))
    values = open_store(Path(sys.argv[1]), overview=factor)["t"].to_numpy()
    return time.perf_counter() - begun, values
first, values = read()
again, _ = read()
print(first, again, *values.shape)
"""
XARRAY = """
import sys, time
import xarray, zarr, dask.array
def read():
    begun = time.perf_counter()
    values = xarray.open_zarr(sys.argv[1], group=sys.argv[2])["t"].to_numpy()
    return time.perf_counter() - begun, values
first, values = read()
again, _ = read()
print(first, again, *values.shape)
"""


def settings(pixels_per_degree: int) -> Settings:
    return load(
        {
            "name": "benchmark",
            "region": {"whole_moon": True, "pixels_per_degree": pixels_per_degree},
            "diviner": {"source": "local", "folder": ".", "start": "2010-01-01", "end": "2010-01-31"},
        }
    )


def sparse(window: Window) -> xr.Dataset:
    """Return a window that holds data in its first chunk only."""
    rows, columns = (window[d].stop - window[d].start for d in ("y", "x"))
    values = np.full((rows, columns), np.nan, np.float32)
    rng = np.random.default_rng([window["y"].start, window["x"].start])
    corner = values[:MAP_CHUNK, :MAP_CHUNK]
    corner[:] = rng.normal(200.0, 50.0, corner.shape)
    return xr.Dataset({"t": (("y", "x"), values, {"units": "K", "long_name": "temperature"})})


def fresh(script: str, *arguments: object) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], check=True, capture_output=True, text=True
    )
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pixels-per-degree", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    load_average = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "moon.zarr"
        configured = settings(arguments.pixels_per_degree)
        grid = grid_of(configured.region)
        begun = time.perf_counter(), time.process_time()
        write_parts(store, sparse, kind="maps", settings=configured, geobox=grid, side=SIDE, overviews=True)
        built_s, built_cpu_s = time.perf_counter() - begun[0], time.process_time() - begun[1]
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        dataset = open_store(store)
        factor = overview_for(dataset, SCREEN)
        ours = [fresh(NIGHTSIDE, store, SCREEN) for _ in range(arguments.repeats)]
        plain = [fresh(XARRAY, store, f"overview_{factor}") for _ in range(arguments.repeats)]
        figures = {
            "pixels": [int(grid.shape[1]), int(grid.shape[0])],
            "overviews": overviews_of(dataset),
            "screen": [int(ours[0][3]), int(ours[0][2])],
            "store_mb": round(sum(f.stat().st_size for f in store.rglob("*") if f.is_file()) / 2**20, 1),
            "built_s": round(built_s, 1),
            "built_cpu_s": round(built_cpu_s, 1),
            "peak_mb": round(peak_mb),
            "read_s": {
                name: {
                    "first": [
                        round(statistics.median(r[0] for r in runs), 3),
                        round(max(r[0] for r in runs), 3),
                    ],
                    "again": [
                        round(statistics.median(r[1] for r in runs), 3),
                        round(max(r[1] for r in runs), 3),
                    ],
                }
                for name, runs in (("nightside", ours), ("xarray", plain))
            },
            "load_average_at_start": load_average,
            "versions": {p: version(p) for p in ("nightside", "numpy", "xarray", "zarr")},
            "machine": {
                "cpus": os.cpu_count(),
                "arch": platform.machine(),
                "python": platform.python_version(),
            },
        }
    for key, value in figures.items():
        print(f"{key:22} {json.dumps(value)}")
    print("read_s: median and worst")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    write_json(OUT, figures)


if __name__ == "__main__":
    main()
