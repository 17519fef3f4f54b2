"""Labelled craters of real scenes: large ones are found more surely, and noise hides the rest."""

import numpy as np
import pytest

from nightside.optical.crater_recall import recall_curve
from nightside.optical.craters import light_azimuth
from nightside.optical.scene_files import list_scenes, read_scene

pytestmark = pytest.mark.real
EDGES = (8.0, 12.0, 18.0, 70.0)
"""Above 18 pixels the scene has 91 craters, too few to tell the next bins apart."""


@pytest.fixture(scope="module")
def scene(shared_data):
    return next(
        read_scene(p) for p in list_scenes(shared_data / "scenes") if p.name.startswith("M1309534046LE")
    )


def test_recall_rises_with_diameter_and_noise_lowers_it(scene):
    azimuth = light_azimuth(scene.image)
    signal = scene.image / scene.image.mean() * 5.0
    noisy = signal + np.random.default_rng(1).normal(0, 1.4, signal.shape)
    clean, dark = (
        recall_curve(image, scene.boxes, light_azimuth_deg=azimuth, edges_px=EDGES)
        for image in (signal, noisy)
    )
    assert (np.diff(clean.recall) > 0).all()
    assert clean.recall[-1] > 0.85
    assert (dark.recall < clean.recall).all()
    assert dark.half_found_px() > 1.2 * clean.half_found_px()
