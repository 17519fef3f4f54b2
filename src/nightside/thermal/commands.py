"""``nightside thermal``: the thin verbs that read, call the algorithm, and write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

Config = Annotated[Path, typer.Option(help="configuration, YAML")]
Out = Annotated[Path, typer.Option(help="what to write")]
OnePart = Annotated[
    str | None,
    typer.Option("--part", help="write only this part, 3/8, as one of several jobs; then run without it"),
]


@app.command()
def acquire(
    config: Config,
    block: Annotated[str, typer.Option(help="a block of the period (201001) or a GCP band (10n20n)")],
    folder: Annotated[Path, typer.Option(help="where the tables lie or go")],
    out: Out,
) -> None:
    """List a block's tables, fetching those that are not there yet; writes an inventory."""
    from nightside.config import load
    from nightside.store import write_json
    from nightside.thermal.acquire import acquire as acquire_block

    write_json(out, acquire_block(load(config), block, folder))


@app.command()
def ingest(config: Config, inventory: Annotated[Path, typer.Option(help="from acquire")], out: Out) -> None:
    """Bin a block's tables by cell and local time, into sums that add up in any order."""
    from nightside.config import load
    from nightside.store import grid_of, read_json, write_store
    from nightside.thermal.acquire import block_period
    from nightside.thermal.datasets import bins_dataset
    from nightside.thermal.ingest import ingest_tables, with_path

    settings = load(config)
    listed = read_json(inventory, "folder", "files", "failed", "block", "source")
    paths = [Path(listed["folder"]) / file["path"] for file in listed["files"]]
    grid = grid_of(settings.mapped_region)
    period = block_period(settings, listed["block"]) if settings.diviner_tables.level == "rdr" else None
    result = ingest_tables(paths, settings, grid, period=period)
    write_store(
        bins_dataset(result.n, result.sum_k, result.sum_k2),
        out,
        kind="bins",
        settings=settings,
        geobox=grid,
        inputs=[inventory],
        details={"rows": result.counters, "set_aside": result.set_aside, "not_acquired": listed["failed"]},
    )
    for path, reason in result.set_aside.items():
        typer.echo(f"set aside {with_path(path, reason)}", err=True)
    if result.set_aside and listed["source"] == "pds":
        typer.echo(
            "snakemake with --forcerun acquire fetches again those that are damaged or removed", err=True
        )


@app.command()
def cube(
    config: Config,
    bins: Annotated[list[Path], typer.Option(help="bins of every block")],
    out: Out,
    part: OnePart = None,
) -> None:
    """Add the blocks up: mean, standard deviation and count of brightness temperature."""
    from nightside.config import load
    from nightside.store import Part, grid_of, open_store, read_manifest, write_parts
    from nightside.thermal.cube import cube_dataset
    from nightside.thermal.ingest import refuse_empty

    settings = load(config)
    grid = grid_of(settings.mapped_region)
    if len({path.resolve() for path in bins}) < len(bins):
        raise ValueError("a block of bins is given twice; give each once")
    blocks = [open_store(path, kind="bins", geobox=grid, chunked=False) for path in bins]
    refuse_empty(read_manifest(path)["details"] for path in bins)
    write_parts(
        out,
        lambda window: cube_dataset([block.isel(window) for block in blocks]),
        kind="cube",
        settings=settings,
        geobox=grid,
        inputs=bins,
        part=Part.parse(part),
    )


@app.command()
def profiles(
    config: Config,
    cube: Annotated[Path, typer.Option(help="cube.zarr")],
    out: Out,
    part: OnePart = None,
) -> None:
    """Interpolate each cell over the periodic lunar day."""
    from nightside.config import load
    from nightside.store import Part, grid_of, lonlat, open_store, write_parts
    from nightside.thermal.profiles import profiles_dataset, with_places

    settings = load(config)
    grid, options = grid_of(settings.mapped_region), settings.thermal.profiles
    observed = open_store(cube, kind="cube", geobox=grid, chunked=False)
    write_parts(
        out,
        lambda window: with_places(profiles_dataset(observed.isel(window), options), *lonlat(grid, window)),
        kind="profiles",
        settings=settings,
        geobox=grid,
        inputs=[cube],
        depends=options.model_dump(mode="json"),
        part=Part.parse(part),
    )


@app.command()
def train(
    config: Config,
    profiles: Annotated[Path, typer.Option(help="profiles.zarr")],
    cube: Annotated[Path, typer.Option(help="cube.zarr, of which the profiles were made")],
    checkpoints: Annotated[Path, typer.Option(help="folder of last.ckpt, from which training resumes")],
    out: Annotated[Path, typer.Option(help="the model card, model.json; weights lie beside it")],
) -> None:
    """Train the variational autoencoder."""
    from nightside.config import load
    from nightside.formats.model_files import CARD, WEIGHTS
    from nightside.store import grid_of, open_store, own_folder, read_manifest
    from nightside.thermal.training import train as train_model

    settings = load(config)
    grid = grid_of(settings.mapped_region)
    observed = open_store(profiles, kind="profiles", geobox=grid)
    sampled = open_store(cube, kind="cube", geobox=grid, chunked=False)
    if out.name != CARD:
        raise ValueError(f"{out}: the model card has to be called {CARD}, in a folder of its own")
    out = out.resolve()
    own_folder(out.parent, CARD, WEIGHTS)
    out.unlink(missing_ok=True)
    # Training resumes only on the data and the options with which it was begun.
    begun = settings.digest()[:12] + "-" + read_manifest(profiles)["digest"][:12]
    train_model(observed, sampled, settings, out.parent, checkpoints / begun, inputs=[profiles, cube])


@app.command("map")
def map_(
    config: Config,
    profiles: Annotated[Path, typer.Option(help="profiles.zarr")],
    model: Annotated[Path, typer.Option(help="model.json")],
    out: Out,
    part: OnePart = None,
) -> None:
    """Map latents, reconstruction error and anomaly score, tile by tile."""
    from nightside.config import load
    from nightside.formats.model_files import WEIGHTS
    from nightside.store import Part, grid_of, open_store, write_parts
    from nightside.thermal.mapping import load_profile_model, map_with

    settings = load(config)
    grid = grid_of(settings.mapped_region)
    observed = open_store(profiles, kind="profiles", geobox=grid, chunked=False)
    network = load_profile_model(model.parent)
    write_parts(
        out,
        lambda window: map_with(network, observed.isel(window)),
        kind="maps",
        settings=settings,
        geobox=grid,
        inputs=[profiles, model, model.with_name(WEIGHTS)],
        side=settings.thermal.maps.tile,
        part=Part.parse(part),
        overviews=True,
    )


@app.command()
def cog(
    config: Config,
    maps: Annotated[Path, typer.Option(help="maps.zarr")],
    folder: Annotated[Path, typer.Option(help="where the GeoTIFFs go; replaced")],
    out: Annotated[Path, typer.Option(help="JSON that lists them")],
) -> None:
    """Write every map as a Cloud-Optimised GeoTIFF."""
    from nightside.config import load
    from nightside.store import grid_of, open_store, write_cogs
    from nightside.thermal.layers import layers

    grid = grid_of(load(config).mapped_region)
    write_cogs(layers(open_store(maps, kind="maps", geobox=grid)), grid, folder, out, maps)


@app.command()
def evaluate(
    config: Config,
    profiles: Annotated[Path, typer.Option(help="profiles.zarr")],
    maps: Annotated[Path, typer.Option(help="maps.zarr")],
    model: Annotated[Path, typer.Option(help="model.json")],
    figures: Annotated[Path, typer.Option(help="folder for the pictures")],
    out: Out,
    truth: Annotated[Path | None, typer.Option(help="truth.zarr of a synthetic Moon")] = None,
    inversion: Annotated[
        Path | None, typer.Option(help="inversion.zarr, whose physics latents are compared with")
    ] = None,
) -> None:
    """Measure how good the maps are, and draw them."""
    from nightside.config import load
    from nightside.store import TIMINGS, grid_of, open_store, read_json, read_manifest, write_json
    from nightside.thermal.beside_physics import autoencoder_rate, compare, write_physics_figures
    from nightside.thermal.evaluate import evaluate as evaluate_maps
    from nightside.thermal.evaluate import peer_library, reconstruct, traverse
    from nightside.thermal.figures import write_figures

    settings = load(config)
    grid = grid_of(settings.mapped_region)
    observed, mapped = (
        open_store(profiles, kind="profiles", geobox=grid),
        open_store(maps, kind="maps", geobox=grid),
    )
    known = open_store(truth, kind="truth", geobox=grid) if truth else None
    inverted = open_store(inversion, kind="inversion", geobox=grid) if inversion else None
    card = read_json(model, "network")
    out.unlink(missing_ok=True)
    rebuilt = reconstruct(observed, model.parent)
    library = peer_library(observed, settings) if card["network"]["guided"] else None
    found = evaluate_maps(observed, mapped, rebuilt, known, card, library)
    traversals = traverse(mapped, observed["local_time"], model.parent)
    write_figures(figures, observed, mapped, rebuilt, traversals, found, known)
    if inversion is not None and inverted is not None:
        verification = read_manifest(inversion)["details"].get("verification")
        found["physics"] = compare(mapped, inverted, verification)
        if found["physics"] is not None:
            write_physics_figures(figures, observed, mapped, inverted, found)
        # Costs differ from run to run, so that they stand apart from the results.
        rates = {"autoencoder": autoencoder_rate(observed, model.parent)}
        measured = inversion.with_name(TIMINGS)
        if measured.exists():
            rates["inversion"] = read_json(measured, "profiles_per_s")["profiles_per_s"]
        write_json(out.with_name(TIMINGS), {"profiles_per_s": rates})
        cost = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
        typer.echo(f"profiles per second: {cost}", err=True)
    write_json(out, found)


@app.command()
def report(
    config: Config,
    results: Annotated[Path, typer.Option(help="folder of the run, results/<name>")],
    out: Out,
    oscillator: Annotated[
        Path | None, typer.Option(help="oscillator.png, of physics-informed networks; shown at the end")
    ] = None,
) -> None:
    """Write one self-contained page about a run."""
    from nightside.config import load
    from nightside.store import grid_of, open_store, read_json, read_manifest
    from nightside.thermal.report import write_report

    settings = load(config)
    grid = grid_of(settings.mapped_region)
    room = results / "thermal"
    # The blocks of this cube: bins of another period may lie beside them.
    blocks = [room / "bins" / name for name in sorted(read_manifest(room / "cube.zarr")["inputs"])]
    stores = [*blocks, room / "cube.zarr", room / "profiles.zarr", room / "maps.zarr"]
    write_report(
        out,
        settings=settings,
        evaluation=read_json(room / "evaluation.json", "profiles", "rmse_k"),
        profiles=open_store(room / "profiles.zarr", kind="profiles", geobox=grid),
        maps=open_store(room / "maps.zarr", kind="maps", geobox=grid),
        figures=room / "figures",
        manifests={store.relative_to(room).as_posix(): read_manifest(store) for store in stores},
        oscillator=oscillator,
    )
