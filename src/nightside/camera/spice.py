"""SPICE kernels: which are loaded, and where camera and Moon were while an image was taken.

CSPICE keeps one pool of kernels for the whole process and is not made for threads. So all use of it is within
:func:`kernel_pool`, one thread at a time, and it leaves the pool as it found it; the :class:`LineScan` that comes out
holds arrays only and may be used anywhere.

Times of lines follow ISIS ``LroNarrowAngleCamera`` and ALE: the clock is read 1024 lines before the first line, and
the true time of a line is the exposure times 1.0045.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import spiceypy
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from spiceypy.utils.exceptions import NotFoundError, SpiceyError

from nightside.camera.layout import Camera
from nightside.camera.line_scan import LineScan, refuse_empty
from nightside.camera.optics import KERNEL_KEYWORDS, NAIF_ID, optics
from nightside.camera.terrain import Terrain

SPACECRAFT, MOON = -85, 301
FRAMES: Mapping[Camera, str] = {"left": "LRO_LROCNACL", "right": "LRO_LROCNACR"}

PREROLL_LINES = 1024
LINE_TIME_FACTOR = 1.0045
"""lro_instrumentAddendum: ADDITIONAL_PREROLL, and 1 + MULTIPLI_LINE_ERROR."""

SUFFIXES = (".tls", ".tsc", ".tpc", ".bpc", ".tf", ".ti", ".bsp", ".bc")
"""Of the kernels in a folder, in the order in which they are loaded: leap seconds and clock first."""

SPEED_OF_LIGHT_M_S = 299_792_458.0

_POOL = threading.RLock()


class MissingKernel(ValueError):
    """Kernels do not say what an image needs; the message names the type of kernel and the time."""


class Exposure(Protocol):
    """What the geometry needs of an image's label; ``formats.nac.EdrLabel`` is one."""

    @property
    def product_id(self) -> str:
        """Of the image."""

    @property
    def camera(self) -> Camera:
        """Left or right."""

    @property
    def summing(self) -> int:
        """Detector samples in one of the image."""

    @property
    def lines(self) -> int:
        """Of the image."""

    @property
    def samples(self) -> int:
        """Of a line."""

    @property
    def exposure_ms(self) -> float:
        """LINE_EXPOSURE_DURATION."""

    @property
    def preroll_clock(self) -> str:
        """Such as 1/270649237:07208."""


def kernel_files(paths: Iterable[Path]) -> list[Path]:
    """Return the kernels to load, in order: files and meta-kernels as given, the kernels in a folder by type and name.

    Of kernels of one type a later one takes precedence, so that versions are in order where their names are.

    Raises:
        MissingKernel: a path does not exist, a folder holds no kernel, or none is given.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            here = [p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES]
            if not here:
                raise MissingKernel(f"{path}: holds no SPICE kernel ({', '.join(SUFFIXES)})")
            found += sorted(here, key=lambda p: (SUFFIXES.index(p.suffix.lower()), p.name))
        elif path.exists():
            found.append(path)
        else:
            raise MissingKernel(f"{path}: no such kernel; correct 'optical.geometry.kernels'")
    if not found:
        raise MissingKernel(
            "no SPICE kernels are given; set 'optical.geometry.kernels' to a folder, a meta-kernel or files"
        )
    return found


@contextmanager
def kernel_pool(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Load kernels for the block, and nothing else; afterwards those that were loaded before are again.

    Other threads wait. Pool variables that were set by hand, not by a kernel, are lost. Yields the files loaded.

    Raises:
        MissingKernel: see :func:`kernel_files`; or a file is no kernel.
    """
    files = kernel_files(paths)
    with _POOL:
        before = _loaded()
        spiceypy.kclear()
        try:
            for file in files:
                try:
                    spiceypy.furnsh(str(file))
                except SpiceyError as error:
                    raise MissingKernel(f"{file}: cannot be loaded as a SPICE kernel ({_short(error)})") from None
            yield files
        finally:
            spiceypy.kclear()
            for file in before:
                spiceypy.furnsh(str(file))


def line_scan(
    label: Exposure,
    *,
    frame: str = "auto",
    light_time: bool = False,
    terrain: Terrain | None = None,
    first_sample: int = 0,
) -> LineScan:
    """Return the geometry of an image, from the kernels that are loaded; see :func:`kernel_pool`.

    Args:
        label: of the image.
        frame: body-fixed frame of the Moon; "auto" is MOON_ME, the frame of maps, where the kernels have it, and
            IAU_MOON, which may be 100 m off, where not.
        light_time: correct for the aberration of light by the spacecraft's speed, half a pixel down the track, as
            ISIS and ALE do not. The turn of the Moon while the light is under way, a millimetre, is left out.
        terrain: heights that rays meet.
        first_sample: SampleFirstPixel of the label.

    Raises:
        MissingKernel: a kernel is missing, or does not cover the image.
        MissesMoon: no pixel sees the Moon.
    """
    _refuse_incomplete(label)
    start_s, line_s = _first_line(label)
    lines = max(label.lines, 2)
    time_s = start_s + line_s * (np.arange(lines) + 0.5)
    ends = time_s[[0, lines // 2, -1]]
    body = _body_frame(frame, label, ends)
    _refuse_gap(label, ends, body)
    camera = FRAMES[label.camera]
    state = np.array([spiceypy.spkezr(str(SPACECRAFT), t, body, "NONE", str(MOON))[0] for t in time_s])
    turn = Rotation.from_matrix(np.array([spiceypy.pxform(camera, body, t) for t in time_s]))
    if light_time:
        inertial = np.array(
            [
                spiceypy.spkezr(str(SPACECRAFT), t, "J2000", "NONE", str(MOON))[0][3:]
                for t in time_s[:: max(lines // 64, 1)]
            ]
        )
        turn = _without_aberration(turn, time_s, inertial, body)
    constants, source = _instrument_kernel(label.camera)
    return refuse_empty(
        LineScan(
            name=label.product_id,
            lines=label.lines,
            samples=label.samples,
            optics=optics(label.camera, label.summing, first_sample, constants),
            time_s=time_s,
            position_m=1000.0 * state[:, :3],
            velocity_m_s=1000.0 * state[:, 3:],
            attitude=turn,
            terrain=terrain,
            provenance={
                "body_frame": body,
                "light_time": light_time,
                "first_line_utc": _utc(start_s),
                "line_time_ms": 1000.0 * line_s,
                "instrument_constants": source,
            },
        )
    )


def _first_line(label: Exposure) -> tuple[float, float]:
    """Return the ephemeris time at which the first line begins, and the time of a line, in seconds."""
    line_s = label.exposure_ms * 1e-3 * LINE_TIME_FACTOR
    try:
        preroll_s = float(spiceypy.scs2e(SPACECRAFT, label.preroll_clock))
    except SpiceyError as error:
        raise MissingKernel(
            f"{label.product_id}: the clock kernel (SCLK) cannot read the preroll clock '{label.preroll_clock}' "
            f"({_short(error)}); correct the label, or load a later lro_clkcor_*.tsc"
        ) from None
    return preroll_s + PREROLL_LINES * line_s, line_s


def _refuse_incomplete(label: Exposure) -> None:
    """Refuse to go on without the kernels that are valid at all times."""
    needed = (
        ("LSK", "DELTET/DELTA_AT", "leap seconds, such as naif0012.tls"),
        ("SCLK", f"SCLK_DATA_TYPE_{-SPACECRAFT}", "the spacecraft's clock, such as lro_clkcor_*.tsc"),
        ("FK", f"FRAME_{NAIF_ID[label.camera]}_NAME", "frames of LRO, such as lro_frames_*.tf"),
    )
    for kind, variable, what in needed:
        if not _in_pool(variable):
            raise MissingKernel(
                f"{label.product_id} (preroll clock {label.preroll_clock}): no {kind} kernel is loaded ({what}); "
                "add it to 'optical.geometry.kernels'"
            )


def _body_frame(frame: str, label: Exposure, times_s: NDArray[np.float64]) -> str:
    """Return the Moon's frame to use.

    Raises:
        MissingKernel: the kernels do not have it at these times.
    """
    wanted = ("MOON_ME", "IAU_MOON") if frame == "auto" else (frame,)
    fault: SpiceyError | None = None
    for name in wanted:
        try:
            for time_s in times_s:
                spiceypy.pxform("J2000", name, time_s)
        except SpiceyError as error:
            fault = error
        else:
            return name
    raise _missing(
        "PCK",
        f"the rotation of the Moon ({' or '.join(wanted)}), such as pck000??.tpc for IAU_MOON, or moon_pa_de*.bpc with "
        "moon_*.tf for MOON_ME",
        label,
        times_s,
        fault,
    )


def _refuse_gap(label: Exposure, times_s: NDArray[np.float64], body: str) -> None:
    """Name the kernel that does not cover the image."""
    for time_s in times_s:
        _or_missing(
            lambda t=time_s: spiceypy.spkezr(str(SPACECRAFT), t, body, "NONE", str(MOON)),  # type: ignore[misc]
            "SPK",
            "LRO's orbit about the Moon, such as lrorg_*.bsp",
            label,
            times_s,
        )
        _or_missing(
            lambda t=time_s: spiceypy.pxform(FRAMES[label.camera], "J2000", t),  # type: ignore[misc]
            "CK",
            f"the attitude of {FRAMES[label.camera]}, such as moc42r_*.bc with lrolc_*.bc",
            label,
            times_s,
        )


def _or_missing(
    ask: Callable[[], Any], kind: str, what: str, label: Exposure, times_s: NDArray[np.float64]
) -> None:
    try:
        ask()
    except SpiceyError as error:
        raise _missing(kind, what, label, times_s, error) from None


def _missing(
    kind: str, what: str, label: Exposure, times_s: NDArray[np.float64], error: SpiceyError | None
) -> MissingKernel:
    return MissingKernel(
        f"{label.product_id}: no loaded {kind} kernel gives {what}, for {_utc(times_s[0])} to {_utc(times_s[-1])} UTC "
        f"(SPICE: {_short(error)}); add it to 'optical.geometry.kernels'"
    )


def _instrument_kernel(camera: Camera) -> tuple[dict[str, float], str]:
    """Return the constants of the loaded instrument kernel, if there is one, and where they come from."""
    found = {}
    for name, (keyword, index) in KERNEL_KEYWORDS.items():
        variable = f"INS{NAIF_ID[camera]}_{keyword}"
        if _in_pool(variable):
            found[name] = float(spiceypy.gdpool(variable, 0, 3)[index])
    if len(found) == len(KERNEL_KEYWORDS):
        return found, "instrument kernel (IK)"
    return {}, "built in, of lro_lroc_v18.ti: no instrument kernel (IK) is loaded"


def _without_aberration(
    turn: Rotation, time_s: NDArray[np.float64], velocity_km_s: NDArray[np.float64], body: str
) -> Rotation:
    """Return the attitudes that point where the light really came from: look vectors turned away from the velocity.

    Aberration shifts what is seen towards the velocity, by v/c across it; the turn is that of the boresight, which is
    right to 1e-7 rad over the field of view.
    """
    some_s = time_s[:: max(time_s.size // 64, 1)]
    to_body = np.array([spiceypy.pxform("J2000", body, t) for t in some_s])
    velocity = np.einsum("nij,nj->ni", to_body, velocity_km_s) * 1000.0
    velocity = np.stack([np.interp(time_s, some_s, v) for v in velocity.T], axis=1)
    boresight = turn.apply([0.0, 0.0, 1.0])
    # Along velocity x boresight, so that the boresight moves against the velocity's part across it.
    away = np.cross(velocity, boresight) / SPEED_OF_LIGHT_M_S
    return Rotation.from_rotvec(away) * turn


def _in_pool(variable: str) -> bool:
    try:
        spiceypy.dtpool(variable)
    except NotFoundError:
        return False
    return True


def _loaded() -> list[str]:
    """Return the kernels in the pool that were not loaded by a meta-kernel, in order."""
    data = [spiceypy.kdata(k, "ALL") for k in range(spiceypy.ktotal("ALL"))]
    return [file for file, _, source, _ in data if not source]


def _utc(time_s: float) -> str:
    return str(spiceypy.et2utc(time_s, "ISOC", 3))


def _short(error: SpiceyError | None) -> str:
    text = getattr(error, "short", "") or str(error)
    return " ".join(str(text).split())[:120]
