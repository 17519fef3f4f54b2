"""The report of the optical room: one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from nightside._version import __version__
from nightside.optical.evaluate import GOAL_STRIPES, GOAL_Z
from nightside.optical.slider import Pair, slider
from nightside.store import atomic_file
from nightside.style import embedded_png, page_style, table, verdict

GOAL_GAIN_DB = 10.0
"""Over the standard calibration at a mean signal of 5 DN."""

PICTURES = {
    "mosaic.png": ("The mosaic", "Mosaic with meridians and parallels"),
    "quality.png": ("Quality by signal", "PSNR and SSIM against mean signal"),
    "recall.png": ("What can be seen", "Share of labelled craters found, against diameter"),
    "spectra.png": ("Stripes and noise", "Column means and power spectra of what is left of the noise"),
}


def write_report(
    path: Path,
    *,
    title: str,
    place: str,
    pairs: Sequence[Pair],
    figures: Path,
    evaluation: Mapping[str, Any] | None = None,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Write one self-contained page with its images inside; its one script moves the sliders.

    Args:
        path: the page, ``report.html``.
        title: of the page.
        place: one line under it.
        pairs: before and after, each a slider.
        figures: folder of those of :data:`PICTURES` that there are; the others have no section.
        evaluation: from :func:`evaluate.evaluate`, or None where no truth is known.
        provenance: name and digest of each input.

    Raises:
        ValueError: there is no pair.
    """
    if not pairs:
        raise ValueError("no pair of images to show; denoise an image first")
    page = Template(resources.files("nightside.optical").joinpath("report.html").read_text(encoding="utf-8"))
    html = page.substitute(
        style=page_style(),
        title=escape(title),
        place=escape(place),
        pairs="\n".join(slider(pair) for pair in pairs),
        figures_against_goals=_goals(evaluation) if evaluation else "",
        tables=_by_signal(evaluation) if evaluation else "",
        pictures="\n".join(_picture(figures, name) for name in PICTURES if (figures / name).is_file()),
        provenance=table(
            ("Input", "Digest"),
            [(escape(k), f"<code>{escape(v)}</code>") for k, v in (provenance or {}).items()],
        ),
        version=escape(__version__),
    )
    with atomic_file(path) as partial:
        partial.write_text(html, encoding="utf-8")


def _goals(evaluation: Mapping[str, Any]) -> str:
    rows = evaluation["by_signal"]
    gains = [(row["signal_dn"], row["psnr_db"]["nightside"] - row["psnr_db"]["standard"]) for row in rows]
    signal, gain = min(gains, key=lambda item: abs(item[0] - 5.0))
    near = 4.0 <= signal <= 6.0
    column = min(row["stripes"]["column_ratio"] for row in rows)
    period = min(row["stripes"]["period_ratio"] for row in rows)
    spreads = [row["z_spread"] for row in rows]
    lines = [
        (
            f"PSNR over the standard calibration at {signal:.1f} DN",
            f"{gain:+.1f} dB",
            f"≥ {GOAL_GAIN_DB:g} dB at 5 DN",
            verdict(gain >= GOAL_GAIN_DB) if near else "",
        ),
        (
            "Stripes: spread of column means below the standard calibration's",
            f"{column:.1f} times",
            f"≥ {GOAL_STRIPES:g}",
            verdict(column >= GOAL_STRIPES),
        ),
        (
            "Pattern of columns: power below the standard calibration's",
            f"{period:.1f} times",
            f"≥ {GOAL_STRIPES:g}",
            verdict(period >= GOAL_STRIPES),
        ),
        (
            "Spread of z-scores",
            f"{min(spreads):.2f} to {max(spreads):.2f}",
            f"{GOAL_Z[0]:g} to {GOAL_Z[1]:g}",
            verdict(GOAL_Z[0] <= min(spreads) and max(spreads) <= GOAL_Z[1]),
        ),
    ]
    mosaic = evaluation.get("mosaic")
    if mosaic:
        lines.append(
            (
                "Mosaic: error of position",
                _distance(mosaic["position_error_px"], mosaic["position_error_m"]),
                "< 1 pixel",
                verdict(mosaic["position_error_px"] < 1.0),
            )
        )
    bright = (mosaic or {}).get("brightness")
    if bright:
        lines += [
            (
                "Mosaic: brightness against the truth",
                f"{bright['slope']:.2f} times {bright['offset_dn']:+.2f} DN; on average {bright['bias_dn']:+.2f} of "
                f"{bright['mean_signal_dn']:.1f} DN",
                "",
                "",
            ),
            (
                "Mosaic: spread of z-scores",
                f"{bright['z_spread']:.2f}",
                f"{GOAL_Z[0]:g} to {GOAL_Z[1]:g}",
                verdict(GOAL_Z[0] <= bright["z_spread"] <= GOAL_Z[1]),
            ),
        ]
    recall = evaluation.get("recall")
    if recall:
        mosaic_px, clean_px = (recall[name]["half_found_px"] for name in ("nightside", "clean"))
        lines.append(
            (
                "Craters: diameter from which half are found on the mosaic",
                _pixels(mosaic_px),
                f"{_pixels(clean_px)} on the clean ground",
                "",
            )
        )
    note = '<p class="note">Against the noise-free truth of the synthetic camera; the least good image counts.</p>'
    goals = table(("Figure", "Measured", "Goal", "Reached"), lines)
    return f'<h2>Figures against goals</h2>{note}<div class="card scroll">{goals}</div>'


def _distance(pixels: float, metres: float) -> str:
    """Return a distance between maps; correlation is good to a twentieth of a pixel."""
    if pixels < 0.05:
        return f"below 0.05 pixels, {0.05 / pixels * metres:.2f} m" if pixels > 0 else "below 0.05 pixels"
    return f"{pixels:.2f} pixels, {metres:.2f} m"


def _pixels(diameter_px: float | None) -> str:
    return "at no diameter" if diameter_px is None else f"{diameter_px:.1f} pixels"


def _by_signal(evaluation: Mapping[str, Any]) -> str:
    head = ("Image", "Mode", "Table", "Signal (DN)", *(f"{q}, {n}" for q in ("PSNR (dB)", "SSIM", "L1 (DN)")
            for n in ("standard", "nightside")), "z spread", "z, darkest to brightest tenth")  # fmt: skip
    rows = [
        (
            escape(row["product_id"]),
            row["mode"],
            str(row["table"]),
            f"{row['signal_dn']:.2f}",
            *(
                f"{row[key][name]:.{digits}f}"
                for key, digits in (("psnr_db", 1), ("ssim", 3), ("l1_dn", 2))
                for name in ("standard", "nightside")
            ),
            f"{row['z_spread']:.2f}",
            f"{row['z_mean_by_signal'][0]:+.2f} to {row['z_mean_by_signal'][-1]:+.2f}",
        )
        for row in evaluation["by_signal"]
    ]
    return f'<h2>By signal</h2><div class="card scroll">{table(head, rows, numbers_from=3)}</div>'


def _picture(figures: Path, name: str) -> str:
    title, alt = PICTURES[name]
    return f'<h2>{title}</h2><figure class="card"><img src="{embedded_png(figures / name)}" alt="{alt}"></figure>'
