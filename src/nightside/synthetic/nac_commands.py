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


def scenes(
    out: Annotated[Path, typer.Option(help="the store, X.zarr")],
    config: Annotated[Path, typer.Option(help="configuration; its seed draws the scenes")],
    count: Annotated[int, typer.Option(help="number of scenes", min=1)] = 32,
    size: Annotated[int, typer.Option(help="lines and samples of a scene", min=128, max=1024)] = 512,
) -> None:
    """Render clean scenes of cratered ground, each in a light of its own, for PhotonNet to learn from."""
    import numpy as np
    import xarray as xr

    from nightside.config import load
    from nightside.store import write_store
    from nightside.synthetic.nac_scene import draw_scene

    settings = load(config)
    rng = np.random.default_rng([settings.seed, 43])
    drawn = np.stack([draw_scene(rng, size, pool=settings.seed)[0] for _ in range(count)])
    about = {"units": "1", "long_name": "radiance over its mean"}
    dataset = xr.Dataset({"radiance": (("scene", "line", "sample"), drawn, about)})
    write_store(dataset, out, kind="nac_scenes", settings=settings)
