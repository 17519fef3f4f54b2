"""Latents beside inverted physics, on the same cells: what each latent is, in the ranks of albedo, H and onset."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nightside.store import atomic_file
from nightside.style import STYLE
from nightside.thermal.disentanglement import spearman_matrix
from nightside.thermal.figures import latent_titles
from nightside.thermal.map_panel import draw_map, frame_of

QUANTITIES = {
    "albedo": ("albedo", "1"),
    "absorbed_flux": ("absorbed sunlight", "W m⁻²"),
    "onset_delay": ("onset delay", "h"),
    "h_parameter": ("H", "m"),
    "rock_fraction": ("rock fraction", "1"),
}
"""What latents are compared with: how figures call it, and its units. H is that of ground without rocks."""

_MAPS = QUANTITIES | {"h_parameter_with_unseen_rocks": ("H if rocks are unseen", "m")}

_CUBE = ("y", "x", "local_time")
_TIMED_PROFILES = 4096
_LEAST_CELLS = 10
_GOOD = 0
_DPI = 110


def compare(
    maps: xr.Dataset,
    inversion: xr.Dataset,
    verification: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """Return how latents and inverted physics rank the same cells.

    Args:
        maps: ``latent_mean`` (latent, y, x).
        inversion: the quantities of ``QUANTITIES`` and ``quality`` (y, x), 0 where good.
        verification: what the inversion's manifest says of its check by the solver; passed on.

    Returns:
        ``cells``, ``quantities``, ``spearman`` (latent by quantity), and ``verification``. None where fewer than ten cells have both.
    """
    latents = maps["latent_mean"].transpose("latent", "y", "x").to_numpy()
    names = [name for name in QUANTITIES if name in inversion]
    values = {name: inversion[name].transpose("y", "x").to_numpy() for name in names}
    both = compared_cells(maps, inversion)
    if both.sum() < _LEAST_CELLS:
        return None
    rho = spearman_matrix(latents[:, both].T, np.stack([values[name][both] for name in names], axis=1))
    return {
        "cells": int(both.sum()),
        "quantities": names,
        "spearman": rho.tolist(),
        "verification": verification,
    }


def autoencoder_rate(profiles: xr.Dataset, model_folder: Path) -> float:
    """Return profiles encoded and decoded per second, of some thousands in memory; the best of three runs.

    Raises:
        ModelError: the folder holds no model.
    """
    from nightside.thermal.mapping import load_profile_model

    model = load_profile_model(model_folder)
    rows = max(_TIMED_PROFILES // profiles.sizes["x"], 1)
    some = profiles[["temperature", "temperature_std"]].isel(y=slice(0, rows)).transpose(*_CUBE)
    temperature, std = (
        some[name].to_numpy().astype(np.float32).reshape(-1, profiles.sizes["local_time"]) for name in some
    )
    good = np.isfinite(temperature).all(axis=1)
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        model.reconstruct(temperature[good], std[good])
        seconds.append(time.perf_counter() - begun)
    return float(good.sum() / min(seconds))


def compared_cells(maps: xr.Dataset, inversion: xr.Dataset) -> NDArray[np.bool_]:
    """Return where (y, x) there are latents and a good inversion."""
    latents = maps["latent_mean"].transpose("latent", "y", "x").to_numpy()
    good = inversion["quality"].transpose("y", "x").to_numpy() == _GOOD
    finite = [np.isfinite(inversion[n].transpose("y", "x").to_numpy()) for n in QUANTITIES if n in inversion]
    return np.asarray(good & np.isfinite(latents).all(axis=0) & np.all(finite, axis=0))


def write_physics_figures(
    folder: Path,
    profiles: xr.Dataset,
    maps: xr.Dataset,
    inversion: xr.Dataset,
    evaluation: Mapping[str, Any],
) -> None:
    """Write ``inversion.png``, the inverted maps, and ``latents_physics.png``, ranks and joint plots, into ``folder``.

    ``profiles`` has the coordinates of the map; ``evaluation`` holds ``physics``, from :func:`compare`.
    """
    with rc_context(STYLE):
        for name, figure in (
            ("inversion", inverted_maps(profiles, inversion)),
            ("latents_physics", joint_plots(maps, inversion, evaluation)),
        ):
            with atomic_file(folder / f"{name}.png") as partial:
                figure.savefig(partial, dpi=_DPI)


def inverted_maps(profiles: xr.Dataset, inversion: xr.Dataset) -> Figure:
    """Return the maps of every quantity, its standard deviation below, and chi-square."""
    frame = frame_of(profiles)
    names = [name for name in _MAPS if name in inversion]
    figure = Figure(figsize=(3.1 * (len(names) + 1), 5.6), layout="constrained")
    grid = figure.subplots(2, len(names) + 1, sharex=True, sharey=True)
    for column, name in enumerate(names):
        title, units = _MAPS[name]
        label = title if units == "1" else f"{title}, {units}"
        for row, (variable, heading) in enumerate(((name, label), (f"{name}_std", "its standard deviation"))):
            if variable not in inversion:
                grid[row, column].set_axis_off()
                continue
            values = inversion[variable].transpose("y", "x").to_numpy()
            colours = "viridis" if row == 0 else "magma"
            draw_map(
                figure, grid[row, column], values, frame, title=heading, units="", colours=colours,
                scale_bar=not column and not row,
            )  # fmt: skip
    chi = inversion["chi_square"].transpose("y", "x").to_numpy()
    draw_map(
        figure, grid[0, -1], chi, frame, title="chi-square", units="", colours="inferno", scale_bar=False
    )
    quality = inversion["quality"].transpose("y", "x").to_numpy().astype(float)
    draw_map(
        figure, grid[1, -1], quality, frame, title="quality code, 0 good", units="", colours="inferno",
        percentiles=(0, 100), scale_bar=False,
    )  # fmt: skip
    for axes in grid.ravel():
        axes.label_outer()
    return figure


def joint_plots(maps: xr.Dataset, inversion: xr.Dataset, evaluation: Mapping[str, Any]) -> Figure:
    """Return Spearman's matrix of latents and quantities, and each quantity against the latent that follows it."""
    found = evaluation["physics"]
    names, rho = found["quantities"], np.asarray(found["spearman"])
    both = compared_cells(maps, inversion)
    latents = maps["latent_mean"].transpose("latent", "y", "x").to_numpy()[:, both]
    titles = [t.split(" · ")[-1] for t in latent_titles(rho.shape[0], evaluation)]
    figure = Figure(figsize=(3.0 * (len(names) + 1.6), 3.4), layout="constrained")
    grid = figure.subplots(1, len(names) + 1, width_ratios=[1.6, *[1.0] * len(names)])
    grid[0].imshow(rho, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(rho):
        ink = "white" if abs(value) > 0.6 else "black"
        grid[0].text(column, row, f"{value:+.2f}", ha="center", va="center", color=ink, fontsize=8.5)
    grid[0].set_xticks(range(len(names)), [QUANTITIES[n][0] for n in names], rotation=30, ha="right")
    grid[0].set_yticks(range(rho.shape[0]), titles)
    grid[0].set_title("Spearman")
    for axes, name, column in zip(grid[1:], names, rho.T, strict=True):
        best = int(np.argmax(np.abs(column)))
        title, units = QUANTITIES[name]
        values = inversion[name].transpose("y", "x").to_numpy()[both]
        x, y = (np.clip(a, *np.percentile(a, (0.5, 99.5))) for a in (latents[best], values))
        axes.hexbin(x, y, gridsize=30, mincnt=1, cmap="viridis", linewidths=0)
        axes.set(xlabel=f"latent {best + 1}", title=f"{title}{'' if units == '1' else f', {units}'}")
        axes.spines[["top", "right"]].set_visible(False)
    return figure
