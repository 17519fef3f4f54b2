"""The verbs that write whole maps do it in bounded memory, in parts, and go on after a kill."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nightside.cli import app
from nightside.config import Settings, load
from nightside.learning import save_model
from nightside.store import NotFinished, grid_of, open_store, read_manifest, write_store
from nightside.thermal.datasets import bins_dataset
from nightside.thermal.model import ProfileModel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc"),
]

ROWS = {"two": 512, "eight": 2048}
"""Regions two and eight windows high, one window wide."""

RUN = """
import json, sys
from nightside.cli import app
def peak_mb():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
peaks = []
for arguments in json.loads(sys.argv[1]):
    app(["thermal", *arguments], standalone_mode=False)
    peaks.append(peak_mb())
print(json.dumps(peaks))
"""


def settings_of(rows: int, tile: int = 512) -> Settings:
    return load(
        {
            "name": "test",
            "region": {
                "longitude_deg": 348.67,
                "latitude_deg": 0.0,
                "width_km": 64 * 0.2369,
                "height_km": rows * 0.2369,
                "pixels_per_degree": 128,
            },
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "thermal": {"maps": {"tile": tile}},
            "synthetic": {},
        }
    )


def start(*calls: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, json.dumps(calls)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*calls: list[str]) -> list[float]:
    """Run verbs one after the other in one process; return the peak of its memory after each, in MB."""
    process = start(*calls)
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    return json.loads(out.splitlines()[-1])


def verb(folder: Path, name: str, *options: str, out: str = "", config: str = "config.yaml") -> list[str]:
    model = folder.parent / "model/model.json"
    inputs = {
        "cube": ["--bins", str(folder / "bins.zarr")],
        "profiles": ["--cube", str(folder / "cube.zarr")],
        "map": ["--profiles", str(folder / "profiles.zarr"), "--model", str(model)],
    }
    store = folder / f"{out or name}.zarr"
    return [name, "--config", str(folder / config), *inputs[name], "--out", str(store), *options]


def digest_of(store: Path) -> str:
    return read_manifest(store)["digest"]


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bins of both regions, and a model that knows nothing."""
    root = tmp_path_factory.mktemp("regions")
    hours = (np.arange(96) + 0.5) / 4
    for name, rows in ROWS.items():
        settings = settings_of(rows)
        grid = grid_of(settings.region)
        n = np.full((*grid.shape, 96), 2, np.int32)
        n[:200, :, :48] = 0
        kelvins = (
            100 + 200 * np.maximum(np.sin((hours - 6) / 12 * np.pi), 0) + np.arange(grid.shape[1])[:, None]
        )
        bins = bins_dataset(n, n * kelvins, n * kelvins**2 + n)
        (root / name).mkdir()
        (root / name / "config.yaml").write_text(settings.to_yaml())
        (root / name / "tile.yaml").write_text(settings_of(rows, tile=128).to_yaml())
        write_store(
            bins,
            root / name / "bins.zarr",
            kind="bins",
            settings=settings,
            geobox=grid,
            details={"rows": {"tables": 1, "binned": int(n.sum())}, "set_aside": {}, "not_acquired": {}},
        )
    model = ProfileModel(local_times=120, latents=4, width=4, noise_floor_k=0.5, guided=True)
    save_model(root / "model", model, {"kind": "profile-vae", "network": model.shape()})
    return root


@pytest.fixture(scope="module")
def peaks_mb(regions: Path) -> dict[str, list[float]]:
    """Peaks of each verb after the small region, done twice to warm up, and after the large one."""
    order = ("two", "two", "eight")
    return {
        name: run(*(verb(regions / region, name) for region in order)) for name in ("cube", "profiles", "map")
    }


@pytest.mark.parametrize("name", ["cube", "profiles", "map"])
def test_memory_does_not_grow_with_the_region(name: str, peaks_mb: dict[str, list[float]]) -> None:
    _, small, large = peaks_mb[name]
    # Temperatures and deviations of the six windows more are 94 MB.
    assert large - small < 47


@pytest.mark.usefixtures("peaks_mb")
@pytest.mark.parametrize(("name", "region"), [("cube", "eight"), ("profiles", "eight"), ("map", "two")])
def test_a_killed_verb_goes_on_and_gives_the_same_store(name: str, region: str, regions: Path) -> None:
    store = regions / region / f"{name}-killed.zarr"
    # Maps in tiles of another size than in the store they are compared with.
    again = verb(regions / region, name, out=store.stem, config="tile.yaml")
    process = start(again)
    while process.poll() is None and not list(store.parent.glob(f"{store.name}.partial/*/written/*")):
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    with pytest.raises(NotFinished):
        open_store(store)
    run(again)
    assert digest_of(store) == digest_of(regions / region / f"{name}.zarr")
    assert {path.name for path in store.parent.glob(f"{store.stem}*")} == {store.name, f"{store.name}.json"}


@pytest.mark.usefixtures("peaks_mb")
def test_two_jobs_write_the_parts_of_one_store(regions: Path) -> None:
    region = regions / "eight"
    jobs = [start(verb(region, "profiles", "--part", f"{k}/2", out="shared")) for k in (1, 2)]
    for job in jobs:
        _, errors = job.communicate()
        assert job.returncode == 0, errors
    with pytest.raises(NotFinished):
        open_store(region / "shared.zarr")
    run(verb(region, "profiles", out="shared"))
    assert digest_of(region / "shared.zarr") == digest_of(region / "profiles.zarr")


def test_bins_of_another_region_are_refused(regions: Path, tmp_path: Path) -> None:
    call = verb(regions / "two", "cube")
    call[call.index("--bins") + 1] = str(regions / "eight/bins.zarr")
    with pytest.raises(NotFinished, match="lies on another grid than the configured region"):
        app(["thermal", *call[:-1], str(tmp_path / "cube.zarr")], standalone_mode=False)
