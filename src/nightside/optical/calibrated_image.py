"""An image through the standard calibration: which calibration it gets, and the dataset that comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.camera.companding import decompand
from nightside.camera.layout import layout
from nightside.config.camera import Calibration as CalibrationOptions
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
from nightside.optical.darks import library_calibration, refuse_dead
from nightside.optical.edr import label_of, open_edr
from nightside.store import open_store

KIND = "nac_calibrated"

_BLOCK = 2048  # lines: some 80 MB in double precision


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


def calibrated_dataset(image: xr.Dataset, calibration: Calibration, *, echo: bool = True) -> xr.Dataset:
    """Return a calibrated image: ``signal`` (line, sample), float32 DN, and in the attributes the I/F of 1 DN.

    Args:
        image: an EDR dataset.
        calibration: of the same camera and mode.
        echo: whether to remove the echo.

    Raises:
        BadImage: the image is saturated or empty as a whole.
    """
    label = label_of(image)
    number: NDArray[np.uint8] = image["number"].to_numpy()
    refuse_dead(number, label.product_id)
    bright = bool(decompand(number, label.compand_code).max() > BRIGHT_DN)
    distance_au = moon_sun_distance_au(np.datetime64(label.start_time))
    signal = np.empty(number.shape, np.float32)
    for first in range(0, number.shape[0], _BLOCK):
        block = slice(first, first + _BLOCK)
        signal[block] = calibrate(
            decompand(number[block], label.compand_code),
            calibration,
            time=np.datetime64(label.start_time),
            exposure_ms=label.exposure_ms,
            sun_distance_au=distance_au,
            bright=bright,
            echo=echo,
        ).dn
    scale = i_over_f_per_dn(calibration.layout, label.exposure_ms, distance_au)
    return xr.Dataset(
        {
            "signal": (
                ("line", "sample"),
                signal,
                {"units": "DN", "long_name": "signal above the dark, standard calibration"},
            )
        },
        attrs={
            **image.attrs,
            "sun_distance_au": distance_au,
            "i_over_f_per_dn": scale,
            "echo_removed": int(echo),
            **{f"calibration_{name}": text for name, text in calibration.provenance.items()},
        },
    )


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
        dn = decompand(dataset["number"].to_numpy(), label.compand_code)
        images.append(linearised(dn, calibration, time=np.datetime64(label.start_time)))
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
