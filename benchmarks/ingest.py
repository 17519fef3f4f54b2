"""From zips to bins: nightside beside pandas on the same files. Run: python benchmarks/ingest.py.

The ratio is of times on the same files, best of as many repeats for both, and the bins are compared: both have
the same counts and sums. Peak memory is that of fresh processes that ingest no, one, two and all tables: the last
shows whether it grows with their number.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from nightside.config import Bins, Settings, load
from nightside.formats.diviner import RDR_COLUMNS, RDR_ROW_BYTES
from nightside.store import cell_index, grid_of, write_json
from nightside.synthetic.fixed_width import blank_row, place_numbers
from nightside.thermal.ingest import IngestResult, ingest_tables

BINS = Bins().local_time_bins
SAMPLES = 4688  # of 0.128 s in ten minutes
OUT = Path(__file__).parents[1] / "results" / "benchmarks" / "ingest.json"
PASSING = {"af": 110, "qge": 12, "cemis": 3, "orbit": 2400, "scrad": 1787.4, "scalt": 50, "sundist": 0.98}


def settings() -> Settings:
    return load(
        {
            "name": "benchmark",
            "region": {"longitude_deg": 349, "latitude_deg": -43, "width_km": 200, "pixels_per_degree": 32},
            "diviner": {"source": "local", "folder": ".", "start": "2010-01-01", "end": "2010-01-31"},
        }
    )


def write_table(path: Path, number: int, samples: int) -> None:
    """Write a ten-minute table: all channels and detectors, one row in ten of use."""
    rng = np.random.default_rng(number)
    rows = samples * 189
    sample = np.repeat(np.arange(samples), 189)
    numeric = [c for c in RDR_COLUMNS if c.kind != "text"]
    values = np.zeros((rows, len(numeric)))
    at = {c.name: k for k, c in enumerate(numeric)}
    for name, value in PASSING.items():
        values[:, at[name]] = value
    values[:, at["jdate"]] = 2455201.5 + (number * 600 + sample * 0.128) / 86400
    values[:, at["sclk"]] = np.floor(284342400 + number * 600 + sample * 0.128) + sample % 8 * 0.08192
    values[:, at["c"]] = np.tile(np.repeat(np.arange(1, 10), 21), samples)
    values[:, at["det"]] = np.tile(np.arange(1, 22), samples * 9)
    values[:, at["clat"]] = -43 + rng.uniform(-4, 4, rows)
    values[:, at["clon"]] = 349 + rng.uniform(-5, 5, rows)
    values[:, at["cloctime"]] = rng.uniform(0, 24, rows)
    values[:, at["csunzen"]], values[:, at["csunazi"]] = rng.uniform(0, 180, (2, rows))
    values[:, at["tb"]] = rng.uniform(40, 390, rows)
    values[:, at["radiance"]] = rng.uniform(0, 50, rows)
    for name in ("vlookx", "vlooky", "vlookz"):
        values[:, at[name]] = rng.uniform(-1, 1, rows)
    values[rng.random(samples)[sample] < 0.1, at["qmi"]] = 2
    table = np.tile(blank_row(RDR_COLUMNS, RDR_ROW_BYTES), (rows, 1))
    table[:, RDR_COLUMNS[0].slice] = np.frombuffer(b"05-Jan-2010", np.uint8)
    table[:, RDR_COLUMNS[1].slice] = np.frombuffer(b"00:00:00.064", np.uint8)
    place_numbers(table, numeric, values, np.zeros(values.shape, np.bool_))
    header = "#\r\n#\r\n#\r\n" + ", ".join(c.name for c in RDR_COLUMNS) + "\r\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(path.stem.replace("_rdr", "_RDR") + ".TAB", header.encode() + table.tobytes())


def with_pandas(paths: list[Path], chosen: Settings) -> pd.DataFrame:
    """Do the same with read_csv, a boolean filter and groupby; return the bins that are not empty."""
    grid, wanted, total = grid_of(chosen.region), chosen.filter, None
    for path in paths:
        frame = pd.read_csv(path, skiprows=4, names=[c.name for c in RDR_COLUMNS], skipinitialspace=True)
        keep = (
            (frame.c == wanted.channel)
            & (frame.af == wanted.activity_flag)
            & (frame.cemis < wanted.emission_max_deg)
            & (frame.qca == wanted.qca)
            & (frame.qge == wanted.qge)
            & (frame.qmi == wanted.qmi)
            & (frame.tb > 0)
        )
        part = frame.loc[keep, ["clon", "clat", "cloctime", "tb"]].copy()
        part["cell"] = cell_index(grid, part.clon, part.clat)
        part["bin"] = np.floor(part.cloctime * (BINS / 24) + 1e-9).astype(int) % BINS
        part["tb2"] = part.tb**2
        sums = (
            part[part.cell >= 0]
            .groupby(["cell", "bin"])
            .agg(n=("tb", "size"), sum_k=("tb", "sum"), sum_k2=("tb2", "sum"))
        )
        total = sums if total is None else total.add(sums, fill_value=0)
    return total


def same_bins(by_pandas: pd.DataFrame, ours: IngestResult) -> bool:
    """Return whether every bin has the same count and, but for rounding, the same sums."""
    index = np.ravel_multi_index(
        tuple(by_pandas.index.get_level_values(k) for k in ("cell", "bin")), (ours.n[..., 0].size, BINS)
    )
    theirs = np.zeros((3, ours.n.size))
    theirs[:, index] = by_pandas[["n", "sum_k", "sum_k2"]].to_numpy().T
    sums = np.allclose(theirs[1:], [ours.sum_k.ravel(), ours.sum_k2.ravel()], rtol=1e-12)
    return bool(np.array_equal(theirs[0], ours.n.ravel()) and sums)


def best_s(call: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)


def peak_mb(folder: Path, count: int) -> float:
    """Return the peak memory of a fresh process that ingests ``count`` of the tables."""
    command = [sys.executable, __file__, "--measure", str(folder), str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(folder: Path, count: int) -> None:
    chosen = settings()
    ingest_tables(sorted(folder.glob("*.zip"))[:count], chosen, grid_of(chosen.region))
    print(own_peak_mb())


def own_peak_mb() -> float:
    """Return the peak resident memory of this process, in MiB.

    Linux starts VmHWM anew with each program, but hands ru_maxrss down from the process that started it: a child
    of one that has held a gigabyte reports a gigabyte. ru_maxrss is read only where there is no /proc.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=6, help="ten-minute tables to write and read")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of 189 rows in a table")
    parser.add_argument(
        "--pandas-tables", type=int, default=2, help="of these, how many both read for the ratio"
    )
    parser.add_argument("--repeats", type=int, default=3, help="the best of which counts")
    parser.add_argument("--measure", nargs=2, metavar=("FOLDER", "COUNT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(Path(arguments.measure[0]), int(arguments.measure[1]))
        return
    load_average = os.getloadavg()[0]
    chosen = settings()
    grid = grid_of(chosen.region)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f"20100105{t // 6:02d}{t % 6}0_rdr.zip" for t in range(arguments.tables)]
        for number, path in enumerate(paths):
            write_table(path, number, arguments.samples)
        few = paths[: arguments.pandas_tables]
        ours = ingest_tables(few, chosen, grid)  # compiles, too
        if not same_bins(with_pandas(few, chosen), ours):
            raise SystemExit("the two ways do not fill the same bins")
        all_s = best_s(lambda: ingest_tables(paths, chosen, grid), arguments.repeats)
        few_s = best_s(lambda: ingest_tables(few, chosen, grid), arguments.repeats)
        pandas_s = best_s(lambda: with_pandas(few, chosen), arguments.repeats)
        peaks = {str(k): round(peak_mb(folder, k)) for k in sorted({0, 1, 2, arguments.tables})}
    rows = arguments.samples * 189
    figures = {
        "rows_a_table": rows,
        "tables": arguments.tables,
        "passing_fraction": round(ours.counters["passed"] / ours.counters["rows"], 4),
        "rows_per_s": round(rows * arguments.tables / all_s),
        "same_files": {
            "tables": len(few),
            "rows_per_s": round(rows * len(few) / few_s),
            "pandas_rows_per_s": round(rows * len(few) / pandas_s),
            "ratio": round(pandas_s / few_s, 2),
            "same_bins": True,
        },
        "peak_mb_by_tables": peaks,
        "bins_mb": round((ours.n.nbytes + ours.sum_k.nbytes + ours.sum_k2.nbytes) / 2**20),
        "load_average_at_start": load_average,
        "versions": {p: version(p) for p in ("nightside", "numpy", "numba", "isal", "pandas")},
        "machine": {"cpus": os.cpu_count(), "arch": platform.machine(), "python": platform.python_version()},
    }
    for key, value in figures.items():
        print(f"{key:22} {value}")
    print(
        f"nightside and pandas read the same {len(few)} tables into the same bins: counts equal, sums agree"
    )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    write_json(OUT, figures)


if __name__ == "__main__":
    main()
