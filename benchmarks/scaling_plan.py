"""The whole mission on paper: core-hours, bytes, files, jobs and what breaks first, from measured rates alone.

The amounts are those of Diviner's archive from 2010 to September 2023 (641,205 ten-minute tables with rows of use, in
which 54,117,237,291 rows of channel 7 are good), mapped by the workflow as it is: the whole Moon at 128 pixels per degree
is cut into square regions whose bins fit a job's memory, and each region reads the tables whose ground track meets it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from nightside.config import Bins
from nightside.config.diviner import DivinerSource
from nightside.config.thermal import Training
from nightside.store import MAP_CHUNK
from nightside.thermal.bin_memory import check_bins
from nightside.thermal.ground_track import PERIOD_DAYS

TABLES, GOOD_ROWS, MONTHS = 641_205, 54_117_237_291, 165
ROWS_A_TABLE = 4688 * 189
"""600 s of 0.128 s, 189 detectors."""

PIXELS_PER_DEGREE = 128
ARC_A_TABLE_DEG = 360 * 10 / 1440 / PERIOD_DAYS
"""Of the polar orbit, along a meridian."""

CORES, CORES_A_JOB = 1000, 2
TRAINED_PROFILES = 2_000_000
"""As many as the paper's network saw; one network for all."""

GBIT_S = 1.25e8
FILES_QUOTA, PROFILE_JOBS = 1_000_000, 200
"""A usual quota of a shared file system; ``jobs`` of workflow/profiles/slurm."""

PYRAMID = 4 / 3
"""Files of maps with overviews, each a quarter of the one below."""


class StoreFacts(NamedTuple):
    """The arrays on a store's map, each of which is a file for every chunk, and its bytes for a cell."""

    arrays: int
    bytes_a_cell: float


class Cut(NamedTuple):
    """How the whole Moon is cut into square regions of ``side`` cells, and how often a table is read for it."""

    side: int
    regions: int
    reads_a_table: float


def cut(memory_gb: float, bins: int) -> Cut:
    """Return the regions of whole chunks whose bins fit into the memory of a job."""
    rows, columns = 180 * PIXELS_PER_DEGREE, 360 * PIXELS_PER_DEGREE
    a_cell = check_bins((1, 1), bins, math.inf)
    side = int(math.sqrt(memory_gb / a_cell)) // MAP_CHUNK * MAP_CHUNK
    side_deg = side / PIXELS_PER_DEGREE
    # The predicted track may pass at a distance; a table is an arc along a meridian.
    reach_deg = side_deg + 2 * DivinerSource.model_fields["track_margin_deg"].default
    reads = (reach_deg + ARC_A_TABLE_DEG) * reach_deg / side_deg**2
    return Cut(side, -(-rows // side) * -(-columns // side), reads)


def core_rate(report: dict[str, Any], step: str) -> float:
    """Return what a core does in a second beside others that are busy; one process trains, whose core has no peer."""
    processes = "1" if step == "train" else "2"
    return float(report["steps"][step]["processes"][processes]["rate_per_cpu_s"])


def plan(report: dict[str, Any]) -> dict[str, Any]:
    """Return the plan that follows from a report of scaling.py: ``steps``, ``table_bytes``, ``dry_runs``, ``stores``."""
    bins = Bins().local_time_bins
    memory_gb = Bins().memory_limit_gb
    cells = 360 * 180 * PIXELS_PER_DEGREE**2
    regions = cut(memory_gb, bins)
    amounts = {
        "ingest": TABLES * ROWS_A_TABLE * regions.reads_a_table,
        "bins": cells * bins * MONTHS,
        "cube": cells * bins * MONTHS,
        "profiles": cells,
        "map": cells,
        "train": TRAINED_PROFILES * Training().epochs,
    }
    core_hours = {step: n / core_rate(report, step) / 3600 for step, n in amounts.items()}
    train_hours = core_hours["train"]
    shared_hours = (sum(core_hours.values()) - train_hours) / CORES
    stored = {k: StoreFacts(**v) for k, v in report["stores"].items()}
    chunks = cells // MAP_CHUNK**2
    files = {
        kind: chunks * facts.arrays * {"bins": MONTHS, "maps": PYRAMID}.get(kind, 1)
        for kind, facts in stored.items()
    }
    volume = {
        kind: cells * facts.bytes_a_cell * (MONTHS if kind == "bins" else 1) for kind, facts in stored.items()
    }
    each = report["dry_runs"]
    one_region = min(each, key=lambda run: run["jobs"])
    jobs = regions.regions * one_region["jobs"]
    largest = max(each, key=lambda run: run["jobs"])
    dag_hours = jobs * largest["cpu_s"] / largest["jobs"] / 3600
    zip_bytes = TABLES * report["table_bytes"]["zip"]
    compute_hours = shared_hours + train_hours
    limits = [
        ("memory of one block's bins, GB", check_bins((cells, 1), bins, math.inf), memory_gb),
        ("files of the bins, of every month", files["bins"], FILES_QUOTA),
        ("hours of planning one DAG of all jobs, beside those of computing", dag_hours, compute_hours),
        (
            "hours of fetching at 1 Gbit/s, beside those of computing",
            zip_bytes / GBIT_S / 3600,
            compute_hours,
        ),
        ("jobs at a time", CORES // CORES_A_JOB, PROFILE_JOBS),
        ("reads of each table", regions.reads_a_table, 1),
    ]
    return {
        "regions": regions._asdict(),
        "regions_of_ten_times_the_memory": cut(10 * memory_gb, bins)._asdict(),
        "rows_read_for_a_good_one": amounts["ingest"] / GOOD_ROWS,
        "amounts": amounts,
        "core_hours": core_hours,
        "core_hours_in_all": sum(core_hours.values()),
        "hours_on_all_cores": shared_hours,
        "hours_of_training": train_hours,
        "bytes": {
            "tables_zip": zip_bytes,
            "tables_unpacked": TABLES * report["table_bytes"]["unpacked"],
            **volume,
        },
        "files": {"tables": TABLES, **files},
        "jobs": jobs,
        "dag_hours": dag_hours,
        "limits": sorted(
            (
                {"what": what, "needed": needed, "there": there, "times": needed / there}
                for what, needed, there in limits
            ),
            key=lambda limit: -limit["times"],
        ),
    }


def markdown(report: dict[str, Any]) -> str:
    """Return the measured rates and the plan as tables."""
    made = report["plan"]
    lines = ["| step | counts | one, a core, /s | two, a core, /s | efficiency | by the clock | load |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, step in report["steps"].items():
        one, two = step["processes"]["1"], step["processes"]["2"]
        lines.append(
            f"| {name} | {step['counts']} | {_short(one['rate_per_cpu_s'])} | {_short(two['rate_per_cpu_s'])} |"
            f" {step['efficiency_cpu']:.2f} | {step['efficiency_clock']:.2f} |"
            f" {one['load_average']:.1f}, {two['load_average']:.1f} |"
        )
    lines += ["", "| step | amount | a core, /s | core-hours |", "|---|---|---|---|"]
    for name, hours in made["core_hours"].items():
        amount = made["amounts"][name]
        lines.append(f"| {name} | {_short(amount)} | {_short(core_rate(report, name))} | {hours:,.0f} |")
    lines.append(f"| all | | | {made['core_hours_in_all']:,.0f} |")
    lines += ["", "| | files | TB |", "|---|---|---|"]
    for name, size in made["bytes"].items():
        count = made["files"].get(name.removesuffix("_zip"), "")
        lines.append(f"| {name} | {_short(count) if count else ''} | {size / 1e12:.2f} |")
    lines += ["", "| limit | needed | there | times |", "|---|---|---|---|"]
    for limit in made["limits"]:
        lines.append(
            f"| {limit['what']} | {_short(limit['needed'])} | {_short(limit['there'])} | {limit['times']:.2g} |"
        )
    lines += ["", "| jobs of a dry run | processor time, s | peak, MB |", "|---|---|---|"]
    lines += [f"| {run['jobs']} | {run['cpu_s']} | {run['peak_mb']} |" for run in report["dry_runs"]]
    regions, larger = made["regions"], made["regions_of_ten_times_the_memory"]
    lines += [
        "",
        f"{regions['regions']} regions of {regions['side']} cells, {made['jobs']:,} jobs; each table is read"
        f" {regions['reads_a_table']:.1f} times ({larger['reads_a_table']:.1f} with ten times the memory a job); {made['hours_on_all_cores']:.1f} h on {CORES} cores, and"
        f" {made['hours_of_training']:.1f} h of training by one process",
    ]
    return "\n".join(lines)


def _short(value: float) -> str:
    if abs(value) < 10 and value != int(value):
        return f"{value:.2g}"
    return f"{value:,.0f}" if abs(value) < 1e5 else f"{value:.2e}"
