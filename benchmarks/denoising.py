"""How well images of the dark are denoised, beside what a user can do today, on the same pixels in the same run.

Scenes of observations that no training has seen (rendered ground from grounds of their own without ``--scenes``) are
darkened to a mean signal and recorded by cameras that no training has seen. Each peer is given (a) the standard
calibration's image, as a user has it, and (b) nightside's destriped image, as a pure denoiser; and the spectrum of the
noise that either leaves, measured on recordings of level ground by the same camera. The standard calibration's dark was
taken ten days before the image. PSNR and SSIM are of the crop, with the range of its 0.1-99.9 percentiles.

The scenes are not free of noise themselves (2 to 9 of 255 from pixel to pixel, some of it texture): at 60 DN that is
as much as the camera's, and bounds every method. ``--binning 2`` halves it where it is noise.

Run: PYTHONPATH=<bm3d> python benchmarks/denoising.py --scenes <folder>; --quick for a few
minutes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import platform
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from denoising_peers import (
    Denoiser,
    Image,
    available,
    bm3d_psd,
    bm3d_white,
    plain_unet,
    struct_noise2void,
)

from nightside.camera.companding import decompand
from nightside.camera.noise import NoiseModel, draw_camera
from nightside.camera.pattern_statistics import column_mean_std
from nightside.camera.plausible import draw_housekeeping
from nightside.formats.nac import EdrLabel, Housekeeping
from nightside.optical.calibrate import Calibration, calibrate, masked_offset
from nightside.optical.craters import light_azimuth, recall_curve, together
from nightside.optical.metrics import data_range, l1, psnr_db, ssim, z_scores
from nightside.optical.scene_files import (
    clean_scene,
    list_scenes,
    observation_of,
    read_scene,
    residual_noise,
    split,
)
from nightside.optical.spectra import noise_psd, period_power_dn2

OUT = Path(__file__).resolve().parents[1] / "results" / "benchmarks" / "denoising.json"
LEVELS = (1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
CAMERA_SEED = 900_001
"""Cameras of training have lower seeds."""
SCENE_POOL = 901
EXPOSURE_MS = 12.0
TIME = dt.datetime(2010, 6, 15, 12)
TARGETS = {
    "over_best_peer_after_standard_db": {"every_level": 0.0, "5_to_20_dn": 2.0},
    "over_standard_at_5_dn_db": 10.0,
    "over_bm3d_on_our_destriped_db": 0.5,
    "stripes_below_standard": 10.0,
    "z_spread": [0.9, 1.1],
}


@dataclass(frozen=True)
class Ground:
    """A clean scene of mean 1, its labelled craters and the light it is in."""

    name: str
    image: Image
    boxes: np.ndarray
    light_deg: float


@dataclass(frozen=True)
class Case:
    """One recording: numbers, and the window of the scene in it."""

    label: EdrLabel
    model: NoiseModel
    number: np.ndarray
    level_number: np.ndarray
    truth: Image
    window: tuple[slice, slice]
    level_dn: float


def grounds(options: argparse.Namespace) -> list[Ground]:
    """Return clean scenes of test observations, or rendered ones."""
    if options.scenes is None:
        scene = importlib.import_module("nightside.synthetic.nac_scene")
        found = []
        for k in range(options.count):
            image, craters = scene.draw_scene(np.random.default_rng([SCENE_POOL, k]), 800, pool=SCENE_POOL)
            size = craters["diameter_px"]
            boxes = np.stack([craters["sample"], craters["line"], size, size], axis=1).astype(float)
            found.append(Ground(f"rendered {k}", image, boxes[size >= 6], light_azimuth(image)))
        return found
    chosen = []
    for path in one_of_each_first(split(list_scenes(options.scenes))[1])[: options.count]:
        scene = clean_scene(read_scene(path), options.binning)
        print(f"  {scene.name}: varies by {residual_noise(scene.image):.1f} of 255 from pixel to pixel")
        image = scene.image / scene.image.mean()
        chosen.append(Ground(scene.name, image, scene.boxes, light_azimuth(image)))
    return chosen


def one_of_each_first(paths: list[Path]) -> list[Path]:
    """Return scenes ordered so that the first few are of different observations; their mosaics come first."""
    ranked, seen = [], Counter()
    for path in sorted(paths, key=lambda p: ("mosaic" not in p.name, p.name)):
        ranked.append((seen[observation_of(path.name)], path))
        seen[observation_of(path.name)] += 1
    return [path for _, path in sorted(ranked, key=lambda item: item[0])]


def record(ground: Image, camera: str, summing: int, table: int, level_dn: float, seed: int) -> Case:
    """Darken a scene, lay it into whole lines beside its own mirror image, and record it and level ground."""
    model = draw_camera(camera, summing, CAMERA_SEED + seed % 5)
    rng = np.random.default_rng([seed, int(level_dn * 10), summing, table])
    lines, samples = ground.shape
    first, last = model.layout.scene
    start = int(rng.integers(first, last - samples + 1))
    truth = (ground / ground.mean() * level_dn).astype(np.float32)
    before, after = start, model.layout.samples - start - samples
    whole = np.pad(truth, ((0, 0), (before, after)), mode="symmetric")
    housekeeping = draw_housekeeping(model.dark, rng)
    number, level = (
        model.record(signal, housekeeping, EXPOSURE_MS, table, rng)
        for signal in (whole, np.full_like(whole, level_dn))
    )
    window = slice(None), slice(start, start + samples)
    return Case(
        label(model, lines, table, housekeeping), model, number, level, truth, window, float(truth.mean())
    )


def label(model: NoiseModel, lines: int, table: int, housekeeping: Housekeeping) -> EdrLabel:
    """Return what a denoiser may know of a recording."""
    return EdrLabel(
        product_id="M900000001LE" if model.layout.camera == "left" else "M900000001RE",
        camera=model.layout.camera,
        summing=model.layout.summing,
        lines=lines,
        samples=model.layout.samples,
        compand_code=table,
        exposure_ms=EXPOSURE_MS,
        exposure_code=1367,
        preroll_clock="1/0:0",
        start_time=TIME,
        stop_time=TIME,
        start_clock="1/0:0",
        stop_clock="1/0:0",
        version="v1.8",
        md5="0" * 32,
        housekeeping=housekeeping,
        xterm=(),
        bterm=(),
        mterm=(),
    )


@cache
def calibration(model_key: tuple[str, int, int], now: Housekeeping) -> Calibration:
    """Return the standard calibration of a camera: its own flat and linearity, and a dark of ten days before.

    The camera was a degree or so warmer or colder then.
    """
    model = draw_camera(*model_key)
    rng = np.random.default_rng([model_key[2], now.orbit_number])
    warmer = float(rng.normal())
    then = replace(
        now,
        orbit_number=max(now.orbit_number - 120, 1),
        temperature_fpa_c=now.temperature_fpa_c + warmer,
        temperature_fpga_c=now.temperature_fpga_c + warmer,
    )
    frame = decompand(model.record(np.zeros((1024, model.layout.samples)), then, EXPOSURE_MS, 1, rng), 1)
    dark = (frame - masked_offset(frame, model.layout)).mean(axis=0)
    time_of_dark = np.array([np.datetime64(TIME, "ns") - np.timedelta64(10, "D")])
    return Calibration(model.layout, time_of_dark, dark[None], model.flat, model.linearity)


def calibration_of(case: Case, seed: int) -> Calibration:
    """Return the standard calibration of a recording."""
    kept = case.model.layout
    return calibration((kept.camera, kept.summing, CAMERA_SEED + seed % 5), case.label.housekeeping)


def standard(case: Case, number: np.ndarray, seed: int) -> Image:
    """Return the standard calibration's image, whole lines, DN."""
    chain = calibration_of(case, seed)
    made = calibrate(
        decompand(number, case.label.compand_code),
        chain,
        time=TIME,
        exposure_ms=EXPOSURE_MS,
        sun_distance_au=1.0,
    )
    return np.nan_to_num(made.dn)


def noise_of(level_image: Image, case: Case) -> tuple[Image, float]:
    """Return spectrum (of the window's shape) and deviation of the noise on level ground, DN."""
    residual = level_image[:, slice(*case.model.layout.scene)] - case.level_dn
    return noise_psd(residual, case.truth.shape, smooth=True), float(residual.std())


def nightside_denoiser(photon: Path | None) -> Callable[[Case, np.ndarray, int], Any]:
    """Return the package's own denoiser, given no more of the camera than the standard calibration is.

    Its dark is that of ten days before, not a DestripeNet's, which one would have to be trained for each camera.
    """
    from nightside.optical.denoise import denoise_array
    from nightside.optical.models import models_for

    def denoise(case: Case, number: np.ndarray, seed: int) -> Any:
        return denoise_array(number, models_for(case.label, calibration_of(case, seed), photon=photon))

    return denoise


def quality(image: Image, truth: Image) -> dict[str, float]:
    """Return PSNR, SSIM, L1 of one image."""
    return {"psnr_db": psnr_db(image, truth), "ssim": ssim(image, truth), "l1_dn": l1(image, truth)}


def stripes(residual: Image, case: Case) -> dict[str, float]:
    """Return what is left of stripes and pattern in a residual."""
    return {
        "column_std_dn": column_mean_std(residual),
        "period_power_dn2": period_power_dn2(residual, case.model.layout.phases),
    }


def judge(
    case: Case, seed: int, ours: Any, peers: dict[str, Denoiser], speeds: dict[str, list]
) -> dict[str, Any]:
    """Return the figures of one recording for every method."""
    raw = timed("standard", speeds, case.number.size, lambda: standard(case, case.number, seed))
    plain = raw[case.window]
    psd, sigma = noise_of(standard(case, case.level_number, seed), case)
    out: dict[str, Any] = {"methods": {"standard": quality(plain, case.truth)}}
    out["stripes"] = {"standard": stripes(plain - case.truth, case)}
    out["range_dn"] = data_range(case.truth)
    out["standard_noise_dn"] = sigma
    for name, denoise in peers.items():
        made = timed(name, speeds, case.truth.size, lambda d=denoise: d(plain, psd, sigma))
        out["methods"][f"{name} after standard"] = quality(made, case.truth)
    if ours is not None:
        made = timed("nightside", speeds, case.number.size, lambda: ours(case, case.number, seed))
        signal, deviation, destriped = (
            np.asarray(getattr(made, part))[case.window] for part in ("signal", "signal_std", "destriped")
        )
        out["methods"]["nightside"] = quality(signal, case.truth)
        out["methods"]["destriped"] = quality(destriped, case.truth)
        z = z_scores(signal, deviation, case.truth)
        out["z"] = {"spread": z.spread, "robust": z.robust_spread, "mean": z.mean}
        out["stripes"]["nightside"] = stripes(signal - case.truth, case)
        psd, sigma = noise_of(np.asarray(ours(case, case.level_number, seed).destriped), case)
        for name, denoise in peers.items():
            made = timed(name, speeds, case.truth.size, lambda d=denoise: d(destriped, psd, sigma))
            out["methods"][f"{name} on destriped"] = quality(made, case.truth)
    return out


def timed(name: str, speeds: dict[str, list], pixels: int, call: Callable[[], Any]) -> Any:
    """Return the call's result; its speed in Mpixel/s is noted."""
    begun = time.perf_counter()
    made = call()
    speeds.setdefault(name, []).append(pixels / 1e6 / (time.perf_counter() - begun))
    return made


def crop(image: Image, size: int, seed: int) -> Image:
    """Return a square of an image, wherever chance puts it."""
    rng = np.random.default_rng([seed, 7])
    y, x = (int(rng.integers(0, max(n - size, 0) + 1)) for n in image.shape)
    return image[y : y + size, x : x + size]


def quality_rows(
    options: argparse.Namespace,
    scenes: list[Ground],
    ours: Any,
    peers: dict[str, Denoiser],
    speeds: dict[str, list],
) -> list[dict[str, Any]]:
    """Return one row a level, mode and table: means over scenes."""
    rows = []
    for summing in options.summing:
        for table in options.tables:
            for level in options.levels:
                found = []
                for k, ground in enumerate(scenes):
                    camera = ("left", "right")[k % 2]
                    patch = crop(ground.image, options.size, k)
                    found.append(
                        judge(record(patch, camera, summing, table, level, k), k, ours, peers, speeds)
                    )
                row = {"signal_dn": level, "mode": "normal" if summing == 1 else "summed", "table": table}
                rows.append(row | means(found))
                print(line(rows[-1]), flush=True)
    return rows


def means(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of ``evaluation.json``'s rows, averaged over scenes."""
    methods = list(found[0]["methods"])
    row: dict[str, Any] = {
        key: {m: float(np.mean([f["methods"][m][key] for f in found])) for m in methods}
        for key in ("psnr_db", "ssim", "l1_dn")
    }
    row["psnr_db_std_over_scenes"] = {
        m: float(np.std([f["methods"][m]["psnr_db"] for f in found])) for m in methods
    }
    row["stripes"] = {
        name: {
            key: float(np.mean([f["stripes"][name][key] for f in found])) for key in found[0]["stripes"][name]
        }
        for name in found[0]["stripes"]
    }
    row["range_dn"] = float(np.mean([f["range_dn"] for f in found]))
    row["standard_noise_dn"] = float(np.mean([f["standard_noise_dn"] for f in found]))
    spreads = [f["z"]["spread"] for f in found if "z" in f]
    row["z_spread"] = float(np.mean(spreads)) if spreads else None
    row["z_spread_each"] = spreads
    return row


def line(row: dict[str, Any]) -> str:
    """Return a row as text."""
    values = "  ".join(f"{name} {value:5.1f}" for name, value in row["psnr_db"].items())
    z = f"  z {row['z_spread']:.2f}" if row["z_spread"] else ""
    return f"{row['mode']:7}{row['table']:2d}{row['signal_dn']:6.0f} DN | {values}{z}"


def recall_rows(
    options: argparse.Namespace, scenes: list[Ground], ours: Any, peers: dict[str, Denoiser]
) -> dict[str, Any]:
    """Return recall against diameter of whole scenes, normal mode and table 3, for each level and method."""
    clean = together(
        [recall_curve(g.image, g.boxes, options.false_alarms, light_azimuth_deg=g.light_deg) for g in scenes]
    )
    out: dict[str, Any] = {"clean": as_json(clean)}
    for level in options.levels:
        curves: dict[str, list] = {}
        for k, ground in enumerate(scenes):
            case = record(ground.image, ("left", "right")[k % 2], 1, 3, level, k)
            plain = standard(case, case.number, k)[case.window]
            images = {"standard": plain}
            if "bm3d" in peers and not options.quick:
                residual = standard(case, case.level_number, k)[case.window] - case.level_dn
                psd = noise_psd(residual, case.truth.shape, smooth=True)
                images["bm3d after standard"] = peers["bm3d"](plain, psd, float(residual.std()))
            if ours is not None:
                images["nightside"] = np.asarray(ours(case, case.number, k).signal)[case.window]
            for name, image in images.items():
                curve = recall_curve(
                    image, ground.boxes, options.false_alarms, light_azimuth_deg=ground.light_deg
                )
                curves.setdefault(name, []).append(curve)
        out[f"{level:g}"] = {name: as_json(together(each)) for name, each in curves.items()}
        halves = "  ".join(
            f"{n} {c['half_found_px'] or float('nan'):.1f}" for n, c in out[f"{level:g}"].items()
        )
        print(
            f"half found from (pixels), {level:4.0f} DN | clean {clean.half_found_px():.1f}  {halves}",
            flush=True,
        )
    return out


def as_json(curve: Any) -> dict[str, Any]:
    """Return a recall curve as JSON."""
    half = curve.half_found_px()
    return {
        "edges_px": curve.edges_px.tolist(),
        "labelled": curve.labelled.tolist(),
        "found": curve.found.tolist(),
        "low": [None if np.isnan(v) else float(v) for v in curve.low],
        "high": [None if np.isnan(v) else float(v) for v in curve.high],
        "half_found_px": None if np.isnan(half) else half,
    }


def targets_reached(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the least margin of each target over all rows, None where the method was not run."""
    worst: dict[str, Any] = dict.fromkeys(
        (
            "over_best_peer",
            "over_best_peer_5_to_20_dn",
            "over_standard_at_5_dn",
            "over_bm3d_on_destriped",
            "ssim_over_best_peer",
        )
    )
    for row in rows:
        psnr, similar = row["psnr_db"], row["ssim"]
        if "nightside" not in psnr:
            continue
        rivals = [m for m in psnr if m == "standard" or m.endswith("after standard")]
        found = {
            "over_best_peer": psnr["nightside"] - max(psnr[m] for m in rivals),
            "ssim_over_best_peer": similar["nightside"] - max(similar[m] for m in rivals),
        }
        if 5 <= row["signal_dn"] <= 20:
            found["over_best_peer_5_to_20_dn"] = found["over_best_peer"]
        if row["signal_dn"] == 5:
            found["over_standard_at_5_dn"] = psnr["nightside"] - psnr["standard"]
        if "bm3d on destriped" in psnr:
            found["over_bm3d_on_destriped"] = psnr["nightside"] - psnr["bm3d on destriped"]
        for name, value in found.items():
            worst[name] = value if worst[name] is None else min(worst[name], value)
    return worst


def installed(*names: str) -> dict[str, str]:
    """Return the versions of packages that are there."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=Path, help="folder of real scenes; rendered ground without it")
    parser.add_argument("--models", type=Path, help="folder of a PhotonNet; the package's own without it")
    parser.add_argument("--plain-unet", type=Path, help="weights of the U-Net trained on white noise")
    parser.add_argument("--levels", type=float, nargs="+", default=list(LEVELS), help="mean signal, DN")
    parser.add_argument("--tables", type=int, nargs="+", default=[0, 1, 3])
    parser.add_argument("--summing", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--size", type=int, default=256, help="side of the crops")
    parser.add_argument("--count", type=int, default=5, help="scenes at most")
    parser.add_argument(
        "--binning", type=int, default=1, help="of the scenes' pixels, against their own noise"
    )
    parser.add_argument(
        "--false-alarms", type=float, default=20.0, help="of craters, per Mpixel and diameter"
    )
    parser.add_argument("--peers", nargs="+", default=["bm3d", "bm3d_white", "noise2void", "plain_unet"])
    parser.add_argument("--no-craters", action="store_true")
    parser.add_argument(
        "--quick", action="store_true", help="two scenes, 2, 5 and 20 DN, table 3, BM3D alone"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    if options.quick:
        options.levels, options.tables, options.count, options.peers = [2.0, 5.0, 20.0], [3], 2, ["bm3d"]
    makers: dict[str, Callable[[], Denoiser]] = {
        "bm3d": bm3d_psd,
        "bm3d_white": bm3d_white,
        "noise2void": struct_noise2void,
        "plain_unet": lambda: plain_unet(options.plain_unet),
    }
    peers, skipped = available({name: makers[name] for name in options.peers})
    own, why = available({"nightside": lambda: nightside_denoiser(options.models)})
    skipped |= why
    for name, reason in skipped.items():
        print(f"left out: {name}: {reason}")
    load_average = os.getloadavg()[0]
    scenes, speeds = grounds(options), {}
    ours = own.get("nightside")
    rows = quality_rows(options, scenes, ours, peers, speeds)
    report = {
        "benchmark": "denoising",
        "scenes": [ground.name for ground in scenes],
        "crop": options.size,
        "binning": options.binning,
        "targets": TARGETS,
        "least_margins": targets_reached(rows),
        "by_signal": rows,
        "recall": None if options.no_craters else recall_rows(options, scenes, ours, peers),
        "false_alarms_per_mpixel_and_diameter": options.false_alarms,
        "mpixel_per_s": {name: float(np.median(each)) for name, each in speeds.items()},
        "left_out": skipped,
        "load_average_at_start": load_average,
        "versions": installed("nightside", "numpy", "scipy", "torch", "bm3d"),
        "machine": {"cpus": os.cpu_count(), "arch": platform.machine()},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    speed = "  ".join(f"{n} {v:.3g}" for n, v in report["mpixel_per_s"].items())
    print(f"Mpixel/s: {speed}; load average at the start {load_average:.2f}")
    for name, value in report["least_margins"].items():
        print(f"least margin, {name}: {'not run' if value is None else f'{value:+.2f}'}")
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()
