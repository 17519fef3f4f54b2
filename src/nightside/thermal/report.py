"""The report of a region: one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
import platform
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import metadata, resources
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
from nightside.style import page_style
from nightside.thermal.figures import NAMES, latent_titles
from nightside.thermal.named_latents import FOLLOWED_NEXT_BEST, FOLLOWED_SPEARMAN

GOAL_RMSE_K = 1.5
GOAL_SPEARMAN = 0.9
GOAL_NEXT_BEST = 0.4
GOAL_AUC = 0.95

_LIBRARIES = ("numpy", "scipy", "torch", "xarray", "zarr", "matplotlib")
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
        overview=_image(figures / "overview.png"),
        overview_caption=caption,
        summary=_summary(evaluation),
        latents="\n".join(_latent_pair(figures, k, title) for k, title in enumerate(titles, start=1)),
        physics=_physics(evaluation, figures) + _oscillator(oscillator),
        anomaly=_image(figures / "anomaly.png"),
        anomalies=_anomalies(profiles, maps),
        profiles=_image(figures / "profiles.png"),
        error=_image(figures / "error.png"),
        rows=_row_counters(manifests),
        set_aside=_set_aside(manifests),
        provenance=_provenance(settings, manifests),
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


def _summary(evaluation: Mapping[str, Any]) -> str:
    truth = evaluation["rmse_against"] == "truth"
    rmse, pca = evaluation["rmse_k"], evaluation["pca_rmse_k"]
    against = "noise-free truth" if truth else "observed profiles"
    goal = f"≤ {GOAL_RMSE_K} K" if truth else ""
    rows = [
        ("Profiles", f"{evaluation['profiles']:,} good, {evaluation['masked_profiles']:,} masked", "", ""),
        (
            f"RMSE against the {against}",
            _number(rmse, " K"),
            goal,
            _verdict(rmse <= GOAL_RMSE_K) if truth else "",
        ),
        (
            f"RMSE of PCA-{evaluation['latents']}",
            _number(pca, " K"),
            "above the model's",
            _verdict(rmse < pca),
        ),
        (
            "Active latents",
            f"{evaluation['active_latents']} of {evaluation['latents']}",
            "all",
            _verdict(evaluation["active_latents"] == evaluation["latents"]),
        ),
    ]
    if evaluation.get("library_pca_rmse_k") is not None:
        rows.append(
            (
                f"RMSE of PCA-{evaluation['latents']} of the heat model's library",
                _number(evaluation["library_pca_rmse_k"], " K"),
                "above the model's",
                _verdict(rmse < evaluation["library_pca_rmse_k"]),
            )
        )
    training = evaluation.get("training", {})
    for name, found in training.get("metrics", {}).get("library", {}).items():
        rows.append(
            (
                escape(f"Name: {NAMES.get(name, name)}"),
                f"in unseen library places: Spearman {found['spearman']:+.3f}, next best {found['next_best']:.3f}",
                f"≥ {FOLLOWED_SPEARMAN} and < {FOLLOWED_NEXT_BEST}",
                _verdict(found["followed"]),
            )
        )
    rows += [("Warning", escape(message), "", "") for message in training.get("warnings", [])]
    for name, found in (evaluation["factors"] or {}).items():
        rho, other = found["spearman"], found["next_best"]
        rows.append(
            (
                escape(f"Factor: {NAMES.get(name, name)}"),
                f"latent {found['latent'] + 1}: Spearman {rho:+.3f}, next best {other:.3f}",
                f"≥ {GOAL_SPEARMAN} and < {GOAL_NEXT_BEST}",
                _verdict(abs(rho) >= GOAL_SPEARMAN and other < GOAL_NEXT_BEST),
            )
        )
    if evaluation["mig"] is not None:
        rows.append(("Mutual information gap", _number(evaluation["mig"]), "", ""))
    if evaluation["anomaly_auc"] is not None:
        auc = evaluation["anomaly_auc"]
        rows.append(("Hot craters, ROC AUC", f"{auc:.3f}", f"≥ {GOAL_AUC}", _verdict(auc >= GOAL_AUC)))
    if evaluation.get("odd_patch_auc") is not None:
        auc = evaluation["odd_patch_auc"]
        rows.append(("Patches that no model knows, ROC AUC", f"{auc:.3f}", "", ""))
    return _table(("Figure", "Measured", "Goal", "Reached"), rows)


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
        f'<figure class="card"><img src="{_image(figures / name)}" alt="{alt}"></figure>'
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
        f'{pictures}<div class="card scroll">{_table(("", ""), rows)}</div>'
    )


def _oscillator(picture: Path | None) -> str:
    """Return the section on physics-informed networks, empty without a picture."""
    if picture is None:
        return ""
    return (
        "<h2>A network that knows the equation</h2>"
        '<p class="note">Both are shown the same ten positions of a damped oscillator; the one on the right also '
        "learns to obey its equation of motion at the green marks.</p>"
        f'<figure class="card"><img src="{_image(picture)}" alt="A damped oscillator, learnt by two networks"></figure>'
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
    return _table(("", "Longitude E", "Latitude N", "Score", "Error"), rows, numbers=True)


def _row_counters(manifests: Mapping[str, Mapping[str, Any]]) -> str:
    total: dict[str, int] = {}
    for details in _details(manifests):
        for name, count in (details.get("rows") or {}).items():
            total[name] = total.get(name, 0) + int(count)
    rows = [(escape(name.replace("_", " ")), f"{count:,}") for name, count in total.items()]
    return _table(("Rows", "Number"), rows) if rows else '<p class="note">No row counters were recorded.</p>'


def _set_aside(manifests: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (f"<code>{escape(Path(str(name)).name)}</code>", escape(str(reason)))
        for details in _details(manifests)
        for kind in ("set_aside", "not_acquired")
        for name, reason in _reasons(details.get(kind))
    ]
    if not rows:
        return '<p class="note">No input was set aside.</p>'
    return _table(("Set aside", "Why"), rows)


def _reasons(found: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(found, Mapping):
        return found.items()
    return [(item, "could not be acquired") for item in found or []]


def _details(manifests: Mapping[str, Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (manifest.get("details") or {} for manifest in manifests.values())


def _provenance(settings: Settings, manifests: Mapping[str, Mapping[str, Any]]) -> str:
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES if _installed(name))
    rows = [
        ("Seed", str(settings.seed)),
        ("Configuration", f"<code>{settings.digest()}</code>"),
        ("Versions", escape(f"nightside {__version__}, Python {platform.python_version()}, {libraries}")),
    ]
    for name, manifest in manifests.items():
        made_from = "".join(
            f"<br><span class='note'>from {escape(source)} <code>{escape(str(digest))[:16]}</code></span>"
            for source, digest in (manifest.get("inputs") or {}).items()
        )
        rows.append((escape(name), f"<code>{escape(str(manifest.get('digest', '')))}</code>{made_from}"))
    return _table(("What", "Which"), rows)


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _latent_pair(figures: Path, number: int, title: str) -> str:
    parts = "".join(
        f'<figure><img src="{_image(figures / f"latent_{number}_{what}.png")}" alt="{escape(title)}, {what}"></figure>'
        for what in ("map", "traversal")
    )
    return f'<div class="card pair">{parts}</div>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> str:
    css = ' class="number"' if numbers else ""
    top = "".join(f"<th{css}>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td{css}>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _number(value: float | None, units: str = "") -> str:
    return "none" if value is None else f"{value:.2f}{units}"


def _verdict(reached: bool) -> str:
    return '<span class="yes">yes</span>' if reached else '<span class="no">no</span>'


def _image(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
