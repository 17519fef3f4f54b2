"""The report is one page that says what was measured, from what, and what was left out."""

import re

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from nightside.store import grid_of, lonlat
from nightside.thermal.report import place, write_report

FIGURES = ["overview", "anomaly", "profiles", "error"] + [
    f"latent_{k}_{what}" for k in (1, 2) for what in ("map", "traversal")
]


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    for name in FIGURES:
        Figure(figsize=(1, 1)).savefig(folder / f"{name}.png")
    return folder


@pytest.fixture
def pieces(settings, figures):
    longitude, latitude = lonlat(grid_of(settings.region))
    plane = ("y", "x")
    score = np.arange(longitude.size, dtype=float).reshape(longitude.shape)
    score[0, 0] = np.nan
    return {
        "settings": settings,
        "evaluation": {
            "profiles": 1234,
            "masked_profiles": 5,
            "latents": 2,
            "rmse_against": "truth",
            "rmse_k": 1.2,
            "pca_rmse_k": 2.5,
            "active_latents": 2,
            "factors": {
                "onset": {"latent": 0, "spearman": -0.97, "next_best": 0.1},
                "conductivity": {"latent": 1, "spearman": 0.5, "next_best": 0.45},
            },
            "mig": 0.6,
            "anomaly_auc": 0.99,
        },
        "profiles": xr.Dataset(coords={"latitude": (plane, latitude), "longitude": (plane, longitude)}),
        "maps": xr.Dataset({"anomaly_score": (plane, score), "reconstruction_error": (plane, score * 0.01)}),
        "figures": figures,
        "manifests": {
            "a.zarr": {
                "digest": "d" * 64,
                "inputs": {"t.zip": "e" * 64},
                "details": {"rows": {"kept": 10}, "set_aside": {"/x/bad.zip": "row 3 <short>"}},
            },
            "b.zarr": {"digest": "f" * 64, "inputs": {}, "details": {"rows": {"kept": 5}, "set_aside": {}}},
        },
    }


def test_the_report_needs_nothing_beside_it(pieces, tmp_path):
    write_report(tmp_path / "report.html", **pieces)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'src="([^"]{0,30})', html)
    assert len(sources) == len(FIGURES)
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "<script" not in html
    assert not re.search(r'(href|src)="http|@import|url\(', html)


def test_figures_stand_beside_their_goals(pieces, tmp_path):
    write_report(tmp_path / "report.html", **pieces)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.search(r"1\.20 K</td><td>≤ 1\.5 K</td><td><span class=\"yes\">", html)
    assert re.search(r"Spearman \+0\.500, next best 0\.450</td><td>[^/]*</td><td><span class=\"no\">", html)


def test_blocks_add_up_and_set_aside_inputs_are_named(pieces, tmp_path):
    write_report(tmp_path / "report.html", **pieces)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<td>kept</td><td>15</td>" in html
    assert "bad.zip</code></td><td>row 3 &lt;short&gt;" in html
    assert "/x/" not in html


def test_the_highest_scores_come_first_and_masked_cells_never(pieces, tmp_path):
    write_report(tmp_path / "report.html", **pieces)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    highest = float(pieces["maps"]["anomaly_score"].max())
    assert re.search(rf'<td class="number">1</td>.*?<td class="number">{highest:.1f}</td>', html)
    assert ">nan<" not in html


def test_without_truth_nothing_is_claimed_of_it(pieces, tmp_path):
    pieces["evaluation"] |= {"rmse_against": "observed", "factors": None, "mig": None, "anomaly_auc": None}
    write_report(tmp_path / "report.html", **pieces)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "against the observed profiles" in html
    assert "ROC AUC" not in html
    assert "Spearman" not in html


def test_the_place_is_said_in_degrees(settings):
    assert place(settings).startswith("348.67° E, 43.29° S")


def test_inverted_physics_is_shown_where_there_was_an_inversion(pieces, figures, tmp_path):
    page = tmp_path / "report.html"
    write_report(page, **pieces)
    assert "Beside inverted physics" not in page.read_text(encoding="utf-8")
    for name in ("inversion", "latents_physics"):
        Figure(figsize=(1, 1)).savefig(figures / f"{name}.png")
    check = {"places": 64, "rms_away_from_sunrise_k": 0.0158, "rms_shift_sigma": 0.014}
    pieces["evaluation"]["physics"] = {"cells": 99, "verification": check}
    write_report(page, **pieces)
    text = page.read_text(encoding="utf-8")
    assert "Beside inverted physics" in text
    assert "0.016 K rms" in text


def test_the_oscillator_is_shown_where_it_was_drawn(pieces, figures, tmp_path):
    page = tmp_path / "report.html"
    write_report(page, **pieces)
    assert "knows the equation" not in page.read_text(encoding="utf-8")
    write_report(page, oscillator=figures / "overview.png", **pieces)
    html = page.read_text(encoding="utf-8")
    assert "knows the equation" in html
    assert len(re.findall(r'src="data:image/png;base64,', html)) == len(FIGURES) + 1
