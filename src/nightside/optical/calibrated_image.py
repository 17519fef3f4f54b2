"""An image through the standard calibration: which calibration it gets, and the dataset that comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.camera.companding import decompand
from nightside.camera.layout import layout
from nightside.config.camera import Calibration as CalibrationOptions
from nightside.formats import BadImage
from nightside.formats.nac import EdrLabel
from nightside.optical.calibrate import (
    BRIGHT_DN,
    Calibration,
    calibrate,
    i_over_f_per_dn,
    linearised,
    moon_sun_distance_au,
)
from nightside.optical.calibration_files import column_response, read_calibration
from nightside.optical.darks import KIND as DARKS
from nightside.optical.darks import library_calibration
from nightside.optical.edr import Numbers, label_of, numbers_of, open_edr
from nightside.optical.gap_filling import fill_between, fill_masked
from nightside.optical.gaps import lost_samples
from nightside.optical.survey import refuse_dead, survey
from nightside.store import Window, open_store
from nightside.store.windows import STRIP_CHUNK

KIND = "nac_calibrated"


def calibration_for(
    label: EdrLabel, options: CalibrationOptions, darks: Path | None, sunlit: Sequence[Path] = ()
) -> Calibration:
    """Return the calibration of an image: the archive's where its folder is configured, else stand-ins.

    Args:
        label: of the image.
        options: from the configuration.
        darks: the library of darks.
        sunlit: EDR stores to which a flat field is fitted.

    Raises:
        ValueError: there are neither files nor a library, or the library is of another camera or mode.
    """
    where = layout(label.camera, label.summing)
    if options.folder is not None:
        return read_calibration(
            options.folder,
            where,
            exposure_code=label.exposure_code,
            days_max=options.dark_days_max,
            through_zero=options.through_zero,
        )
    if darks is None:
        raise ValueError(
            f"{label.product_id}: there is no dark to calibrate it with; give a library (--darks, from 'nightside optical "
            "darks'), or name the archive's files in 'optical.calibration.folder'"
        )
    library = open_store(darks, kind=DARKS)
    of = (library.attrs["camera"], int(library.attrs["summing"]))
    if of != (label.camera, label.summing):
        raise ValueError(
            f"{darks}: holds darks of the {of[0]} camera with summing {of[1]}, {label.product_id} is of the {label.camera} "
            f"camera with summing {label.summing}; give the library of the same camera and mode"
        )
    made = library_calibration(
        library,
        days=options.dark_average_days,
        days_max=options.dark_days_max,
        exposure_ms=label.exposure_ms,
        flat=None,
    )
    return _with_flat(made, sunlit) if sunlit else made


class CalibratedImage:
    """An image through the standard calibration, band by band: memory does not grow with its length.

    All of it is read once before: whether the image is bright is told by every line.

    Args:
        numbers: gives lines of the image.
        label: of the image.
        calibration: of the same camera and mode.
        echo: whether to remove the echo.

    Raises:
        BadImage: the image is saturated or empty as a whole.
    """

    def __init__(
        self, numbers: Numbers, label: EdrLabel, calibration: Calibration, *, echo: bool = True
    ) -> None:
        self.numbers, self.label, self.calibration, self.echo = numbers, label, calibration, echo
        self.survey = survey(numbers, label.lines, calibration.layout, label.compand_code)
        refuse_dead(self.survey.counts, label.product_id)
        self.bright = is_bright(self.survey.counts, label.compand_code)
        self.sun_distance_au = moon_sun_distance_au(np.datetime64(label.start_time))

    def lines(self, first: int, last: int) -> NDArray[np.float32]:
        """Return the calibrated signal of lines ``first`` to ``last`` (exclusive), DN, (line, sample); NaN where lost."""
        number, where = self.numbers(first, last), self.calibration.layout
        dn, lost = decompand(number, self.label.compand_code), lost_samples(number)
        if self.survey.lost_pixels:
            dn = fill_masked(fill_between(dn, lost), lost, self.survey.masked_dn, where)
        signal = calibrate(
            dn,
            self.calibration,
            time=np.datetime64(self.label.start_time),
            exposure_ms=self.label.exposure_ms,
            sun_distance_au=self.sun_distance_au,
            bright=self.bright,
            echo=self.echo,
        ).dn
        signal[lost] = np.nan
        return signal

    def dataset(self, window: Window, attrs: Mapping[str, Any]) -> xr.Dataset:
        """Return the lines of a window: ``signal`` (line, sample), float32 DN, and in the attributes the I/F of 1 DN.

        ``attrs`` are those of the EDR.
        """
        label, provenance = self.label, self.calibration.provenance
        return xr.Dataset(
            {
                "signal": (
                    ("line", "sample"),
                    self.lines(window["line"].start, window["line"].stop),
                    {"units": "DN", "long_name": "signal above the dark, standard calibration"},
                )
            },
            attrs={
                **attrs,
                "sun_distance_au": self.sun_distance_au,
                "i_over_f_per_dn": i_over_f_per_dn(
                    self.calibration.layout, label.exposure_ms, self.sun_distance_au
                ),
                "echo_removed": int(self.echo),
                **{f"calibration_{name}": text for name, text in provenance.items()},
            },
        )


def is_bright(counts: NDArray[np.intp], compand_code: int) -> bool:
    """Say whether an image has a pixel above ``BRIGHT_DN``, from how often it has each number, (256,)."""
    return bool(decompand(np.flatnonzero(counts), compand_code).max() > BRIGHT_DN)


def _with_flat(calibration: Calibration, sunlit: Sequence[Path]) -> Calibration:
    """Return a calibration whose flat field is fitted to sunlit images of its camera and mode."""
    images, where = [], calibration.layout
    for path in sunlit:
        dataset = open_edr(path, chunked=False)
        label = label_of(dataset)
        if (label.camera, label.summing) != (where.camera, where.summing):
            raise ValueError(
                f"{path}: is of another camera or mode than {where.camera}, summing {where.summing}; leave it out"
            )
        images.append(_mean_line(numbers_of(dataset), label, calibration)[None])
    text = f"stand-in: columns of {len(images)} sunlit image(s) beside their neighbours"
    return Calibration(
        layout=where,
        dark_time=calibration.dark_time,
        dark_dn=calibration.dark_dn,
        flat=column_response(images, where),
        linearity=calibration.linearity,
        provenance={**calibration.provenance, "flat": text},
        days_max=calibration.days_max,
    )


def _mean_line(numbers: Numbers, label: EdrLabel, calibration: Calibration) -> NDArray[np.float64]:
    """Return the mean of an image's lines without gaps, linear and above the dark, DN, (sample,)."""
    surveyed = survey(numbers, label.lines, calibration.layout, label.compand_code)
    bright = is_bright(surveyed.counts, label.compand_code)
    total, whole = np.zeros(label.samples), 0
    for first in range(0, label.lines, STRIP_CHUNK):
        number = numbers(first, min(first + STRIP_CHUNK, label.lines))
        number = number[~lost_samples(number).any(axis=1)]
        dn, time = decompand(number, label.compand_code), np.datetime64(label.start_time)
        total += linearised(dn, calibration, time=time, bright=bright).sum(axis=0)
        whole += len(number)
    if whole == 0:
        raise BadImage(
            f"{label.product_id}: every line has a gap, so that no flat field can be fitted to it; leave it out"
        )
    return total / whole
