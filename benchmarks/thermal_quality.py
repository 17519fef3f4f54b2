"""How good the thermal maps are, on synthetic Moons of 20,000 profiles and more: the demo's workflow, larger.

Each row is one run of the workflow: a seed (of Moon, orbit and training) and an objective. ``--another-moon`` lets
the surface differ from the library's heat model, in soil, rocks and emissivity, and has patches of a kind that it does
not know, as the real one will; its rows say how much of the result rests on their being the same. Rerun, it goes on where it was stopped.

Run: python benchmarks/thermal_quality.py, or with --objectives guided beta_tcvae beta_vae, or --another-moon.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from nightside.store import write_json

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "results" / "benchmarks" / "thermal_quality.json"
ANOTHER_MOON = {
    "conductivity_factor": 1.3,
    "emissivity": 0.98,
    "h_parameter_m": 0.05,
    "rock_conductivity_factor": 0.6,
    "odd_patches": 6,
}
TARGETS = {"rmse_k": 1.5, "spearman": 0.9, "next_best": 0.4, "anomaly_auc": 0.95, "profiles": 20_000}
KEPT = (
    *(
        "profiles",
        "rmse_k",
        "pca_rmse_k",
        "library_pca_rmse_k",
        "latents",
        "active_latents",
        "factors",
        "mig",
    ),
    *("anomaly_auc", "odd_patch_auc", "latent_names"),
)


def configuration(seed: int, objective: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the demo's configuration at the size of the benchmark."""
    settings = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
    settings["name"] = f"quality-{'another-' if options.another_moon else ''}{seed}"
    settings["seed"] = seed
    settings["region"]["width_km"] = options.width_km
    thermal = settings.setdefault("thermal", {})
    thermal.setdefault("training", {})["epochs"] = options.epochs
    thermal.setdefault("vae", {})["objective"] = objective
    if options.another_moon:
        settings["synthetic"] = ANOTHER_MOON
    return settings


def run(settings: dict[str, Any], cores: int) -> dict[str, Any]:
    """Run the workflow up to the evaluation and return its figures."""
    config = OUT.parent / f"{settings['name']}.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(yaml.safe_dump(settings))
    target = Path("results") / settings["name"] / "thermal" / "evaluation.json"
    command = [sys.executable, "-m", "snakemake", "--profile", "workflow/profiles/default"]
    command += ["--configfile", str(config.relative_to(ROOT)), "--cores", str(cores), str(target)]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    begun = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    figures = json.loads((ROOT / target).read_text())
    row = {name: figures[name] for name in KEPT}
    return row | {"seconds": round(time.perf_counter() - begun), "load_average": os.getloadavg()[0]}


def reached(row: dict[str, Any]) -> bool:
    """Say whether a row meets every target."""
    factors = row["factors"].values()
    return bool(
        row["profiles"] >= TARGETS["profiles"]
        and row["rmse_k"] <= TARGETS["rmse_k"]
        and row["rmse_k"] < min(row["pca_rmse_k"], row["library_pca_rmse_k"] or float("inf"))
        and row["active_latents"] == row["latents"]
        and min(abs(f["spearman"]) for f in factors) >= TARGETS["spearman"]
        and max(f["next_best"] for f in factors) < TARGETS["next_best"]
        and len({f["latent"] for f in factors}) == len(factors)
        and row["anomaly_auc"] >= TARGETS["anomaly_auc"]
    )


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Return the rows as text; in brackets the largest correlation of any other latent."""
    lines = [
        f"{'run':28}{'profiles':>9}{'RMSE K':>8}{'PCA K':>7}{'library':>8}{'onset':>14}{'flux':>14}{'conductivity':>14}"
        f"{'MIG':>6}{'AUC':>7}{'odd':>7}{'active':>8}  all targets"
    ]
    for name, row in rows.items():
        factors = "".join(
            f"{abs(f['spearman']):7.3f} ({f['next_best']:.2f})" for f in row["factors"].values()
        )
        lines.append(
            f"{name:28}{row['profiles']:9d}{row['rmse_k']:8.2f}{row['pca_rmse_k']:7.2f}{row['library_pca_rmse_k'] or float('nan'):8.2f}{factors}{row['mig']:6.2f}"
            f"{row['anomaly_auc']:7.3f}{row['odd_patch_auc'] or float('nan'):7.3f}{row['active_latents']:6d}/{row['latents']}  "
            + ("reached" if reached(row) else "missed")
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--objectives", nargs="+", default=["guided"], help="guided, beta_tcvae, beta_vae")
    parser.add_argument("--width-km", type=float, default=30.0, help="30 km are 22,400 cells")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--another-moon", action="store_true", help=f"a surface of {ANOTHER_MOON}")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    kept = json.loads(OUT.read_text())["rows"] if OUT.is_file() else {}
    rows = {}
    for seed in options.seeds:
        for objective in options.objectives:
            name = f"{objective}, seed {seed}" + (", another Moon" if options.another_moon else "")
            rows[name] = run(configuration(seed, objective, options), options.cores)
            rows[name]["epochs"] = options.epochs
            kept[name] = rows[name]
            report = {
                "benchmark": "thermal_quality",
                "targets": TARGETS,
                "rows": kept,
                "versions": {p: version(p) for p in ("nightside", "numpy", "torch", "pytorch-lightning")},
                "machine": {"cpus": os.cpu_count(), "arch": platform.machine()},
            }
            write_json(OUT, report)
    print(table(rows))
    print(f"written: {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
