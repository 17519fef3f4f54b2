"""Images of the dark step by step, as a user runs them; and each step killed, then run again."""

import json
import re
import shutil
import signal

import numpy as np
import pytest
import rasterio
from run_state import last_rename, tree, unfinished_stores

from nightside.optical.edr import open_file
from nightside.store import open_store
from nightside.synthetic.edr_writer import edr_bytes

pytestmark = pytest.mark.workflow

CONFIG = """\
name: dark
seed: 1
optical:
  images: {source: synthetic}
  synthetic: {lines: 192, signals_dn: [20.0], dark_frames: 2, dark_lines: 32, terrain: {cell_m: 4.0}}
  mosaic: {pixel_m: 4.0}
"""

SIDES = {"L": "left", "R": "right"}
PAIRS = " ".join(f"--denoised denoised/{side}.zarr --standard standard/{side}.zarr" for side in SIDES)

COMMANDS = {
    "nac": "synthetic nac --out-dir synthetic",
    "acquire": "optical acquire --folder synthetic/images --what images --out inventory_images.json",
    **{
        f"{verb} {side}": arguments.format(side=side, camera=camera)
        for verb, arguments in {
            "ingest": "optical ingest --inventory inventory_images.json --product {{{side}}} --out edr/{side}.zarr",
            "darks": "optical darks --edr synthetic/darks --camera {camera} --summing 2 --out darks_{camera}.zarr",
            "calibrate": "optical calibrate --edr edr/{side}.zarr --darks darks_{camera}.zarr --out standard/{side}.zarr",
            "denoise": "optical denoise --edr edr/{side}.zarr --darks darks_{camera}.zarr --out denoised/{side}.zarr",
        }.items()
        for side, camera in SIDES.items()
    },
    "project": "optical project --image denoised/L.zarr --kernels synthetic/kernels --out projected.zarr",
    "mosaic": "optical mosaic --images denoised/L.zarr --images denoised/R.zarr --kernels synthetic/kernels"
    " --out mosaic.zarr",
    "cog": "optical cog --mosaic mosaic.zarr --folder cog --out cog.json",
    "evaluate": f"optical evaluate --truth truth/L.zarr --truth truth/R.zarr {PAIRS} --mosaic mosaic.zarr"
    " --ground synthetic/truth/ground.zarr --out evaluation.json",
    "report": f"optical report {PAIRS} --mosaic mosaic.zarr --evaluation evaluation.json --out report.html",
}
"""The steps in their order; {L} and {R} are the products of the pair."""


def products(folder):
    images = json.loads((folder / "synthetic/inventory.json").read_text())["images"]
    return {entry["camera"][0].upper(): entry["product_id"] for entry in images}


def words(folder, step):
    """Return the arguments of a step, with the products that the synthetic camera took."""
    return COMMANDS[step].format(**products(folder)) if "{" in COMMANDS[step] else COMMANDS[step]


@pytest.fixture(scope="module")
def seen(command, tmp_path_factory):
    """Return the folder in which every step was run once, and the changes that each made to files."""
    folder = tmp_path_factory.mktemp("optical")
    (folder / "config.yaml").write_text(CONFIG)
    events = {}
    for step in COMMANDS:
        if step == "evaluate":  # pairs stores by their names
            for side, product in products(folder).items():
                for suffix in (".zarr", ".zarr.json"):
                    source = folder / f"synthetic/truth/{product}{suffix}"
                    target = folder / f"truth/{side}{suffix}"
                    target.parent.mkdir(exist_ok=True)
                    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        ended = command(folder, words(folder, step))
        assert ended.status == 0, ended.said
        events[step] = ended.events
    return folder, events


def test_the_steps_end_in_images_nearer_to_the_truth_and_a_mosaic_where_they_lie(seen):
    folder, _ = seen
    found = json.loads((folder / "evaluation.json").read_text())
    for row in found["by_signal"]:
        assert row["psnr_db"]["nightside"] > row["psnr_db"]["standard"] + 3
        assert row["ssim"]["nightside"] > row["ssim"]["standard"]
    mosaic = open_store(folder / "mosaic.zarr", kind="nac_mosaic")
    with rasterio.open(folder / "cog/signal.tif") as cog:
        np.testing.assert_array_equal(cog.read(1), mosaic["signal"].to_numpy())
    assert 1 < int(mosaic["count"].max()) <= 2
    listed = json.loads((folder / "cog.json").read_text())["files"]
    assert {path.name for path in (folder / "cog").iterdir()} == set(listed)
    assert 'type="range"' in (folder / "report.html").read_text()


DECLARED = {
    "ingest L": "edr/L.zarr.json",
    "darks L": "darks_left.zarr.json",
    "calibrate L": "standard/L.zarr.json",
    "denoise L": "denoised/L.zarr.json",
    "project": "projected.zarr.json",
    "mosaic": "mosaic.zarr.json",
    "cog": "cog.json",
}


@pytest.mark.parametrize("step", DECLARED)
def test_a_step_killed_twice_and_run_again_gives_what_an_undisturbed_one_gives(command, seen, tmp_path, step):
    undisturbed, events = seen
    folder = tmp_path / "run"
    shutil.copytree(undisturbed, folder)
    declared, arguments = folder / DECLARED[step], words(folder, step)
    declared.unlink()
    for moment in (len(events[step]) // 2, last_rename(events[step])):
        killed = command(folder, arguments, kill_at=moment)
        assert killed.status == -signal.SIGKILL
        assert not declared.exists()
        unfinished_stores(folder)
    ended = command(folder, arguments)
    assert ended.status == 0, ended.said
    assert tree(folder) == tree(undisturbed)
    assert unfinished_stores(folder) == []


BAD = {
    "saturated": ("denoise", 255, r"M\d+LE: no sample is usable .* leave this image out"),
    "saturated, for the standard chain": (
        "calibrate",
        255,
        r"M\d+LE: 100% of its pixels are saturated; leave this image out",
    ),
    "empty": (
        "calibrate",
        0,
        r"M\d+LE: all of its pixels are 0, so that it holds no image; acquire it again or leave it out",
    ),
    "all the same": ("denoise", 21, r"M\d+LE: all of its pixels are 21, .* acquire it again or leave it out"),
    "all the same, for the standard chain": (
        "calibrate",
        21,
        r"M\d+LE: all of its pixels are 21, .* acquire it again or leave it out",
    ),
}


@pytest.mark.parametrize("why", BAD)
def test_an_image_without_any_light_to_measure_is_refused_in_one_message(command, seen, tmp_path, why):
    undisturbed, _ = seen
    verb, value, message = BAD[why]
    product = products(undisturbed)["L"]
    label = open_file(undisturbed / f"synthetic/images/{product}.IMG").label
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "x.IMG").write_bytes(edr_bytes(np.full((label.lines, label.samples), value, np.uint8), label))
    assert command(tmp_path, "optical ingest --edr x.IMG --out x.zarr").status == 0
    ended = command(
        tmp_path, f"optical {verb} --edr x.zarr --darks {undisturbed}/darks_left.zarr --out y.zarr"
    )
    assert ended.status == 1
    assert re.search(f"^nightside: {message}$", ended.said, re.MULTILINE), ended.said
    assert not (tmp_path / "y.zarr.json").exists()
