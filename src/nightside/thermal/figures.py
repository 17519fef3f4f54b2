"""The figures of a region: latents with their traversals, profiles, errors, anomalies, and one overview."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from nightside.store import atomic_file
from nightside.style import ACCENT, GREY, INK, STYLE
from nightside.thermal.evaluate import TRUTH_OF_FACTOR, good_profiles
from nightside.thermal.map_panel import Frame, draw_map, frame_of, outline

NAMES = {
    "onset": "onset of sunlight",
    "absorbed_flux": "absorbed sunlight",
    "conductivity": "conductivity (H)",
    "free_1": "what the others leave",
    "unsure_onset": "unsure (onset of sunlight)",
    "unsure_absorbed_flux": "unsure (absorbed sunlight)",
    "unsure_conductivity": "unsure (conductivity)",
}
"""How figures call the factors."""

_TRUTH_UNITS = {"onset": "h", "absorbed_flux": "W m⁻²", "conductivity": "m"}
_DPI = 110


def write_figures(
    folder: Path,
    profiles: xr.Dataset,
    maps: xr.Dataset,
    reconstruction: ArrayLike,
    traversals: xr.DataArray,
    evaluation: Mapping[str, Any],
    truth: xr.Dataset | None,
) -> None:
    """Write every figure as PNG into ``folder``.

    These are ``latent_<k>_map.png`` and ``latent_<k>_traversal.png`` (k from 1), ``profiles.png``, ``error.png``,
    ``anomaly.png`` and ``overview.png``. Arguments are those of :func:`evaluate.evaluate`, its result, and that of
    :func:`evaluate.traverse`.
    """
    rebuilt = np.asarray(reconstruction)
    frame = frame_of(profiles)
    titles = latent_titles(maps.sizes["latent"], evaluation)
    with rc_context(STYLE):
        for k, title in enumerate(titles):
            _save(latent_map(maps, k, title, frame), folder / f"latent_{k + 1}_map.png")
            _save(traversal(traversals, k, title), folder / f"latent_{k + 1}_traversal.png")
        _save(profile_examples(profiles, maps, rebuilt), folder / "profiles.png")
        _save(error_per_local_time(evaluation), folder / "error.png")
        _save(anomaly_map(maps, frame, truth), folder / "anomaly.png")
        _save(overview(maps, frame, evaluation, truth), folder / "overview.png")


def latent_titles(latents: int, evaluation: Mapping[str, Any]) -> list[str]:
    """Return a title for each latent, with the name that the model gave it.

    Where the model names none (the objective is not guided), it is the factor of the truth that the latent follows.
    """
    given = dict(enumerate(evaluation.get("latent_names", [])))
    guided = any(not name.startswith("free_") for name in given.values())
    followed = given if guided else given | _factor_of_latent(evaluation)
    return [
        f"Latent {k + 1}" + (f" · {NAMES.get(followed[k], followed[k])}" if k in followed else "")
        for k in range(latents)
    ]


def latent_map(maps: xr.Dataset, latent: int, title: str, frame: Frame) -> Figure:
    """Return the map of one latent's mean."""
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    draw_map(figure, figure.subplots(), _latent(maps, latent), frame, title=title, units="latent (1)")
    return figure


def traversal(traversals: xr.DataArray, latent: int, title: str) -> Figure:
    """Return what a latent does to a profile: the profiles, and below their difference from the middle one."""
    values = traversals.isel(latent=latent).transpose("sigma", "local_time").to_numpy()
    sigma, hours = traversals["sigma"].to_numpy(), traversals["local_time"].to_numpy()
    figure = Figure(figsize=(6.2, 4.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1.25, 1])
    colours = ScalarMappable(Normalize(sigma.min(), sigma.max()), colormaps["coolwarm"])
    middle = values[np.argmin(np.abs(sigma))]
    for step, profile in zip(sigma, values, strict=True):
        top.plot(hours, profile, color=colours.to_rgba(step), lw=1.4)
        bottom.plot(hours, profile - middle, color=colours.to_rgba(step), lw=1.4)
    top.set_title(title + ", -2 to +2 σ")
    top.set_ylabel("temperature (K)")
    bottom.set_ylabel("difference (K)")
    for axes in (top, bottom):
        _local_time_axis(axes, axes is bottom)
    for hour, side, name in ((6, "right", "sunrise "), (18, "left", " sunset")):
        across = top.get_xaxis_transform()
        top.text(hour, 0.97, name, transform=across, ha=side, va="top", fontsize=8, color="#806300")
    figure.colorbar(colours, ax=[top, bottom], aspect=32, pad=0.02).set_label("latent (σ of the region)")
    return figure


def profile_examples(profiles: xr.Dataset, maps: xr.Dataset, reconstruction: NDArray[Any]) -> Figure:
    """Return three typical and three anomalous profiles with their reconstruction and its difference.

    Typical are those at the 25th, 50th and 75th percentile of the reconstruction's error among cells of
    at most the median anomaly score; anomalous are the three of the highest scores.
    """
    hours = profiles["local_time"].to_numpy()
    temperature = profiles["temperature"].transpose("y", "x", "local_time").to_numpy()
    std = profiles["temperature_std"].transpose("y", "x", "local_time").to_numpy()
    figure = Figure(figsize=(10.5, 6.4), layout="constrained")
    grid = figure.subplots(4, 3, sharex=True, height_ratios=[2.2, 1, 2.2, 1])
    typical, anomalous = _examples(profiles, maps, reconstruction)
    for row, (cells, kind) in enumerate([(typical, "typical"), (anomalous, "anomalous")]):
        for column in range(3):
            upper, lower = grid[2 * row, column], grid[2 * row + 1, column]
            if column >= len(cells):
                upper.set_axis_off()
                lower.set_axis_off()
                continue
            y, x = cells[column]
            observed, sigma, rebuilt = temperature[y, x], std[y, x], reconstruction[y, x]
            upper.fill_between(hours, observed - sigma, observed + sigma, color=GREY, alpha=0.4, lw=0)
            upper.plot(hours, observed, color=INK, lw=1.2, label="profile ± 1 σ")
            upper.plot(hours, rebuilt, color=ACCENT, lw=1.2, ls="--", label="reconstruction")
            upper.set_title(f"{kind}, row {y}, column {x}", fontsize=9.5, fontweight="normal")
            lower.fill_between(hours, -sigma, sigma, color=GREY, alpha=0.4, lw=0)
            lower.plot(hours, rebuilt - observed, color=ACCENT, lw=1.0)
            for axes in (upper, lower):
                _local_time_axis(axes, axes is grid[3, column])
        grid[2 * row, 0].set_ylabel("temperature (K)")
        grid[2 * row + 1, 0].set_ylabel("error (K)")
    figure.align_ylabels()
    grid[0, 0].legend(loc="upper right", fontsize=7.5)
    return figure


def error_per_local_time(evaluation: Mapping[str, Any]) -> Figure:
    """Return the RMSE through the lunar day, that of PCA with as many components beside it."""
    figure = Figure(figsize=(7.6, 3.4), layout="constrained")
    axes = figure.subplots()
    hours = evaluation["local_time_h"]
    pca = f"PCA-{evaluation['latents']}: {evaluation['pca_rmse_k']:.2f} K"
    axes.plot(hours, evaluation["pca_rmse_per_local_time_k"], color=GREY, lw=1.6, label=pca)
    label = f"autoencoder: {evaluation['rmse_k']:.2f} K"
    axes.plot(hours, evaluation["rmse_per_local_time_k"], color=ACCENT, lw=2.0, label=label)
    axes.set_ylim(bottom=0)
    against = "noise-free truth" if evaluation["rmse_against"] == "truth" else "observed profiles"
    axes.set_title("Error against the " + against)
    axes.set_ylabel("RMSE (K)")
    _local_time_axis(axes, True)
    axes.legend(loc="upper center")
    return figure


def anomaly_map(maps: xr.Dataset, frame: Frame, truth: xr.Dataset | None) -> Figure:
    """Return the map of the anomaly score, hot craters outlined where they are known."""
    figure = Figure(figsize=(6.6, 5.4), layout="constrained")
    _draw_anomaly(figure, figure.subplots(), maps, frame, truth)
    return figure


def overview(
    maps: xr.Dataset, frame: Frame, evaluation: Mapping[str, Any], truth: xr.Dataset | None
) -> Figure:
    """Return all latents and the anomaly score; below each its factor of truth, where one is known."""
    latents = maps.sizes["latent"]
    followed = _factor_of_latent(evaluation) if truth is not None else {}
    titles = latent_titles(latents, evaluation)
    columns = latents + 1 if truth is not None else math.ceil((latents + 1) / 2)
    figure = Figure(figsize=(3.1 * columns, 5.6), layout="constrained")
    grid = figure.subplots(2, columns, squeeze=False, sharex=True, sharey=True)
    cells = grid[0] if truth is not None else grid.ravel()
    for k in range(latents):
        draw_map(
            figure,
            cells[k],
            _latent(maps, k),
            frame,
            title=titles[k].replace(" · ", "\n"),
            units="",
            scale_bar=not k,
        )
    _draw_anomaly(figure, cells[latents], maps, frame, truth, scale_bar=False)
    for axes in cells[latents + 1 :]:
        axes.set_axis_off()
    if truth is not None:
        for k in range(columns):
            _draw_truth(figure, grid[1, k], frame, evaluation, truth, followed.get(k), hot=k == latents)
    for axes in grid.ravel():
        axes.label_outer()
    return figure


def _draw_truth(
    figure: Figure,
    axes: Axes,
    frame: Frame,
    evaluation: Mapping[str, Any],
    truth: xr.Dataset,
    factor: str | None,
    *,
    hot: bool,
) -> None:
    if hot:
        values, title, units, colours = truth["hot_crater"].to_numpy(), "Truth: hot craters", "", "inferno"
        draw_map(
            figure, axes, values.astype(float), frame, title=title, units=units, colours=colours,
            percentiles=(0, 100), scale_bar=False,
        )  # fmt: skip
    elif factor is not None:
        rho = evaluation["factors"][factor]["spearman"]
        colours = "viridis" if rho > 0 else "viridis_r"
        title = f"Truth: Spearman {rho:+.2f}\n{NAMES.get(factor, factor)}, {_TRUTH_UNITS[factor]}"
        values = truth[TRUTH_OF_FACTOR[factor]].to_numpy()
        draw_map(figure, axes, values, frame, title=title, units="", colours=colours, scale_bar=False)
    else:
        axes.set_axis_off()
        note = "follows no single\nfactor of the truth"
        axes.text(0.5, 0.5, note, transform=axes.transAxes, ha="center", va="center", color=GREY)


def _draw_anomaly(
    figure: Figure,
    axes: Axes,
    maps: xr.Dataset,
    frame: Frame,
    truth: xr.Dataset | None,
    *,
    scale_bar: bool = True,
) -> None:
    title, units = ("Anomaly score", "score (1)") if scale_bar else ("Anomaly score\n", "")
    draw_map(
        figure, axes, maps["anomaly_score"].to_numpy(), frame, title=title, units=units, colours="inferno",
        percentiles=(1, 99.9), scale_bar=scale_bar,
    )  # fmt: skip
    if truth is not None:
        outline(axes, truth["hot_crater"].to_numpy().astype(bool), frame)
        if scale_bar:
            axes.plot([], [], color="#38e1ff", label="hot craters of the truth")
            box = {"frameon": True, "framealpha": 0.6, "facecolor": "black", "edgecolor": "none"}
            axes.legend(loc="upper right", fontsize=8, labelcolor="white", **box)


def _latent(maps: xr.Dataset, latent: int) -> NDArray[Any]:
    values: NDArray[Any] = maps["latent_mean"].isel(latent=latent).transpose("y", "x").to_numpy()
    return values


def _factor_of_latent(evaluation: Mapping[str, Any]) -> dict[int, str]:
    """Return the factor of each latent that follows one; of several factors the one it follows best."""
    factors = sorted((evaluation["factors"] or {}).items(), key=lambda item: abs(item[1]["spearman"]))
    return {found["latent"]: name for name, found in factors}


def _examples(
    profiles: xr.Dataset, maps: xr.Dataset, reconstruction: NDArray[Any]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    good = good_profiles(profiles) & np.isfinite(reconstruction).all(axis=2)
    score = np.where(good, maps["anomaly_score"].to_numpy(), np.nan)
    error = maps["reconstruction_error"].to_numpy()
    usual = np.flatnonzero((score <= np.nanmedian(score)).ravel())
    usual = usual[np.argsort(error.ravel()[usual])]
    typical = [int(usual[int(share * (usual.size - 1))]) for share in (0.25, 0.5, 0.75)]
    ranked = np.argsort(np.where(np.isfinite(score), -score, np.inf).ravel())[: min(3, int(good.sum()))]
    width = score.shape[1]
    return [divmod(i, width) for i in typical], [divmod(int(i), width) for i in ranked]


def _local_time_axis(axes: Axes, labelled: bool) -> None:
    axes.set_xlim(0, 24)
    axes.set_xticks([0, 6, 12, 18, 24])
    axes.axvspan(0, 6, color="#eef1f6", zorder=0, lw=0)
    axes.axvspan(18, 24, color="#eef1f6", zorder=0, lw=0)
    for hour in (6, 18):
        axes.axvline(hour, color="#b08900", lw=0.8, ls=":")
    axes.spines[["top", "right"]].set_visible(False)
    if labelled:
        axes.set_xlabel("local time (h)")


def _save(figure: Figure, path: Path) -> None:
    with atomic_file(path) as partial:
        figure.savefig(partial, dpi=_DPI)
