"""What the benchmark of denoising says: margins against the goals, and tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]

AFTER, ON = " after standard", " on destriped"
NAMES = {
    "standard": "standard",
    "bm3d": "BM3D",
    "noise2void": "N2V",
    "plain_unet": "U-Net",
    "bm3d_white": "BM3D, white",
}


def margins(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the goals of the issue that can be judged by ``rows``, each with its worst value and where that is."""
    rows = [row for row in rows if row["photons"] == "electrons"]

    def rivals(row: Row) -> list[str]:
        return [name for name in row["psnr_db"] if name == "standard" or name.endswith(AFTER)]

    def over_rivals(key: str) -> Callable[[Row], float]:
        return lambda row: row[key]["nightside"] - max(row[key][name] for name in rivals(row))

    def over_bm3d(key: str) -> Callable[[Row], float]:
        return lambda row: row[key]["nightside"] - row[key]["bm3d" + ON]

    def over_standard(key: str) -> Callable[[Row], float]:
        return lambda row: row[key]["nightside"] - row[key]["standard"]

    middle = [row for row in rows if 5 <= row["signal_dn"] <= 20]
    five = [row for row in rows if row["signal_dn"] == 5]
    bm3d = [row for row in rows if "bm3d" + ON in row["psnr_db"]]
    found = [
        _least(
            "PSNR over the best peer after standard, every level", rows, over_rivals("psnr_db"), 0.0, "dB"
        ),
        _least("PSNR over the best peer after standard, 5-20 DN", middle, over_rivals("psnr_db"), 2.0, "dB"),
        _least("SSIM over the best peer after standard, every level", rows, over_rivals("ssim"), 0.0, ""),
        _least("PSNR over the standard calibration at 5 DN", five, over_standard("psnr_db"), 10.0, "dB"),
        _least("PSNR over BM3D on our destriped image", bm3d, over_bm3d("psnr_db"), 0.5, "dB"),
        _least("the same, stretch", bm3d, over_bm3d("psnr_db"), 1.0, "dB"),
        _least("column means below standard's", rows, lambda r: _ratio(r, "column_std_dn"), 10.0, "times"),
        _least(
            "period-8 power below standard's", rows, lambda r: _ratio(r, "period_power_dn2"), 10.0, "times"
        ),
        _least("z spread, smallest", rows, lambda r: min(r["z_spread_each"]), 0.9, ""),
        _least("z spread, largest", rows, lambda r: max(r["z_spread_each"]), 1.1, "", most=True),
    ]
    return [goal for goal in found if goal]


def _ratio(row: Row, key: str) -> float:
    """Return how often nightside's is in the standard's: a thousand at most, as an estimate may be 0 or below."""
    plain, ours = (row["stripes"][name][key] for name in ("standard", "nightside"))
    return float(plain / max(ours, 1e-3 * plain))


def _least(
    name: str, rows: Sequence[Row], of: Callable[[Row], float], goal: float, unit: str, most: bool = False
) -> dict[str, Any] | None:
    if not rows:
        return None
    values = [of(row) for row in rows]
    worst = int(np.argmax(values) if most else np.argmin(values))
    reached = [value <= goal if most else value >= goal for value in values]
    row = rows[worst]
    return {
        "goal": name,
        "needed": goal,
        "unit": unit,
        "worst": values[worst],
        "median": float(np.median(values)),
        "at": f"{row['mode']}, table {row['table']}, {row['signal_dn']:g} DN",
        "rows_reached": sum(reached),
        "rows": len(values),
        "reached": all(reached),
    }


def markdown(report: dict[str, Any]) -> str:
    """Return the tables of a report."""
    parts = []
    for photons, title in (
        ("electrons", "PSNR, dB"),
        ("dn", "PSNR, dB, where the camera draws photons in DN as HORUS does"),
    ):
        rows = [row for row in report["by_signal"] if row["photons"] == photons]
        if rows:
            parts.append(
                f"**{title}** (mean of {len(report['scenes'])} scenes)\n\n{_quality(rows, 'psnr_db', 1)}"
            )
            if photons == "electrons":
                merged = _merged(rows)
                parts += [
                    f"**{name}**, mean over modes and tables\n\n{_quality(merged, key, digits)}"
                    for key, name, digits in (
                        ("psnr_db", "PSNR, dB", 1),
                        ("ssim", "SSIM", 3),
                        ("l1_dn", "L1, DN", 2),
                    )
                ]
    goals = [
        (
            goal["goal"],
            f"{goal['needed']:g} {goal['unit']}".strip(),
            f"{goal['worst']:.2f}",
            goal["at"],
            f"{goal['median']:.2f}",
            f"{goal['rows_reached']} of {goal['rows']}",
            "reached" if goal["reached"] else "MISSED",
        )
        for goal in report["margins"]
    ]
    parts.append(_table(("goal", "needed", "worst", "at", "median", "rows", ""), goals))
    if report["recall"]:
        parts.append(_recall(report["recall"]))
    speeds = [(NAMES.get(name, name), f"{value:.3g}") for name, value in report["mpixel_per_cpu_s"].items()]
    parts.append(_table(("method", "Mpixel per second of one core"), speeds))
    return "\n\n".join(parts)


def _quality(rows: Sequence[Row], key: str, digits: int) -> str:
    methods = list(rows[0][key])
    head = ["mode", "table", "signal", *(_heading(name) for name in methods), "z spread"]
    body = []
    for row in rows:
        best = max if key != "l1_dn" else min
        chosen = best(methods, key=lambda name, row=row: row[key][name])
        cells = [f"{row[key][name]:.{digits}f}" for name in methods]
        cells = [f"**{c}**" if name == chosen else c for c, name in zip(cells, methods, strict=True)]
        body.append((row["mode"], str(row["table"]), f"{row['signal_dn']:g} DN", *cells, _spread(row)))
    return _table(head, body)


def _spread(row: Row) -> str:
    each = row["z_spread_each"]
    return f"{min(each):.2f}-{max(each):.2f}" if each else ""


def _heading(name: str) -> str:
    for end, said in ((AFTER, " after standard"), (ON, " on destriped")):
        if name.endswith(end):
            return NAMES.get(name.removesuffix(end), name) + said
    return NAMES.get(name, name)


def _merged(rows: Sequence[Row]) -> list[Row]:
    merged = []
    for level in sorted({row["signal_dn"] for row in rows}):
        same = [row for row in rows if row["signal_dn"] == level]
        merged.append(
            {
                "mode": "both" if len({row["mode"] for row in same}) > 1 else same[0]["mode"],
                "table": ", ".join(str(t) for t in sorted({row["table"] for row in same})),
                "signal_dn": level,
                "z_spread_each": [z for row in same for z in row["z_spread_each"]],
            }
            | {
                key: {name: float(np.mean([row[key][name] for row in same])) for name in same[0][key]}
                for key in ("psnr_db", "ssim", "l1_dn")
            }
        )
    return merged


def _recall(recall: dict[str, Any]) -> str:
    levels = list(recall["by_signal"])
    methods = list(recall["by_signal"][levels[0]])
    rows = [
        (f"{level} DN", _half(recall["clean"]), *(_half(recall["by_signal"][level][m]) for m in methods))
        for level in levels
    ]
    title = f"**Smallest diameter of which half of the labelled craters are found**, pixels, {recall['mode']} mode, table "
    return f"{title}{recall['table']}\n\n" + _table(
        ("signal", "clean", *(_heading(m) for m in methods)), rows
    )


def _half(curve: dict[str, Any]) -> str:
    value = curve["half_found_px"]
    return "never" if value is None else f"{value:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
