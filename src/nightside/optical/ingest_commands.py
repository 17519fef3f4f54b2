"""``nightside optical ingest``: an EDR becomes a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def ingest(
    config: Annotated[Path, typer.Option(help="configuration, YAML")],
    edr: Annotated[Path, typer.Option(help="EDR of the archive, .IMG")],
    out: Annotated[Path, typer.Option(help="the store, X.zarr")],
) -> None:
    """Read an EDR: its numbers without loss, its masked pixels, its label."""
    from nightside.config import load
    from nightside.optical.edr import KIND, edr_dataset, open_file
    from nightside.optical.images import images_of
    from nightside.store import write_store

    settings = load(config)
    images = images_of(settings)
    found = open_file(edr, check_md5=images.check_md5, keep_truncated=images.keep_truncated)
    for warning in found.warnings:
        typer.echo(f"{edr}: {warning}", err=True)
    write_store(
        edr_dataset(found),
        out,
        kind=KIND,
        settings=settings,
        inputs=[edr],
        details={"warnings": list(found.warnings)},
    )
