"""The report of a region: one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import xarray as xr
import yaml

from nightside import moon
from nightside._version import __version__
from nightside.config import Settings
from nightside.store import atomic_file, grid_of
from nightside.style import embedded_png, page_style, table
from nightside.thermal.figures import latent_titles
from nightside.thermal.report_provenance import provenance, row_counters, set_aside
from nightside.thermal.report_summary import summary

_TOP = 10


def write_report(
    path: Path,
    *,
    settings: Settings,
    evaluation: Mapping[str, Any],
    profiles: xr.Dataset,
    maps: xr.Dataset,
    figures: Path,
    manifests: Mapping[str, Mapping[str, Any]],
    oscillator: Path | None = None,
) -> None:
    """Write one self-contained page, with its images inside and without scripts.

    Args:
        path: the page, ``report.html``.
        settings: the configuration of the run.
        evaluation: from :func:`evaluate.evaluate`.
        profiles: ``latitude`` and ``longitude`` (y, x) in degrees.
        maps: ``anomaly_score`` (y, x) and ``reconstruction_error`` (y, x) in K.
        figures: the folder that :func:`figures.write_figures` filled.
        manifests: of each store by name, as :func:`nightside.store.read_manifest` gives them; ``details`` may hold
            ``rows`` (counters), ``set_aside`` and ``not_acquired`` (reason by path).
        oscillator: a picture of what networks learn of a damped oscillator, PNG.

    Raises:
        FileNotFoundError: a figure is missing.
    """
    titles = latent_titles(evaluation["latents"], evaluation)
    known = evaluation["factors"] is not None
    caption = "Above, what the model found. Below, the truth of the synthetic Moon." if known else ""
    page = Template(resources.files("nightside.thermal").joinpath("report.html").read_text(encoding="utf-8"))
    html = page.substitute(
        style=page_style(),
        title=escape(f"Thermal anomalies: {settings.name}"),
        place=escape(place(settings)),
        overview=embedded_png(figures / "overview.png"),
        overview_caption=caption,
        summary=summary(evaluation),
        latents="\n".join(_latent_pair(figures, k, title) for k, title in enumerate(titles, start=1)),
        physics=_physics(evaluation, figures) + _oscillator(oscillator),
        anomaly=embedded_png(figures / "anomaly.png"),
        anomalies=_anomalies(profiles, maps),
        profiles=embedded_png(figures / "profiles.png"),
        error=embedded_png(figures / "error.png"),
        rows=row_counters(manifests),
        set_aside=set_aside(manifests),
        provenance=provenance(settings, manifests),
        configuration=escape(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)),
        version=escape(__version__),
    )
    with atomic_file(path) as partial:
        partial.write_text(html, encoding="utf-8")


def place(settings: Settings) -> str:
    """Return where the region lies and how it is divided, in one line."""
    grid = grid_of(settings.mapped_region)
    rows, columns = grid.shape
    pixel_km = abs(grid.affine.e) / 1000.0
    cells = f"{columns} × {rows} cells of {pixel_km:.3g} km"
    if settings.mapped_region.whole_moon:
        return f"The whole Moon · {cells}"
    longitude, latitude = settings.mapped_region.centre
    side = "N" if latitude >= 0 else "S"
    east = float(moon.longitude_360(longitude))
    size = " × ".join(f"{km:g}" for km in settings.mapped_region.size_km)
    return f"{east:.2f}° E, {abs(latitude):.2f}° {side} · {size} km · {cells}"


def _physics(evaluation: Mapping[str, Any], figures: Path) -> str:
    """Return the section on inverted physics, empty where there was no inversion."""
    found = evaluation.get("physics")
    if found is None:
        return ""
    check = found["verification"] or {}
    rows = [("Cells with latents and a good inversion", f"{found['cells']:,}")]
    if "rms_away_from_sunrise_k" in check:
        rows.append(
            (
                f"Checked by the solver, {check['places']:,} places",
                f"table off by {check['rms_away_from_sunrise_k']:.3f} K rms, estimates by "
                f"{check['rms_shift_sigma']:.3f} of their standard deviations",
            )
        )
    pictures = "".join(
        f'<figure class="card"><img src="{embedded_png(figures / name)}" alt="{alt}"></figure>'
        for name, alt in (
            ("inversion.png", "Maps of inverted physics with their standard deviations"),
            ("latents_physics.png", "Latents against inverted physics"),
        )
    )
    return (
        "<h2>Beside inverted physics</h2>"
        '<p class="note">Each cell\'s bins fitted with the heat model: albedo, absorbed sunlight, onset, H of ground without '
        "rocks, and rocks where such ground does not fit. 'H if rocks are unseen' is the mean over rocks that no fit can "
        "see. Masked cells are grey.</p>"
        f'{pictures}<div class="card scroll">{table(("", ""), rows)}</div>'
    )


def _oscillator(picture: Path | None) -> str:
    """Return the section on physics-informed networks, empty without a picture."""
    if picture is None:
        return ""
    return (
        "<h2>A network that knows the equation</h2>"
        '<p class="note">Both are shown the same ten positions of a damped oscillator; the one on the right also '
        "learns to obey its equation of motion at the green marks.</p>"
        f'<figure class="card"><img src="{embedded_png(picture)}" alt="A damped oscillator, learnt by two networks"></figure>'
    )


def _anomalies(profiles: xr.Dataset, maps: xr.Dataset) -> str:
    score = maps["anomaly_score"].to_numpy().ravel()
    order = np.argsort(np.where(np.isfinite(score), -score, np.inf))[:_TOP]
    columns = [
        profiles["longitude"].to_numpy().ravel(),
        profiles["latitude"].to_numpy().ravel(),
        score,
        maps["reconstruction_error"].to_numpy().ravel(),
    ]
    rows = [
        (str(rank), f"{lon:.3f}°", f"{lat:.3f}°", f"{found:.1f}", f"{error:.2f} K")
        for rank, (lon, lat, found, error) in enumerate(zip(*(c[order] for c in columns), strict=True), 1)
        if np.isfinite(found)
    ]
    return table(("", "Longitude E", "Latitude N", "Score", "Error"), rows, numbers_from=0)


def _latent_pair(figures: Path, number: int, title: str) -> str:
    parts = "".join(
        f'<figure><img src="{embedded_png(figures / f"latent_{number}_{what}.png")}" alt="{escape(title)}, {what}"></figure>'
        for what in ("map", "traversal")
    )
    return f'<div class="card pair">{parts}</div>'
