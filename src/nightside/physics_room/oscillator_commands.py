"""The verb ``nightside physics oscillator``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DRAWS = 8
SEEDS = [123, 0, 1]


class Experiment(StrEnum):
    """What to try on the oscillator."""

    ARTICLE = "article"
    INVERSE = "inverse"
    FREQUENCY = "frequency"
    OPTIMISER = "optimiser"
    ALL = "all"


def oscillator(
    out_dir: Annotated[Path, typer.Option(help="where oscillator.json, the pictures and the animation go")],
    seeds: Annotated[
        str | None,
        typer.Option(
            help="of the networks' first weights, with commas; 123,0,1 if absent", show_default=False
        ),
    ] = None,
    draws: Annotated[
        int | None, typer.Option(help="noise draws of the experiments inverse and all; 8 if absent", min=2)
    ] = None,
    experiment: Annotated[
        Experiment | None, typer.Option(help="which experiment; all if absent", show_default=False)
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="in seconds: two networks of one seed, 123 if absent, by a second-order optimiser"
        ),
    ] = False,
) -> None:
    """Teach a network the damped oscillator: the article's experiment, and what goes past it."""
    from nightside.physics_room import oscillator_experiments as experiments
    from nightside.physics_room.oscillator_figures import write_figures
    from nightside.store import write_json

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    numbers = SEEDS if seeds is None else _numbers(seeds)
    if quick:
        for option, given in (("--experiment", experiment), ("--draws", draws)):
            if given is not None:
                raise ValueError(f"--quick has an experiment of its own; leave out {option}, or --quick")
        if seeds is not None and len(numbers) > 1:
            raise ValueError(f"--quick has one seed, --seeds is '{seeds}'; give one, or leave out --quick")
        table, curves = experiments.quick(numbers[0], tell)
    else:
        chosen = experiment or Experiment.ALL
        if draws is not None and chosen not in (Experiment.INVERSE, Experiment.ALL):
            raise ValueError(f"--draws changes nothing in experiment '{chosen.value}'; leave it out")
        if seeds is not None and chosen is Experiment.INVERSE:
            raise ValueError(
                "--seeds changes nothing in experiment 'inverse', whose networks begin from the draw's number; leave it out"
            )
        table, curves = experiments.run(chosen.value, numbers, draws or DRAWS, tell)
    write_figures(out_dir, table, curves)
    write_json(out_dir / "oscillator.json", table)


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise ValueError(
            f"--seeds is '{text}'; expected whole numbers with commas between them, such as 123,0,1"
        )
    return [int(part) for part in parts]
