"""A full disk ends a step with one message that names the file and the remedy, and nothing counts as finished."""

import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.workflow

MEGABYTES = 6

CASES = [
    ("diviner", 0, "truth.zarr", "tables.json"),
    ("diviner", 500, "tables", "tables.json"),
    ("acquire", 0, "inventory/201001.json", "inventory/201001.json"),
    ("ingest", 0, "thermal/bins/201001.zarr", "thermal/bins/201001.zarr.json"),
    ("ingest", 60, "thermal/bins/201001.zarr", "thermal/bins/201001.zarr.json"),
    ("cube", 20, "thermal/cube.zarr", "thermal/cube.zarr.json"),
    ("profiles", 40, "thermal/profiles.zarr", "thermal/profiles.zarr.json"),
    ("train", 0, "checkpoints", "thermal/model/model.json"),
    ("map", 20, "thermal/maps.zarr", "thermal/maps.zarr.json"),
    ("cog", 0, "thermal/cog", "thermal/cog.json"),
    ("cog", 8, "thermal/cog", "thermal/cog.json"),
    ("invert", 20, "physics/inversion.zarr", "physics/inversion.zarr.json"),
    ("evaluate", 0, "thermal/figures/", "thermal/evaluation.json"),
    ("report", 0, "report.html", "report.html"),
]


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    """A disk of a few megabytes."""
    disk = tmp_path_factory.mktemp("disk")
    size = f"size={MEGABYTES}m"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize(("step", "free_kb", "named", "declared"), CASES)
def test_a_full_disk_is_told_in_one_message(command, undisturbed, small_disk, step, free_kb, named, declared):
    run = small_disk / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(undisturbed.folder, run)
    for path in (run / "checkpoints", run / declared):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (run / "fill").write_bytes(bytes(shutil.disk_usage(small_disk).free - 1024 * free_kb))
    ended = command(run, step)
    assert ended.status == 1
    message = ended.said.splitlines()[-1]
    assert message.startswith("nightside: ")
    assert named in message
    assert "free some disk" in message
    assert "Traceback" not in ended.said
    assert not (run / declared).exists()
    left = {p.name for p in run.rglob("*.partial*") if "checkpoints" not in p.parts}
    # Stores that grow by windows keep what is written, to go on from there.
    assert left <= (
        {f"{named.split('/')[-1]}.partial"} if step in ("cube", "profiles", "map", "invert") else set()
    )


def test_training_goes_on_when_the_disk_has_room_again(command, undisturbed, small_disk):
    run = small_disk / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(undisturbed.folder, run)
    shutil.rmtree(run / "thermal/model")
    fill = run / "fill"
    fill.write_bytes(bytes(shutil.disk_usage(small_disk).free))
    ended = command(run, "train")
    assert ended.status == 1
    assert re.search(r"last\.ckpt: No space left on device; free some disk", ended.said.splitlines()[-1])
    fill.unlink()
    ended = command(run, "train")
    assert ended.status == 0, ended.said
    for name in ("model.json", "model.safetensors"):
        assert (run / "thermal/model" / name).read_bytes() == (
            undisturbed.folder / "thermal/model" / name
        ).read_bytes()
