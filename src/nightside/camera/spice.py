"""Where camera and Moon were while an image was taken, from SPICE kernels: a label becomes a :class:`LineScan`.

All use of SPICE is within :func:`nightside.camera.kernel_pool.kernel_pool`; the :class:`LineScan` that comes out holds
arrays only and may be used anywhere.

Times of lines follow ISIS ``LroNarrowAngleCamera`` and ALE: the clock is read 1024 lines before the first line, and
the true time of a line is the exposure times 1.0045.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import spiceypy
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from spiceypy.utils.exceptions import SpiceyError

from nightside.camera.kernel_pool import MissingKernel, in_pool, kernel_files, kernel_pool, short_message
from nightside.camera.layout import Camera
from nightside.camera.line_scan import LineScan, refuse_empty
from nightside.camera.optics import KERNEL_KEYWORDS, NAIF_ID, optics
from nightside.camera.terrain import Terrain

__all__ = [
    "BUILT_IN",
    "FRAMES",
    "LINE_TIME_FACTOR",
    "MOON",
    "PREROLL_LINES",
    "SPACECRAFT",
    "Exposure",
    "MissingKernel",
    "kernel_files",
    "kernel_pool",
    "line_scan",
]

SPACECRAFT, MOON = -85, 301
FRAMES: Mapping[Camera, str] = {"left": "LRO_LROCNACL", "right": "LRO_LROCNACR"}

PREROLL_LINES = 1024
LINE_TIME_FACTOR = 1.0045
"""lro_instrumentAddendum: ADDITIONAL_PREROLL, and 1 + MULTIPLI_LINE_ERROR."""

BUILT_IN = "built in, of lro_lroc_v18.ti: no instrument kernel (IK) is loaded"
"""Where the camera's constants come from, if from no kernel."""

SPEED_OF_LIGHT_M_S = 299_792_458.0


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
    time_s = start_s + line_s * (np.arange(lines, dtype=np.float64) + 0.5)
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
            f"({short_message(error)}); correct the label, or load a later lro_clkcor_*.tsc"
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
        if not in_pool(variable):
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
        f"(SPICE: {short_message(error)}); add it to 'optical.geometry.kernels'"
    )


def _instrument_kernel(camera: Camera) -> tuple[dict[str, float], str]:
    """Return the constants of the loaded instrument kernel, if there is one, and where they come from."""
    found = {}
    for name, (keyword, index) in KERNEL_KEYWORDS.items():
        variable = f"INS{NAIF_ID[camera]}_{keyword}"
        if in_pool(variable):
            found[name] = float(spiceypy.gdpool(variable, 0, 3)[index])
    if len(found) == len(KERNEL_KEYWORDS):
        return found, "instrument kernel (IK)"
    return {}, BUILT_IN


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


def _utc(time_s: float) -> str:
    return str(spiceypy.et2utc(time_s, "ISOC", 3))
