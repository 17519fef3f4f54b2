"""The workflow as Snakemake runs it on the cluster of the tests."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
ASKING_OFTEN = Path(__file__).with_name("snakemake_asking_often.py")

CONFIG = """\
name: small
seed: 1
region: {longitude_deg: 348.67, latitude_deg: -43.29, width_km: 2.5, pixels_per_degree: 128}
diviner: {source: synthetic, start: 2010-01-01, end: 2010-12-31, block_months: 6}
thermal:
  profiles: {gap_max_h: 24}
  vae: {objective: beta_vae, latents: 1, width: 4}
  training: {epochs: 20, steps_min: 0, batch_size: 8, devices: 2, learning_rate: 0.0003}
synthetic: {}
"""


class Workflow:
    """A folder from which Snakemake runs on the cluster."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder, self.cluster = folder, cluster
        for name in ("Snakefile", "workflow"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "config.yaml").write_text(CONFIG)
        self.results = folder / "results/small"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake with the shipped profile."""
        command = (
            "--profile workflow/profiles/slurm --configfile config.yaml --slurm-no-account"
            " --default-resources slurm_partition=short --slurm-status-command squeue"
            " --slurm-init-seconds-before-status-checks 1 --latency-wait 5"
        )
        environment = self.cluster.environment
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        with (self.folder / "snakemake.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, str(ASKING_OFTEN), *command.split(), *arguments],
                cwd=self.folder,
                env={**environment, "PATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def said(self) -> str:
        """Return what Snakemake has said so far, and the logs of the steps."""
        logs = [self.folder / "snakemake.log", *sorted(self.results.rglob("*.log"))]
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')[-3000:]}" for p in logs if p.exists())

    def run(self, *arguments: str, timeout_s: float = 1500) -> None:
        """Run Snakemake to its end."""
        process = self.start(*arguments)
        try:
            status = process.wait(timeout_s)
        finally:
            end(process)
        assert status == 0, self.said()

    def training_job(self) -> str | None:
        """Return the id of the running training, if it runs."""
        listed = self.cluster.call("squeue", "-h", "-t", "running", "-o", "%i %k").stdout
        return next((line.split()[0] for line in listed.splitlines() if "thermal_train" in line), None)


def end(process: subprocess.Popen[str]) -> None:
    """Kill Snakemake if it still runs, with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
