"""Whole strips through every optical step: peak memory and speed, and which part of the arithmetic's limit is reached.

A left and a right EDR of full length are written (rendered ground, tiled; the synthetic camera, its darks and kernels),
then each step runs as a user runs it, in a process of its own, whose peak memory and processor time the kernel tells.
The limit is what one large convolution and one large matrix product reach in this process, before and after, on as many
threads; BM3D is timed beside it where it can be imported.

The mosaic needs both images: the right one, and the left one where ``denoise`` is not among the steps, stand in for
denoised ones without a network.

Run: OMP_NUM_THREADS=1 PYTHONPATH=<bm3d> python benchmarks/strip.py; --lines 6528 for an eighth.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from denoising_peers import bm3d_white
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from nightside.camera.layout import layout
from nightside.config import Settings, load
from nightside.config.synthetic_nac import SyntheticNac
from nightside.learning import multiplies_in_bf16
from nightside.optical.edr import label_attributes
from nightside.optical.models import SHIPPED, load_photon_net
from nightside.optical.strip import KIND
from nightside.store import write_json, write_parts
from nightside.synthetic.edr_writer import edr_bytes
from nightside.synthetic.nac_kernels import write_kernels
from nightside.synthetic.nac_plan import Planned, cameras, plan_darks, plan_images
from nightside.synthetic.nac_scene import draw_scene
from nightside.synthetic.nac_write import nac_section

OUT = Path(__file__).resolve().parents[1] / "results" / "benchmarks" / "strip.json"
SEED, SCENE, BLOCK = 901, 800, 1024
SIGNAL_DN = 8.0
_CHILD = r"""
import atexit, pathlib, re
from nightside.cli import main
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: pathlib.Path("peak").write_text(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]))
main()
"""
"""A verb that leaves its peak memory behind; the kernel's own account of a child begins with its parent's."""

STEPS = ("ingest", "darks", "calibrate", "denoise", "project", "mosaic", "cog")


def settings_of(folder: Path, options: argparse.Namespace) -> Settings:
    """Return the configuration, which is also written to ``folder``."""
    settings = load(
        {
            "name": "strip",
            "seed": SEED,
            "region": {"longitude_deg": 355, "latitude_deg": -87.5, "width_km": 4, "pixels_per_degree": 128},
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
            "optical": {
                "images": {"source": "local", "folder": str(folder / "images"), "summing": options.summing},
                "geometry": {"kernels": [str(folder / "kernels")]},
                "mosaic": {"pixel_m": options.pixel_m},
                "networks": {"tile": options.tile},
                "synthetic": {
                    "lines": options.lines,
                    "summing": options.summing,
                    "signals_dn": [SIGNAL_DN],
                    "dark_frames": 4,
                },
            },
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(settings.to_yaml(), encoding="utf-8")
    return settings


@cache
def scene() -> NDArray[np.float32]:
    """Return rendered ground of mean 1, (line, sample)."""
    image, _ = draw_scene(np.random.default_rng([SEED, 0]), SCENE, pool=SEED)
    return (image / image.mean()).astype(np.float32)


def ground(lines: range, samples: int) -> NDArray[np.float32]:
    """Return the signal of some lines of a strip, DN: the scene beside its own mirror images."""

    def mirrored(index: NDArray[np.intp]) -> NDArray[np.intp]:
        turn = index % (2 * SCENE)
        return np.minimum(turn, 2 * SCENE - 1 - turn)

    return (
        SIGNAL_DN
        * scene()[np.ix_(mirrored(np.arange(lines.start, lines.stop)), mirrored(np.arange(samples)))]
    )


def write_images(section: SyntheticNac, folder: Path) -> list[Planned]:
    """Write the pair, its darks and its kernels, as far as they are not there; return what the pair is."""
    noise = cameras(section, SEED)
    images = plan_images(section, noise, SEED)
    for name in ("images", "darks", "kernels"):
        (folder / name).mkdir(exist_ok=True)
    if not any((folder / "kernels").iterdir()):
        write_kernels(folder / "kernels", [images[0].flight])
    for kind, every in (("darks", plan_darks(section, noise, SEED)), ("images", images)):
        for planned in every:
            path = folder / kind / f"{planned.label.product_id}.IMG"
            if path.exists():
                continue
            label, model = planned.label, noise[planned.label.camera]
            number = np.empty((label.lines, label.samples), np.uint8)
            for first in range(0, label.lines, BLOCK):
                lines = range(first, min(first + BLOCK, label.lines))
                lit = ground(lines, label.samples) * np.float32(planned.signal_dn > 0)
                rng = np.random.default_rng([SEED, *planned.rng_key, first])
                number[lines.start : lines.stop] = model.record(
                    lit, label.housekeeping, label.exposure_ms, label.compand_code, rng
                )
            path.write_bytes(edr_bytes(number, label))
    return images


def stand_in(planned: Planned, path: Path, settings: Settings) -> None:
    """Write what a denoised image would be: the ground with white noise of 0.3 DN."""
    label = planned.label
    low, high = layout(label.camera, label.summing).scene

    def band(window: dict[str, slice]) -> xr.Dataset:
        lines = range(window["line"].start, window["line"].stop)
        rng = np.random.default_rng([SEED, *planned.rng_key, lines.start])
        signal = ground(lines, label.samples)
        signal += np.float32(0.3) * rng.standard_normal(signal.shape, np.float32)
        mask = np.full(signal.shape, 4, np.uint8)
        mask[:, low:high] = 0
        about = {"units": "DN", "long_name": "stand-in"}
        planes = {"signal": signal, "signal_std": np.full_like(signal, 0.3), "mask": mask}
        return xr.Dataset(
            {name: (("line", "sample"), values, about) for name, values in planes.items()},
            attrs=label_attributes(label),
        )

    write_parts(path, band, kind=KIND, settings=settings, strip=(label.lines, label.samples))


def run(folder: Path, arguments: str) -> dict[str, float]:
    """Run a verb in a process of its own; return its wall clock, processor time and peak memory.

    Raises:
        RuntimeError: it fails.
    """
    began = time.perf_counter()
    command = [sys.executable, "-c", _CHILD, "optical", *arguments.split()]
    if not arguments.startswith("cog"):
        command += ["--config", "config.yaml"]
    process = subprocess.Popen(command, cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise RuntimeError(f"'{arguments}' ended with {process.returncode}")
    return {
        "wall_s": round(time.perf_counter() - began, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "system_s": round(used.ru_stime, 1),
        "peak_gb": round(int((folder / "peak").read_text()) * 1024 / 1e9, 3),
        "load": round(os.getloadavg()[0], 1),
    }


def limits() -> dict[str, float]:
    """Return what large plain operations reach on this process's threads, GFLOP per second of processor time."""
    found: dict[str, float] = {}
    size = 2048
    for kind in (torch.float32, torch.bfloat16):
        if kind is torch.bfloat16 and not multiplies_in_bf16("cpu"):
            continue  # emulated: slower than single precision
        name = str(kind).removeprefix("torch.")
        a, b = torch.randn(size, size).to(kind), torch.randn(size, size).to(kind)
        found[f"matmul_{name}"] = _rate(lambda a=a, b=b: a @ b, 2 * size**3)
        x = torch.randn(1, 128, 288, 288).to(kind).contiguous(memory_format=torch.channels_last)
        layer = torch.nn.Conv2d(128, 128, 3, padding=1).to(kind).to(memory_format=torch.channels_last)
        found[f"convolution_{name}"] = _rate(lambda x=x, layer=layer: layer(x), 2 * 9 * 128**2 * 288**2)
    return found


def _rate(work: Any, flop: float) -> float:
    with torch.inference_mode():
        work()
        times = []
        for _ in range(5):
            began = time.process_time()
            work()
            times.append(time.process_time() - began)
    return round(flop / min(times) / 1e9, 1)


def flop_per_pixel() -> float:
    """Return the floating-point operations of PhotonNet for one pixel, counted by PyTorch; a multiply-add is two."""
    network, _ = load_photon_net(SHIPPED)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 5, 256, 256))
    return counter.get_total_flops() / 256**2


def bm3d_rate() -> float | None:
    """Return BM3D's speed, Mpixel per second of processor time; None where it cannot be imported."""
    try:
        peer = bm3d_white()
    except ImportError:
        return None
    image = ground(range(512), 512)
    image = image + np.random.default_rng(0).standard_normal(image.shape).astype(np.float32)
    began = time.process_time()
    peer(image, image, 1.0)
    return round(image.size / (time.process_time() - began) / 1e6, 4)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=52_224)
    parser.add_argument("--summing", type=int, choices=(1, 2), default=1)
    parser.add_argument("--pixel-m", type=float, default=1.0, help="of the maps")
    parser.add_argument("--tile", type=int, default=512, help="of the network")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--folder", type=Path, default=Path("results/benchmarks/strip"))
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    settings = settings_of(options.folder, options)
    section = nac_section(settings)
    left, right = write_images(section, options.folder)
    left_id, right_id = left.label.product_id, right.label.product_id
    if {"project", "mosaic"} & set(options.steps):
        stand_in(right, options.folder / "right.zarr", settings)
        if "denoise" not in options.steps and not (options.folder / "left.zarr.json").exists():
            stand_in(left, options.folder / "left.zarr", settings)
    pixels = left.label.lines * left.label.samples
    limit, each = limits(), flop_per_pixel()
    verbs = {
        "ingest": f"ingest --edr images/{left_id}.IMG --out edr.zarr",
        "darks": f"darks --edr darks --camera left --summing {options.summing} --out darks.zarr",
        "calibrate": "calibrate --edr edr.zarr --darks darks.zarr --out standard.zarr",
        "denoise": "denoise --edr edr.zarr --darks darks.zarr --out left.zarr",
        "project": "project --image left.zarr --out projected.zarr",
        "mosaic": "mosaic --images left.zarr --images right.zarr --out mosaic.zarr",
        "cog": "cog --mosaic mosaic.zarr --folder cog --out cog.json",
    }
    report: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "lines": left.label.lines,
        "samples": left.label.samples,
        "products": [left_id, right_id],
        "flop_per_pixel": each,
        "steps": {},
    }
    for name in options.steps:
        # What an earlier run left unfinished would be gone on with, not measured.
        unfinished = verbs[name].rpartition("--out ")[2] + ".partial"
        shutil.rmtree(options.folder / unfinished, ignore_errors=True)
        found = run(options.folder, verbs[name])
        found["mpixel_per_cpu_s"] = round(pixels / found["cpu_s"] / 1e6, 4)
        found["mpixel_per_s"] = round(pixels / found["wall_s"] / 1e6, 4)
        report["steps"][name] = found
        print(f"{name:10} " + "  ".join(f"{key} {value:g}" for key, value in found.items()), flush=True)
    again = limits()
    report["limit_gflop_per_s"] = {name: max(limit[name], again[name]) for name in limit}
    report["bm3d_mpixel_per_cpu_s"] = bm3d_rate()
    if "denoise" in report["steps"]:
        reached = each * report["steps"]["denoise"]["mpixel_per_cpu_s"] / 1e3
        best = max(report["limit_gflop_per_s"].values())
        report |= {"denoise_gflop_per_s": round(reached, 1), "fraction_of_limit": round(reached / best, 3)}
    for name in ("limit_gflop_per_s", "denoise_gflop_per_s", "fraction_of_limit", "bm3d_mpixel_per_cpu_s"):
        print(f"{name}: {report.get(name)}")
    write_json(options.out, report)


if __name__ == "__main__":
    main()
