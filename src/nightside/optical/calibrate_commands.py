"""The verb ``nightside optical calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    config: Annotated[Path, typer.Option(help="configuration, YAML")],
    edr: Annotated[Path, typer.Option(help="EDR store")],
    out: Annotated[Path, typer.Option(help="what to write")],
    darks: Annotated[
        Path | None,
        typer.Option(help="library of darks of the same camera and mode; not needed with calibration files"),
    ] = None,
    sunlit: Annotated[
        list[Path] | None, typer.Option(help="EDR stores of sunlit ground, for a stand-in of the flat field")
    ] = None,
) -> None:
    """Calibrate an image as the standard chain does: the baseline."""
    from nightside.config import load
    from nightside.optical.calibrated_image import KIND, CalibratedImage, calibration_for
    from nightside.optical.edr import label_of, numbers_of, open_edr
    from nightside.optical.images_of_darks import options_of
    from nightside.store import write_parts

    settings = load(config)
    options = options_of(settings)
    image = open_edr(edr, chunked=False)
    label = label_of(image)
    calibration = calibration_for(label, options, darks, sunlit or [])
    calibrated = CalibratedImage(numbers_of(image), label, calibration, echo=options.echo)
    write_parts(
        out,
        lambda window: calibrated.dataset(window, image.attrs),
        kind=KIND,
        settings=settings,
        strip=(label.lines, label.samples),
        inputs=[path for path in (edr, darks, *(sunlit or [])) if path is not None],
        depends={"calibration": options.model_dump(mode="json")},
        details={"provenance": dict(calibration.provenance)},
    )
