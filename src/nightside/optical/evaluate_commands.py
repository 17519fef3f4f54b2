"""The verb ``nightside optical evaluate``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightside.optical.evaluate import Judged

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray


def evaluate(
    truth: Annotated[list[Path], typer.Option(help="noise-free signal of each image, optical/truth/*.zarr")],
    denoised: Annotated[list[Path], typer.Option(help="optical/denoised/*.zarr, in any order")],
    standard: Annotated[list[Path], typer.Option(help="what the standard calibration made, in any order")],
    out: Annotated[Path, typer.Option(help="evaluation.json")],
    mosaic: Annotated[Path | None, typer.Option(help="mosaic.zarr")] = None,
    ground: Annotated[Path | None, typer.Option(help="truth/ground.zarr, with --mosaic")] = None,
) -> None:
    """Judge denoised images, and the place of their mosaic, by a known truth."""
    from nightside.optical.evaluate import evaluate as evaluate_images
    from nightside.store import write_json

    if (mosaic is None) != (ground is None):
        raise ValueError("--mosaic and --ground go together; give both or neither")
    place, recall = _mosaic(mosaic, ground) if mosaic is not None and ground is not None else (None, None)
    write_json(out, evaluate_images(_judged(truth, denoised, standard), place, recall))


def _judged(truth: list[Path], denoised: list[Path], standard: list[Path]) -> Iterator[Judged]:
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


def _mosaic(mosaic: Path, ground: Path) -> tuple[dict[str, float], dict[str, Any] | None]:
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
