"""The standard calibration of a NAC image: that of ISIS ``lronaccal``, then ``lronacecho``.

It is what a user can do today, and so the baseline. On decompanded DN, line by line: the offset of the masked samples
for each phase of the background, the average dark, the non-linear response, the flat field, I/F, and the echo.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightside.camera.echo import remove_echo
from nightside.camera.layout import Layout
from nightside.camera.linearity import Linearity

BRIGHT_DN = 1000.0
"""An image with a brighter pixel is corrected by the wide side's masked samples alone: light reaches the others."""

RESPONSIVITY = {"left": 15869.0, "right": 15058.0}
"""DN per millisecond at 1 AU for an I/F of 1."""


@dataclass(frozen=True)
class Calibration:
    """What the standard calibration of one camera and mode needs.

    Attributes:
        layout: of the camera and mode.
        dark_time: when each dark was taken, datetime64, (dark,), ascending.
        dark_dn: average lines of the darks, their masked offset taken off, DN, (dark, sample).
        flat: relative response, (sample,); NaN or not above zero where there is none.
        linearity: the non-linear response.
        provenance: where dark, flat and linearity come from, in words.
        days_max: darks further apart are not interpolated between.
    """

    layout: Layout
    dark_time: NDArray[np.datetime64]
    dark_dn: NDArray[np.float64]
    flat: NDArray[np.float64]
    linearity: Linearity
    provenance: Mapping[str, str] = field(default_factory=dict)
    days_max: float = 45.0

    def __post_init__(self) -> None:
        """Check that everything is of one mode.

        Raises:
            ValueError: darks or flat field have another number of samples, or there is no dark.
        """
        samples = self.layout.samples
        if self.dark_dn.ndim != 2 or self.dark_dn.shape[0] == 0:
            raise ValueError(
                f"no dark for the {self.layout.camera} camera with summing {self.layout.summing}; run 'nightside optical "
                "darks' on images of the night side, or name the archive's calibration files in the configuration"
            )
        for name, found in (("a dark", self.dark_dn.shape[1]), ("the flat field", self.flat.size)):
            if found != samples:
                raise ValueError(
                    f"{name} has {found} samples, the {self.layout.camera} camera with summing {self.layout.summing} has "
                    f"{samples}; give the calibration of the same camera and mode"
                )

    def dark(self, time: np.datetime64 | dt.datetime) -> NDArray[np.float64]:
        """Return the dark at a time, DN, (sample,): between the dark before and the one after, else the nearest.

        ISIS wants both within 45 days of each other; here a lone dark that is as near as that serves too.

        Raises:
            ValueError: both lie further apart than ``days_max``, and the nearest further away.
        """
        now = moment(time)
        after = int(np.searchsorted(self.dark_time, now, side="right"))
        if after in (0, self.dark_time.size):
            return np.asarray(self.dark_dn[min(after, self.dark_time.size - 1)])
        before, span = after - 1, self.dark_time[after] - self.dark_time[after - 1]
        if span / _DAY > self.days_max:
            nearest = min((before, after), key=lambda k: abs(self.dark_time[k] - now))
            away = abs(self.dark_time[nearest] - now) / _DAY
            if away > self.days_max:
                raise ValueError(
                    f"the darks before and after {now.astype('datetime64[s]')} are {span / _DAY:.0f} days apart and the "
                    f"nearest {away:.0f} days away, more than {self.days_max:g}; add darks of that time, or raise "
                    "'optical.calibration.dark_days_max'"
                )
            return np.asarray(self.dark_dn[nearest])
        later = float((now - self.dark_time[before]) / span)
        return np.asarray((1 - later) * self.dark_dn[before] + later * self.dark_dn[after])


_DAY = np.timedelta64(1, "D")


class Calibrated(NamedTuple):
    """A calibrated block: signal in DN, and I/F, both (line, sample); NaN where the flat field has no value."""

    dn: NDArray[np.float32]
    i_over_f: NDArray[np.float32]


def calibrate(
    dn: NDArray[np.floating],
    calibration: Calibration,
    *,
    time: np.datetime64 | dt.datetime,
    exposure_ms: float,
    sun_distance_au: float,
    bright: bool | None = None,
    echo: bool = True,
) -> Calibrated:
    """Calibrate whole lines as the standard chain does.

    Args:
        dn: decompanded DN, (line, sample); any number of lines.
        calibration: of the same camera and mode.
        time: of the image.
        exposure_ms: LINE_EXPOSURE_DURATION.
        sun_distance_au: of the Moon, see :func:`moon_sun_distance_au`.
        bright: whether the image has a pixel above 1000 DN; without it, whether these lines have.
        echo: whether to remove the echo.
    """
    linear = linearised(dn, calibration, time=time, bright=bright)
    flat = np.where(calibration.flat > 0, calibration.flat, np.nan)
    signal: NDArray[np.floating] = linear / flat
    if echo:
        signal = remove_echo(signal, calibration.layout)
    scale = i_over_f_per_dn(calibration.layout, exposure_ms, sun_distance_au)
    return Calibrated(signal.astype(np.float32), (signal * scale).astype(np.float32))


def linearised(
    dn: NDArray[np.floating],
    calibration: Calibration,
    *,
    time: np.datetime64 | dt.datetime,
    bright: bool | None = None,
) -> NDArray[np.float64]:
    """Return DN above the dark with the non-linear response undone, (line, sample): the chain's first three steps."""
    values = np.asarray(dn, np.float64)
    bright = bool(values.max(initial=0) > BRIGHT_DN) if bright is None else bright
    above = values - masked_offset(values, calibration.layout, bright=bright) - calibration.dark(time)
    return np.asarray(calibration.linearity.inverse(above), np.float64)


def masked_offset(dn: NDArray[np.floating], layout: Layout, *, bright: bool = False) -> NDArray[np.float64]:
    """Return the offset of every pixel, DN, (line, sample), from the masked samples of its line and phase.

    The mean of the masked samples of one phase on the wide side, joined by a straight line to that on the narrow side;
    where ``bright``, the wide side alone. Only three and two samples are averaged, whose noise every pixel inherits.

    Raises:
        ValueError: the lines have another width than the camera and mode.
    """
    if dn.ndim != 2 or dn.shape[1] != layout.samples:
        raise ValueError(
            f"an image of shape {dn.shape} has no lines of {layout.samples} samples; give whole lines"
        )
    offset = np.empty(dn.shape, np.float64)
    for phase in range(layout.phases):
        columns = np.arange(phase, layout.samples, layout.phases)
        (wide, at_wide), (narrow, at_narrow) = (
            _side(dn, side, phase, layout.phases) for side in (layout.wide, layout.narrow)
        )
        if bright:
            offset[:, columns] = wide[:, None]
        else:
            share = (columns - at_wide) / (at_narrow - at_wide)
            offset[:, columns] = wide[:, None] * (1 - share) + narrow[:, None] * share
    return offset


def i_over_f_per_dn(layout: Layout, exposure_ms: float, sun_distance_au: float) -> float:
    """Return the I/F of 1 DN of calibrated signal."""
    return sun_distance_au**2 / (RESPONSIVITY[layout.camera] * exposure_ms)


def moon_sun_distance_au(time: np.datetime64 | dt.datetime) -> float:
    """Return the Moon's distance from the Sun, AU, without kernels: right to 1e-4 AU, and so I/F to 0.02 %.

    Low-precision series of the Astronomical Almanac for Sun and Moon.
    """
    days = float((moment(time) - np.datetime64("2000-01-01T12:00", "ns")) / np.timedelta64(1, "D"))
    sun = np.deg2rad(357.528 + 0.9856003 * days)
    earth = 1.00014 - 0.01671 * np.cos(sun) - 0.00014 * np.cos(2 * sun)
    anomaly, elongation = np.deg2rad(134.963 + 13.064993 * days), np.deg2rad(297.850 + 12.190749 * days)
    moon_km = 385_001 - 20_905 * np.cos(anomaly) - 3_699 * np.cos(2 * elongation - anomaly)
    moon_km -= 2_956 * np.cos(2 * elongation)
    longitude = 6.289 * np.sin(anomaly) + 1.274 * np.sin(2 * elongation - anomaly)
    longitude += 0.658 * np.sin(2 * elongation) - 0.186 * np.sin(sun) - 1.915 * np.sin(sun)
    away = moon_km / 149_597_870.7
    return float(np.sqrt(earth**2 + away**2 - 2 * earth * away * np.cos(elongation + np.deg2rad(longitude))))


def moment(time: np.datetime64 | dt.datetime) -> np.datetime64:
    """Return a UTC time as datetime64 in nanoseconds."""
    return np.datetime64(np.asarray(time, "datetime64[ns]").item(), "ns")


def _side(
    dn: NDArray[np.floating], side: tuple[int, int], phase: int, phases: int
) -> tuple[NDArray[np.float64], int]:
    """Return the mean of one phase's masked samples of each line, and their mean column, a whole number as in ISIS."""
    columns = np.arange(*side)
    columns = columns[columns % phases == phase]
    return dn[:, columns].mean(axis=1, dtype=np.float64), int(columns.mean())
