"""The verb ``nightside physics oscillator``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Experiment(StrEnum):
    """What to try on the oscillator."""

    ARTICLE = "article"
    INVERSE = "inverse"
    FREQUENCY = "frequency"
    OPTIMISER = "optimiser"
    ALL = "all"


def oscillator(
    out_dir: Annotated[Path, typer.Option(help="where oscillator.json, the pictures and the animation go")],
    seeds: Annotated[str, typer.Option(help="of the networks' first weights, with commas")] = "123,0,1",
    draws: Annotated[int, typer.Option(help="noise draws of the inverse problem", min=2)] = 8,
    experiment: Annotated[Experiment, typer.Option(help="which experiment")] = Experiment.ALL,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="in seconds: the first seed's two networks, by a second-order optimiser"
        ),
    ] = False,
) -> None:
    """Teach a network the damped oscillator: the article's experiment, and what goes past it."""
    from nightside.physics_room import oscillator_experiments as experiments
    from nightside.physics_room.oscillator_figures import write_figures
    from nightside.store import write_json

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    if quick:
        table, curves = experiments.quick(_numbers(seeds)[0], tell)
    else:
        table, curves = experiments.run(experiment.value, _numbers(seeds), draws, tell)
    write_figures(out_dir, table, curves)
    write_json(out_dir / "oscillator.json", table)


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise ValueError(
            f"--seeds is '{text}'; expected whole numbers with commas between them, such as 123,0,1"
        )
    return [int(part) for part in parts]
