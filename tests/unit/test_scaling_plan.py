"""The plan for the whole mission follows from the measured rates and from nothing else."""

import copy
import importlib.util
import math
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "benchmarks/scaling_plan.py"


@pytest.fixture(scope="module")
def scaling_plan():
    found = importlib.util.spec_from_file_location("scaling_plan", SOURCE)
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    yield module
    del sys.modules[found.name]


@pytest.fixture
def report():
    def step(rate):
        each = {"rate_per_s": rate, "rate_per_cpu_s": rate, "load_average": 0.0}
        return {
            "counts": "things",
            "processes": {"1": each, "2": each | {"rate_per_s": 2 * rate}},
            "efficiency_clock": 1.0,
            "efficiency_cpu": 1.0,
        }

    steps = {"ingest": 1e6, "bins": 1e8, "cube": 1e8, "profiles": 1e5, "map": 1e4, "train": 1e4}
    return {
        "steps": {name: step(rate) for name, rate in steps.items()},
        "table_bytes": {"zip": 6e7, "unpacked": 3e8},
        "dry_runs": [
            {"jobs": 400, "cpu_s": 8.0, "peak_mb": 100},
            {"jobs": 4000, "cpu_s": 40.0, "peak_mb": 200},
        ],
        "stores": {
            "bins": {"arrays": 3, "bytes_a_cell": 5.0},
            "cube": {"arrays": 3, "bytes_a_cell": 300.0},
            "profiles": {"arrays": 4, "bytes_a_cell": 400.0},
            "maps": {"arrays": 6, "bytes_a_cell": 50.0},
        },
    }


def test_a_region_is_the_largest_square_of_whole_chunks_whose_bins_fit_a_job(scaling_plan):
    cut = scaling_plan.cut(10.0, 240)
    assert cut.side % 128 == 0
    assert cut.side**2 * 240 * 20 <= 10e9 < (cut.side + 128) ** 2 * 240 * 20
    assert cut.regions * cut.side**2 >= 46_080 * 23_040


def test_a_smaller_region_has_each_table_read_more_often(scaling_plan):
    reads = [scaling_plan.cut(gb, 240).reads_a_table for gb in (5, 10, 100, 1000)]
    assert reads == sorted(reads, reverse=True)
    assert min(reads) > 1


def test_core_hours_are_amounts_over_rates(scaling_plan, report):
    made = scaling_plan.plan(report)
    rows = 641_205 * 886_032 * scaling_plan.cut(10.0, 240).reads_a_table
    assert made["core_hours"]["ingest"] == pytest.approx(rows / 1e6 / 3600)
    assert made["core_hours"]["profiles"] == pytest.approx(46_080 * 23_040 / 1e5 / 3600)
    assert made["core_hours_in_all"] == pytest.approx(math.fsum(made["core_hours"].values()))
    faster = copy.deepcopy(report)
    faster["steps"]["ingest"]["processes"]["2"]["rate_per_cpu_s"] *= 2
    assert scaling_plan.plan(faster)["core_hours"]["ingest"] == pytest.approx(
        made["core_hours"]["ingest"] / 2
    )


def test_training_is_not_shared_by_all_cores(scaling_plan, report):
    made = scaling_plan.plan(report)
    shared = made["core_hours_in_all"] - made["core_hours"]["train"]
    assert made["hours_on_all_cores"] == pytest.approx(shared / 1000)
    assert made["hours_of_training"] == pytest.approx(made["core_hours"]["train"])


def test_each_array_of_a_store_is_a_file_for_every_chunk_and_bins_are_of_every_month(scaling_plan, report):
    files = scaling_plan.plan(report)["files"]
    chunks = 360 * 180
    assert files["cube"] == 3 * chunks
    assert files["bins"] == 3 * chunks * 165
    assert files["maps"] == pytest.approx(6 * chunks * 4 / 3)


def test_what_breaks_first_stands_first(scaling_plan, report):
    limits = scaling_plan.plan(report)["limits"]
    times = [limit["needed"] / limit["there"] for limit in limits]
    assert times == sorted(times, reverse=True)
    assert "memory" in limits[0]["what"]  # 5.1 TB of bins in the 10 GB of a job
    assert limits[0]["needed"] == pytest.approx(46_080 * 23_040 * 240 * 20 / 1e9)


def test_the_tables_name_every_step_and_limit(scaling_plan, report):
    report["plan"] = scaling_plan.plan(report)
    text = scaling_plan.markdown(report)
    for name in [*report["steps"], *(limit["what"] for limit in report["plan"]["limits"])]:
        assert f"| {name} |" in text
