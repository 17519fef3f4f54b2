"""One cluster for all tests."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from cluster import Cluster, missing


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Slurm of two nodes, started for the tests."""
    if lacking := missing():
        pytest.skip(f"no Slurm on this machine ({', '.join(lacking)}); scripts/install_slurm installs it")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons are started as root")
    # Sockets have short names.
    made = Cluster(Path(tmp_path_factory.mktemp("slurm", numbered=True)))
    try:
        made.start()
        yield made
    finally:
        made.stop()
