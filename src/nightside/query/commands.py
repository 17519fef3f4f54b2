"""``nightside query``: the thin verbs that ask results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from nightside.query.degrees import words
from nightside.query.tables import Format, counted, format_of, show

if TYPE_CHECKING:
    import xarray as xr

    from nightside.query.location import Location

_Answer = TypeVar("_Answer")

app = typer.Typer(no_args_is_help=True)

Results = Annotated[str, typer.Argument(help="results folder, or its URL", show_default=False)]
Lon = Annotated[float | None, typer.Option(help="degrees east, -180 to 180 or 0 to 360", show_default=False)]
Lat = Annotated[float | None, typer.Option(help="degrees north", show_default=False)]
Table = Annotated[
    Path | None, typer.Option("--places", help="instead of one: CSV with the columns lon, lat, perhaps name")
]
Form = Annotated[
    Format | None,
    typer.Option("--format", case_sensitive=False, help="default: what --out's name says, else a table"),
]
Out = Annotated[Path | None, typer.Option(help="write it there, as .json, .csv or .txt")]
Check = Annotated[bool, typer.Option("--verify", help="read every byte first, and refuse damaged stores")]


@app.command()
def point(
    results: Results,
    lon: Lon = None,
    lat: Lat = None,
    places: Table = None,
    form: Form = None,
    out: Out = None,
    verify: Check = False,
) -> None:
    """Print the values of every layer of every map at a place, or at each of a table, with their units."""
    from nightside.query.sites import asked_for
    from nightside.store import warn

    written, asked = format_of(form, out), asked_for(lon, lat, places)
    frame = _query(results, verify).point(*asked.lonlat)
    if outside := [str(asked.names[k]) for k in frame.attrs["outside"]]:
        warn(f"no map reaches {', '.join(outside)}")
    show(asked.named(frame), written, out, asked.title, ("value", "values"))


@app.command()
def profile(
    results: Results,
    lon: Lon = None,
    lat: Lat = None,
    places: Table = None,
    form: Form = None,
    out: Out = None,
    verify: Check = False,
) -> None:
    """Print temperature over local time at a place, its standard deviation and the autoencoder's reconstruction."""
    from nightside.query.sites import asked_for
    from nightside.store import warn

    written, asked = format_of(form, out), asked_for(lon, lat, places)
    found = _query(results, verify, "thermal/profiles").profile(*asked.lonlat)
    wanted = [name for name in ("temperature", "temperature_std", "reconstruction") if name in found]
    of_it = ["place", "longitude", "latitude"] if "place" in found.dims else []
    frame = found[wanted].to_dataframe().reset_index()[[*of_it, "local_time", *wanted]]
    frame.columns = [*of_it, "local_time_h", *(f"{name}_k" for name in wanted)]
    if of_it and (outside := [str(name) for k, name in enumerate(asked.names) if k not in found["place"]]):
        warn(f"the profiles do not reach {', '.join(outside)}")
    show(asked.named(frame), written, out, asked.title, ("local time", "local times"))


@app.command()
def region(
    results: Results,
    lon_min: Annotated[float, typer.Option(help="western edge, degrees east")],
    lon_max: Annotated[
        float, typer.Option(help="eastern edge; the smaller one where the box crosses 0 or 180")
    ],
    lat_min: Annotated[float, typer.Option(help="southern edge, degrees north")],
    lat_max: Annotated[float, typer.Option(help="northern edge, degrees north")],
    form: Form = None,
    out: Annotated[
        Path | None, typer.Option(help=".zarr or .nc for the values; .json or .csv for the summary")
    ] = None,
    verify: Check = False,
) -> None:
    """Summarise every layer of every map in a box, or write their windows as Zarr or netCDF."""
    from nightside.query.files import write_region
    from nightside.store import wrote

    written = format_of(form, out, ".zarr", ".nc")
    query = _query(results, verify)
    windows = query.region(lon_min, lon_max, lat_min, lat_max)
    if out is not None and out.suffix.lower() in (".zarr", ".nc"):
        windows = _decoded(windows, query.location)
        write_region(windows, out)
        wrote(out, counted(len(windows.leaves), ("product", "products")))
        return
    title = "{} to {} E, {} to {} N".format(*words(lon_min, lon_max, lat_min, lat_max))
    show(_summary(windows, query.location), written, out, title, ("layer", "layers"))


@app.command()
def anomalies(
    results: Results,
    threshold: Annotated[float, typer.Option(help="of the anomaly score; 1 or 2 is usual, 5 is not")] = 5.0,
    min_area: Annotated[float, typer.Option(help="least area, km2")] = 0.0,
    form: Form = None,
    out: Annotated[
        Path | None, typer.Option(help=".gpkg or .parquet with outlines; .json or .csv without")
    ] = None,
    verify: Check = False,
) -> None:
    """List the thermal anomalies, or write their outlines as GeoPackage or GeoParquet."""
    from nightside.query.anomalies import write_anomalies
    from nightside.store import wrote

    written = format_of(form, out, ".gpkg", ".parquet")
    found = _query(results, verify, "thermal/maps").anomalies(threshold, min_area)
    row = ("anomaly", "anomalies")
    if out is not None and out.suffix.lower() in (".gpkg", ".parquet"):
        write_anomalies(found, out)
        wrote(out, counted(len(found), row))
        return
    show(found.drop(columns="geometry"), written, out, f"score above {threshold:g}", row)


def _query(results: str, check: bool, product: str = "") -> Any:
    """Return what answers questions; ``product`` is the only one that is asked, if it is only one."""
    from nightside.query.results import read_tree, tell_left_out
    from nightside.query.verify import verify

    if check:
        verify(results)
    tree = read_tree(results)
    tell_left_out(tree, but=product)
    return tree.nightside


def _summary(windows: xr.DataTree, at: Location) -> Any:
    """Return a row for each layer of the products that can be read."""
    import pandas as pd

    found = _of_each(windows, at, lambda product, maps: list(_summarised(product, maps)))
    return pd.DataFrame([row for rows in found.values() for row in rows])


def _decoded(windows: xr.DataTree, at: Location) -> xr.DataTree:
    """Return the products whose every chunk can be decoded; any other is left out with a warning.

    Before anything is written: when a write fails, dask's other threads go on with theirs for a while.
    """
    import xarray as xr

    def read(_: str, maps: xr.Dataset) -> xr.Dataset:
        maps.max(skipna=False).compute()  # chunk by chunk; of whole numbers a count reads nothing
        return maps

    return xr.DataTree.from_dict(_of_each(windows, at, read))


def _of_each(
    windows: xr.DataTree, at: Location, ask: Callable[[str, xr.Dataset], _Answer]
) -> dict[str, _Answer]:
    """Return what each product answers; one that cannot be read is left out with a warning.

    Raises:
        NotFinished: none can be read.
    """
    from nightside.query.opening import readable
    from nightside.store import NotFinished, warn

    found, faults = {}, []
    for node in windows.leaves:
        product = node.path.strip("/")
        try:
            with readable(at, product):
                found[product] = ask(product, node.to_dataset(inherit=False))
        except NotFinished as error:
            faults.append(str(error))
    if not found:
        raise NotFinished("\n".join(faults))
    for fault in faults:
        warn(f"left out: {fault}")
    return found


def _summarised(product: str, maps: xr.Dataset) -> Iterator[dict[str, Any]]:
    import numpy as np

    from nightside.query.latents import layers

    for name, variable, units in layers(maps):
        if not {"y", "x"} <= set(variable.dims):
            continue
        values = np.asarray(variable.to_numpy(), np.float64)
        known = values[np.isfinite(values)]
        low, mean, high = (known.min(), known.mean(), known.max()) if known.size else (np.nan,) * 3
        yield {
            "product": product,
            "layer": name,
            "cells": variable.sizes["y"] * variable.sizes["x"],
            "known": known.size / max(values.size, 1),
            "min": float(low),
            "mean": float(mean),
            "max": float(high),
            "units": units,
        }
