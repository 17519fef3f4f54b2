"""Which craters can be found before and after denoising: recall against diameter at a fixed rate of false alarms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from denoising_camera import Case, Image, Take, models_of, record, standard
from denoising_peers import Denoiser

from nightside.optical.crater_recall import RecallCurve, recall_as_json, recall_curve, together
from nightside.optical.denoise import denoise_window
from nightside.optical.figures import draw_recall
from nightside.optical.spectra import noise_psd


@dataclass(frozen=True)
class Ground:
    """A clean scene of mean 1, its labelled craters and the light it is in.

    Attributes:
        name: of the scene.
        image: (line, sample).
        boxes: (crater, 4), as in :mod:`nightside.optical.craters`.
        light_deg: azimuth of the light.
    """

    name: str
    image: Image
    boxes: np.ndarray = field(repr=False)
    light_deg: float


def curves_of(
    ground: Ground,
    take: Take,
    level_dn: float,
    photon: Path | None,
    bm3d: Denoiser | None,
    false_alarms: float,
) -> dict[str, RecallCurve]:
    """Return the curves of a whole scene: by the standard calibration, BM3D after it where given, and nightside."""
    whole = slice(0, ground.image.shape[0]), slice(0, ground.image.shape[1])
    case: Case = record(ground.image, whole, take, level_dn)
    plain = standard(case, case.number)[case.window]
    images = {"standard": plain}
    if bm3d is not None:
        residual = standard(case, case.level_number)[:, case.scene] - level_dn
        images["bm3d after standard"] = bm3d(plain, noise_psd(residual, plain.shape, smooth=True), 0.0)
    images["nightside"] = denoise_window(case.number, models_of(case, photon), *case.window).signal
    return {name: curve_of(ground, image, false_alarms) for name, image in images.items()}


def curve_of(ground: Ground, image: Image, false_alarms: float) -> RecallCurve:
    """Return the curve of one image of a ground."""
    return recall_curve(image, ground.boxes, false_alarms, light_azimuth_deg=ground.light_deg)


def summary(
    clean: Iterable[RecallCurve],
    by_signal: dict[float, list[dict[str, RecallCurve]]],
    take: Take,
    figures: Path,
) -> dict[str, Any]:
    """Return all curves as JSON, scenes taken together, and draw them, one picture a level, beside ``figures``."""
    reference = together(list(clean))
    out: dict[str, Any] = {
        "mode": "normal" if take.summing == 1 else "summed",
        "table": take.table,
        "clean": recall_as_json(reference),
        "by_signal": {},
    }
    for level, scenes in sorted(by_signal.items()):
        joined = {name: together([curves[name] for curves in scenes]) for name in scenes[0]}
        out["by_signal"][f"{level:g}"] = {name: recall_as_json(curve) for name, curve in joined.items()}
        path = figures.with_name(f"{figures.stem}-recall-{level:g}dn.png")
        draw_recall(path, {"clean": reference, **joined}, f"Labelled craters found, mean signal {level:g} DN")
    return out
