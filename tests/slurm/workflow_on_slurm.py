"""The workflow as Snakemake runs it, on the cluster of the tests or on this machine alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

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

ALONE = "--profile workflow/profiles/default --cores 2"
ON_SLURM = (
    "--profile workflow/profiles/slurm --slurm-no-account --default-resources slurm_partition=short"
    " --slurm-status-command squeue --slurm-init-seconds-before-status-checks 1 --latency-wait 5"
)
# Both nodes are this machine: where its cores are fewer than the threads, they spin while they wait for each other.
FOR_BOTH = "--configfile config.yaml --max-threads 1"


class Workflow:
    """A folder from which Snakemake runs with one of the shipped profiles."""

    def __init__(self, folder: Path, options: str, environment: Mapping[str, str]) -> None:
        self.folder, self.options, self.environment = folder, options, environment
        for name in ("Snakefile", "workflow"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "config.yaml").write_text(CONFIG)
        self.results = folder / "results/small"
        self.training_log = self.results / "logs/thermal_train.log"
        self.process: subprocess.Popen[str] | None = None

    def start(self, *targets: str) -> None:
        """Start Snakemake."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{self.environment['PATH']}"
        with (self.folder / "snakemake.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ASKING_OFTEN), *self.options.split(), *FOR_BOTH.split(), *targets],
                cwd=self.folder,
                env={**self.environment, "PATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def finish(self, timeout_s: float = 1500) -> None:
        """Wait until Snakemake has made all that it was asked for."""
        assert self.process is not None
        try:
            status = self.process.wait(timeout_s)
        finally:
            self.kill()
        assert status == 0, self.said()

    def kill(self) -> None:
        """Kill Snakemake, if it still runs, with all that it started on this machine."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def said(self) -> str:
        """Return what Snakemake has said so far, and the logs of the steps."""
        logs = [self.folder / "snakemake.log", *sorted(self.results.rglob("*.log"))]
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')[-3000:]}" for p in logs if p.exists())
