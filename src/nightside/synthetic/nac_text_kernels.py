"""The text kernels of the synthetic orbiter: leap seconds, clock, frames, the cameras, and the Moon's rotation."""

from __future__ import annotations

import datetime as dt

from nightside.camera.optics import KERNEL_KEYWORDS, NAIF_ID, optics

TICKS = 65_536
"""Of the spacecraft's clock in a second."""

CLOCK_ZERO_TDT_S = 31_579_264.184
"""Terrestrial time, in seconds past J2000, at which the clock stood at 0: 2001-01-01 UTC."""

LEAP_SECONDS = tuple(
    (dt.date(year, month, 1), seconds)
    for seconds, year, month in (
        (10, 1972, 1), (11, 1972, 7), (12, 1973, 1), (13, 1974, 1), (14, 1975, 1), (15, 1976, 1), (16, 1977, 1),
        (17, 1978, 1), (18, 1979, 1), (19, 1980, 1), (20, 1981, 7), (21, 1982, 7), (22, 1983, 7), (23, 1985, 7),
        (24, 1988, 1), (25, 1990, 1), (26, 1991, 1), (27, 1992, 7), (28, 1993, 7), (29, 1994, 7), (30, 1996, 1),
        (31, 1997, 7), (32, 1999, 1), (33, 2006, 1), (34, 2009, 1), (35, 2012, 7), (36, 2015, 7), (37, 2017, 1),
    )
)  # fmt: skip
"""Atomic time minus UTC, from each day on (IERS Bulletin C)."""

_MOON = """
BODY301_RADII        = ( 1737.4 1737.4 1737.4 )
BODY301_POLE_RA      = ( 269.9949 0.0031 0.0 )
BODY301_POLE_DEC     = ( 66.5392 0.0130 0.0 )
BODY301_PM           = ( 38.3213 13.17635815 -1.4D-12 )
BODY301_LONG_AXIS    = ( 0.0 )
BODY301_NUT_PREC_RA  = ( -3.8787 -0.1204 0.0700 -0.0172 0.0 0.0072 0.0 0.0 0.0 -0.0052 0.0 0.0 0.0043 )
BODY301_NUT_PREC_DEC = ( 1.5419 0.0239 -0.0278 0.0068 0.0 -0.0029 0.0009 0.0 0.0 0.0008 0.0 0.0 -0.0009 )
BODY301_NUT_PREC_PM  = ( 3.5610 0.1208 -0.0642 0.0158 0.0252 -0.0066 -0.0047 -0.0046 0.0028 0.0052 0.0040
                         0.0019 -0.0044 )
BODY3_NUT_PREC_ANGLES = ( 125.045 -1935.5364525  250.089 -3871.072905   260.008 475263.3328725
                          176.625 487269.629985  357.529 35999.0509575  311.589 964468.49931
                          134.963 477198.869325  276.617 12006.300765    34.226 63863.5132425
                           15.134 -5806.6093575  119.743 131.84064      239.961 6003.1503825
                           25.053 473327.79642 )
"""
"""Rotation of the Moon, IAU working group (Archinal et al. 2011), as in NAIF's pck00009 and later."""


def text_kernels() -> dict[str, str]:
    """Return the text of each kernel by its file's name, in the order in which they are to be loaded."""
    return {
        "synthetic.tls": "KPL/LSK\n" + _data(_leap_seconds()),
        "synthetic.tsc": "KPL/SCLK\n" + _data(_clock()),
        "synthetic.tpc": "KPL/PCK\n" + _data(_MOON),
        "synthetic.tf": "KPL/FK\n" + _data(_frames()),
        "synthetic.ti": "KPL/IK\n" + _data(_cameras()),
    }


def _data(text: str) -> str:
    return f"\n\\begindata\n{text.rstrip()}\n\n\\begintext\n"


def _leap_seconds() -> str:
    table = "\n".join(
        f"  {seconds}, @{day.year}-{day.strftime('%b').upper()}-1" for day, seconds in LEAP_SECONDS
    )
    return (
        "DELTET/DELTA_T_A = 32.184\nDELTET/K = 1.657D-3\nDELTET/EB = 1.671D-2\n"
        f"DELTET/M = ( 6.239996D0 1.99096871D-7 )\nDELTET/DELTA_AT = (\n{table}\n)"
    )


def _clock() -> str:
    return f"""
SCLK_KERNEL_ID         = ( @2009-01-01 )
SCLK_DATA_TYPE_85      = ( 1 )
SCLK01_TIME_SYSTEM_85  = ( 2 )
SCLK01_N_FIELDS_85     = ( 2 )
SCLK01_MODULI_85       = ( 4294967296 {TICKS} )
SCLK01_OFFSETS_85      = ( 0 0 )
SCLK01_OUTPUT_DELIM_85 = ( 2 )
SCLK_PARTITION_START_85 = ( 0.0 )
SCLK_PARTITION_END_85   = ( 2.8147497671065E+14 )
SCLK01_COEFFICIENTS_85  = ( 0.0  {CLOCK_ZERO_TDT_S!r}  1.0 )
"""


def _frames() -> str:
    frames = ((-85000, "LRO_SC_BUS"), (-85600, "LRO_LROCNACL"), (-85610, "LRO_LROCNACR"))
    return "\n".join(
        f"FRAME_{name} = {code}\nFRAME_{code}_NAME = '{name}'\nFRAME_{code}_CLASS = 3\n"
        f"FRAME_{code}_CLASS_ID = {code}\nFRAME_{code}_CENTER = -85\nCK_{code}_SCLK = -85\nCK_{code}_SPK = -85\n"
        for code, name in frames
    )


def _cameras() -> str:
    lines = []
    for camera, code in NAIF_ID.items():
        lens = optics(camera)
        for field, (keyword, index) in KERNEL_KEYWORDS.items():
            value = getattr(lens, field)
            vector = f"( 0.0 {value!r} 0.0 )" if index else repr(value)
            lines.append(f"INS{code}_{keyword} = {vector}")
        lines.append(f"INS{code}_BORESIGHT = ( 0.0 0.0 1.0 )")
    return "\n".join(lines)
