"""A small results folder through nightside's own writers, its page, and a real Chromium."""

from __future__ import annotations

import contextlib
import io
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from PIL import Image

from nightside import moon
from nightside.config import load
from nightside.config.thermal import Vae
from nightside.learning.model_folder import save_model
from nightside.store import Band, write_cog, write_cogs, write_store
from nightside.thermal.layers import layers
from nightside.thermal.mapping import map_with
from nightside.thermal.model import ProfileModel
from nightside.viewer.page import PAGE, page_files
from nightside.viewer.server import Server

SIZE = (1200, 800)
CELL_DEG = 0.1
DEGREE_M = moon.metres_per_degree()

THERMAL = GeoBox(
    (20, 30),
    Affine(CELL_DEG * DEGREE_M, 0, -1.5 * DEGREE_M, 0, -CELL_DEG * DEGREE_M, -79.0 * DEGREE_M),
    moon.crs(moon.EQUIRECTANGULAR_CODE).to_wkt(),
)
"""Near the southern pole, so that both projections show it: 1.5 W to 1.5 E, 79 to 81 S."""

POLAR = GeoBox(
    (16, 24), Affine(500.0, 0, 20_000.0, 0, -500.0, -30_000.0), moon.crs(moon.SOUTH_POLAR_CODE).to_wkt()
)
"""Some 36 km from the southern pole, in the quarter between 90 and 180 E."""


@dataclass(frozen=True)
class Truth:
    """What the results folder holds: values by name, the folder, and the score's reconstruction errors."""

    folder: Path
    values: dict[str, NDArray[np.float32]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    folder = tmp_path_factory.mktemp("run") / "tiny"
    settings = load(
        {
            "name": "tiny",
            "region": {
                "longitude_deg": 0,
                "latitude_deg": -80,
                "width_km": 4,
                "pixels_per_degree": 128,
            },
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
        }
    )
    rng = np.random.default_rng(5)
    rows, columns = THERMAL.shape
    hours = np.arange(24.0)
    day = 150.0 + 100.0 * np.clip(np.sin((hours - 6.0) * np.pi / 12.0), 0.0, 1.0)
    warm = rng.normal(0.0, 5.0, (rows, columns, 1))
    temperature = (day + warm + rng.normal(0.0, 1.0, (rows, columns, 24))).astype(np.float32)
    temperature[3, 4] = np.nan
    quality = np.zeros((rows, columns), np.uint8)
    quality[3, 4] = 1
    about = {"units": "K", "long_name": "temperature"}
    profiles = xr.Dataset(
        {
            "temperature": (("y", "x", "local_time"), temperature, about),
            "temperature_std": (("y", "x", "local_time"), np.full_like(temperature, 2.0), about),
            "quality": (
                ("y", "x"),
                quality,
                {
                    "units": "1",
                    "long_name": "quality",
                    "flag_values": [0, 1, 2],
                    "flag_meanings": "good none gap",
                },
            ),
        },
        coords={"local_time": ("local_time", hours, {"units": "h", "long_name": "local time"})},
    )
    write_store(
        profiles, folder / "thermal/profiles.zarr", kind="profiles", settings=settings, geobox=THERMAL
    )

    vae = Vae(latents=2, width=8, objective="beta_vae")
    good = quality == 0
    model = ProfileModel.for_profiles(
        temperature[good], np.full_like(temperature[good], 2.0), vae, None
    ).eval()
    save_model(folder / "thermal/model", model, {"kind": "profile-vae", "network": model.shape()})
    maps = map_with(model, profiles)
    score = np.abs(rng.normal(1.0, 0.5, (rows, columns))).astype(np.float32)
    score[8:11, 20:24] = 9.0
    score[3, 4] = np.nan
    maps["anomaly_score"] = (("y", "x"), score, maps["anomaly_score"].attrs)
    maps["latent"] = ("latent", np.array(["onset", "free_1"], object), maps["latent"].attrs)
    maps["latent_mean"].attrs |= {
        "latent_units": ["h", "1"],
        "latent_scale": [2.0, 1.0],
        "latent_centre": [12.0, 0.0],
    }
    store = folder / "thermal/maps.zarr"
    write_store(maps, store, kind="maps", settings=settings, geobox=THERMAL)
    write_cogs(layers(maps), THERMAL, folder / "thermal/cog", folder / "thermal/cog.json", store)
    latent = maps["latent_mean"].to_numpy()[0]
    codes = (np.arange(rows * columns) % 3).astype(np.uint8).reshape(rows, columns)
    write_cog(codes, THERMAL, folder / "physics/cog/quality.tif", Band("quality", "code", "1"))

    after = np.linspace(1.0, 5.0, POLAR.shape[0] * POLAR.shape[1], dtype=np.float32).reshape(POLAR.shape)
    before = after[::-1].copy()
    write_cog(after, POLAR, folder / "optical/cog/signal.tif", Band("signal", "signal", "DN"))
    write_cog(before, POLAR, folder / "optical/cog_standard/signal.tif", Band("signal", "signal", "DN"))
    return Truth(
        folder,
        {
            "thermal/anomaly_score": score,
            "thermal/latent_mean_onset": latent * 2.0 + 12.0,
            "physics/quality": codes,
            "optical/signal": after,
            "optical/standard/signal": before,
            "reconstruction_error": maps["reconstruction_error"].to_numpy(),
        },
    )


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the page of a results folder; give its address."""
    with Server(folder, PAGE, page_files(folder, 5.0, 0.0)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def site(truth: Truth) -> Iterator[str]:
    """Where the page of the results is served."""
    with serving(truth.folder) as url:
        yield url


@pytest.fixture
def serve(browser) -> Iterator[Callable[[Path], str]]:
    """Serve the pages of further results folders, until the test ends."""
    with contextlib.ExitStack() as servers:
        yield lambda folder: servers.enter_context(serving(folder))
        browser.get("about:blank")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable]:
    """Start browsers of a size, with further flags; all are ended with the tests."""
    driver, binary = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or binary is None:
        pytest.skip("there is no Chromium: scripts/install_chromium installs it, with its driver")
    webdriver = pytest.importorskip("selenium.webdriver")
    started = []

    def start(size: tuple[int, int] = SIZE, *flags: str):
        options = webdriver.ChromeOptions()
        options.binary_location = binary
        # WebGL2 by software; root needs --no-sandbox, and a container's /dev/shm is small.
        for flag in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            "--ignore-gpu-blocklist",
            *flags,
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        started.append(browser)
        resize(browser, size)
        return browser

    yield start
    for browser in started:
        browser.quit()


@pytest.fixture(scope="session")
def shared_browser(chromium: Callable):
    return chromium()


@pytest.fixture
def browser(shared_browser):
    """The one browser, on an empty page; at the end its console must be empty too."""
    shared_browser.get("about:blank")
    shared_browser.get_log("browser")
    yield shared_browser
    assert [entry["message"] for entry in shared_browser.get_log("browser")] == []


@pytest.fixture
def sized(browser, size: tuple[int, int]) -> Iterator:
    """The one browser in a window of the test's ``size``."""
    resize(browser, size)
    yield browser
    resize(browser, SIZE)


def resize(browser, size: tuple[int, int]) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def picture(browser) -> NDArray[np.uint8]:
    """Return what the browser shows, (row, column, 3)."""
    return np.asarray(Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB"))
