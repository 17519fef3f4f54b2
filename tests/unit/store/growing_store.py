"""A store written in parts, by a process that can be killed: ``growing_store.py X.zarr [part] [kill at a window]``."""

import os
import signal
import sys
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr

from nightside.config import load
from nightside.store import Part, grid_of, write_parts

SETTINGS = load(
    {
        "name": "growing",
        "region": {
            "longitude_deg": 20.0,
            "latitude_deg": 0.0,
            "width_km": 150 * 0.2369,
            "height_km": 300 * 0.2369,
            "pixels_per_degree": 128,
        },
        "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
        "synthetic": {},
    }
)
GRID = grid_of(SETTINGS.region)
"""Three by two windows of one chunk each, those at the edge smaller."""


def make(window):
    """Return values that say where they are; the first window has none, so that its chunk is not stored."""
    rows, columns = (np.arange(window[d].start, window[d].stop, dtype=np.float32) for d in ("y", "x"))
    place = rows[:, None] * 1000 + columns
    first = (rows[:, None] < 128) & (columns < 128)
    day = np.stack([place, place + 0.5], axis=-1)
    attrs = {"units": "K", "long_name": "place"}
    return xr.Dataset(
        {
            "t": (("y", "x", "local_time"), day, attrs),
            "layer": (("latent", "y", "x"), np.where(first, np.nan, place)[None], attrs),
            "n": (("y", "x"), np.where(first, 0, place).astype(np.int32), attrs),
        },
        coords={
            "longitude": (("y", "x"), place.astype(float), {"units": "degrees_east"}),
            "local_time": ("local_time", [0.0, 12.0], {"units": "h"}),
        },
    )


def grow(path, make=make, **options):
    """Write the store in windows of one chunk."""
    options = {"side": 128, "kind": "test", "settings": SETTINGS, "geobox": GRID, **options}
    write_parts(path, make, **options)


def make_until(name):
    """Return a ``make`` that kills its process when half of the variables of a window are written."""

    def die(block):
        os.kill(os.getpid(), signal.SIGKILL)
        return block

    def mortal(window):
        dataset = make(window)
        if f"y{window['y'].start}-x{window['x'].start}" == name:
            lazy = da.from_array(dataset["n"].to_numpy())
            # With meta dask does not try the function on a sample, which would be too early a death.
            dataset["n"] = dataset["n"].copy(data=lazy.map_blocks(die, meta=np.zeros((0, 0), np.int32)))
        return dataset

    return mortal


if __name__ == "__main__":
    target, part, until = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3]
    grow(target, make_until(until), part=Part.parse(part))
