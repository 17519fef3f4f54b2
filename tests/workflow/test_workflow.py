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


def test_the_demo_plans_its_images_of_the_dark(plan):
    done = plan()
    assert done.returncode == 0, done.stderr[-2000:]
    jobs = dict(
        line.split()
        for line in done.stdout.splitlines()
        if len(line.split()) == 2 and line.split()[1].isdigit()
    )
    assert int(jobs["optical_ingest"]) == int(jobs["optical_denoise"]) == 6
    assert int(jobs["optical_darks"]) == int(jobs["optical_train_destripe"]) == 2
    assert int(jobs["publish_stac"]) == 1
    assert int(jobs["optical_evaluate"]) == int(jobs["optical_report"]) == 1
    assert int(jobs["optical_cog"]) == 2  # of nightside's mosaic and of the standard calibration's


def test_images_alone_are_planned_without_temperatures_which_are_refused_by_name(plan, tmp_path):
    folder = tmp_path / "data/nac"
    folder.mkdir(parents=True)
    (folder / "M114145549LE.IMG").touch()
    (folder / "darks.txt").write_text("M123456789LE\n")
    done = plan("--configfile", "config/south_pole.yaml")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "optical_report" in done.stdout
    assert "thermal_" not in done.stdout
    done = plan("tables", "--configfile", "config/south_pole.yaml")
    assert done.returncode != 0
    assert "'south-pole' has only images; add 'region' and 'diviner'" in done.stderr + done.stdout


def test_images_that_are_not_there_are_missed_before_any_job_starts(plan, tmp_path):
    done = plan("optical", "--configfile", "config/south_pole.yaml")
    assert done.returncode != 0
    assert "data/nac: holds no NAC EDR (.IMG)" in done.stderr + done.stdout


def test_images_of_your_own_folder_are_planned_without_truth(plan, tmp_path):
    folder = tmp_path / "data/nac"
    folder.mkdir(parents=True)
    (folder / "M114145549LE.IMG").touch()
    (folder / "darks.txt").write_text("M123456789LE  # a night side\n")
    done = plan("optical", "--configfile", "config/south_pole.yaml")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "optical_denoise" in done.stdout
    assert "optical_evaluate" not in done.stdout
