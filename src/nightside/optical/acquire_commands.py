"""``nightside optical acquire``: the EDRs of a run, on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer


def acquire(
    config: Annotated[Path, typer.Option(help="configuration, YAML")],
    folder: Annotated[Path, typer.Option(help="where the EDRs lie or go")],
    out: Annotated[Path, typer.Option(help="JSON that lists them")],
    what: Annotated[str, typer.Option(help="images or darks")] = "images",
) -> None:
    """List the EDRs of a run, fetching those that are not there yet; writes an inventory."""
    from nightside.config import load
    from nightside.optical.acquire import acquire as acquire_edrs
    from nightside.store import write_json, wrote

    if what not in ("images", "darks"):
        raise ValueError(f"--what is '{what}'; give images or darks")
    inventory = acquire_edrs(load(config), folder, cast("Literal['images', 'darks']", what))
    write_json(out, inventory)
    wrote(out, f"{len(inventory['files'])} EDRs in {folder}")
    for product in inventory["missing"]:
        typer.echo(f"missing {product}: it is in none of the places where it should lie", err=True)
    for product, reason in inventory["failed"].items():
        typer.echo(f"failed {product}: {reason}", err=True)
