"""The reduction of docs/cluster.md: dask's workers are Slurm jobs, and find what one process finds."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

import nightside
from nightside.config import load
from nightside.store import grid_of, write_store

PAGE = (Path(__file__).parents[2] / "docs/cluster.md").read_text()

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(900)]


def block(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def results(tmp_path):
    """Profiles of several chunks: temperatures that depend on the place and the hour."""
    settings = load(
        {
            "name": "demo",
            "region": {
                "longitude_deg": 348.67,
                "latitude_deg": -43.29,
                "width_km": 60,
                "pixels_per_degree": 128,
            },
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
        }
    )
    grid = grid_of(settings.region)
    kelvins = np.random.default_rng(1).uniform(90, 390, (*grid.shape, 24)).astype(np.float32)
    profiles = xr.Dataset(
        {
            "temperature": (
                ("y", "x", "local_time"),
                kelvins,
                {"units": "K", "long_name": "brightness temperature"},
            )
        },
        coords={"local_time": ("local_time", np.arange(24.0), {"units": "h", "long_name": "local time"})},
    )
    root = tmp_path / "results/demo"
    (root / "thermal").mkdir(parents=True)
    write_store(profiles, root / "thermal/profiles.zarr", kind="profiles", settings=settings, geobox=grid)
    return root


def test_two_jobs_reduce_a_map_to_what_one_process_finds(cluster, results, tmp_path):
    pytest.importorskip("dask_jobqueue")
    jobqueue = yaml.safe_load(block("yaml"))
    jobqueue["jobqueue"]["slurm"] |= {
        "queue": "short",
        "account": None,
        "cores": 1,
        "memory": "2GB",
        "interface": "lo",
        "shared-temp-directory": str(tmp_path),
        "log-directory": str(tmp_path / "logs"),
    }
    (tmp_path / "dask").mkdir()
    (tmp_path / "dask/jobqueue.yaml").write_text(yaml.safe_dump(jobqueue))
    script = tmp_path / "reduce.py"
    script.write_text(
        block("python").replace("    by_jobs =", "    assert len(client.nthreads()) == 2\n    by_jobs =")
        + 'by_jobs.to_netcdf("by_jobs.nc")\n'
    )
    ran = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=cluster.environment | {"DASK_CONFIG": str(tmp_path / "dask")},
        capture_output=True,
        text=True,
        timeout=800,
    )
    logs = "\n".join(p.read_text() for p in (tmp_path / "logs").glob("*"))
    assert ran.returncode == 0, ran.stderr + logs
    temperature = nightside.open(results)["thermal/profiles"].temperature
    assert temperature.data.npartitions > 1
    alone = temperature.max("local_time").mean("x").compute(scheduler="synchronous")
    by_jobs = xr.open_dataarray(tmp_path / "by_jobs.nc")
    np.testing.assert_array_equal(by_jobs, alone)
    jobs = cluster.call("squeue", "-h", "-t", "all", "-n", "dask-worker", "-o", "%i").stdout.split()
    assert len(jobs) == 2
