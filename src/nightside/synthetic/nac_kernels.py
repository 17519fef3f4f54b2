"""SPICE kernels of a synthetic orbiter, in the archive's own formats: the camera model reads them as the real ones.

LRO on circular orbits, one arc for each pass over a target, with the two NACs tilted to both sides of the bus. Leap
seconds, clock, frames, instrument constants and the rotation of the Moon are facts, written to text kernels; the orbit
and the attitude are binary kernels (SPK type 13, CK type 3). Sources: NAIF's required reading of SPK, CK, SCLK and
PCK; rotation of the Moon IAU (Archinal et al. 2011); angles of the cameras the CK of M103595705LE.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import spiceypy
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nightside import moon
from nightside.camera.optics import optics
from nightside.camera.spice import LINE_TIME_FACTOR, MOON, PREROLL_LINES, SPACECRAFT, kernel_pool
from nightside.synthetic.nac_text_kernels import CLOCK_ZERO_TDT_S, LEAP_SECONDS, TICKS, text_kernels

GRAVITY_KM3_S2 = 4902.800
"""Of the Moon."""

BUS, LEFT, RIGHT = -85000, -85600, -85610

TILT_DEG = 1.375
"""Half the angle between the two boresights across the track: about 135 pixels of the scenes overlap."""

DOWN_TRACK_DEG = 0.08
"""How far the right camera looks ahead or behind of the left, along x of its frame."""

_PAD_S = 30.0
_STATE_STEP_S, _ATTITUDE_STEP_S = 10.0, 1.0
_J2000 = dt.datetime(2000, 1, 1, 12)


@dataclass(frozen=True)
class Pass:
    """One pass over a target, during which both cameras take an image.

    Attributes:
        start_time: UTC at which the first line begins, without a zone; rounded to the clock's 15 microseconds.
        lines: of the image.
        exposure_ms: LINE_EXPOSURE_DURATION.
        longitude_deg: of the target, degrees east, which the middle line sees.
        latitude_deg: of the target; poles included.
        altitude_km: above the sphere.
        heading_deg: of the ground track at the target, clockwise from the meridian of ``longitude_deg`` northward.
        roll_deg: about the direction of flight; the orbit then passes beside the target.
        pitch_deg: about the axis across the track.
        aim: what sees the target: the overlap of the pair, or the middle of one of the cameras.
        flies_backwards: whether the bus is yawed by 180 degrees.
    """

    start_time: dt.datetime
    lines: int
    exposure_ms: float
    longitude_deg: float
    latitude_deg: float
    altitude_km: float = 50.0
    heading_deg: float = 0.0
    roll_deg: float = 0.0
    pitch_deg: float = 0.0
    aim: Literal["pair", "left", "right"] = "pair"
    flies_backwards: bool = False

    @property
    def line_time_s(self) -> float:
        """From line to line."""
        return self.exposure_ms * 1e-3 * LINE_TIME_FACTOR


@dataclass(frozen=True)
class Clock:
    """What an image's label says of time: three clock strings, and the UTC times that they stand for."""

    preroll_clock: str
    start_clock: str
    stop_clock: str
    preroll_time: dt.datetime
    start_time: dt.datetime
    stop_time: dt.datetime


def clock_of(flight: Pass) -> Clock:
    """Return the times of a pass as a label gives them; the preroll clock is the one that the geometry counts from."""
    start = _tdt_s(flight.start_time) - CLOCK_ZERO_TDT_S
    preroll = _quantised(start - PREROLL_LINES * flight.line_time_s)
    begin = preroll + PREROLL_LINES * flight.line_time_s
    ends = (preroll, begin, begin + flight.lines * flight.line_time_s)
    clocks = [_clock_string(_quantised(second)) for second in ends]
    times = [flight.start_time + dt.timedelta(seconds=second - start) for second in ends]
    return Clock(clocks[0], clocks[1], clocks[2], times[0], times[1], times[2])


def write_kernels(folder: Path, passes: Sequence[Pass]) -> list[Path]:
    """Write one set of kernels for several passes and both cameras.

    Args:
        folder: where they go; made if it is not there. Kernels of these names are replaced.
        passes: at different times.

    Returns:
        the kernels, in the order in which they are to be loaded.

    Raises:
        ValueError: there is no pass, or two of them are less than a minute apart.
    """
    ordered = sorted(passes, key=lambda flight: flight.start_time)
    if not ordered:
        raise ValueError("no pass is given; kernels are written for one at least")
    for one, two in itertools.pairwise(ordered):
        end = one.start_time + dt.timedelta(seconds=one.lines * one.line_time_s + 2 * _PAD_S)
        if two.start_time < end:
            raise ValueError(
                f"passes at {one.start_time} and {two.start_time} are too close; leave a minute between the end of "
                "one and the start of the next"
            )
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, text in text_kernels().items():
        files.append(folder / name)
        files[-1].write_text(text, encoding="ascii")
    orbit, attitude = folder / "synthetic_orbit.bsp", folder / "synthetic_attitude.bc"
    for binary in (orbit, attitude):
        binary.unlink(missing_ok=True)
    with kernel_pool(files):
        arcs = [_arc(flight) for flight in ordered]
        _write_orbit(orbit, arcs)
        _write_attitude(attitude, arcs)
    return [*files, orbit, attitude]


@dataclass(frozen=True)
class _Arc:
    """A circular orbit in J2000 with a bus that keeps its angles to the local vertical."""

    middle_s: float
    begin_s: float
    end_s: float
    radius_km: float
    up: NDArray[np.float64]
    ahead: NDArray[np.float64]
    bus: Rotation

    @property
    def rate(self) -> float:
        """Angle per second."""
        return math.sqrt(GRAVITY_KM3_S2 / self.radius_km**3)

    def state(self, time_s: float) -> NDArray[np.float64]:
        """Return position in km and velocity in km/s about the Moon, in J2000."""
        angle = self.rate * (time_s - self.middle_s)
        c, s = math.cos(angle), math.sin(angle)
        position = self.radius_km * (c * self.up + s * self.ahead)
        velocity = self.radius_km * self.rate * (c * self.ahead - s * self.up)
        return np.concatenate([position, velocity])

    def attitude(self, time_s: float) -> Rotation:
        """Return the rotation from the bus to J2000."""
        state = self.state(time_s)
        down, ahead = -state[:3] / self.radius_km, state[3:] / (self.radius_km * self.rate)
        local = Rotation.from_matrix(np.stack([ahead, np.cross(down, ahead), down], axis=1))
        return local * self.bus


def _arc(flight: Pass) -> _Arc:
    """Return the orbit on which what is aimed with sees the target in the middle of the image."""
    preroll = spiceypy.scs2e(SPACECRAFT, clock_of(flight).preroll_clock)
    begin_s = preroll + PREROLL_LINES * flight.line_time_s
    middle_s = begin_s + 0.5 * flight.lines * flight.line_time_s
    radius_km = moon.RADIUS_M / 1000 + flight.altitude_km
    # x of the bus points ahead or back, z down; roll and pitch are about the bus's own axes.
    yaw = Rotation.from_euler("z", 180.0 if flight.flies_backwards else 0.0, degrees=True)
    bus = yaw * Rotation.from_euler("xy", [flight.roll_deg, flight.pitch_deg], degrees=True)
    look = bus.apply(_aim(flight.aim))
    to_inertial = np.array(spiceypy.pxform("IAU_MOON", "J2000", middle_s))
    lon, lat, heading = np.deg2rad([flight.longitude_deg, flight.latitude_deg, flight.heading_deg])
    target = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
    north = np.array([-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat)])
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    track = to_inertial @ (math.cos(heading) * north + math.sin(heading) * east)
    target = to_inertial @ target
    # The ground below lies as far from the target, against the look, as the triangle with the Moon's centre says.
    off_nadir = math.acos(min(look[2], 1.0))
    apart = math.asin(radius_km / (moon.RADIUS_M / 1000) * math.sin(off_nadir)) - off_nadir
    right = -np.cross(target, track)
    sideways = look[:2] / max(math.hypot(*look[:2]), 1e-15)
    towards = sideways[0] * track + sideways[1] * right
    up = math.cos(apart) * target - math.sin(apart) * towards
    # Directions along the ground are carried along the great circle from the target.
    carried = math.sin(apart) * target + math.cos(apart) * towards
    ahead = track + sideways[0] * (carried - towards)
    return _Arc(
        middle_s,
        begin_s - _PAD_S + 5.0,
        begin_s + flight.lines * flight.line_time_s + _PAD_S - 5.0,
        radius_km,
        up,
        ahead,
        bus,
    )


def _aim(what: Literal["pair", "left", "right"]) -> NDArray[np.float64]:
    """Return the direction in the bus's frame in which the target shall be seen."""
    if what == "pair":
        return np.array([0.0, 0.0, 1.0])
    aimed: NDArray[np.float64] = _mount(what).apply(optics(what).look(2531.5))
    return aimed


def _mount(camera: Literal["left", "right"]) -> Rotation:
    """Return the rotation from a camera's frame to the bus's; x and y of the right camera point the other way."""
    if camera == "left":
        # A positive turn about x takes z towards -y.
        return Rotation.from_euler("x", TILT_DEG, degrees=True)
    return Rotation.from_euler("z", 180.0, degrees=True) * Rotation.from_euler(
        "xy", [TILT_DEG, -DOWN_TRACK_DEG], degrees=True
    )


def _write_orbit(path: Path, arcs: Sequence[_Arc]) -> None:
    handle = spiceypy.spkopn(str(path), "nightside", 0)
    for arc in arcs:
        times = np.arange(arc.begin_s - _STATE_STEP_S, arc.end_s + 2 * _STATE_STEP_S, _STATE_STEP_S)
        states = np.array([arc.state(t) for t in times])
        spiceypy.spkw13(
            handle, SPACECRAFT, MOON, "J2000", times[0], times[-1], "nightside", 7, times.size, states, times
        )
    spiceypy.spkcls(handle)


def _write_attitude(path: Path, arcs: Sequence[_Arc]) -> None:
    handle = spiceypy.ckopn(str(path), "nightside", 0)
    for arc in arcs:
        times = np.arange(arc.begin_s, arc.end_s + _ATTITUDE_STEP_S, _ATTITUDE_STEP_S)
        ticks = np.array([spiceypy.sce2c(SPACECRAFT, t) for t in times])
        bus = [arc.attitude(t) for t in times]
        # A turn at an even rate, which is what SPICE makes of type 3 between records.
        turn = np.cross(arc.up, arc.ahead) * arc.rate
        rates = np.tile(turn, (times.size, 1))
        _write_segment(handle, BUS, "J2000", ticks, bus, rates)
        for frame, camera in ((LEFT, _mount("left")), (RIGHT, _mount("right"))):
            ends = ticks[[0, -1]]
            _write_segment(handle, frame, "LRO_SC_BUS", ends, [camera, camera], np.zeros((2, 3)))
    spiceypy.ckcls(handle)


def _write_segment(
    handle: int,
    frame: int,
    base: str,
    ticks: NDArray[np.float64],
    attitudes: Sequence[Rotation],
    rates: NDArray[np.float64],
) -> None:
    """Write one CK segment of type 3; ``attitudes`` take the frame's vectors to those of ``base``."""
    quaternions = np.array([spiceypy.m2q(np.ascontiguousarray(a.inv().as_matrix())) for a in attitudes])
    spiceypy.ckw03(
        handle, ticks[0], ticks[-1], frame, base, True, "nightside", ticks.size, ticks, quaternions, rates, 1, ticks[:1]
    )  # fmt: skip


def _tdt_s(utc: dt.datetime) -> float:
    """Return terrestrial time of a UTC, in seconds past J2000."""
    leap = max(seconds for day, seconds in LEAP_SECONDS if dt.datetime.combine(day, dt.time()) <= utc)
    return (utc - _J2000).total_seconds() + leap + 32.184


def _quantised(second: float) -> float:
    return round(second * TICKS) / TICKS


def _clock_string(second: float) -> str:
    whole, ticks = divmod(round(second * TICKS), TICKS)
    return f"1/{whole:09d}:{ticks:05d}"
