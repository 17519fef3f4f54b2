"""A NAC EDR's label as typed values. Sources: LROC EDR/CDR SIS; labels of M103595705LE and M114145549LE/RE."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Housekeeping:
    """What the camera says of itself with each image: the inputs that its dark signal depends on.

    A value that the label has lost (UNK, N/A) is NaN.

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

    orbit_number: float
    temperature_fpga_c: float
    temperature_fpa_c: float
    temperature_telescope_c: float
    temperature_scs_c: float
    dac_reset_level: float
    channel_a_offset: float
    channel_b_offset: float

    @property
    def lost(self) -> tuple[str, ...]:
        """Names of the values that are not known."""
        return tuple(f.name for f in fields(self) if math.isnan(getattr(self, f.name)))

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


@dataclass(frozen=True)
class Keyword:
    """One line of the label.

    Attributes:
        name: as in the label.
        form: how its value is written; see ``synthetic.edr_writer``.
        field: the field of ``EdrLabel`` or ``Housekeeping`` that holds it; without, it is kept in ``raw``.
        default: what a written label says where ``raw`` does not have it.
    """

    name: str
    form: Literal[
        "word", "text", "integer", "celsius", "nm", "exposure", "list", "time", "second", "computed"
    ]
    field: str = ""
    default: Any = None


LABEL: tuple[tuple[str, tuple[Keyword, ...]], ...] = (
    ("", (Keyword("PDS_VERSION_ID", "word", default="PDS3"),)),
    (
        "FILE CHARACTERISTICS",
        (
            Keyword("RECORD_TYPE", "word", default="FIXED_LENGTH"),
            Keyword("RECORD_BYTES", "computed"),
            Keyword("FILE_RECORDS", "computed"),
            Keyword("LABEL_RECORDS", "computed"),
            Keyword("^IMAGE", "computed"),
        ),
    ),
    (
        "DATA IDENTIFICATION",
        (
            Keyword("DATA_SET_ID", "text", default="LRO-L-LROC-2-EDR-V1.0"),
            Keyword("ORIGINAL_PRODUCT_ID", "word", default="UNK"),
            Keyword("PRODUCT_ID", "word", "product_id"),
            Keyword("MISSION_NAME", "text", default="LUNAR RECONNAISSANCE ORBITER"),
            Keyword("MISSION_PHASE_NAME", "text", default="SYNTHETIC"),
            Keyword("INSTRUMENT_HOST_NAME", "text", default="LUNAR RECONNAISSANCE ORBITER"),
            Keyword("INSTRUMENT_HOST_ID", "word", default="LRO"),
            Keyword("INSTRUMENT_NAME", "text", default="LUNAR RECONNAISSANCE ORBITER CAMERA"),
            Keyword("INSTRUMENT_ID", "word", default="LROC"),
            Keyword("LRO:PREROLL_TIME", "time"),
            Keyword("START_TIME", "time", "start_time"),
            Keyword("STOP_TIME", "time", "stop_time"),
            Keyword("LRO:SPACECRAFT_CLOCK_PREROLL_COUNT", "text", "preroll_clock"),
            Keyword("SPACECRAFT_CLOCK_START_COUNT", "text", "start_clock"),
            Keyword("SPACECRAFT_CLOCK_STOP_COUNT", "text", "stop_clock"),
            Keyword("ORBIT_NUMBER", "integer", "orbit_number"),
            Keyword("PRODUCER_ID", "word", default="NIGHTSIDE"),
            Keyword("PRODUCT_CREATION_TIME", "second"),
            Keyword("PRODUCER_INSTITUTION_NAME", "text", default="NIGHTSIDE SYNTHETIC CAMERA"),
            Keyword("PRODUCT_TYPE", "word", default="EDR"),
            Keyword("PRODUCT_VERSION_ID", "text", "version"),
            Keyword("UPLOAD_ID", "text", default="UNK"),
        ),
    ),
    (
        "DATA DESCRIPTION",
        (
            Keyword("TARGET_NAME", "text", default="MOON"),
            Keyword("RATIONALE_DESC", "text", default="SYNTHETIC"),
            Keyword("FRAME_ID", "word", "camera"),
            Keyword("DATA_QUALITY_ID", "text", default="0"),
            Keyword("DATA_QUALITY_DESC", "computed"),
        ),
    ),
    (
        "ENVIRONMENT",
        (
            Keyword("LRO:TEMPERATURE_SCS", "celsius", "temperature_scs_c"),
            Keyword("LRO:TEMPERATURE_FPA", "celsius", "temperature_fpa_c"),
            Keyword("LRO:TEMPERATURE_FPGA", "celsius", "temperature_fpga_c"),
            Keyword("LRO:TEMPERATURE_TELESCOPE", "celsius", "temperature_telescope_c"),
            Keyword("LRO:TEMPERATURE_SCS_RAW", "integer", default=0),
            Keyword("LRO:TEMPERATURE_FPA_RAW", "integer", default=0),
            Keyword("LRO:TEMPERATURE_FPGA_RAW", "integer", default=0),
            Keyword("LRO:TEMPERATURE_TELESCOPE_RAW", "integer", default=0),
        ),
    ),
    (
        "IMAGING PARAMETERS",
        (
            Keyword("CROSSTRACK_SUMMING", "integer", "summing"),
            Keyword("BANDWIDTH", "nm", default=300),
            Keyword("CENTER_FILTER_WAVELENGTH", "nm", default=600),
            Keyword("LINE_EXPOSURE_DURATION", "exposure", "exposure_ms"),
            Keyword("LRO:LINE_EXPOSURE_CODE", "integer", "exposure_code"),
            Keyword("LRO:DAC_RESET_LEVEL", "integer", "dac_reset_level"),
            Keyword("LRO:CHANNEL_A_OFFSET", "integer", "channel_a_offset"),
            Keyword("LRO:CHANNEL_B_OFFSET", "integer", "channel_b_offset"),
            Keyword("LRO:COMPAND_CODE", "integer", "compand_code"),
            Keyword("LRO:LINE_CODE", "integer"),
            Keyword("LRO:BTERM", "list", "bterm"),
            Keyword("LRO:MTERM", "list", "mterm"),
            Keyword("LRO:XTERM", "list", "xterm"),
            Keyword("LRO:COMPRESSION_FLAG", "integer", default=1),
            Keyword("LRO:MODE", "integer", default=7),
        ),
    ),
)
"""The keywords before the image object, section by section, in the order of a product of version 1.8."""

IMAGE_OBJECT: tuple[Keyword, ...] = (
    Keyword("LINES", "integer", "lines"),
    Keyword("LINE_SAMPLES", "integer", "samples"),
    Keyword("SAMPLE_BITS", "integer", default=8),
    Keyword("SAMPLE_TYPE", "word", default="LSB_INTEGER"),
    Keyword("UNIT", "text", default="RAW_INSTRUMENT_COUNT"),
    Keyword("MD5_CHECKSUM", "text", "md5"),
)

QUALITY = {
    1: "the temperature of the focal plane is out of bounds",
    2: "the threshold for saturated pixels is reached",
    3: "the threshold for under-saturated pixels is reached",
    4: "telemetry packets are missing",
    5: "SPICE information is bad or missing",
    6: "observation or housekeeping information is bad or missing",
}
"""What the bits of DATA_QUALITY_ID say, counted from 1, the lowest (DATA_QUALITY_DESC of the labels)."""

MIRRORED_BELOW = 1.30
"""RIGHT products of an earlier PRODUCT_VERSION_ID hold their samples in the opposite order (ISIS ``lronac2isis``)."""

LINE_TIME_FACTOR = 1.0045
"""From line to line passes this much more than the exposure (MULTIPLI_LINE_ERROR of the instrument's kernel)."""

PREROLL_LINES = 1024
"""Lines that the camera reads before the first line of the image."""
