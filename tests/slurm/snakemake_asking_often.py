"""Snakemake, which asks Slurm every second how its jobs are.

The executor waits ten seconds longer after each question to which no job had ended, 1 + 11 + 21 + ..., so that most of
the tests' time was spent on jobs that had ended long ago. Nothing else differs from ``python -m snakemake``.
"""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

EVERY_S = 1

if __name__ == "__main__":
    RemoteExecutor.next_seconds_between_status_checks = property(lambda _: EVERY_S, lambda *_: None)
    main(sys.argv[1:])
