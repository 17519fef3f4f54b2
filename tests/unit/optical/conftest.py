"""Small EDRs of every camera and mode, written by the synthetic writer, and ground with craters of known place."""

import datetime as dt
from typing import NamedTuple

import numpy as np
import pytest

from nightside.camera.companding import SLOPES, TABLES
from nightside.formats.nac import EdrLabel, Housekeeping
from nightside.optical.craters import shaded_crater
from nightside.synthetic.edr_writer import edr_bytes


def label(camera="left", summing=1, lines=6, code=0, version="v1.8", **other):
    return EdrLabel(
        **{
            "product_id": f"M103595705{camera[0].upper()}E",
            "camera": camera,
            "summing": summing,
            "lines": lines,
            "samples": 5064 // summing,
            "compand_code": code,
            "exposure_ms": 0.3376,
            "exposure_code": 0,
            "preroll_clock": "1/270649237:07208",
            "start_time": dt.datetime(2009, 7, 30, 12, 20, 38, 185_000),
            "stop_time": dt.datetime(2009, 7, 30, 12, 21, 32, 155_000),
            "start_clock": "1/270649238:11024",
            "stop_clock": "1/270649292:09046",
            "version": version,
            "md5": "",
            "housekeeping": Housekeeping(433, -14.08, 16.89, 12.38, 2.49, 198, 40, 104),
            "xterm": TABLES[code].xterm,
            "bterm": TABLES[code].bterm,
            "mterm": SLOPES,
        }
        | other
    )


def numbers_for(described, seed=0):
    shape = (described.lines, described.samples)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def make_label():
    return label


@pytest.fixture
def write_edr(tmp_path):
    """Write an EDR; ``change`` edits its bytes before they are written. Returns path, numbers and label."""

    def write(change=lambda content: content, name=None, seed=0, **about):
        described = label(**about)
        number = numbers_for(described, seed)
        path = tmp_path / (name or f"{described.product_id}.IMG")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(change(edr_bytes(number, described)))
        return path, number, described

    return write


class CraterField(NamedTuple):
    """An image (y, x), its craters (crater, 4) and where its light comes from."""

    image: np.ndarray
    boxes: np.ndarray
    light_deg: float


@pytest.fixture(scope="session")
def crater_field():
    """Bowls of 7 to 40 pixels on a lattice, lit from 210 degrees, a little rough."""
    rng, size, light_deg = np.random.default_rng(11), 400, 210.0
    image, boxes = 100.0 + rng.normal(0, 0.3, (size, size)), []
    for i, y in enumerate(range(25, size - 25, 50)):
        for j, x in enumerate(range(25, size - 25, 50)):
            diameter = 7.0 * 1.12 ** ((i * 7 + j) % 16)
            bowl = shaded_crater(diameter, light_deg)
            reach = bowl.shape[0] // 2
            image[y - reach : y + reach + 1, x - reach : x + reach + 1] += 6.0 * bowl
            boxes.append((x, y, diameter, diameter))
    return CraterField(image, np.array(boxes), light_deg)
