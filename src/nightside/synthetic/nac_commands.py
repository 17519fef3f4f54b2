"""The verb ``nightside synthetic nac``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def nac(
    config: Annotated[Path, typer.Option(help="configuration with a section 'optical.synthetic'")],
    out_dir: Annotated[Path, typer.Option(help="where images, darks, kernels and truth go")],
    figure: Annotated[Path | None, typer.Option(help="a PNG that shows ground, light and noise")] = None,
) -> None:
    """Write NAC images of the dark whose truth is known: EDRs, dark frames, SPICE kernels, and the truth."""
    from nightside import store
    from nightside.config import load
    from nightside.synthetic.nac_write import write_nac

    settings = load(config)
    inventory = out_dir / "inventory.json"
    inventory.unlink(missing_ok=True)
    written = write_nac(settings, out_dir, tell=lambda line: typer.echo(line, err=True))
    if figure is not None:
        from nightside.synthetic.nac_figure import write_figure

        write_figure(figure, settings, out_dir)
    store.write_json(inventory, written)
