"""``nightside optical mosaic`` and ``cog``: images on one grid, and as files that any GIS opens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightside.optical.project_commands import Config, Kernels, OnePart, Out

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

    from nightside.store import Window


def mosaic(
    config: Config,
    images: Annotated[list[Path], typer.Option(help="denoised images, X.zarr; repeat the option")],
    out: Out,
    kernels: Kernels = None,
    part: OnePart = None,
    standard: Annotated[
        list[Path] | None,
        typer.Option(
            help="the same images as 'calibrate' leaves them: their signal is laid out in place, to compare"
        ),
    ] = None,
) -> None:
    """Lay denoised images onto one grid: weighted by their errors, without seams in brightness."""
    from nightside.config import load
    from nightside.optical.map_grid import grid_for
    from nightside.optical.mosaic import KIND, describe, match_images, warnings_of
    from nightside.optical.mosaic import mosaic as mosaic_window
    from nightside.optical.open_strips import (
        geometry_files,
        geometry_warnings,
        open_strips,
        optical_section,
        show_standard,
    )
    from nightside.store import Part, say, warn, write_parts

    settings = load(config)
    section = optical_section(settings)
    strips = open_strips(images, section.geometry, kernels or ())
    grid = grid_for(section.mosaic, [strip.camera for strip in strips])
    say(f"{len(strips)} images on {grid.shape[1]:,} x {grid.shape[0]:,} pixels; comparing their brightness")
    brightness = match_images(strips, grid, section.mosaic)
    warned = [
        *geometry_warnings(strips, section.geometry),
        *warnings_of(brightness, strips, grid, section.mosaic),
    ]
    for warning in warned:
        warn(warning)
    shown = show_standard(strips, standard) if standard else strips

    def window_of(window: Window) -> xr.Dataset:
        made = mosaic_window(shown, brightness, grid, window, section.mosaic)
        if not standard:
            return made
        plain = made[["signal"]]  # the errors are those of the denoised images
        plain["signal"].attrs["long_name"] += ", as the standard calibration leaves it"
        return plain

    write_parts(
        out,
        window_of,
        kind=KIND,
        settings=settings,
        geobox=grid,
        inputs=[*images, *(standard or ()), *geometry_files(section.geometry, kernels or ())],
        depends={
            "geometry": section.geometry.model_dump(mode="json"),
            "mosaic": section.mosaic.model_dump(mode="json"),
            "cameras": [dict(strip.camera.provenance) for strip in strips],
        },
        details=describe(brightness, strips, warned),
        side=section.mosaic.tile,
        part=Part.parse(part),
        overviews=True,
    )


def cog(
    mosaic: Annotated[Path, typer.Option(help="mosaic.zarr, or a projected image")],
    folder: Annotated[Path, typer.Option(help="where the GeoTIFFs go; replaced")],
    out: Annotated[Path, typer.Option(help="JSON that lists them")],
) -> None:
    """Write every layer of a mosaic as a Cloud-Optimised GeoTIFF."""
    from nightside.store import Band, grid_from, open_store, write_cogs

    dataset = open_store(mosaic, chunked=False)
    layers = (
        (
            _Layer(variable.transpose("y", "x").variable),
            Band(str(name), variable.attrs["long_name"], variable.attrs["units"]),
        )
        for name, variable in dataset.data_vars.items()
    )
    write_cogs(layers, grid_from(dataset), folder, out, mosaic)


@dataclass(frozen=True)
class _Layer:
    """A layer of a store, which is read window by window."""

    layer: xr.Variable

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.layer.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        kind: np.dtype[Any] = self.layer.dtype
        return kind

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        values: NDArray[Any] = self.layer[window].values
        return values
