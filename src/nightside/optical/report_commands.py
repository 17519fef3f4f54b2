"""The verb ``nightside optical report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from nightside.optical.slider import Pair

SHOWN_PIXELS = (640, 1000)
"""Lines and samples of a slider's pictures at most: as wide as the page, without scaling, and no higher than a screen."""


def report(
    config: Annotated[Path, typer.Option(help="configuration, YAML")],
    denoised: Annotated[list[Path], typer.Option(help="optical/denoised/*.zarr, each shown as a slider")],
    standard: Annotated[list[Path], typer.Option(help="of the standard calibration, by the same names")],
    out: Annotated[Path, typer.Option(help="report.html; figures go into figures/ beside it")],
    truth: Annotated[list[Path] | None, typer.Option(help="optical/truth/*.zarr, where known")] = None,
    evaluation: Annotated[Path | None, typer.Option(help="evaluation.json, where truth is known")] = None,
    mosaic: Annotated[Path | None, typer.Option(help="mosaic.zarr")] = None,
) -> None:
    """Write the optical report: before and after, figures against goals, spectra and the mosaic."""
    from nightside.config import load
    from nightside.optical.crater_recall import recall_from_json
    from nightside.optical.figures import draw_quality, draw_recall
    from nightside.optical.report import PICTURES, write_report
    from nightside.store import open_store, read_json, read_manifest, wrote

    settings = load(config)
    plain = {path.name: path for path in standard}
    missing = [path.name for path in denoised if path.name not in plain]
    if missing:
        raise ValueError(f"no --standard store is called {missing[0]}; give one for each denoised image")
    figures = out.parent / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        (figures / name).unlink(missing_ok=True)
    pairs = [
        pair_of(open_store(p, chunked=False), open_store(plain[p.name], chunked=False)) for p in denoised
    ]
    found = read_json(evaluation, "by_signal") if evaluation is not None else None
    if found is not None:
        draw_quality(figures / "quality.png", found["by_signal"])
        if found.get("recall"):
            curves = {name: recall_from_json(curve) for name, curve in found["recall"].items()}
            draw_recall(figures / "recall.png", curves)
    for path in truth or []:
        if path.name in plain and path.name in {p.name for p in denoised}:
            clean = next(p for p in denoised if p.name == path.name)
            _spectra(
                figures / "spectra.png",
                *(open_store(p, chunked=False) for p in (path, plain[path.name], clean)),
            )
            break
    inputs = [*denoised, *standard, *(truth or []), *([mosaic] if mosaic else [])]
    if mosaic is not None:
        _mosaic(figures / "mosaic.png", open_store(mosaic, chunked=False))
    write_report(
        out,
        title=f"Seeing in the dark: {settings.name}",
        place=f"{len(pairs)} image{'s' if len(pairs) != 1 else ''} of the NAC",
        pairs=pairs,
        figures=figures,
        evaluation=found,
        provenance={f"{p.parent.name}/{p.name}": read_manifest(p)["digest"] for p in inputs},
    )
    wrote(out)


def pair_of(denoised: xr.Dataset, standard: xr.Dataset) -> Pair:
    """Return the part of an image that shows most, before and after.

    The window of at most 640 x 1,000 pixels whose relief, smoothed, varies most; by quarters of a window.
    """
    import numpy as np

    from nightside.camera.layout import layout
    from nightside.optical.slider import Pair

    attrs = denoised.attrs
    samples = slice(*layout(attrs["camera"], int(attrs["summing"])).scene)
    after = denoised["signal"].isel(sample=samples)
    side = [min(most, n) for most, n in zip(SHOWN_PIXELS, after.shape, strict=True)]
    thin = after.isel(line=slice(None, None, 8), sample=slice(None, None, 8)).to_numpy()
    corners = [(y, x) for y in _starts(after.shape[0], side[0]) for x in _starts(after.shape[1], side[1])]
    y, x = max(corners, key=lambda c: _relief(thin, c, side))
    window = {"line": slice(y, y + side[0]), "sample": slice(x, x + side[1])}
    shown = after.isel(window).to_numpy()
    before = standard["signal"].isel(sample=samples).isel(window).to_numpy()
    name = str(attrs.get("product_id", "image"))
    exposure = f", {float(attrs['exposure_ms']):.3g} ms" if "exposure_ms" in attrs else ""
    caption = (
        f"Mean signal {np.nanmean(shown):.1f} DN; {attrs['camera']} camera, summing {attrs['summing']}, companding "
        f"table {attrs['compand_code']}{exposure}. Lines {y} to {y + side[0]}."
    )
    return Pair(name, caption, before, shown)


def _starts(length: int, side: int) -> list[int]:
    return sorted({*range(0, length - side + 1, max(1, side // 4)), length - side})


def _relief(thin: NDArray[Any], corner: tuple[int, int], side: Sequence[int]) -> float:
    import numpy as np

    cut = thin[
        corner[0] // 8 : (corner[0] + side[0]) // 8 + 1, corner[1] // 8 : (corner[1] + side[1]) // 8 + 1
    ]
    finite = cut[np.isfinite(cut)]
    return float(finite.std()) if finite.size > cut.size / 2 else -1.0


def _spectra(path: Path, truth: xr.Dataset, standard: xr.Dataset, denoised: xr.Dataset) -> None:
    import numpy as np

    from nightside.camera.layout import layout
    from nightside.optical.evaluate import LINES_AT_ONCE
    from nightside.optical.figures import draw_spectra
    from nightside.optical.spectra import fill_masked

    kept = layout(denoised.attrs["camera"], int(denoised.attrs["summing"]))
    window = {"line": slice(LINES_AT_ONCE), "sample": slice(*kept.scene)}
    known, plain, clean, mask = (
        d[name].isel(window).to_numpy()
        for d, name in ((truth, "signal"), (standard, "signal"), (denoised, "signal"), (denoised, "mask"))
    )
    good = (mask == 0) & np.isfinite(plain) & np.isfinite(clean) & np.isfinite(known)
    residuals = {
        name: fill_masked(values - known, good)
        for name, values in (("standard", plain), ("nightside", clean))
    }
    draw_spectra(path, residuals, kept.phases)


def _mosaic(path: Path, mosaic: xr.Dataset) -> None:
    from nightside.optical.figures import draw_mosaic
    from nightside.store import grid_from, lonlat

    grid = grid_from(mosaic)
    longitude, latitude = lonlat(grid)
    draw_mosaic(path, mosaic["signal"].to_numpy(), longitude, latitude, abs(grid.affine.e))
