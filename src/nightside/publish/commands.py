"""``nightside publish``: a catalogue of what a run made, and a check of what was copied."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command()
def stac(
    config: Annotated[Path, typer.Option(help="configuration, YAML")],
    results: Annotated[Path, typer.Option(help="folder of the run, results/<name>")],
    out: Annotated[
        Path,
        typer.Option(help="JSON that names the catalogue; it goes beside it, stac.json: stac/catalog.json"),
    ],
) -> None:
    """Write a STAC catalogue of every product of a run: places, times, checksums, pictures, provenance."""
    from nightside.config import load
    from nightside.publish.catalogue import write_catalogue
    from nightside.publish.products import find_products
    from nightside.store import write_json
    from nightside.store.manifest import digest

    settings, folder = load(config), out.with_suffix("")
    if out.suffix != ".json" or results.resolve() not in folder.resolve().parents:
        raise ValueError(f"--out is {out}; expected a .json in {results}, so that links from it hold")
    products, left_out = find_products(results, settings)
    for said in left_out:
        typer.echo(f"left out: {said}", err=True)
    out.unlink(missing_ok=True)
    items = write_catalogue(results, folder, products, settings)
    write_json(
        out,
        {
            "catalogue": f"{folder.name}/catalog.json",
            "items": items,
            "left_out": left_out,
            "config_digest": settings.digest(),
            "digest": digest(folder),
        },
    )


@app.command()
def check(
    results: Annotated[Path, typer.Option(help="folder of the run, with its catalogue stac/catalog.json")],
) -> None:
    """Check that every file of a catalogue is there and whole: after a copy, or before you cite it."""
    from nightside.publish.check import faults

    catalogue = results / "stac/catalog.json"
    if not catalogue.is_file():
        raise ValueError(
            f"{catalogue} does not exist; run 'nightside publish stac', or give the folder of a run"
        )
    found = list(faults(catalogue))
    if found:
        raise ValueError("\n".join([f"{len(found)} faults in {results}:", *found]))
    typer.echo(f"{results}: every file that the catalogue lists is there and whole")
