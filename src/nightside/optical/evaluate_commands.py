"""The verb ``nightside optical evaluate``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightside.optical.project_commands import Kernels

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

    from nightside.optical.evaluate import Judged


def evaluate(
    truth: Annotated[list[Path], typer.Option(help="noise-free signal of each image, optical/truth/*.zarr")],
    denoised: Annotated[list[Path], typer.Option(help="optical/denoised/*.zarr, in any order")],
    standard: Annotated[list[Path], typer.Option(help="what the standard calibration made, in any order")],
    out: Annotated[Path, typer.Option(help="evaluation.json")],
    mosaic: Annotated[Path | None, typer.Option(help="mosaic.zarr")] = None,
    ground: Annotated[Path | None, typer.Option(help="truth/ground.zarr, with --mosaic")] = None,
    config: Annotated[
        Path | None, typer.Option(help="configuration: judges the mosaic's brightness and errors, too")
    ] = None,
    kernels: Kernels = None,
) -> None:
    """Judge denoised images, and the place of their mosaic, by a known truth."""
    from nightside.optical.evaluate import evaluate as evaluate_images
    from nightside.store import write_json, wrote

    if (mosaic is None) != (ground is None):
        raise ValueError("--mosaic and --ground go together; give both or neither")
    if config is not None and mosaic is None:
        raise ValueError("--config judges a mosaic; give --mosaic and --ground, too")
    place, recall = _mosaic(mosaic, ground) if mosaic is not None and ground is not None else (None, None)
    if place is not None and mosaic is not None and config is not None:
        place["brightness"] = _brightness(mosaic, config, kernels or [], denoised, truth)
    write_json(out, evaluate_images(_judged(truth, denoised, standard), place, recall))
    wrote(out)


def _judged(truth: list[Path], denoised: list[Path], standard: list[Path]) -> Iterator[Judged]:
    from nightside.optical.evaluate import Judged
    from nightside.store import open_store

    by_product = {path.name: path for path in standard}, {path.name: path for path in denoised}
    for path in truth:
        missing = [
            what
            for what, known in zip(("standard", "denoised"), by_product, strict=True)
            if path.name not in known
        ]
        if missing:
            raise ValueError(f"{path}: no --{missing[0]} store is called {path.name}; give one of each image")
        known, plain, clean = (
            open_store(p, chunked=False) for p in (path, by_product[0][path.name], by_product[1][path.name])
        )
        yield Judged(
            product_id=path.stem,
            camera=clean.attrs["camera"],
            summing=clean.attrs["summing"],
            compand_code=int(clean.attrs["compand_code"]),
            truth=known["signal"].to_numpy(),
            standard=plain["signal"].to_numpy(),
            signal=clean["signal"].to_numpy(),
            signal_std=clean["signal_std"].to_numpy(),
            good=clean["mask"].to_numpy() == 0,
        )


def _brightness(
    mosaic: Path, config: Path, kernels: list[Path], denoised: list[Path], truth: list[Path]
) -> dict[str, Any] | None:
    """Return how bright the middle of a mosaic is beside the truth, and whether its errors are honest."""
    from nightside.config import load
    from nightside.optical.mosaic_truth import brightness_figures, middle, truth_on_map
    from nightside.optical.open_strips import open_strips, optical_section
    from nightside.store import grid_from, open_store

    made = open_store(mosaic, chunked=False)
    strips = open_strips(denoised, optical_section(load(config)).geometry, kernels)
    opened = [open_store(path, chunked=False) for path in truth]
    truths = {d.attrs["product_id"]: d["signal"].assign_attrs(d.attrs) for d in opened}
    reference, *others = sorted(set(made.attrs["reference"]))
    if others:
        typer.echo(
            f"{mosaic}: its images share no ground and have the brightness of {reference} and {', '.join(others)}; it is not "
            "compared with the truth of one",
            err=True,
        )
        return None
    grid = grid_from(made)
    window = middle(grid)
    clean = truth_on_map(strips, truths, reference, grid, window)
    judged = made.isel(window)
    return brightness_figures(judged["signal"].to_numpy(), judged["signal_std"].to_numpy(), clean)


def _mosaic(mosaic: Path, ground: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return where the mosaic lies, and which craters are found on it where the truth lists them."""
    import numpy as np

    from nightside.optical.evaluate import mosaic_figures
    from nightside.optical.map_recall import map_recall
    from nightside.store import open_store

    made = open_store(mosaic, chunked=False)
    known = open_store(ground, chunked=False)
    name = next((n for n in ("signal", "radiance", "brightness") if n in known), None)
    if name is None:
        raise ValueError(
            f"{ground}: holds {', '.join(map(str, known.data_vars))}; expected 'signal' or 'radiance'"
        )
    signal = made["signal"].to_numpy()
    on_grid = known[name].interp(y=made["y"], x=made["x"]).to_numpy()
    pixel_m = float(np.abs(np.diff(made["x"].to_numpy()[:2]))[0])
    place = mosaic_figures(signal, on_grid, pixel_m)
    if "crater_diameter_m" not in known:
        return place, None
    return place, map_recall(on_grid, signal, _boxes(known, made, pixel_m))


def _boxes(ground: xr.Dataset, mosaic: xr.Dataset, pixel_m: float) -> NDArray[np.float64]:
    """Return the craters of a ground that one would label on a mosaic, (crater, 4) in its pixels."""
    import numpy as np

    from nightside.optical.map_recall import DEPTH_MIN, DIAMETER_MIN_PX
    from nightside.store import grid_from
    from nightside.store.grid import crs_of, from_lonlat

    size = ground["crater_diameter_m"].to_numpy().astype(np.float64) / pixel_m
    kept = (size >= DIAMETER_MIN_PX) & (ground["crater_depth_to_diameter"].to_numpy() >= DEPTH_MIN)
    grid = grid_from(mosaic)
    x, y = from_lonlat(crs_of(grid)).transform(
        *(ground[f"crater_{name}"].to_numpy()[kept] for name in ("longitude", "latitude"))
    )
    column, row = ~grid.affine * (np.asarray(x), np.asarray(y))
    return np.stack([column - 0.5, row - 0.5, size[kept], size[kept]], axis=1)
