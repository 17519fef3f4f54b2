"""The archive's calibration files, as ISIS keeps them: read where a user has them, and written for tests.

Cubes of one line or more: ``NAC[LR]_AverageDarks_<ET>T[_Summed][_exp0].0001.cub``, ``NAC[LR]_Flatfield[_Summed].0006.cub``
and ``NAC[LR]_LinearizationOffsets[_Summed].0006.cub``; a table ``NAC[LR]_LinearizationCoefficients.0007.txt`` of a, b, c
for each of 5064 detector samples. The highest version is read.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from nightside.camera.layout import DETECTOR_SAMPLES, Layout
from nightside.camera.linearity import Linearity
from nightside.optical.calibrate import Calibration

J2000 = np.datetime64("2000-01-01T11:58:55.816", "ns")
"""UTC of ephemeris time 0; the leap seconds since then do not matter to darks of a month."""

_SPECIAL = -1e30  # ISIS marks pixels without a value by numbers below it
_DARK = re.compile(r"NAC([LR])_AverageDarks_(\d+)T(_Summed)?(_exp0)?\.(\d+)\.cub$")


def read_calibration(
    folder: Path, layout: Layout, *, exposure_code: int, days_max: float = 45.0, through_zero: bool = False
) -> Calibration:
    """Return the archive's calibration of a camera and mode.

    Args:
        folder: holds the files, at any depth.
        layout: of the camera and mode.
        exposure_code: LRO:LINE_EXPOSURE_CODE of the image; 0 has darks of its own.
        days_max: see :class:`Calibration`.
        through_zero: replace c, and the coefficients by those of the mean column, as HORUS does.

    Raises:
        ValueError: a kind of file is missing, or one is of another mode or damaged; the message names it.
    """
    letter, summed = layout.camera[0].upper(), "_Summed" if layout.summing == 2 else ""
    darks = _darks(folder, letter, summed, exposure_code)
    flat = latest(folder, f"NAC{letter}_Flatfield{summed}", "cub")
    offsets = latest(folder, f"NAC{letter}_LinearizationOffsets{summed}", "cub")
    table = latest(folder, f"NAC{letter}_LinearizationCoefficients", "txt")
    linearity = read_linearity(table, offsets, layout)
    if through_zero:
        mean = linearity.averaged()
        linearity = Linearity.through_zero(mean.a, mean.b, mean.offset)
    times = np.array(sorted(darks), "int64")
    return Calibration(
        layout=layout,
        dark_time=J2000 + times * np.timedelta64(10**9, "ns"),
        dark_dn=np.stack([read_line(darks[int(time)], layout.samples) for time in times]),
        flat=read_line(flat, layout.samples),
        linearity=linearity,
        provenance={
            "dark": f"{len(darks)} average darks of the archive",
            "flat": flat.name,
            "linearity": f"{table.name}, {offsets.name}" + (", forced through zero" if through_zero else ""),
        },
        days_max=days_max,
    )


def read_linearity(table: Path, offsets: Path, layout: Layout) -> Linearity:
    """Return the response of a camera and mode; in the summed mode both samples' corrections are averaged.

    Raises:
        ValueError: a file has another number of samples than it should have, or is damaged.
    """
    try:
        rows = np.loadtxt(table, ndmin=2)
    except (OSError, ValueError) as error:
        raise ValueError(f"{table}: is no table of numbers ({error}); copy the file again") from None
    if rows.shape != (DETECTOR_SAMPLES, 3):
        raise ValueError(
            f"{table}: has {rows.shape[0]} rows of {rows.shape[1]}, expected {DETECTOR_SAMPLES} of 3; copy it again"
        )
    a, b, c = (column.reshape(-1, layout.summing).T for column in rows.T)
    offset = np.nan_to_num(read_line(offsets, layout.samples))
    # Masked samples have no response; an exponent of nothing keeps their correction harmless.
    dead = ~(np.isfinite(a) & np.isfinite(b) & np.isfinite(c) & (a >= 0) & (b >= 1) & (a + c > 0))
    a, b, c = np.where(dead, 0.0, a), np.where(dead, 1.0, b), np.where(dead, 1e12, c)
    return Linearity(a, b, c, np.where(offset < 0, 0.0, offset))


def latest(folder: Path, stem: str, suffix: str) -> Path:
    """Return the file ``stem.<version>.suffix`` of the highest version.

    Raises:
        ValueError: there is none.
    """
    found = sorted(folder.rglob(f"{stem}.[0-9][0-9][0-9][0-9].{suffix}"), key=lambda path: path.name)
    if not found:
        raise ValueError(
            f"{folder}: holds no {stem}.????.{suffix}; copy it from the calibration data of ISIS (lro/calibration), or leave "
            "'optical.calibration.folder' out to use stand-ins"
        )
    return found[-1]


def read_line(path: Path, samples: int) -> NDArray[np.float64]:
    """Return the mean line of a cube, (sample,); NaN where no line has a value.

    Raises:
        ValueError: it is no cube, or of another width.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as cube:
                values = cube.read(1).astype(np.float64)
    except (RasterioError, OSError) as error:
        raise ValueError(f"{path}: is no ISIS cube ({error}); copy the file again") from None
    if values.shape[1] != samples:
        raise ValueError(
            f"{path}: has {values.shape[1]} samples, expected {samples}; is it of the other mode?"
        )
    good = np.isfinite(values) & (values > _SPECIAL)
    line: NDArray[np.float64] = np.divide(
        np.where(good, values, 0).sum(axis=0),
        good.sum(axis=0),
        out=np.full(samples, np.nan),
        where=good.any(axis=0),
    )
    return line


def write_line(path: Path, values: NDArray[np.floating]) -> None:
    """Write one line, (sample,), as an ISIS cube; NaN becomes ISIS's null."""
    null = float(np.frombuffer(bytes.fromhex("fbff7fff"), np.float32)[0])
    line = np.where(np.isfinite(values), values, null).astype(np.float32)[None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver="ISIS3", width=line.shape[1], height=1, count=1, dtype="float32"
        ) as cube:
            cube.write(line, 1)


def write_calibration(folder: Path, calibration: Calibration, coefficients: NDArray[np.floating]) -> None:
    """Write a calibration as the archive's files; ``coefficients`` are a, b, c of each detector sample, (5064, 3)."""
    folder.mkdir(parents=True, exist_ok=True)
    where = calibration.layout
    letter, summed = where.camera[0].upper(), "_Summed" if where.summing == 2 else ""
    for time, dark in zip(calibration.dark_time, calibration.dark_dn, strict=True):
        seconds = round((time - J2000) / np.timedelta64(1, "s"))
        write_line(folder / f"NAC{letter}_AverageDarks_{seconds}T{summed}.0001.cub", dark)
    write_line(folder / f"NAC{letter}_Flatfield{summed}.0006.cub", calibration.flat)
    offset = np.broadcast_to(calibration.linearity.offset, where.samples)
    write_line(folder / f"NAC{letter}_LinearizationOffsets{summed}.0006.cub", offset)
    np.savetxt(folder / f"NAC{letter}_LinearizationCoefficients.0007.txt", coefficients, fmt="%.17g")


def column_response(
    images: Sequence[NDArray[np.floating]], layout: Layout, *, span: int = 101
) -> NDArray[np.float64]:
    """Return a flat field fitted to sunlit images, (sample,): each column beside the mean of its neighbours.

    What varies over more than ``span`` columns is the scene's, so that vignetting stays in. Masked columns get 1.

    Args:
        images: linear signal above the dark, DN, (line, sample) of whole lines; brighter pixels count more.
        layout: of the camera and mode.
        span: columns of a neighbourhood.

    Raises:
        ValueError: there is no image, or one has no light.
    """
    scene = slice(*layout.scene)
    profiles = [np.mean(image[:, scene], axis=0, dtype=np.float64) for image in images]
    if not profiles or min(profile.min() for profile in profiles) <= 0:
        raise ValueError(
            "a flat field is fitted to sunlit images, these have columns without light; give others"
        )
    kernel = np.ones(span) / span
    around = []
    for profile in profiles:
        padded = np.pad(profile, span // 2, mode="reflect", reflect_type="odd")
        around.append(profile / np.convolve(padded, kernel, mode="valid"))
    flat = np.ones(layout.samples)
    flat[scene] = np.median(around, axis=0)
    return flat


def _darks(folder: Path, letter: str, summed: str, exposure_code: int) -> dict[int, Path]:
    """Return the darks of one class by ephemeris time; those of the other class where there are none."""
    found: dict[bool, dict[int, tuple[str, Path]]] = {True: {}, False: {}}
    for path in sorted(folder.rglob(f"NAC{letter}_AverageDarks_*.cub")):
        match = _DARK.search(path.name)
        if match is None or (match[3] or "") != summed:
            continue
        held, time = found[bool(match[4])], int(match[2])
        if time not in held or held[time][0] < match[5]:
            held[time] = (match[5], path)
    chosen = found[exposure_code == 0] or found[exposure_code != 0]
    if not chosen:
        raise ValueError(
            f"{folder}: holds no NAC{letter}_AverageDarks_*T{summed}*.cub; copy them from the calibration data of ISIS "
            "(lro/calibration/nac_darks), or leave 'optical.calibration.folder' out to use the library of darks"
        )
    return {time: path for time, (_, path) in chosen.items()}
