"""Small images of analytic ground, taken by the synthetic orbiter: what the tests of maps share."""

import datetime as dt

import numpy as np
import xarray as xr

from nightside import moon
from nightside.camera.layout import layout
from nightside.camera.spice import kernel_pool, line_scan
from nightside.config import load
from nightside.formats.nac import EdrLabel, Housekeeping
from nightside.optical.edr import label_attributes
from nightside.optical.strip import Strip
from nightside.store.grid import from_lonlat
from nightside.synthetic.nac_kernels import Pass, clock_of, write_kernels

START = dt.datetime(2012, 1, 2, 3, 4, 5)
LATITUDE_DEG = -86.0


def settings(**mosaic):
    """Return a configuration with an optical section."""
    return load(
        {
            "name": "strips",
            "region": {"longitude_deg": 20.0, "latitude_deg": 0.0, "width_km": 30, "pixels_per_degree": 128},
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
            "optical": {"images": {"source": "local", "folder": "."}, "mosaic": mosaic},
        }
    )


def flight(number=0, **other):
    """Return the ``number``-th pass over the target; passes are an hour apart."""
    base = {
        "start_time": START + dt.timedelta(hours=number),
        "lines": 256,
        "exposure_ms": 0.6,
        "longitude_deg": 90.0,
        "latitude_deg": LATITUDE_DEG,
    }
    return Pass(**{**base, **other})


def label(planned, camera="left", summing=2):
    """Return the label of an image of a pass."""
    clock = clock_of(planned)
    return EdrLabel(
        product_id=f"M{planned.start_time:%d%H}{camera[0].upper()}E",
        camera=camera,
        summing=summing,
        lines=planned.lines,
        samples=5064 // summing,
        compand_code=3,
        exposure_ms=planned.exposure_ms,
        exposure_code=0,
        preroll_clock=clock.preroll_clock,
        start_time=clock.start_time,
        stop_time=clock.stop_time,
        start_clock=clock.start_clock,
        stop_clock=clock.stop_clock,
        version="v1.8",
        md5="0" * 32,
        housekeeping=Housekeeping(1, 0.0, 0.0, 0.0, 0.0, 190, 40, 100),
        xterm=(0, 64, 424, 536, 800),
        bterm=(0, 16, 69, 103, 128),
        mterm=(0.5, 0.25, 0.125, 0.0625, 0.03125),
    )


def ground(x, y):
    """Return the brightness, about 100 DN, of a place on a polar map: a checkerboard with soft edges of 25 m fields."""
    board = np.sin(2 * np.pi * x / 50.0) * np.sin(2 * np.pi * y / 50.0)
    return 100.0 + 30.0 * np.tanh(3 * board) + 10.0 * np.sin(x / 300.0) + 8.0 * np.cos(y / 400.0)


def on_map(lon, lat, crs="IAU_2015:30135"):
    """Return x and y, in metres, of places on a polar map."""
    x, y = from_lonlat(moon.crs(crs)).transform(lon, lat)
    return np.asarray(x), np.asarray(y)


def strip(planned, folder, camera="left", summing=2, gain=1.0, offset=0.0, noise_dn=0.0, scene=ground):
    """Return an image of the analytic ground; ``gain`` and ``offset`` are those of the camera."""
    of = label(planned, camera, summing)
    with kernel_pool([folder]):
        geometry = line_scan(of)
    line, sample = np.meshgrid(np.arange(of.lines), np.arange(of.samples), indexing="ij")
    signal = gain * scene(*on_map(*geometry.ground(line, sample))) + offset
    rng = np.random.default_rng(sum(of.product_id.encode()))
    signal = signal + noise_dn * rng.standard_normal(signal.shape)
    mask = np.full(signal.shape, 4, np.uint8)
    mask[:, slice(*layout(camera, summing).scene)] = 0
    attrs = {"units": "DN", "long_name": "test"}
    image = xr.Dataset(
        {
            "signal": (("line", "sample"), signal.astype(np.float32), attrs),
            "signal_std": (
                ("line", "sample"),
                np.full(signal.shape, max(noise_dn, 0.1), np.float32),
                attrs,
            ),
            "mask": (("line", "sample"), mask, attrs),
        },
        attrs=label_attributes(of),
    )
    return Strip(of, geometry, image)


def kernels(folder, *flights):
    """Write the kernels of some passes."""
    write_kernels(folder, flights)
    return folder
