"""The verbs ``nightside optical train-destripe`` and ``train-photon``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightside.optical.project_commands import Config

Model = Annotated[Path, typer.Option(help="folder of the trained model")]
Checkpoints = Annotated[Path, typer.Option(help="folder from which training goes on after a kill")]


def train_destripe(
    config: Config,
    darks: Annotated[Path, typer.Option(help="library of darks of one camera and mode")],
    model: Model,
    checkpoints: Checkpoints,
) -> None:
    """Train DestripeNet: from masked samples and housekeeping to the camera noise of a line."""
    from nightside.config import load
    from nightside.optical.darks import KIND
    from nightside.optical.destripe_training import dark_lines
    from nightside.optical.destripe_training import train_destripe as train
    from nightside.optical.open_strips import optical_section
    from nightside.store import open_store, wrote

    settings = load(config)
    lines = dark_lines(open_store(darks, kind=KIND, chunked=False))
    train(lines, optical_section(settings).networks, settings.seed, model, checkpoints, inputs=[darks])
    wrote(model)


def train_photon(
    config: Config,
    model: Model,
    checkpoints: Checkpoints,
    scenes: Annotated[
        list[Path] | None, typer.Option(help="scenes to darken, in place of the configured ones")
    ] = None,
    start_from: Annotated[
        Path | None, typer.Option(help="a PhotonNet's folder, to go on training its weights")
    ] = None,
) -> None:
    """Train PhotonNet: from destriped images of the dark to clean ones."""
    from nightside.config import load
    from nightside.optical.open_strips import optical_section
    from nightside.optical.photon_train import train_photon as train
    from nightside.optical.scenes import pool, read_scenes
    from nightside.store import wrote

    settings = load(config)
    networks = optical_section(settings).networks
    places = scenes or list(networks.photon.scenes)
    train(
        pool(read_scenes(places, networks.photon.leave_out)),
        networks,
        settings.seed,
        model,
        checkpoints,
        start_from,
        inputs=places,
    )
    wrote(model)
