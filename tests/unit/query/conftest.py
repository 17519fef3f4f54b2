"""Small finished results, written as the workflow writes them, and a server that lists nothing."""

import shutil
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from nightside.config import Region
from nightside.learning.model_folder import save_model
from nightside.query.products import write_index
from nightside.store import grid_of, lonlat, write_store
from nightside.store.progress import LOG
from nightside.thermal.mapping import map_with
from nightside.thermal.model import ProfileModel

TIMES = 24
QUALITY = {
    "units": "1",
    "long_name": "quality",
    "flag_values": [0, 1, 2],
    "flag_meanings": "good no_observations gap_too_long",
}
POLAR = Region(
    projection="polar_stereographic", longitude_deg=0.0, latitude_deg=-90.0, width_km=400.0, pixel_m=2000.0
)


def write_results(root, settings, region):
    """Write thermal maps on a region, and a mosaic around the south pole whose ``signal`` is the longitude.

    Of the two latents one bears the name of its factor, the onset in hours, and the other does not.
    """
    root.mkdir(parents=True)
    (root / "config.yaml").write_text(settings.to_yaml())
    (root / "inventory").mkdir()
    (root / "inventory/201001.json").write_text(
        '{"files": [{"path": "2010/201001050000_rdr.zip", "sha256": "ab12"}]}\n'
    )
    grid = grid_of(region)
    lon, lat = lonlat(grid)
    hours = np.arange(TIMES) * 24.0 / TIMES
    day = 200 + 100 * np.sin(2 * np.pi * (hours - 6) / 24)
    temperature = (day * np.cos(np.deg2rad(lat))[..., None] ** 0.25 + lon[..., None] / 60).astype(np.float32)
    middle = (slice(grid.shape[0] // 2, grid.shape[0] // 2 + 2), grid.shape[1] // 2)
    temperature[middle] += 40.0  # hot ground, which is anomalous
    k = {"units": "K", "long_name": "brightness temperature"}
    axis = {"local_time": ("local_time", hours, {"units": "h", "long_name": "local time"})}
    profiles = xr.Dataset(
        {
            "temperature": (("y", "x", "local_time"), temperature, k),
            "temperature_std": (("y", "x", "local_time"), np.full_like(temperature, 2.0), k),
            "quality": (("y", "x"), np.zeros(lon.shape, np.uint8), QUALITY),
        },
        coords=axis,
    )
    made = {"settings": settings, "geobox": grid}
    sums = xr.Dataset({"n": (("y", "x"), np.ones(lon.shape), {"units": "1", "long_name": "rows"})})
    write_store(
        sums, root / "thermal/bins/201001.zarr", kind="bins", inputs=[root / "inventory/201001.json"], **made
    )
    cube = xr.Dataset({"brightness_temperature": (("y", "x", "local_time"), temperature, k)}, coords=axis)
    write_store(
        cube, root / "thermal/cube.zarr", kind="cube", inputs=[root / "thermal/bins/201001.zarr"], **made
    )
    write_store(
        profiles, root / "thermal/profiles.zarr", kind="profiles", inputs=[root / "thermal/cube.zarr"], **made
    )
    torch.manual_seed(1)
    model = ProfileModel(TIMES, 2, 8, 0.5, True)
    model.get_buffer("factor_mean").copy_(torch.tensor([0.25, 230.0, -2.7]))
    model.get_buffer("factor_std").copy_(torch.tensor([0.5, 30.0, 0.5]))
    model.name_only(["onset"])
    std = np.full_like(temperature, 2.0)
    model.calibrate(model.reconstruct(temperature.reshape(-1, TIMES), std.reshape(-1, TIMES)))
    card = {"kind": "profile-vae", "network": model.shape(), "seed": 1, "config_digest": settings.digest()}
    save_model(root / "thermal/model", model.eval(), card)
    write_store(
        map_with(model, profiles),
        root / "thermal/maps.zarr",
        kind="maps",
        inputs=[root / "thermal/profiles.zarr", root / "thermal/model/model.json"],
        **made,
    )
    south = grid_of(POLAR)
    places = lonlat(south)
    mosaic = xr.Dataset(
        {
            "signal": (("y", "x"), places[0].astype(np.float32), {"units": "DN", "long_name": "longitude"}),
            "signal_std": (
                ("y", "x"),
                places[1].astype(np.float32),
                {"units": "DN", "long_name": "latitude"},
            ),
        }
    )
    write_store(mosaic, root / "optical/mosaic.zarr", kind="nac_mosaic", settings=settings, geobox=south)
    plain = mosaic[["signal"]] + 10.0
    plain["signal"].attrs = {"units": "DN", "long_name": "longitude, as another calibration leaves it"}
    standard = root / "optical/mosaic_standard.zarr"
    write_store(plain, standard, kind="nac_mosaic", settings=settings, geobox=south)
    strip = xr.Dataset(
        {"signal": (("line", "sample"), np.ones((8, 4), np.float32), {"units": "DN", "long_name": "signal"})}
    )
    write_store(strip, root / "optical/denoised/M1LE.zarr", kind="nac_denoised", settings=settings)
    write_index(root)


@pytest.fixture(scope="session")
def shared_settings():
    from nightside.config import load

    region = {"longitude_deg": 348.67, "latitude_deg": -43.29, "width_km": 4, "pixels_per_degree": 128}
    diviner = {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"}
    return load({"name": "test", "region": region, "diviner": diviner, "synthetic": {}})


@pytest.fixture(scope="session")
def demo(tmp_path_factory, shared_settings) -> Path:
    """Results of a Tycho-like region; read only."""
    root = tmp_path_factory.mktemp("query") / "results" / "demo"
    write_results(root, shared_settings, shared_settings.region)
    return root


@pytest.fixture(scope="session")
def globe(tmp_path_factory, shared_settings) -> Path:
    """Results of the whole Moon at two degrees; read only."""
    root = tmp_path_factory.mktemp("query") / "results" / "globe"
    write_results(root, shared_settings, Region(whole_moon=True, pixels_per_degree=0.5))
    return root


@pytest.fixture
def copy(demo, tmp_path) -> Path:
    """A copy of the results, to be damaged."""
    return Path(shutil.copytree(demo, tmp_path / "demo"))


@pytest.fixture
def warned(monkeypatch) -> list[str]:
    """What is warned of."""
    said: list[str] = []
    monkeypatch.setattr(LOG, "warning", lambda form, *of: said.append(form % of))
    return said


class NoListing(SimpleHTTPRequestHandler):
    """A static server with ranges, as object stores are: no folder is listed."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(True)

    def do_HEAD(self):
        self._answer(False)

    def _answer(self, with_body):
        self.server.asked[self.path] += 1
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, wanted = path.read_bytes(), self.headers.get("Range")
        whole = len(body)
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(whole - int(last), 0)
            stop = int(last) + 1 if first and last else whole
            body = body[start:stop]
            self.server.ranges[self.path] += 1
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{whole}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def served():
    """Serve the folder above a results folder; return its URL and the server's counts."""
    servers = []

    def serve(root):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(NoListing, directory=str(root.parent)))
        server.daemon_threads = True
        server.asked, server.ranges = Counter(), Counter()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/{root.name}", server

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
