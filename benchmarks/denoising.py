"""How well images of the dark are denoised, beside what a user can do today, on the same pixels in the same run.

Scenes of observations that no training has seen (rendered ground from grounds of their own without ``--scenes``) are
darkened to a mean signal and recorded, in whole images of at least 1,024 lines, by cameras that no training has seen.
Each peer is given (a) the standard calibration's crop, as a user has it, and (b) nightside's destriped one, as a pure
denoiser; and the spectrum of the noise that either leaves, measured on a recording of level ground by the same camera.
The standard calibration's dark was taken ten days before the image, and nightside has no other. PSNR and SSIM are of the
crop, with the range of its 0.1-99.9 percentiles. Noise2Void is trained on all crops of a level, mode and table at once,
for ``--n2v-steps`` steps; longer training, on more of an image, may do better. One section counts photons in DN, as
HORUS has them, in place of electrons: shot noise is then 8.4 times larger (11.9 summed).

The scenes are not free of noise themselves (2 to 9 of 255 from pixel to pixel, some of it texture): at 60 DN that is
as much as the camera's, and bounds every method. ``--binning 2`` halves it where it is noise.

Run: PYTHONPATH=<peers> python benchmarks/denoising.py --scenes <folder> --plain-unet <folder>; --quick for a few
minutes. ``denoising_peers.py`` says how the peers are installed, ``train_plain_unet.py`` makes the U-Net. Tables in
Markdown are printed and written beside the JSON, as are pictures of the recall of craters.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from denoising_camera import Case, Image, Photons, Take, models_of, record, standard
from denoising_peers import Denoiser, bm3d_psd, bm3d_white, has_careamics, plain_unet, struct_noise2void
from denoising_recall import Ground, curve_of, curves_of, summary
from denoising_tables import Row, margins, markdown

from nightside.camera.pattern_statistics import column_mean_std
from nightside.optical.craters import light_azimuth
from nightside.optical.denoise import denoise_array, denoise_window, destripe_array
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
SCENE_POOL = 901
SPEED_LINES = 256
PEERS = ("bm3d", "noise2void", "plain_unet")
RECALL_TABLE, RECALL_LEVELS = 3, (1.0, 2.0, 5.0, 20.0)
QUICK = {"levels": [2.0, 5.0, 20.0], "tables": [3], "count": 2, "n2v_steps": 30, "recall_levels": [5.0]}


@dataclass(frozen=True)
class Settings:
    """What every job of the benchmark needs to know.

    Attributes:
        scenes: what is darkened.
        peers: names of those that can be run.
        photon: folder of a PhotonNet, None for the package's own.
        unet: folder of the plain U-Net.
        size: side of the crops.
        n2v_steps: of Noise2Void's training.
        false_alarms: of craters, per Mpixel and diameter.
    """

    scenes: tuple[Ground, ...]
    peers: tuple[str, ...]
    photon: Path | None
    unet: Path | None
    size: int
    n2v_steps: int
    false_alarms: float

    def take(self, k: int, summing: int, table: int, photons: Photons = "electrons") -> Take:
        """Return which camera records scene ``k``."""
        return Take("left" if k % 2 == 0 else "right", summing, table, k, photons)


class Stopwatch:
    """Seconds of one core that each method takes, as other work on the machine does not count."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}

    def __call__(self, name: str, pixels: int, call: Callable[[], Any]) -> Any:
        """Return the call's result; its pixels and seconds are noted."""
        begun = sum(os.times()[:4])
        made = call()
        self.spent.setdefault(name, []).append(pixels / 1e6 / max(sum(os.times()[:4]) - begun, 1e-3))
        return made


def grounds(options: argparse.Namespace) -> tuple[Ground, ...]:
    """Return clean scenes of test observations, or rendered ones."""
    if options.scenes is None:
        scene = importlib.import_module("nightside.synthetic.nac_scene")
        found = []
        for k in range(options.count):
            image, craters = scene.draw_scene(np.random.default_rng([SCENE_POOL, k]), 800, pool=SCENE_POOL)
            size = craters["diameter_px"]
            boxes = np.stack([craters["sample"], craters["line"], size, size], axis=1).astype(float)
            found.append(Ground(f"rendered {k}", image, boxes[size >= 6], light_azimuth(image)))
        return tuple(found)
    chosen = []
    for path in one_of_each_first(split(list_scenes(options.scenes))[1])[: options.count]:
        scene = clean_scene(read_scene(path), options.binning)
        print(f"{scene.name}: varies by {residual_noise(scene.image):.1f} of 255 from pixel to pixel")
        image = scene.image / scene.image.mean()
        chosen.append(Ground(scene.name, image, scene.boxes, light_azimuth(image)))
    return tuple(chosen)


def one_of_each_first(paths: list[Path]) -> list[Path]:
    """Return scenes ordered so that the first few are of different observations; their mosaics come first."""
    ranked, seen = [], Counter()
    for path in sorted(paths, key=lambda p: ("mosaic" not in p.name, p.name)):
        ranked.append((seen[observation_of(path.name)], path))
        seen[observation_of(path.name)] += 1
    return [path for _, path in sorted(ranked, key=lambda item: item[0])]


def crop(image: Image, size: int, seed: int) -> tuple[slice, slice]:
    """Return a square of an image, wherever chance puts it."""
    rng = np.random.default_rng([seed, 7])
    y, x = (int(rng.integers(0, max(n - size, 0) + 1)) for n in image.shape)
    return slice(y, y + size), slice(x, x + size)


@cache
def peer(name: str, unet: Path | None) -> Denoiser:
    """Return a peer that works on one image."""
    makers: dict[str, Callable[[], Denoiser]] = {
        "bm3d": bm3d_psd,
        "bm3d_white": bm3d_white,
        "plain_unet": lambda: plain_unet(unet),
    }
    return makers[name]()


def available(names: Sequence[str], unet: Path | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the peers that can be run, and of the others why not."""
    there, missing = [], {}
    for name in names:
        try:
            has_careamics() if name == "noise2void" else peer(name, unet)
            there.append(name)
        except (ImportError, OSError, ValueError) as error:
            missing[name] = str(error)
    return tuple(there), missing


def quality_row(
    settings: Settings, summing: int, table: int, level_dn: float, photons: Photons
) -> tuple[Row, dict[str, list[float]]]:
    """Return the figures of all methods at one level, mode and table, and the methods' speeds."""
    torch.set_num_threads(1)
    watch = Stopwatch()
    cases, images, deviations = [], [], []
    for k, ground in enumerate(settings.scenes):
        take = settings.take(k, summing, table, photons)
        case = record(ground.image, crop(ground.image, settings.size, k), take, level_dn)
        whole = watch("standard", case.number.size, lambda case=case: standard(case, case.number))
        models = models_of(case, settings.photon)
        ours = denoise_window(case.number, models, *case.window)
        found = {"standard": whole[case.window], "nightside": ours.signal, "destriped": ours.destriped}
        for source, level_ground in (
            ("standard", standard(case, case.level_number)),
            ("destriped", destripe_array(case.level_number, models)),
        ):
            residual = level_ground[:, case.scene] - level_dn
            psd, sigma = noise_psd(residual, case.truth.shape, smooth=True), float(residual.std())
            for name in settings.peers:
                if name != "noise2void":
                    denoise, given = peer(name, settings.unet), found[source]
                    found[_called(name, source)] = watch(
                        name,
                        case.truth.size,
                        lambda d=denoise, i=given, p=psd, s=sigma: d(i, p, s),
                    )
        cases.append(case)
        images.append(found)
        deviations.append(ours.signal_std)
    if "noise2void" in settings.peers and photons == "electrons":
        for source in ("standard", "destriped"):
            given = [found[source] for found in images]
            pixels = sum(image.size for image in given)
            made = watch("noise2void", pixels, lambda g=given: struct_noise2void(g, settings.n2v_steps))
            for found, image in zip(images, made, strict=True):
                found[_called("noise2void", source)] = image
    row: Row = {
        "signal_dn": level_dn,
        "mode": "normal" if summing == 1 else "summed",
        "table": table,
        "photons": photons,
    }
    scenes = [
        judged(ground.name, case, found, deviation)
        for ground, case, found, deviation in zip(settings.scenes, cases, images, deviations, strict=True)
    ]
    return row | means(scenes), watch.spent


def _called(peer_name: str, source: str) -> str:
    return f"{peer_name} {'after standard' if source == 'standard' else 'on destriped'}"


def judged(name: str, case: Case, images: dict[str, Image], deviation: Image) -> dict[str, Any]:
    """Return the figures of one scene."""
    order = sorted(
        images, key=lambda m: (m != "standard", "after standard" not in m, m != "nightside", m != "destriped")
    )
    truth = case.truth
    z = z_scores(images["nightside"], deviation, truth)
    return {
        "scene": name,
        "camera": case.take.camera,
        "range_dn": data_range(truth),
        "psnr_db": {m: psnr_db(images[m], truth) for m in order},
        "ssim": {m: ssim(images[m], truth) for m in order},
        "l1_dn": {m: l1(images[m], truth) for m in order},
        "z_spread": z.spread,
        "z_spread_robust": z.robust_spread,
        "z_mean": z.mean,
        "stripes": {
            m: {
                "column_std_dn": column_mean_std(images[m] - truth),
                "period_power_dn2": period_power_dn2(images[m] - truth, case.take.model().layout.phases),
            }
            for m in ("standard", "nightside")
        },
    }


def means(scenes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of ``evaluation.json``'s rows, averaged over scenes, and those of each scene."""
    mean: dict[str, Any] = {
        key: {m: float(np.mean([s[key][m] for s in scenes])) for m in scenes[0][key]}
        for key in ("psnr_db", "ssim", "l1_dn")
    }
    mean["stripes"] = {
        m: {key: float(np.mean([s["stripes"][m][key] for s in scenes])) for key in scenes[0]["stripes"][m]}
        for m in scenes[0]["stripes"]
    }
    mean["z_spread"] = float(np.mean([s["z_spread"] for s in scenes]))
    mean["z_spread_each"] = [s["z_spread"] for s in scenes]
    return mean | {"by_scene": scenes}


def recall_job(settings: Settings, k: int, level_dn: float, with_bm3d: bool) -> dict[str, Any]:
    """Return the curves of recall of one whole scene at one level."""
    torch.set_num_threads(1)
    bm3d = peer("bm3d", None) if with_bm3d else None
    take = settings.take(k, 1, RECALL_TABLE)
    return curves_of(settings.scenes[k], take, level_dn, settings.photon, bm3d, settings.false_alarms)


def speed_job(settings: Settings) -> float:
    """Return how fast nightside denoises whole lines, all of its calibration included, Mpixel per second of a core."""
    torch.set_num_threads(1)
    ground, watch = settings.scenes[0], Stopwatch()
    case = record(ground.image, crop(ground.image, settings.size, 0), settings.take(0, 1, RECALL_TABLE), 5.0)
    number, models = case.number[:SPEED_LINES], models_of(case, settings.photon)
    watch("nightside", number.size, lambda: denoise_array(number, models))
    return watch.spent["nightside"][0]


def line(row: Row) -> str:
    """Return a row as text."""
    values = "  ".join(f"{name} {value:.1f}" for name, value in row["psnr_db"].items())
    z = " ".join(f"{z:.2f}" for z in row["z_spread_each"])
    return f"{row['mode']:7}{row['table']:2d}{row['signal_dn']:6.0f} DN {row['photons']} | {values}  z {z}"


def run(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    """Run all jobs, ``options.jobs`` at a time, and return what they found."""
    wanted = [
        (summing, table, level, "electrons")
        for level in options.levels
        for table in options.tables
        for summing in options.summing
    ]
    if not options.no_dn:
        wanted += [(1, options.tables[-1], level, "dn") for level in options.levels]
    rows: dict[tuple[Any, ...], Row] = {}
    speeds: dict[str, list[float]] = {}
    curves: dict[float, dict[int, Any]] = {}
    with_bm3d = "bm3d" in settings.peers and not options.quick
    workers = ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn"))
    with workers:
        jobs = {workers.submit(quality_row, settings, *key): key for key in wanted}
        recalls = {
            workers.submit(recall_job, settings, k, level, with_bm3d): (level, k)
            for level in ([] if options.no_craters else options.recall_levels)
            for k in range(len(settings.scenes))
        }
        speed = workers.submit(speed_job, settings)
        for done in as_completed([*jobs, *recalls]):
            if done in jobs:
                rows[jobs[done]], spent = done.result()
                for name, each in spent.items():
                    speeds.setdefault(name, []).extend(each)
                print(line(rows[jobs[done]]), flush=True)
            else:
                level, k = recalls[done]
                curves.setdefault(level, {})[k] = done.result()
    take = settings.take(0, 1, RECALL_TABLE)
    clean = [curve_of(ground, ground.image, settings.false_alarms) for ground in settings.scenes if curves]
    by_signal = {level: [found[k] for k in sorted(found)] for level, found in curves.items()}
    return {
        "by_signal": [rows[key] for key in wanted],
        "recall": summary(clean, by_signal, take, options.out) if curves else None,
        "mpixel_per_cpu_s": {name: float(np.median(each)) for name, each in speeds.items()}
        | {"nightside": speed.result()},
    }


def installed(*names: str) -> dict[str, str]:
    """Return the versions of packages that are there."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=Path, help="folder of real scenes; rendered ground without it")
    parser.add_argument("--models", type=Path, help="folder of a PhotonNet; the package's own without it")
    parser.add_argument("--plain-unet", type=Path, help="folder of the U-Net trained on white noise")
    parser.add_argument("--levels", type=float, nargs="+", default=list(LEVELS), help="mean signal, DN")
    parser.add_argument("--tables", type=int, nargs="+", default=[0, 1, 3])
    parser.add_argument("--summing", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--size", type=int, default=256, help="side of the crops")
    parser.add_argument(
        "--count", type=int, default=3, help="scenes at most, of different observations first"
    )
    parser.add_argument(
        "--binning", type=int, default=1, help="of the scenes' pixels, against their own noise"
    )
    parser.add_argument(
        "--false-alarms", type=float, default=20.0, help="of craters, per Mpixel and diameter"
    )
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=[*PEERS, "bm3d_white"])
    parser.add_argument(
        "--n2v-steps", type=int, default=60, help="of Noise2Void, for all scenes of a row together"
    )
    parser.add_argument(
        "--no-dn", action="store_true", help="leave out the rows whose photons are counted in DN"
    )
    parser.add_argument("--no-craters", action="store_true")
    parser.add_argument("--recall-levels", type=float, nargs="+", help="1, 2, 5 and 20 DN without it")
    parser.add_argument("--jobs", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--quick", action="store_true", help="two scenes, 2, 5 and 20 DN, table 3")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK, no_dn=True)
    options.recall_levels = options.recall_levels or [v for v in options.levels if v in RECALL_LEVELS]
    return options


def main() -> None:
    options = arguments()
    begun = time.perf_counter()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # for the processes that are started
    peers, missing = available(options.peers, options.plain_unet)
    for name, reason in missing.items():
        print(f"left out: {name}: {reason}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        scenes=grounds(options),
        peers=peers,
        photon=options.models,
        unet=options.plain_unet,
        size=options.size,
        n2v_steps=options.n2v_steps,
        false_alarms=options.false_alarms,
    )
    found = run(settings, options)
    report = {
        "benchmark": "denoising",
        "scenes": [ground.name for ground in settings.scenes],
        "crop": options.size,
        "binning": options.binning,
        "margins": margins(found["by_signal"]),
        **found,
        "false_alarms_per_mpixel_and_diameter": options.false_alarms,
        "noise2void_steps": options.n2v_steps,
        "left_out": missing,
        "minutes": (time.perf_counter() - begun) / 60,
        "load_average": os.getloadavg()[0],
        "versions": installed("nightside", "numpy", "scipy", "torch", "bm3d", "careamics"),
        "machine": {"cpus": os.cpu_count(), "arch": platform.machine()},
    }
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    tables = markdown(report)
    options.out.with_suffix(".md").write_text(tables + "\n", encoding="utf-8")
    print(
        f"\n{tables}\n\n{report['minutes']:.1f} minutes with {options.jobs} processes; written: {options.out}"
    )


if __name__ == "__main__":
    main()
