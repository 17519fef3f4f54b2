"""A NAC EDR's label as typed values. Sources: LROC EDR/CDR SIS; labels of M103595705LE and M114145549LE/RE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Housekeeping:
    """What the camera says of itself with each image: the inputs that its dark signal depends on.

    Attributes:
        orbit_number: of the spacecraft, which stands for the camera's age.
        temperature_fpga_c: electronics, in degrees Celsius.
        temperature_fpa_c: focal plane, that is the CCD, in degrees Celsius.
        temperature_telescope_c: telescope, in degrees Celsius.
        temperature_scs_c: sequence and compressor system, in degrees Celsius.
        dac_reset_level: bias control of the read-out.
        channel_a_offset: offset of the first of the two interleaved channels.
        channel_b_offset: offset of the second.
    """

    orbit_number: int
    temperature_fpga_c: float
    temperature_fpa_c: float
    temperature_telescope_c: float
    temperature_scs_c: float
    dac_reset_level: int
    channel_a_offset: int
    channel_b_offset: int

    def as_array(self) -> NDArray[np.float32]:
        """Return the eight values in the order of the fields, float32, shape (8,)."""
        return np.array(astuple(self), dtype=np.float32)


@dataclass(frozen=True)
class EdrLabel:
    """One EDR, as its label describes it.

    Attributes:
        product_id: such as M103595705LE.
        camera: left or right, from FRAME_ID.
        summing: 1, or 2 where pairs of detector samples are averaged.
        lines: of the image.
        samples: of a line, 5064 / summing.
        compand_code: which of the six companding tables.
        exposure_ms: LINE_EXPOSURE_DURATION; the time from line to line is 1.0045 times that.
        exposure_code: what was commanded; 0.3376 ms + code x 128 / 15000 ms is the exposure.
        preroll_clock: spacecraft clock from which the first line's time is counted, such as 1/270649237:07208.
        start_time: UTC, without a zone.
        stop_time: UTC, without a zone.
        start_clock: spacecraft clock of ``start_time``.
        stop_clock: spacecraft clock of ``stop_time``.
        version: PRODUCT_VERSION_ID, such as v1.8.
        md5: of the image's bytes, in hexadecimal.
        housekeeping: temperatures, orbit and bias control.
        xterm: break points of the companding table, in 12-bit DN.
        bterm: its offsets.
        mterm: its slopes.
        raw: every other keyword, by its name in the label (``LRO:MODE``), as text or a number.
    """

    product_id: str
    camera: Literal["left", "right"]
    summing: Literal[1, 2]
    lines: int
    samples: int
    compand_code: int
    exposure_ms: float
    exposure_code: int
    preroll_clock: str
    start_time: dt.datetime
    stop_time: dt.datetime
    start_clock: str
    stop_clock: str
    version: str
    md5: str
    housekeeping: Housekeeping
    xterm: tuple[int, ...]
    bterm: tuple[int, ...]
    mterm: tuple[float, ...]
    raw: Mapping[str, Any] = field(default_factory=dict)
