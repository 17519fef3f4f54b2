"""``nightside synthetic``: the verbs of the synthetic Moon."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightside.synthetic.nac_commands import nac, scenes

app = typer.Typer(no_args_is_help=True)
app.command()(nac)
app.command()(scenes)


@app.command()
def diviner(
    config: Annotated[Path, typer.Option(help="configuration with a 'synthetic' section")],
    tables: Annotated[Path, typer.Option(help="folder for the tables; replaced")],
    truth: Annotated[Path, typer.Option(help="the truth store, X.zarr")],
    inventory: Annotated[Path, typer.Option(help="JSON that lists what was written")],
) -> None:
    """Write Diviner tables of a Moon whose truth is known, and the truth."""
    from nightside import store
    from nightside.config import load
    from nightside.synthetic.truth import make_truth
    from nightside.synthetic.write import write_tables

    settings = load(config)
    store.own_folder(tables, "*.zip", "*.tab", "*.lbl")
    inventory.unlink(missing_ok=True)
    dataset = make_truth(settings)
    store.write_store(
        dataset,
        truth,
        kind="truth",
        settings=settings,
        geobox=store.grid_of(settings.mapped_region),
        inputs=[],
    )
    with store.atomic_folder(tables) as partial:
        summary = write_tables(settings, dataset, partial)
    store.write_json(inventory, summary)
