"""The verb ``nightside optical darks``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def darks(
    config: Annotated[Path, typer.Option(help="configuration, YAML")],
    edr: Annotated[
        list[Path], typer.Option(help="EDR stores or files of the night side, or a folder of files")
    ],
    camera: Annotated[Literal["left", "right"], typer.Option(help="images of the other are passed over")],
    summing: Annotated[
        int, typer.Option(help="1 or 2; images of the other mode are passed over", min=1, max=2)
    ],
    out: Annotated[Path, typer.Option(help="darks_<camera>_<summing>.zarr")],
    figure: Annotated[
        Path | None, typer.Option(help="PNG: bias and patterns against temperature and age")
    ] = None,
) -> None:
    """Gather dark frames of one camera and mode, with the housekeeping that their darkness depends on."""
    from nightside.config import load
    from nightside.optical.darks import KIND, darks_dataset
    from nightside.optical.darks_figures import write_figure
    from nightside.optical.images_of_darks import gather, options_of
    from nightside.store import write_store, wrote

    settings = load(config)
    options = options_of(settings)
    found = gather(edr, camera, summing, options)
    for name, reason in found.set_aside.items():
        typer.echo(f"set aside {name}: {reason}", err=True)
    longest = max(frame.number.shape[0] for frame in found.frames)
    library = darks_dataset(found.frames, min(options.dark_lines, longest))
    write_store(
        library,
        out,
        kind=KIND,
        settings=settings,
        inputs=found.used,
        details={"set_aside": found.set_aside, "passed_over": found.passed_over},
    )
    if figure is not None:
        write_figure(figure, library)
        wrote(figure)
