"""Recordings of the benchmark: scenes in whole images of 1,024 lines and more, by cameras that no training has seen.

A crop is judged, but never alone in its image: the camera's lines are filled with its scene, mirrored at the scene's
edges as often as it takes, so that the calibration has as much ground and as many lines as it has with a real image.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nightside.camera.companding import decompand
from nightside.camera.noise import NoiseModel, draw_camera
from nightside.camera.plausible import draw_housekeeping
from nightside.config.camera import CameraNoise
from nightside.formats.nac import EdrLabel, Housekeeping
from nightside.optical.calibrate import Calibration, calibrate, masked_offset
from nightside.optical.denoise import Models
from nightside.optical.models import models_for

CAMERA_SEED = 900_001
"""Cameras of training have lower seeds."""

LINES_MIN = 1024
"""The shortest image that the camera takes."""

EXPOSURE_MS = 12.0
TIME = dt.datetime(2010, 6, 15, 12)
DARK_DAYS_BEFORE = 10

Image = NDArray[np.floating]
Photons = Literal["electrons", "dn"]


@dataclass(frozen=True)
class Take:
    """Which camera records, and how.

    Attributes:
        camera: left or right.
        summing: 1 or 2.
        table: companding table.
        seed: of the camera and of all that is drawn.
        photons: what is counted, electrons or, as HORUS has it, DN.
    """

    camera: Literal["left", "right"]
    summing: int
    table: int
    seed: int
    photons: Photons = "electrons"

    def model(self) -> NoiseModel:
        """Return the camera."""
        return _model(self.camera, self.summing, CAMERA_SEED + self.seed % 5, self.photons)


@dataclass(frozen=True)
class Case:
    """One recording: its numbers, and the window of the scene in it.

    Attributes:
        take: how it was recorded.
        label: what a denoiser may know of it.
        number: (line, sample), whole lines.
        level_number: of level ground of the same mean by the same camera, on which noise is measured.
        truth: the signal of the window, DN.
        window: lines and samples of it.
        level_dn: mean of the truth.
    """

    take: Take
    label: EdrLabel
    number: NDArray[np.uint8]
    level_number: NDArray[np.uint8]
    truth: Image
    window: tuple[slice, slice]
    level_dn: float

    @property
    def scene(self) -> slice:
        """Samples that see the Moon."""
        return slice(*self.take.model().layout.scene)


def record(scene: Image, crop: tuple[slice, slice], take: Take, level_dn: float) -> Case:
    """Darken a scene so that the mean of its crop is ``level_dn``, and record it and level ground.

    Args:
        scene: clean, of any scale, (line, sample).
        crop: the part of it that is judged.
        take: camera, mode and table.
        level_dn: mean signal of the crop.
    """
    model = take.model()
    rng = np.random.default_rng([take.seed, int(level_dn * 10), take.summing, take.table])
    signal = (scene / scene[crop].mean() * level_dn).astype(np.float32)
    rows, columns = (c.stop - c.start for c in crop)
    lines = max(LINES_MIN, rows)
    first, last = model.layout.scene
    top = int(rng.integers(0, lines - rows + 1))
    left = int(rng.integers(first, last - columns + 1))
    whole = _filled(signal, crop, (top, left), (lines, model.layout.samples))
    housekeeping = draw_housekeeping(model.dark, rng)
    number, level = (
        model.record(ground, housekeeping, EXPOSURE_MS, take.table, rng)
        for ground in (whole, np.full_like(whole, level_dn))
    )
    window = slice(top, top + rows), slice(left, left + columns)
    return Case(take, _label(take, lines, housekeeping), number, level, signal[crop], window, level_dn)


def standard(case: Case, number: NDArray[np.uint8]) -> Image:
    """Return the standard calibration's image, whole lines, DN."""
    made = calibrate(
        decompand(number, case.take.table),
        _calibration(case.take, case.label.housekeeping),
        time=TIME,
        exposure_ms=EXPOSURE_MS,
        sun_distance_au=1.0,
    )
    return np.nan_to_num(made.dn)


def models_of(case: Case, photon: Path | None) -> Models:
    """Return what nightside has for a recording: no more of the camera than the standard calibration.

    Its dark is that of ten days before, not a DestripeNet's, which one would have to be trained for each camera.
    """
    noise = CameraNoise(photons=case.take.photons)
    return models_for(
        case.label, _calibration(case.take, case.label.housekeeping), noise=noise, photon=photon
    )


@cache
def _model(camera: Literal["left", "right"], summing: int, seed: int, photons: Photons) -> NoiseModel:
    return draw_camera(camera, summing, seed, CameraNoise(photons=photons))


@cache
def _calibration(take: Take, now: Housekeeping) -> Calibration:
    """Return the standard calibration of a camera: its own flat and linearity, and a dark of ten days before.

    The camera was a degree or so warmer or colder then.
    """
    model = take.model()
    rng = np.random.default_rng([take.seed, now.orbit_number])
    warmer = float(rng.normal())
    then = replace(
        now,
        orbit_number=max(now.orbit_number - 12 * DARK_DAYS_BEFORE, 1),
        temperature_fpa_c=now.temperature_fpa_c + warmer,
        temperature_fpga_c=now.temperature_fpga_c + warmer,
    )
    frame = decompand(model.record(np.zeros((1024, model.layout.samples)), then, EXPOSURE_MS, 1, rng), 1)
    dark = (frame - masked_offset(frame, model.layout)).mean(axis=0)
    time_of_dark = np.array([np.datetime64(TIME, "ns") - np.timedelta64(DARK_DAYS_BEFORE, "D")])
    return Calibration(model.layout, time_of_dark, dark[None], model.flat, model.linearity)


def _filled(
    signal: Image, crop: tuple[slice, slice], corner: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return an image of ``shape`` whose pixel ``corner`` is the first of the crop, the scene mirrored all around.

    Edges are not doubled, so that the copies of a scene of 800 samples do not repeat by a multiple of eight.
    """
    at = []
    for size, cut, first, length in zip(signal.shape, crop, corner, shape, strict=True):
        k = (np.arange(length) - first + cut.start) % (2 * size - 2)
        at.append(np.minimum(k, 2 * size - 2 - k))
    return np.ascontiguousarray(signal[np.ix_(*at)], np.float32)


def _label(take: Take, lines: int, housekeeping: Housekeeping) -> EdrLabel:
    kept = take.model().layout
    return EdrLabel(
        product_id="M900000001LE" if kept.camera == "left" else "M900000001RE",
        camera=kept.camera,
        summing=kept.summing,
        lines=lines,
        samples=kept.samples,
        compand_code=take.table,
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
