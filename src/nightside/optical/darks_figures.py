"""Plots of a library of darks: bias, stripes and the eight-column pattern against temperature and age."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure

from nightside.optical.darks import summaries
from nightside.store import atomic_file
from nightside.style import ACCENT, GREY, INK, STYLE

_ROWS = {
    "bias": "level of masked pixels (DN)",
    "stripes": "stripes, σ (DN)",
    "pattern": "column pattern, σ (DN)",
}


def write_figure(path: Path, library: xr.Dataset) -> None:
    """Write the summary of a library as PNG."""
    with rc_context(STYLE), atomic_file(path) as partial:
        summary_figure(library).savefig(partial, dpi=110)


def summary_figure(library: xr.Dataset) -> Figure:
    """Return three rows, against the temperature of the focal plane, of the electronics, and the orbit."""
    values = summaries(library)
    columns = {
        "temperature of the focal plane (°C)": library["temperature_fpa_c"].to_numpy(),
        "temperature of the electronics (°C)": library["temperature_fpga_c"].to_numpy(),
        "orbit": library["orbit_number"].to_numpy(),
    }
    long = library["exposure_ms"].to_numpy() > 2 * library["exposure_ms"].to_numpy().min()
    figure = Figure(figsize=(10, 7), layout="constrained")
    grid = figure.subplots(len(_ROWS), len(columns), sharex="col", sharey="row", squeeze=False)
    for row, (name, title) in enumerate(_ROWS.items()):
        for column, (label, x) in enumerate(columns.items()):
            axes = grid[row, column]
            for kind, colour, text in ((~long, INK, "short"), (long, ACCENT, "long")):
                axes.plot(
                    x[kind],
                    values[name][kind],
                    "o",
                    ms=3.5,
                    color=colour,
                    alpha=0.75,
                    label=f"{text} exposure",
                )
            if x.size > 2 and np.ptp(x) > 0:
                rho = np.corrcoef(x, values[name])[0, 1]
                axes.set_title(f"r = {rho:+.2f}", loc="right", fontsize=9, fontweight="normal", color=GREY)
            axes.spines[["top", "right"]].set_visible(False)
            if not column:
                axes.set_ylabel(title)
            if row == len(_ROWS) - 1:
                axes.set_xlabel(label)
    if long.any():
        handles, names = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=2)
    camera, summing = library.attrs["camera"], library.attrs["summing"]
    mode = "summed" if summing == 2 else "normal"
    figure.suptitle(
        f"{library.sizes['frame']} dark frames, NAC {camera}, {mode} mode",
        fontweight="bold",
        x=0.02,
        ha="left",
    )
    return figure
