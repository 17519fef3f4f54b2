"""``nightside index``, ``verify`` and ``provenance``: the thin verbs about a folder of results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightside.query.tables import Format, as_json

if TYPE_CHECKING:
    from nightside.query.provenance import Origin

_MOST_SHOWN = 8
_WIDE = 240


def index(results: Annotated[Path, typer.Argument(help="results folder")]) -> None:
    """Write zarr.json at the root of results, so that they can be asked behind a web server that lists nothing."""
    from nightside.query.products import write_index

    typer.echo(f"{write_index(results)} products in {results}/zarr.json")


def verify(results: Annotated[str, typer.Argument(help="results folder", show_default=False)]) -> None:
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
        str, typer.Argument(help="a store, GeoTIFF, picture, report or model of a results folder")
    ],
    form: Annotated[
        Format, typer.Option("--format", case_sensitive=False, help="table: as a tree; or JSON")
    ] = Format.TABLE,
) -> None:
    """Print what a file was made from, and how, back to the archive's products."""
    from rich.console import Console
    from rich.tree import Tree

    from nightside.query.provenance import origin

    if form is Format.CSV:
        raise ValueError("a provenance is a tree, which CSV cannot hold; give --format table or json")
    found = origin(file)
    if form is Format.JSON:
        typer.echo(as_json(found.as_dict()), nl=False)
        return
    drawn = Tree(_line(found), highlight=False)
    _grow(drawn, found)
    Console(width=None if sys.stdout.isatty() else _WIDE).print(drawn)


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
