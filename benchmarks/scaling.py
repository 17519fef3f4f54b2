"""One process, and two at the same time: how fast each step is, and what the whole mission would take.

Every step runs in processes of its own, of one thread each, as jobs of a cluster do: they prepare (compile, load), wait
for each other, and work at the same time on inputs of their own. Training is one run of two processes that share
batches and gradients (DDP over gloo). Efficiency is the rate of two over twice the rate of one: by the clock, and by
processor time, which other work on the machine takes less from. The load average before each step is recorded.

Then Snakemake's dry run is timed for longer and longer periods, and the files and bytes of a finished run are counted;
from all of these the plan for the whole mission is computed (scaling_plan.py; docs/scaling.md says what it means).

Run: python benchmarks/scaling.py; --steps ingest profiles for some of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from ingest import settings, write_table
from scaling_plan import StoreFacts, markdown, plan

from nightside.config import Settings, load
from nightside.store import grid_of, open_store, write_json, write_store

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "results/benchmarks/scaling.json"
PROCESSES, REPEATS = (1, 2), 3
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
SAMPLES = 4688  # of 189 rows in a table of ten minutes
TABLES, CELLS, SEEN, BINS = 1, 20_000, 48, 240
PROFILES, EPOCHS = 10_000, 3
BLOCKS, SHARE_SEEN = 2, 0.3 / BINS  # a month sees 0.3 observations of a cell of 237 m
LINES = 512

_SNAKEMAKE = r"""
import atexit, pathlib, re, sys
from snakemake.cli import main
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: pathlib.Path("peak").write_text(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]))
main()
"""
"""Snakemake that leaves its peak memory behind; the kernel's account of a child begins with its parent's."""

Work = Callable[[], Any]


def ingest_step(folder: Path, number: int) -> tuple[Work, float]:
    """Tables into bins, rows."""
    from nightside.thermal.ingest import ingest_tables

    chosen = settings()
    grid = grid_of(chosen.region)
    mine = sorted((folder / f"tables.{number}").glob("*.zip"))
    ingest_tables(mine[:1], chosen, grid, threads=1)
    return lambda: ingest_tables(mine, chosen, grid, threads=1), TABLES * SAMPLES * 189.0


def square() -> tuple[Settings, Any]:
    chosen = load(
        {
            "name": "scaling",
            "region": {"longitude_deg": 0, "latitude_deg": 0, "width_km": 60.6, "pixels_per_degree": 128},
            "diviner": {"source": "local", "folder": ".", "start": "2010-01-01", "end": "2010-01-31"},
        }
    )
    return chosen, grid_of(chosen.region)


def block_of_bins(shape: tuple[int, int], seed: int) -> xr.Dataset:
    """Return a month's bins: nearly all of them empty."""
    from nightside.thermal.datasets import bins_dataset

    rng = np.random.default_rng(seed)
    n = np.zeros((*shape, BINS), np.int32)
    seen = rng.integers(0, n.size, round(n.size * SHARE_SEEN))
    n.flat[seen] = 1
    kelvins = np.where(n, np.round(rng.uniform(90, 390), 2), 0.0)
    kelvins.flat[seen] = np.round(rng.uniform(90, 390, seen.size), 3)
    return bins_dataset(n, kelvins, kelvins**2)


def bins_step(folder: Path, number: int) -> tuple[Work, float]:
    """A block's bins into a store, bins."""
    chosen, grid = square()
    made = block_of_bins(grid.shape, number)

    def work() -> None:
        write_store(made, folder / f"bins.{number}.zarr", kind="bins", settings=chosen, geobox=grid)

    return work, float(np.prod(grid.shape)) * BINS


def cube_step(folder: Path, number: int) -> tuple[Work, float]:
    """Blocks added up to a cube, bins of all blocks."""
    from nightside.thermal.cube import cube_dataset

    chosen, grid = square()
    paths = [folder / f"blocks.{number}.{k}.zarr" for k in range(BLOCKS)]
    for k, path in enumerate(paths):
        write_store(block_of_bins(grid.shape, k), path, kind="bins", settings=chosen, geobox=grid)
    blocks = [open_store(path, kind="bins", chunked=False) for path in paths]
    return lambda: cube_dataset(blocks), float(np.prod(grid.shape)) * BINS * BLOCKS


def profiles_step(folder: Path, number: int) -> tuple[Work, float]:
    """The Gaussian process over the lunar day, cells."""
    from profiles import CONFIG, cells

    from nightside.thermal.profiles import interpolate_profiles

    mean, count = cells(CELLS, SEEN)
    interpolate_profiles(mean[:8], count[:8], CONFIG)
    return lambda: interpolate_profiles(mean, count, CONFIG), float(CELLS)


def days(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return profiles and their standard deviations, K, (n, 120), that resemble the Moon's."""
    rng = np.random.default_rng(3)
    hour = np.arange(120) * 0.2 + rng.normal(0, 0.3, (number, 1))
    warm = rng.normal(280, 15, (number, 1)) * np.maximum(0, -np.cos(hour * np.pi / 12)) ** 0.25
    profiles = 95 + warm + rng.normal(0, 2, (number, 120))
    return profiles.astype(np.float32), np.full((number, 120), 2, np.float32)


def map_step(folder: Path, number: int) -> tuple[Work, float]:
    """Latents and anomaly scores of profiles, cells."""
    from nightside.config.thermal import Vae
    from nightside.thermal.model import ProfileModel

    temperature, std = days(PROFILES)
    model = ProfileModel.for_profiles(temperature, std, Vae(objective="beta_vae"), None).eval()
    model.reconstruct(temperature[:100], std[:100])
    return lambda: model.anomaly_score(model.reconstruct(temperature, std)), float(PROFILES)


def denoise_step(folder: Path, number: int) -> tuple[Work, float]:
    """Camera noise off a strip, with the PhotonNet that comes with nightside, pixels."""
    from nightside.config.camera import CameraNoise
    from nightside.optical.calibrated_image import calibration_for
    from nightside.optical.denoise import Denoiser
    from nightside.optical.edr import label_of, numbers_of, open_edr
    from nightside.optical.models import models_for

    strip = load(folder / "strip/config.yaml")
    image = open_edr(folder / "strip/edr.zarr", chunked=False)
    label = label_of(image)
    calibration = calibration_for(label, strip.optical.calibration, folder / "strip/darks.zarr")
    models = models_for(label, calibration, noise=CameraNoise())
    Denoiser(numbers_of(image), label.lines, models).lines(0, 64)
    denoiser = Denoiser(numbers_of(image), label.lines, models)
    return lambda: denoiser.lines(0, label.lines), float(label.lines * label.samples)


def write_strip(folder: Path) -> None:
    """Write the image and the darks that ``denoise_step`` reads."""
    from strip import nac_section, run, settings_of, write_images

    folder.mkdir()
    options = argparse.Namespace(lines=LINES, summing=2, pixel_m=1.0, tile=512)
    left, _ = write_images(nac_section(settings_of(folder, options)), folder)
    run(folder, f"ingest --edr images/{left.label.product_id}.IMG --out edr.zarr")
    run(folder, "darks --edr darks --camera left --summing 2 --out darks.zarr")


def timed_training(
    folder: Path, *, processes: int, profiles: int, batch_size: int, precision: str = "32-true"
) -> dict[str, float]:
    """Train the autoencoder, guided as by default; return the speed of this process in all epochs but the first."""
    import torch

    from nightside.config.thermal import Training, Vae
    from nightside.learning import fit
    from nightside.thermal.library import Library
    from nightside.thermal.model import ProfileModel
    from nightside.thermal.profile_training import Guidance, ProfileData, ProfileTraining

    temperature, std = days(profiles)
    rng = np.random.default_rng(4)
    library = Library(days(1000)[0].astype(np.float64), rng.normal(size=(1000, 3)), np.zeros(1000))
    truth, factors = (torch.from_numpy(v).float() for v in (library.temperature, library.factors))
    guidance = Guidance(truth.repeat(4, 1), torch.full((4000, 120), 2.0), truth, factors)

    class Timed(ProfileTraining):
        def on_train_epoch_start(self) -> None:
            if self.current_epoch == 1:
                self.began = time.perf_counter(), time.process_time()

        def on_train_epoch_end(self) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.ended = time.perf_counter(), time.process_time()

    data = ProfileData(
        torch.from_numpy(temperature), torch.from_numpy(std),
        batch_size=batch_size, validation_fraction=0.01, seed=1, workers=0,
    )  # fmt: skip
    model = ProfileModel.for_profiles(temperature, std, Vae(), library)
    module = Timed(model, Vae(), Training().learning_rate, data.trained.numel(), guidance)
    trainer = fit(
        module, data, epochs=EPOCHS, seed=1, checkpoint_folder=folder / f"checkpoints.{processes}",
        devices=processes, precision=precision, gradient_clip=5.0,
    )  # fmt: skip
    wall_s, cpu_s = (after - before for before, after in zip(module.began, module.ended, strict=True))
    batches = data.trained.numel() // trainer.world_size // batch_size
    return {"amount": batches * batch_size * (EPOCHS - 1), "wall_s": wall_s, "cpu_s": cpu_s}


STEPS: dict[str, tuple[str, Callable[[Path, int], tuple[Work, float]] | None]] = {
    "ingest": ("rows", ingest_step),
    "bins": ("bins", bins_step),
    "cube": ("bins", cube_step),
    "profiles": ("cells", profiles_step),
    "train": ("profiles", None),
    "map": ("cells", map_step),
    "denoise": ("pixels", denoise_step),
}
"""What each step counts, and what prepares it; training runs its processes itself."""


def work(step: str, folder: Path, number: int) -> None:
    """Prepare, wait for the others, work, and print how long the quickest repeat took."""
    import torch

    torch.set_num_threads(1)
    prepare = STEPS[step][1]
    assert prepare is not None
    call, amount = prepare(folder, number)
    (folder / f"ready.{number}").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
    spent = []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        spent.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall_s, cpu_s = (min(every) for every in zip(*spent, strict=True))
    print(json.dumps({"amount": amount, "wall_s": wall_s, "cpu_s": cpu_s}), flush=True)


def together(step: str, folder: Path, processes: int) -> dict[str, float]:
    """Return the rates of a step on so many processes at the same time, by the clock and by processor time."""
    for mark in folder.glob("ready.*"):
        mark.unlink()
    (folder / "go").unlink(missing_ok=True)
    load_average = os.getloadavg()[0]
    # Training starts its second process itself; the others are told which they are.
    numbers = [processes] if step == "train" else list(range(processes))
    command = [sys.executable, __file__, "--folder", str(folder), "--worker", step]
    running = [
        subprocess.Popen(
            [*command, str(k)],
            env=os.environ | ONE_THREAD,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for k in numbers
    ]
    while step != "train" and not all((folder / f"ready.{k}").exists() for k in numbers):
        if any(process.poll() for process in running):
            break
        time.sleep(0.05)
    (folder / "go").touch()
    found = []
    for process in running:
        said, errors = process.communicate()
        if process.returncode:
            raise SystemExit(f"{step} failed: {errors[-2000:]}")
        found += [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    if len(found) != processes:
        raise SystemExit(f"{step}: {len(found)} processes worked, {processes} were asked for")
    return {
        "rate_per_s": sum(f["amount"] / f["wall_s"] for f in found),
        "rate_per_cpu_s": sum(f["amount"] / f["cpu_s"] for f in found) / processes,
        "load_average": load_average,
    }


def measure(step: str, folder: Path) -> dict[str, Any]:
    by_processes = {str(n): together(step, folder, n) for n in PROCESSES}
    one, two = by_processes["1"], by_processes["2"]
    return {
        "counts": STEPS[step][0],
        "processes": by_processes,
        "efficiency_clock": two["rate_per_s"] / one["rate_per_s"] / 2,
        "efficiency_cpu": two["rate_per_cpu_s"] / one["rate_per_cpu_s"],
    }


def dry_run(months: int) -> dict[str, float]:
    """Return the jobs, seconds of processor time and peak memory of Snakemake's plan of so many months."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for linked in ("Snakefile", "workflow"):
            (folder / linked).symlink_to(ROOT / linked)
        year, month = divmod(6 + months, 12)  # the first data are of July 2009
        (folder / "config.yaml").write_text(
            "name: plan\nregion: {longitude_deg: 0, latitude_deg: 0, width_km: 60, pixels_per_degree: 128}\n"
            "diviner: {source: pds, folder: tables, start: 2009-07-05, "
            f"end: {2009 + year}-{month + 1:02d}-01}}\n"
        )
        command = [
            sys.executable,
            "-c",
            _SNAKEMAKE,
            "-n",
            "-q",
            "rules",
            "--configfile",
            "config.yaml",
            "-c1",
        ]
        with (folder / "said").open("w") as said:
            process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        text = (folder / "said").read_text()
        if status:
            raise SystemExit(f"the dry run failed: {text[-2000:]}")
        total = next(line for line in reversed(text.splitlines()) if line.startswith("total"))
        peak_mb = round(int((folder / "peak").read_text()) / 1024)
    return {
        "jobs": int(total.split()[1]),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": peak_mb,
    }


def store_facts(results: Path) -> dict[str, StoreFacts]:
    """Return what the stores of a finished run of one region are like."""
    facts = {}
    for kind in ("cube", "profiles", "maps"):
        path = results / f"thermal/{kind}.zarr"
        if not path.with_name(path.name + ".json").exists():
            raise SystemExit(
                f"{results} has no finished {path.name}: run `make demo` first, or give --results"
            )
        facts[kind] = facts_of(path)
    return facts


def facts_of(path: Path) -> StoreFacts:
    """Count the arrays on a store's map, and its bytes for a cell."""
    opened = open_store(path, chunked=False)
    arrays = [v for v in opened.variables.values() if {"y", "x"} <= set(v.dims)]
    files = [f for f in path.rglob("*") if f.is_file() and f.name != "zarr.json"]
    return StoreFacts(
        len(arrays), sum(f.stat().st_size for f in files) / (opened.sizes["y"] * opened.sizes["x"])
    )


def table_bytes(folder: Path) -> dict[str, float]:
    """Return the bytes of a ten-minute table as zip and unpacked."""
    path = next(folder.glob("tables.0/*.zip"))
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(each.file_size for each in archive.infolist())
    return {"zip": path.stat().st_size, "unpacked": unpacked}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--months", nargs="+", type=int, default=[165, 660, 2640], help="of the dry runs")
    parser.add_argument("--results", type=Path, default=ROOT / "results/demo", help="a finished run to count")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", nargs=2, metavar=("STEP", "NUMBER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        step, number = options.worker[0], int(options.worker[1])
        if step == "train":
            made = timed_training(options.folder, processes=number, profiles=PROFILES, batch_size=200)
            print(json.dumps(made), flush=True)
        else:
            work(step, options.folder, number)
        return
    facts = store_facts(options.results)
    report: dict[str, Any] = {"benchmark": "scaling", "steps": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for k in range(max(PROCESSES)):
            (folder / f"tables.{k}").mkdir()
            for t in range(TABLES):
                write_table(folder / f"tables.{k}/201001050{k}{t}0_rdr.zip", 2 * k + t, SAMPLES)
        if "denoise" in options.steps:
            write_strip(folder / "strip")
        for step in options.steps:
            report["steps"][step] = measure(step, folder)
            print(step, json.dumps(report["steps"][step]), flush=True)
        report["table_bytes"] = table_bytes(folder)
        if "bins" in options.steps:
            facts["bins"] = facts_of(folder / "bins.0.zarr")
    report["dry_runs"] = [dry_run(months) for months in options.months]
    report["stores"] = {kind: found._asdict() for kind, found in facts.items()}
    if set(STEPS) <= set(options.steps):
        report["plan"] = plan(report)
        print(markdown(report))
    report["machine"] = {
        "cpus": os.cpu_count(),
        "arch": platform.machine(),
        "python": platform.python_version(),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, report)
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()
