"""``nightside optical``: the verbs of the optical room."""

from __future__ import annotations

import typer

from nightside.optical import (
    acquire_commands,
    calibrate_commands,
    darks_commands,
    denoise_commands,
    evaluate_commands,
    ingest_commands,
    mosaic_commands,
    project_commands,
    report_commands,
    train_commands,
)

app = typer.Typer(no_args_is_help=True)
# In the order of the pipeline, which is that of --help.
app.command()(acquire_commands.acquire)
app.command()(ingest_commands.ingest)
app.command()(darks_commands.darks)
app.command("train-destripe")(train_commands.train_destripe)
app.command("train-photon")(train_commands.train_photon)
app.command()(calibrate_commands.calibrate)
app.command()(denoise_commands.denoise)
app.command()(project_commands.project)
app.command()(mosaic_commands.mosaic)
app.command()(mosaic_commands.cog)
app.command()(evaluate_commands.evaluate)
app.command()(report_commands.report)
