"""The workflow on a real Slurm: every step is a job, training is two tasks, and nothing that dies takes a result along."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cluster import Cluster
from workflow_on_slurm import ALONE, ON_SLURM, Workflow

from nightside.store import read_manifest
from nightside.store.manifest import digest

MAPS = "results/small/thermal/maps.zarr.json"
INVERSION = "results/small/physics/inversion.zarr.json"
EPOCHS = 20

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(3600)]


class Finished(NamedTuple):
    """A workflow that has ended, and what its training said in each attempt that came to train."""

    workflow: Workflow
    attempts: tuple[str, str]


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Iterator[Workflow]:
    """The same configuration on this machine without Slurm, undisturbed; it goes on beside the cluster's."""
    workflow = Workflow(tmp_path_factory.mktemp("alone"), ALONE, os.environ)
    workflow.start(MAPS, INVERSION)
    yield workflow
    workflow.kill()


@pytest.fixture(scope="module")
def finished(cluster: Cluster, alone, tmp_path_factory) -> Finished:
    """The workflow on the cluster: its training cancelled, Snakemake killed, a node lost; then run to its end."""
    workflow = Workflow(tmp_path_factory.mktemp("finished"), ON_SLURM, cluster.environment)
    checkpoints = workflow.results / "checkpoints/thermal"
    workflow.start(MAPS)  # so that training is all that Snakemake leaves behind
    try:
        cluster.wait_for(
            lambda: list(checkpoints.rglob("last.ckpt")) and cluster.running("thermal_train"),
            "a checkpoint",
            timeout_s=1200,
        )
        first = cluster.running("thermal_train")
        cluster.call("scancel", first)
        cluster.wait_for(lambda: cluster.running("thermal_train") != first, "the end of the cancelled job")
        cancelled = workflow.training_log.read_text()
        cluster.wait_for(
            lambda: cluster.running("thermal_train") not in (None, first),
            "the second attempt",
            timeout_s=200,
        )
    finally:
        workflow.kill()  # and Snakemake itself, with kill -9
    second = cluster.running("thermal_train")
    assert second is not None
    node = cluster.call("squeue", "-h", "-j", second, "-o", "%N").stdout.strip()
    cluster.stop_node(node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    cluster.wait_for(lambda: cluster.running("thermal_train") is None, "the end of the job on the lost node")
    assert not (workflow.results / "thermal/model/model.json").exists()
    workflow.start("all")
    workflow.finish()
    cluster.start_node(node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=resume")
    return Finished(workflow, (cancelled, workflow.training_log.read_text()))


def stores(workflow: Workflow) -> dict[str, str]:
    """Return the digests of a run's stores, having checked that each is whole."""
    found = {}
    for store in sorted(workflow.results.rglob("*.zarr")):
        found[store.relative_to(workflow.results).as_posix()] = read_manifest(store)["digest"]
        assert found[store.relative_to(workflow.results).as_posix()] == digest(store)
    return found


def test_the_workflow_runs_to_its_end_and_only_what_was_cancelled_failed(finished):
    workflow, _ = finished
    assert (workflow.results / "report.html").is_file()
    said = (workflow.folder / "snakemake.log").read_text()
    submitted = re.findall(r"submitted with SLURM jobid \d+ \(log: \S+/rule_(\w+)/", said, re.IGNORECASE)
    assert len(set(submitted)) >= 10
    assert submitted.count("thermal_train") == 3
    assert set(re.findall(r"Error in rule (\w+)", said)) == {"thermal_train"}


def test_cancelled_killed_and_with_a_node_down_it_ends_with_the_products_of_one_machine(finished, alone):
    alone.finish()
    made, wanted = stores(finished.workflow), stores(alone)
    assert {"thermal/cube.zarr", "thermal/maps.zarr", "physics/inversion.zarr"} <= set(made)
    assert made == wanted


def losses(log: str) -> dict[int, float]:
    """Return the loss of each epoch, of which a log has six digits."""
    told = re.findall(rf"^epoch (\d+)/{EPOCHS}  loss (\S+)", log, re.MULTILINE)
    return {int(epoch): float(loss) for epoch, loss in told}


def test_training_goes_on_from_its_checkpoint(finished):
    cancelled, resumed = (losses(log) for log in finished.attempts)
    assert min(cancelled) == 1
    assert 1 < min(resumed) <= max(cancelled) + 1
    assert max(resumed) == EPOCHS


def test_two_tasks_have_the_loss_curve_of_one_process_at_the_same_global_batch(cluster, finished, tmp_path):
    """Seed for seed: two tasks with batches of 8, started by srun in the workflow, and one with batches of 16.

    In single precision; the rate is low enough that 120 steps do not amplify its rounding (docs/cluster.md).
    """
    workflow, attempts = finished
    card = json.loads((workflow.results / "thermal/model/model.json").read_text())
    assert card["processes"] == 2
    config = (workflow.folder / "config.yaml").read_text()
    alone = config.replace("batch_size: 8, devices: 2", "batch_size: 16, devices: 1")
    assert alone != config
    (tmp_path / "config.yaml").write_text(alone)
    ended = cluster.call(*train(workflow, tmp_path / "config.yaml", tmp_path), timeout_s=200)
    card = json.loads((tmp_path / "model/model.json").read_text())
    assert card["processes"] == 1
    assert card["epochs"] == EPOCHS
    one = losses(ended.stderr)
    two = losses(attempts[0]) | losses(attempts[1])
    assert sorted(one) == sorted(two) == list(range(1, EPOCHS + 1))
    assert one[EPOCHS] < 0.9 * one[1]
    assert two == pytest.approx(one, rel=1e-3)


def train(workflow: Workflow, config: Path, out: Path) -> tuple[str, ...]:
    """Return the command that trains on a finished run's profiles, as one task."""
    thermal = workflow.results / "thermal"
    return (
        "srun", "-n1", str(Path(sys.executable).with_name("nightside")), "thermal", "train",
        "--config", str(config),
        "--profiles", str(thermal / "profiles.zarr"),
        "--cube", str(thermal / "cube.zarr"),
        "--out", str(out / "model/model.json"),
        "--checkpoints", str(out / "checkpoints"),
    )  # fmt: skip


def test_a_step_that_found_fewer_tasks_than_configured_says_so(cluster, finished, tmp_path):
    command = train(finished.workflow, finished.workflow.results / "config.yaml", tmp_path)
    ended = cluster.call(*command, check=False, timeout_s=200)
    assert ended.returncode != 0
    assert "ntasks" in ended.stderr
    assert not (tmp_path / "model").exists()
