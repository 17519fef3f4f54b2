"""The workflow plans what each configuration asks for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.workflow


@pytest.fixture
def plan(tmp_path):
    """Return a function that plans a configuration in an empty folder and returns what Snakemake says."""
    for name in ("Snakefile", "workflow", "config"):
        (tmp_path / name).symlink_to(ROOT / name)

    def run(*arguments):
        command = [sys.executable, "-m", "snakemake", "-n", "--cores", "2", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("config", "blocks"),
    [("demo", 5), ("tycho", 120), ("global", 18)],
)
def test_each_shipped_configuration_is_planned_in_blocks(plan, config, blocks):
    done = plan("--configfile", f"config/{config}.yaml")
    assert done.returncode == 0, done.stderr[-2000:]
    jobs = dict(
        line.split()
        for line in done.stdout.splitlines()
        if len(line.split()) == 2 and line.split()[1].isdigit()
    )
    assert int(jobs["thermal_ingest"]) == blocks
    assert int(jobs["thermal_report"]) == 1
    assert int(jobs["physics_invert"]) == int(jobs["physics_cog"]) == 1
    assert ("synthetic_diviner" in jobs) == (config == "demo")


def test_a_cluster_is_given_the_same_jobs(plan):
    done = plan("--profile", "workflow/profiles/slurm", "--configfile", "config/tycho.yaml")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "thermal_ingest" in done.stdout


def test_the_demo_is_the_default(plan):
    done = plan()
    assert done.returncode == 0, done.stderr[-2000:]
    assert "results/demo/report.html" in done.stdout


def test_an_area_of_interest_is_mapped_by_name(plan):
    done = plan("--configfile", "config/tycho.yaml", "--config", "area=king crater")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "results/king-crater-tycho/report.html" in done.stdout


def test_a_misspelt_key_stops_before_any_job(plan, tmp_path):
    config = tmp_path / "bad.yaml"
    shutil.copy(ROOT / "config/demo.yaml", config)
    config.write_text(config.read_text() + "\ntherml: {}\n")
    done = plan("--configfile", str(config))
    assert done.returncode != 0
    assert "did you mean 'thermal'?" in done.stderr + done.stdout
