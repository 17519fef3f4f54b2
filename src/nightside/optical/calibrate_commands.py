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
    from nightside.optical.calibrated_image import KIND, calibrated_dataset, calibration_for
    from nightside.optical.edr import label_of, open_edr
    from nightside.optical.images_of_darks import options_of
    from nightside.store import write_store

    settings = load(config)
    image = open_edr(edr, chunked=False)
    calibration = calibration_for(label_of(image), options_of(settings), darks, sunlit or [])
    write_store(
        calibrated_dataset(image, calibration, echo=options_of(settings).echo),
        out,
        kind=KIND,
        settings=settings,
        inputs=[path for path in (edr, darks, *(sunlit or [])) if path is not None],
        details={"provenance": dict(calibration.provenance)},
    )
