"""A real Slurm of two nodes on this machine, with a key, ports and folders of its own.

Debian's ``slurmctld``, ``slurmd`` and ``munge`` are all it takes (``scripts/install_slurm``). Each cluster lives in one
folder and ends with what it started; one that the machine runs already is not touched.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

NODES = ("moon1", "moon2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")

CONFIGURATION = """\
ClusterName=nightside
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={controller}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=30
KillWait=2
MinJobAge=300
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
{nodes}
PartitionName=short Nodes={names} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Return the programs that a cluster needs and this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        bound = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in bound:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in bound]


class Cluster:
    """A controller and two nodes; ``environment`` is what a command needs to talk to it."""

    def __init__(self, folder: Path, cpus: int = 4, memory_mb: int = 30_000) -> None:
        self.folder = folder
        self.cpus, self.memory_mb = cpus, memory_mb
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_", "SRUN_"))},
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder}/bin:{_path()}",
            # The nodes' names are no hosts' names, by which training would look for its first process.
            "MASTER_ADDR": "127.0.0.1",
        }

    def start(self) -> None:
        """Start everything and wait until both nodes take jobs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("state", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(exist_ok=True)
        self._wrap_srun()
        self._start_munge()
        host = socket.gethostname()
        controller, *ports = _free_ports(1 + len(NODES))
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={self.cpus}"
            f" RealMemory={self.memory_mb} State=UNKNOWN"
            for name, port in zip(NODES, ports, strict=True)
        )
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=host, controller=controller, folder=self.folder, nodes=nodes, names=",".join(NODES)
            ),
            encoding="utf-8",
        )
        self._run("slurmctld", "slurmctld", "-D", "-c")
        for node in NODES:
            self.start_node(node)
        self.wait_for(lambda: self.states() == dict.fromkeys(NODES, "idle"), "both nodes to be idle")

    def start_node(self, node: str) -> None:
        """Start the daemon of one node."""
        self._run(node, "slurmd", "-D", "-N", node)

    def stop_node(self, node: str) -> None:
        """Kill the daemon of one node and all that runs there, as a power failure would."""
        self._end(self.processes.pop(node), signal.SIGKILL)
        while there := self._processes_of_jobs(node):
            for process in there:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.1)

    def _processes_of_jobs(self, node: str) -> list[int]:
        """Return the processes of this cluster's jobs on a node: their environment tells both."""
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            # One that has ended has none.
            with contextlib.suppress(OSError):
                variables = environment.read_bytes().split(b"\0")
                here = any(bytes(self.folder) in variable for variable in variables)
                if here and f"SLURMD_NODENAME={node}".encode() in variables:
                    found.append(int(environment.parent.name))
        return found

    def running(self, rule: str) -> str | None:
        """Return the id of the running job of a rule of the workflow, if there is one."""
        listed = self.call("squeue", "-h", "-t", "running", "-o", "%i %k").stdout
        return next((line.split()[0] for line in listed.splitlines() if rule in line), None)

    def _wrap_srun(self) -> None:
        """Let ``srun`` find this cluster: Snakemake's step of a job forgets what names it."""
        srun = self.folder / "bin/srun"
        srun.parent.mkdir(exist_ok=True)
        real = shutil.which("srun", path=_path())
        srun.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {real} "$@"\n', encoding="utf-8"
        )
        srun.chmod(0o755)

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        self.folder.chmod(0o755)
        # In the foreground it logs to stderr, and takes files that root owns only when it is told to.
        self._run(
            "munged",
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--seed-file={self.folder}/munged.seed",
        )
        self.wait_for((self.folder / "munge.socket").exists, "munge")

    def _run(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, start_new_session=True
            )

    def states(self) -> dict[str, str]:
        """Return the state of each node."""
        listed = self.call("sinfo", "-h", "-N", "-o", "%N %t", check=False)
        return dict(line.split() for line in listed.stdout.splitlines() if len(line.split()) == 2)

    def call(
        self, *command: str, check: bool = True, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of Slurm's, or one that talks to it."""
        return subprocess.run(
            command, check=check, capture_output=True, text=True, env=self.environment, timeout=timeout_s
        )

    def wait_for(self, reached, what: str, timeout_s: float = 60) -> None:
        """Wait until ``reached()`` holds.

        Raises:
            TimeoutError: it does not; what the daemons said is in the message.
        """
        until = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > until:
                said = {
                    p.name: p.read_text(errors="replace")[-2000:]
                    for p in self.folder.glob("*.*")
                    if p.suffix in (".out", ".log")
                }
                raise TimeoutError(f"waited {timeout_s:g} s for {what}; {said}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End all jobs, then the daemons."""
        if "slurmctld" in self.processes:
            self.call("scancel", "--signal=KILL", "--full", "-u", "root", check=False)
        for name in (*NODES, "slurmctld", "munged"):
            if name in self.processes:
                self._end(self.processes.pop(name), signal.SIGTERM)

    @staticmethod
    def _end(process: subprocess.Popen[bytes], how: int) -> None:
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
