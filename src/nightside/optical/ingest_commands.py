"""``nightside optical ingest``: an EDR becomes a store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def ingest(
    config: Annotated[Path, typer.Option(help="configuration, YAML")],
    out: Annotated[Path, typer.Option(help="the store, X.zarr")],
    edr: Annotated[Path | None, typer.Option(help="EDR of the archive, .IMG")] = None,
    inventory: Annotated[
        Path | None, typer.Option(help="of 'acquire', with --product in place of --edr")
    ] = None,
    product: Annotated[str | None, typer.Option(help="id of the image, such as M103595705LE")] = None,
) -> None:
    """Read an EDR: its numbers without loss, its masked pixels, its label."""
    from nightside.camera.layout import layout
    from nightside.config import load
    from nightside.optical.data_quality import quality_warnings
    from nightside.optical.edr import KIND, edr_dataset, open_file
    from nightside.optical.images import images_of
    from nightside.optical.survey import survey
    from nightside.store import warn, write_parts

    settings = load(config)
    if edr is None:
        edr = _listed(inventory, product)
    images = images_of(settings)
    found = open_file(edr, check_md5=images.check_md5, keep_truncated=images.keep_truncated)
    label = found.label
    surveyed = survey(found.numbers, label.lines, layout(label.camera, label.summing), label.compand_code)
    found = replace(found, warnings=(*found.warnings, *quality_warnings(label), *surveyed.warnings()))
    for warning in found.warnings:
        warn(f"{label.product_id} ({edr.name}): {warning}")
    write_parts(
        out,
        lambda window: edr_dataset(found, window["line"].start, window["line"].stop),
        kind=KIND,
        settings=settings,
        strip=(label.lines, label.samples),
        inputs=[edr],
        details={"warnings": list(found.warnings), "lost_pixels": surveyed.lost_pixels},
    )


def _listed(inventory: Path | None, product: str | None) -> Path:
    from nightside.store import read_json

    if inventory is None or product is None:
        raise ValueError("give --edr, or --inventory and --product")
    listing = read_json(inventory, "folder", "files", "failed")
    for entry in listing["files"]:
        if entry["product_id"] == product:
            return Path(str(listing["folder"])) / str(entry["path"])
    reason = listing["failed"].get(product, "it is not in the archive or folder")
    raise ValueError(f"{product} was not acquired: {reason}; mend that, or take it off the list of products")
