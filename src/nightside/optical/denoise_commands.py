"""The verb ``nightside optical denoise``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightside.formats.model_files import WEIGHTS
from nightside.optical.project_commands import Config, Out


def denoise(
    config: Config,
    edr: Annotated[Path, typer.Option(help="EDR store")],
    out: Out,
    darks: Annotated[
        Path | None, typer.Option(help="library of darks; not needed with the archive's calibration files")
    ] = None,
    destripe: Annotated[
        Path | None, typer.Option(help="trained DestripeNet; without it the calibration's dark is used")
    ] = None,
    photon: Annotated[
        Path | None, typer.Option(help="trained PhotonNet; without it the one that comes with nightside")
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(help="write only this part, 3/8, as one of several jobs; then run without it"),
    ] = None,
) -> None:
    """Remove the camera's noise: signal, its standard deviation, and a mask."""
    from nightside.config import load
    from nightside.optical.calibrated_image import calibration_for
    from nightside.optical.denoise import Denoiser
    from nightside.optical.denoised_image import KIND, band_dataset
    from nightside.optical.edr import label_of, numbers_of, open_edr
    from nightside.optical.models import SHIPPED, LearntDark, models_for
    from nightside.optical.open_strips import optical_section
    from nightside.optical.reused_memory import keep_freed_memory
    from nightside.store import Part, warn, write_parts

    keep_freed_memory()
    settings = load(config)
    section = optical_section(settings)
    image = open_edr(edr, chunked=False)
    label = label_of(image)
    photon = photon or section.networks.photon.weights or SHIPPED
    models = models_for(
        label,
        calibration_for(label, section.calibration, darks),
        noise=section.noise,
        destripe=destripe,
        photon=photon,
        tile=section.networks.tile,
    )
    attrs, lost = dict(image.attrs), label.housekeeping.lost
    if destripe is not None and lost:
        attrs["housekeeping_assumed"] = list(lost)
        warn(
            f"{label.product_id}: its label has lost its {', '.join(lost)}; the mean of the dark frames that {destripe} was "
            "trained on is taken"
        )
    if isinstance(models.dark, LearntDark) and models.dark.beyond:
        attrs["housekeeping_held"] = list(models.dark.beyond)
        warn(
            f"{label.product_id}: its housekeeping ({', '.join(models.dark.beyond)}) is far from that of the dark "
            f"frames that {destripe} was trained on; the nearest that it knows is taken, and levels may be wrong"
        )
    denoiser = Denoiser(numbers_of(image), label.lines, models, label.product_id)
    networks = [folder / WEIGHTS for folder in (photon, destripe) if folder is not None]
    write_parts(
        out,
        lambda window: band_dataset(denoiser, window, attrs),
        kind=KIND,
        settings=settings,
        strip=(label.lines, label.samples),
        inputs=[path for path in (edr, darks, *networks) if path is not None],
        depends={
            "calibration": section.calibration.model_dump(mode="json"),
            "noise": section.noise.model_dump(),
        },
        part=Part.parse(part),
    )
