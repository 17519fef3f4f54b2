"""``nightside optical project``: one denoised image on a map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Option(help="configuration, YAML")]
Out = Annotated[Path, typer.Option(help="what to write")]
Kernels = Annotated[
    list[Path] | None, typer.Option(help="SPICE kernels or their folder, in place of the configured ones")
]
OnePart = Annotated[
    str | None,
    typer.Option("--part", help="write only this part, 3/8, as one of several jobs; then run without it"),
]


def project(
    config: Config,
    image: Annotated[Path, typer.Option(help="denoised image, X.zarr")],
    out: Out,
    kernels: Kernels = None,
    part: OnePart = None,
) -> None:
    """Project one denoised image onto its map, or onto that of the mosaic where one is configured."""
    from nightside.config import load
    from nightside.optical.map_grid import grid_for
    from nightside.optical.open_strips import (
        geometry_files,
        geometry_warnings,
        open_strips,
        optical_section,
    )
    from nightside.optical.project import error_correlation, projected_dataset
    from nightside.optical.project import project as project_window
    from nightside.store import Part, warn, write_parts

    settings = load(config)
    section = optical_section(settings)
    options = section.mosaic
    errors = error_correlation(options)
    (strip,) = open_strips([image], section.geometry, kernels or ())
    warned = geometry_warnings([strip], section.geometry)
    for warning in warned:
        warn(f"{strip.name}: {warning}")
    grid = grid_for(options, [strip.camera])
    write_parts(
        out,
        lambda window: projected_dataset(project_window(strip, grid, window, errors), window).assign_attrs(
            product_id=strip.name
        ),
        kind="nac_projected",
        settings=settings,
        geobox=grid,
        inputs=[image, *geometry_files(section.geometry, kernels or ())],
        depends={
            "geometry": section.geometry.model_dump(mode="json"),
            "camera": dict(strip.camera.provenance),
            "errors": errors._asdict(),
        },
        details={"geometry": dict(strip.camera.provenance), "warnings": warned},
        side=options.tile,
        part=Part.parse(part),
        overviews=True,
    )
