"""The workflow on a real Slurm: every step is a job, training is two tasks, and nothing that dies takes a result along."""

import json
import re
import sys
import time
from pathlib import Path

import pytest
from workflow_on_slurm import Workflow, end

from nightside.store import read_manifest
from nightside.store.manifest import digest

MAPS = "results/small/thermal/maps.zarr.json"

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(3600)]


def stores(workflow):
    """Return the digests of a run's stores, having checked that each is whole."""
    found = {}
    for store in sorted(workflow.results.rglob("*.zarr")):
        found[store.relative_to(workflow.results).as_posix()] = read_manifest(store)["digest"]
        assert found[store.relative_to(workflow.results).as_posix()] == digest(store)
    return found


def test_the_workflow_runs_to_its_end(finished):
    assert (finished.results / "report.html").is_file()
    assert {"thermal/cube.zarr", "thermal/maps.zarr", "physics/inversion.zarr"} <= set(stores(finished))
    submitted = re.findall(r"submitted with SLURM jobid", finished.said(), flags=re.IGNORECASE)
    assert len(submitted) >= 10


def test_training_runs_as_two_tasks(finished):
    card = json.loads((finished.results / "thermal/model/model.json").read_text())
    assert card["processes"] == 2


def losses(log: str) -> list[float]:
    """Return the loss of each epoch, of which a log has six digits."""
    return [float(loss) for loss in re.findall(r"^epoch \d+/\d+  loss (\S+)", log, re.MULTILINE)]


def test_two_tasks_have_the_loss_curve_of_one_process_at_the_same_global_batch(cluster, finished, tmp_path):
    """Seed for seed: two tasks with batches of 8, started by srun in the workflow, and one with batches of 16.

    In single precision; the rate is low enough that 120 steps do not amplify its rounding (docs/cluster.md).
    """
    config = (finished.folder / "config.yaml").read_text()
    alone = config.replace("batch_size: 8, devices: 2", "batch_size: 16, devices: 1")
    assert alone != config
    (tmp_path / "config.yaml").write_text(alone)
    ended = cluster.call(*train(finished, tmp_path / "config.yaml", tmp_path), timeout_s=200)
    card = json.loads((tmp_path / "model/model.json").read_text())
    assert card["processes"] == 1
    one = losses(ended.stderr)
    two = losses((finished.results / "logs/thermal_train.log").read_text())
    assert len(one) == card["epochs"] == 20
    assert one[-1] < 0.9 * one[0]
    assert two == pytest.approx(one, rel=1e-3)


def train(finished, config, out):
    """Return the command that trains on a finished run's profiles, as one task."""
    thermal = finished.results / "thermal"
    return (
        "srun", "-n1", str(Path(sys.executable).with_name("nightside")), "thermal", "train",
        "--config", str(config),
        "--profiles", str(thermal / "profiles.zarr"),
        "--cube", str(thermal / "cube.zarr"),
        "--out", str(out / "model/model.json"),
        "--checkpoints", str(out / "checkpoints"),
    )  # fmt: skip


def test_a_step_that_found_fewer_tasks_than_configured_says_so(cluster, finished, tmp_path):
    command = train(finished, finished.results / "config.yaml", tmp_path)
    ended = cluster.call(*command, check=False, timeout_s=200)
    assert ended.returncode != 0
    assert "ntasks" in ended.stderr
    assert not (tmp_path / "model").exists()


def test_cancelled_killed_and_with_a_node_down_it_ends_with_the_same_products(cluster, finished, tmp_path):
    workflow = Workflow(tmp_path, cluster)
    checkpoints = workflow.results / "checkpoints/thermal"
    process = workflow.start(MAPS)
    try:
        cluster.wait_for(
            lambda: list(checkpoints.rglob("last.ckpt")) and workflow.training_job(),
            "a checkpoint",
            timeout_s=1200,
        )
        first = workflow.training_job()
        cluster.call("scancel", first)
        cluster.wait_for(
            lambda: workflow.training_job() not in (None, first), "the second attempt", timeout_s=200
        )
        end(process)  # and Snakemake itself, with kill -9
    finally:
        end(process)
    second = workflow.training_job()
    assert second is not None
    node = cluster.call("squeue", "-h", "-j", second, "-o", "%N").stdout.strip()
    cluster.stop_node(node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    cluster.wait_for(lambda: workflow.training_job() is None, "the end of the job on the lost node")
    assert not (workflow.results / "thermal/model/model.json").exists()
    time.sleep(1)
    workflow.run(MAPS)
    made, wanted = stores(workflow), stores(finished)
    assert "thermal/maps.zarr" in made
    assert made == {store: wanted[store] for store in made}
    log = (workflow.results / "logs/thermal_train.log").read_text()
    assert "epoch 20/20" in log
    assert "epoch 1/20" not in log
    cluster.start_node(node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=resume")
