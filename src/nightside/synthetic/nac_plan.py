"""Which images the synthetic camera takes, when, and what their labels say."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nightside.camera.companding import TABLES
from nightside.camera.layout import Camera, layout
from nightside.camera.plausible import draw_housekeeping
from nightside.config.synthetic_nac import SyntheticNac
from nightside.formats.nac import EdrLabel
from nightside.synthetic.nac_kernels import Pass, clock_of

if TYPE_CHECKING:
    from nightside.camera.noise import NoiseModel

CAMERAS: tuple[Camera, Camera] = ("left", "right")

_MISSION_START = dt.datetime(2009, 6, 27)
_MISSION_DAYS = 5_000
_ORBITS_PER_DAY = 12.2
_CLOCK_AT_M0 = 167_053_532
"""Clock of product M0: 270649237 less 103595705, of the label of M103595705LE."""

_BESIDE_DAYS = (-13.0, 16.0)
"""Of the dark frames beside an image: the archive's average darks are monthly."""

_FIRST_EXPOSURE_MS, _EXPOSURE_STEP_MS = 0.3376, 128 / 15_000
"""Exposure at code 0 and by which it grows with the code; both agree with three real labels to the last digit."""

_LARGEST_CODE = 4095


@dataclass(frozen=True)
class Planned:
    """One image to be taken.

    Attributes:
        label: all of it but the MD5 of pixels that do not exist yet.
        flight: the pass on which it is taken.
        signal_dn: mean signal of the ground; 0 for a dark frame.
        rng_key: what its noise is drawn from, beside the seed.
    """

    label: EdrLabel
    flight: Pass
    signal_dn: float
    rng_key: tuple[int, ...]


def exposure(exposure_ms: float) -> tuple[int, float]:
    """Return the code of the exposure nearest to one in milliseconds, and what the label says of it."""
    code = round((exposure_ms - _FIRST_EXPOSURE_MS) / _EXPOSURE_STEP_MS)
    code = min(max(code, 0), _LARGEST_CODE)
    return code, round(_FIRST_EXPOSURE_MS + code * _EXPOSURE_STEP_MS, 6)


def cameras(section: SyntheticNac, seed: int) -> dict[Camera, NoiseModel]:
    """Return the two cameras, which differ and stay the same throughout the mission."""
    from nightside.camera.noise import draw_camera

    return {camera: draw_camera(camera, section.summing, seed) for camera in CAMERAS}


def image_products(section: SyntheticNac, seed: int) -> list[str]:
    """Return the product ids of all images, left and right by turns, without drawing a camera."""
    flights = [_flight(section, seed, number)[0] for number in range(len(section.signals_dn))]
    return [_product_id(flight, camera) for flight in flights for camera in CAMERAS]


def plan_images(section: SyntheticNac, noise: dict[Camera, NoiseModel], seed: int) -> list[Planned]:
    """Return a left and a right image for each signal, months apart, each pair a little beside the others."""
    planned = []
    for number, signal_dn in enumerate(section.signals_dn):
        flight, day = _flight(section, seed, number)
        for camera in CAMERAS:
            label = _label(section, noise[camera], flight, day, section.compand_code, [seed, 22, number])
            planned.append(Planned(label, flight, signal_dn, (23, number, CAMERAS.index(camera))))
    return planned


def _flight(section: SyntheticNac, seed: int, number: int) -> tuple[Pass, float]:
    """Return the pass of a pair of images, and its day of the mission."""
    rng = np.random.default_rng([seed, 21, number])
    day = 300.0 + 4_000.0 * (number + rng.random()) / len(section.signals_dn)
    flight = Pass(
        start_time=_moment(day),
        lines=section.lines,
        exposure_ms=exposure(section.exposure_ms)[1],
        longitude_deg=section.longitude_deg,
        latitude_deg=section.latitude_deg,
        altitude_km=section.altitude_km,
        heading_deg=float(rng.uniform(-1.0, 1.0)),
        roll_deg=float(rng.uniform(-0.1, 0.1)),
        pitch_deg=float(rng.uniform(-0.1, 0.1)),
    )
    return flight, day


def _product_id(flight: Pass, camera: Camera) -> str:
    clock = clock_of(flight).start_clock
    number = int(clock.partition("/")[2].partition(":")[0]) - _CLOCK_AT_M0
    return f"M{number}{camera[0].upper()}E"


def plan_darks(section: SyntheticNac, noise: dict[Camera, NoiseModel], seed: int) -> list[Planned]:
    """Return dark frames of both cameras: spread over the mission, and some days before and after each image."""
    planned = []
    step = _MISSION_DAYS / section.dark_frames
    days = [
        step * (number + 0.1 + 0.8 * np.random.default_rng([seed, 30, number]).random())
        for number in range(section.dark_frames)
    ]
    taken = [_flight(section, seed, number)[1] for number in range(len(section.signals_dn))]
    days += [day + apart for day in taken for apart in _BESIDE_DAYS]
    for number, day in enumerate(sorted(days)):
        rng = np.random.default_rng([seed, 31, number])
        flight = Pass(
            start_time=_moment(day),
            lines=section.dark_lines,
            exposure_ms=exposure(section.exposure_ms)[1],
            longitude_deg=float(rng.uniform(0.0, 360.0)),
            latitude_deg=float(rng.uniform(-60.0, 60.0)),
            altitude_km=section.altitude_km,
        )
        for camera in CAMERAS:
            label = _label(section, noise[camera], flight, day, section.dark_compand_code, [seed, 32, number])
            planned.append(Planned(label, flight, 0.0, (33, number, CAMERAS.index(camera))))
    return planned


def _moment(day: float) -> dt.datetime:
    return _MISSION_START + dt.timedelta(seconds=round(day * 86_400))


def _label(
    section: SyntheticNac,
    noise: NoiseModel,
    flight: Pass,
    day: float,
    compand_code: int,
    key: list[int],
) -> EdrLabel:
    """Return a label; the two cameras of a pass, given the same key, are equally warm."""
    clock, table = clock_of(flight), TABLES[compand_code]
    camera: Camera = noise.layout.camera
    orbit = round(day * _ORBITS_PER_DAY)
    return EdrLabel(
        product_id=_product_id(flight, camera),
        camera=camera,
        summing=section.summing,
        lines=flight.lines,
        samples=layout(camera, section.summing).samples,
        compand_code=compand_code,
        exposure_ms=flight.exposure_ms,
        exposure_code=exposure(flight.exposure_ms)[0],
        preroll_clock=clock.preroll_clock,
        start_time=clock.start_time,
        stop_time=clock.stop_time,
        start_clock=clock.start_clock,
        stop_clock=clock.stop_clock,
        version="v1.8",
        md5="",
        housekeeping=draw_housekeeping(noise.dark, np.random.default_rng(key), orbit),
        xterm=table.xterm,
        bterm=table.bterm,
        mterm=table.mterm,
        raw={"LRO:PREROLL_TIME": clock.preroll_time.isoformat(timespec="milliseconds")},
    )
