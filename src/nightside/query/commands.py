"""``nightside query``, ``index``, ``verify`` and ``provenance``: the thin verbs that ask results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightside.query.tables import Format

if TYPE_CHECKING:
    import xarray as xr

    from nightside.query.provenance import Origin

app = typer.Typer(no_args_is_help=True)

Results = Annotated[str, typer.Argument(help="results folder, or its URL", show_default=False)]
Lon = Annotated[float, typer.Option(help="degrees east, -180 to 180 or 0 to 360")]
Lat = Annotated[float, typer.Option(help="degrees north")]
Form = Annotated[Format, typer.Option("--format", help="as a table, JSON or CSV")]
Out = Annotated[Path | None, typer.Option(help="write it there; .json and .csv choose the format")]
Check = Annotated[bool, typer.Option("--verify", help="read every byte first, and refuse damaged stores")]

_MOST_SHOWN = 8
_WIDE = 240


@app.command()
def point(
    results: Results, lon: Lon, lat: Lat, form: Form = Format.TABLE, out: Out = None, verify: Check = False
) -> None:
    """Print the values of every layer of every map at a place, with their units."""
    from nightside.query.tables import show

    frame = _query(results, verify).point(lon, lat)
    show(frame, _format(form, out), out, f"{lon:g} E, {lat:g} N", ("value", "values"))


@app.command()
def profile(
    results: Results, lon: Lon, lat: Lat, form: Form = Format.TABLE, out: Out = None, verify: Check = False
) -> None:
    """Print temperature over local time at a place, its standard deviation and the autoencoder's reconstruction."""
    from nightside.query.tables import show

    found = _query(results, verify).profile(lon, lat)
    wanted = [name for name in ("temperature", "temperature_std", "reconstruction") if name in found]
    frame = found[wanted].to_dataframe().reset_index()[["local_time", *wanted]]
    frame.columns = ["local_time_h", *(f"{name}_k" for name in wanted)]
    show(frame, _format(form, out), out, f"{lon:g} E, {lat:g} N", ("local time", "local times"))


@app.command()
def region(
    results: Results,
    lon_min: Annotated[float, typer.Option(help="western edge, degrees east")],
    lon_max: Annotated[
        float, typer.Option(help="eastern edge; the smaller one where the box crosses 0 or 180")
    ],
    lat_min: Annotated[float, typer.Option(help="southern edge, degrees north")],
    lat_max: Annotated[float, typer.Option(help="northern edge, degrees north")],
    form: Form = Format.TABLE,
    out: Annotated[
        Path | None, typer.Option(help=".zarr or .nc for the values; .json or .csv for the summary")
    ] = None,
    verify: Check = False,
) -> None:
    """Summarise every layer of every map in a box, or write their windows as Zarr or netCDF."""
    from nightside.query.files import write_region
    from nightside.query.tables import counted, show
    from nightside.store import wrote

    windows = _query(results, verify).region(lon_min, lon_max, lat_min, lat_max)
    if out is not None and out.suffix in (".zarr", ".nc"):
        write_region(windows, out)
        wrote(out, counted(len(windows.leaves), ("product", "products")))
        return
    show(
        _summary(windows),
        _format(form, out),
        out,
        f"{lon_min:g} to {lon_max:g} E, {lat_min:g} to {lat_max:g} N",
        ("layer", "layers"),
    )


@app.command()
def anomalies(
    results: Results,
    threshold: Annotated[float, typer.Option(help="of the anomaly score; 1 or 2 is usual, 5 is not")] = 5.0,
    min_area: Annotated[float, typer.Option(help="least area, km2")] = 0.0,
    form: Form = Format.TABLE,
    out: Annotated[
        Path | None, typer.Option(help=".gpkg or .parquet with outlines; .json or .csv without")
    ] = None,
    verify: Check = False,
) -> None:
    """List the thermal anomalies, or write their outlines as GeoPackage or GeoParquet."""
    from nightside.query.anomalies import write_anomalies
    from nightside.query.tables import counted, show
    from nightside.store import wrote

    found, row = _query(results, verify).anomalies(threshold, min_area), ("anomaly", "anomalies")
    if out is not None and out.suffix in (".gpkg", ".parquet"):
        write_anomalies(found, out)
        wrote(out, counted(len(found), row))
        return
    show(found.drop(columns="geometry"), _format(form, out), out, f"score above {threshold:g}", row)


def index(results: Annotated[Path, typer.Argument(help="results folder")]) -> None:
    """Write zarr.json at the root of results, so that they can be asked behind a web server that lists nothing."""
    from nightside.query.products import write_index

    typer.echo(f"{write_index(results)} products in {results}/zarr.json")


def verify(results: Annotated[Path, typer.Argument(help="results folder")]) -> None:
    """Read every byte of every product, GeoTIFFs of the catalogue included, and compare it with its digest."""
    from nightside.query.verify import verify as verify_results

    stores, listed = verify_results(results)
    typer.echo(
        f"all {stores} stores are whole" + (", and so are the files of the catalogue" if listed else "")
    )
    if not listed:
        typer.echo(
            "GeoTIFFs and pictures were not compared: no catalogue has their checksums (nightside publish stac)",
            err=True,
        )


def provenance(
    file: Annotated[
        Path, typer.Argument(help="a store, GeoTIFF, picture, report or model of a results folder")
    ],
    form: Annotated[Format, typer.Option("--format", help="table: as a tree; or JSON")] = Format.TABLE,
) -> None:
    """Print what a file was made from, and how, back to the archive's products."""
    from rich.console import Console
    from rich.tree import Tree

    from nightside.query.provenance import origin
    from nightside.query.tables import as_json

    if form is Format.CSV:
        raise ValueError("a provenance is a tree, which CSV cannot hold; give --format table or json")
    found = origin(file)
    if form is Format.JSON:
        typer.echo(as_json(found.as_dict()), nl=False)
        return
    drawn = Tree(_line(found), highlight=False)
    _grow(drawn, found)
    Console(width=None if sys.stdout.isatty() else _WIDE).print(drawn)


def _query(results: str, check: bool) -> Any:
    from nightside.query.results import open_results
    from nightside.query.verify import verify

    if check:
        verify(results)
    return open_results(results).nightside


def _format(form: Format, out: Path | None) -> Format:
    """Return the format that a file's name asks for, else the one given.

    Raises:
        ValueError: the name asks for none that this verb writes.
    """
    if out is None or out.suffix == ".txt":
        return form
    named = {".json": Format.JSON, ".csv": Format.CSV}.get(out.suffix)
    if named is None:
        raise ValueError(
            f"{out}: '{out.suffix}' is no format of this answer; see --help for the names it takes"
        )
    return named


def _summary(windows: xr.DataTree) -> Any:
    import numpy as np
    import pandas as pd

    from nightside.query.latents import layers

    rows = []
    for node in windows.leaves:
        maps = node.to_dataset(inherit=False)
        for name, variable, units in layers(maps):
            if not {"y", "x"} <= set(variable.dims):
                continue
            values = np.asarray(variable.to_numpy(), np.float64)
            known = values[np.isfinite(values)]
            low, mean, high = (known.min(), known.mean(), known.max()) if known.size else (np.nan,) * 3
            rows.append(
                {
                    "product": node.path.strip("/"),
                    "layer": name,
                    "cells": variable.sizes["y"] * variable.sizes["x"],
                    "known": known.size / max(values.size, 1),
                    "min": float(low),
                    "mean": float(mean),
                    "max": float(high),
                    "units": units,
                }
            )
    return pd.DataFrame(rows)


def _line(found: Origin) -> str:
    from rich.markup import escape

    about = [found.digest[:12]] if found.digest else []
    for key, value in found.about.items():
        if key == "versions":
            about.append(", ".join(f"{name} {version}" for name, version in value.items()))
        elif key == "config_digest":
            about.append(f"configuration {value[:12]}")
        else:
            about.append(f"{key} {value}")
    note = f" [italic]({escape(found.note)})[/]" if found.note else ""
    return f"[bold]{escape(found.name)}[/] {escape('; '.join(about))}{note}"


def _grow(drawn: Any, found: Origin) -> None:
    leaves = 0
    for each in found.inputs:
        leaves += not each.inputs and not each.about
        if leaves <= _MOST_SHOWN or each.inputs or each.about:
            _grow(drawn.add(_line(each)), each)
    if leaves > _MOST_SHOWN:
        drawn.add(f"and {leaves - _MOST_SHOWN} more; --format json lists them")
