"""``nightside physics invert`` and ``cog``: they read, call the inversion, and write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import xarray as xr
    from odc.geo.geobox import GeoBox

    from nightside import physics
    from nightside.config import Settings
    from nightside.store import Band

Config = Annotated[Path, typer.Option(help="configuration, YAML")]
Out = Annotated[Path, typer.Option(help="what to write")]


def invert(
    config: Config,
    out: Out,
    cube: Annotated[Path | None, typer.Option(help="cube.zarr, of observed bins: the better choice")] = None,
    profiles: Annotated[Path | None, typer.Option(help="profiles.zarr, interpolated")] = None,
    verify: Annotated[
        int | None,
        typer.Option(
            help="places checked by the true solver, all if there are no more; the configured number if absent"
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(help="write only this part, 3/8, as one of several jobs; then run without it"),
    ] = None,
) -> None:
    """Map albedo, H, onset of sunlight and rocks, with their errors, from a cube or from profiles."""
    from nightside.config import load
    from nightside.physics_room.invert_cells import tables_for
    from nightside.physics_room.invert_maps import PROFILE_BIASES, inversion_maps
    from nightside.store import TIMINGS, Part, grid_of, lonlat, open_store, write_json, write_parts
    from nightside.store.parts import refuse_place

    settings, share = load(config), Part.parse(part)
    if verify is not None and verify < 0:
        raise ValueError(f"--verify is {verify}; expected 0 or a number of places")
    if verify is not None and part is not None:
        raise ValueError(
            "--verify has no effect together with --part: the run without --part, which finishes the store, verifies it; "
            "leave it out here"
        )
    if (cube is None) == (profiles is None):
        raise ValueError("give one of --cube and --profiles")
    kind, source = ("cube", cube) if cube is not None else ("profiles", profiles)
    assert source is not None
    refuse_place(out, [source])
    options, bins = settings.physics.inversion, settings.thermal.bins.local_time_bins
    grid = grid_of(settings.mapped_region)
    observed = open_store(source, kind=kind, geobox=grid, chunked=False)
    typer.echo("tabulating the heat model", err=True)
    tables = tables_for(_latitudes(grid), options)
    places = options.verify if verify is None else verify
    details: dict[str, Any] = {"from": kind, "surrogate_solutions": tables.solutions}
    if kind == "profiles":
        details["biases"] = PROFILE_BIASES
    if part is None and places:
        details["verification"], rate = _verified(observed, grid, settings, tables.surrogate, places)
        write_json(out.with_name(TIMINGS), {"profiles_per_s": rate})
    write_parts(
        out,
        lambda window: inversion_maps(observed.isel(window), lonlat(grid, window)[1], options, bins, tables),
        kind="inversion",
        settings=settings,
        geobox=grid,
        inputs=[source],
        depends={**options.model_dump(mode="json"), "from": kind, "bins": bins},
        details=details,
        side=options.tile,
        part=share,
        overviews=True,
    )
    if part is None:
        _say_quality(open_store(out, kind="inversion", geobox=grid), observed)


def cog(
    config: Config,
    inversion: Annotated[Path, typer.Option(help="inversion.zarr")],
    folder: Annotated[Path, typer.Option(help="where the GeoTIFFs go; replaced")],
    out: Annotated[Path, typer.Option(help="JSON that lists them")],
) -> None:
    """Write every map of an inversion as a Cloud-Optimised GeoTIFF."""
    from nightside.config import load
    from nightside.store import grid_of, open_store, write_cogs

    grid = grid_of(load(config).mapped_region)
    dataset = open_store(inversion, kind="inversion", geobox=grid)
    layers = (
        (
            variable.transpose("y", "x").to_numpy(),
            _band(str(name), variable.attrs),
        )
        for name, variable in dataset.data_vars.items()
    )
    write_cogs(layers, grid, folder, out, inversion)


def _band(name: str, attributes: Mapping[str, Any]) -> Band:
    from nightside.store import Band

    codes = zip(attributes.get("flag_values", ()), attributes.get("flag_meanings", "").split(), strict=True)
    return Band(
        name,
        attributes["long_name"],
        attributes["units"],
        comment=attributes.get("comment", ""),
        codes={int(code): meaning for code, meaning in codes},
    )


def _say_quality(maps: xr.Dataset, observed: xr.Dataset) -> None:
    """Say how many cells are of which quality; loudly where none is good.

    Raises:
        ValueError: no cell has input that could be used, though some have input. Cells without any, poleward of the
            table or of another kind of ground are no fault of the run: their reasons are in the map.
    """
    import numpy as np

    from nightside.physics import QUALITY
    from nightside.physics_room.invert_observations import celsius_hint

    codes, numbers = np.unique(maps["quality"].to_numpy(), return_counts=True)
    found = {QUALITY[int(code)]: int(n) for code, n in zip(codes, numbers, strict=True)}
    typer.echo("cells: " + ", ".join(f"{n:,} {name}" for name, n in found.items()), err=True)
    if found.keys() <= {"bad_input", "no_observations"} and "bad_input" in found:
        raise ValueError(
            "the temperatures of every cell are unphysical: expected kelvins above 0, with counts of 0 or more"
            f"{celsius_hint(observed)}; mend what was given and run this step again"
        )
    if not found.get("good"):
        typer.echo(
            f"no cell could be inverted well{celsius_hint(observed)}; check cube, region and section "
            "'physics.inversion'",
            err=True,
        )


def _latitudes(grid: GeoBox) -> Any:
    """Return the latitudes, in degrees, of the grid's cells, thinned to a few hundred rows and columns of each."""
    import numpy as np

    from nightside.store import lonlat

    rows, columns = (int(n) for n in grid.shape)
    edges = [lonlat(grid, {"y": slice(top, top + 1), "x": slice(0, columns)})[1] for top in _thinned(rows)]
    return np.concatenate([edge.ravel() for edge in edges])


def _thinned(n: int, most: int = 256) -> list[int]:
    return sorted({*range(0, n, max(n // most, 1)), n - 1})


def _verified(
    observed: xr.Dataset, grid: GeoBox, settings: Settings, surrogate: physics.Surrogate, places: int
) -> tuple[dict[str, Any], float]:
    """Return what the surrogate is worth at places drawn at random, and the fits per second."""
    from dataclasses import replace

    import numpy as np

    from nightside.physics_room.invert_cells import verify_cells
    from nightside.physics_room.invert_observations import Seen, observations
    from nightside.store import MAP_CHUNK, lonlat
    from nightside.store.windows import windows

    options, bins = settings.physics.inversion, settings.thermal.bins.local_time_bins
    rng = np.random.default_rng([settings.seed, 3])
    every = windows((int(grid.shape[0]), int(grid.shape[1])), MAP_CHUNK)
    cells = int(grid.shape[0]) * int(grid.shape[1])
    wanted = min(places, cells)
    few = len(every) if wanted == cells else min(len(every), 8)
    parts: list[Seen] = []
    latitudes = []
    for window in (every[k] for k in rng.permutation(len(every))[:few]):
        seen = observations(observed.isel(window), options, bins)
        # Cells that were never observed have nothing to verify.
        known = np.flatnonzero(np.isfinite(seen.temperature_k).any(axis=1))
        k = known if wanted == cells else rng.permutation(known)[: -(-wanted // few)]
        parts.append(seen.of(k))
        latitudes.append(lonlat(grid, window)[1].ravel()[k])
    joined = replace(
        parts[0],
        temperature_k=np.concatenate([s.temperature_k for s in parts]),
        std_k=np.concatenate([s.std_k for s in parts]),
        gap=np.concatenate([s.gap for s in parts]),
    )
    check, rate = verify_cells(joined, np.concatenate(latitudes), options, surrogate)
    summary = check.summary()
    if "rms_away_from_sunrise_k" in summary:
        typer.echo(
            f"verified {check.place.size} places by the solver: table off by {summary['rms_away_from_sunrise_k']:.3f} K "
            f"rms, estimates by {summary['rms_shift_sigma']:.3f} of their standard deviations",
            err=True,
        )
    return summary, rate
