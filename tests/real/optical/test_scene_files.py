"""The scenes as they are: both kinds of table, and how clean they are not."""

import numpy as np
import pytest

from nightside.optical.scene_files import (
    clean_scene,
    list_scenes,
    observation_of,
    read_scene,
    residual_noise,
    split,
)

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def scenes(shared_data):
    return [read_scene(path) for path in list_scenes(shared_data / "scenes")]


def test_nearly_every_box_lies_in_its_picture(scenes):
    """Four of the 15,000 are of another picture."""
    outside = 0
    assert len(scenes) == 13
    for scene in scenes:
        assert len(scene.boxes) > 700
        x, y, width, height = scene.boxes.T
        assert (width >= 6).all()
        rows, columns = scene.image.shape
        outside += int((~((x >= -1) & (x < columns + 1) & (y >= -1) & (y < rows + 1))).sum())
        assert np.median(height / width) == 1.0
    assert outside == 4


def test_the_test_holds_observations_that_training_has_not(shared_data):
    train, test = split(list_scenes(shared_data / "scenes"))
    seen = [{observation_of(path.name) for path in part} for part in (train, test)]
    assert len(seen[1]) == 3
    assert not seen[0] & seen[1]


def test_the_pictures_are_not_free_of_noise(scenes):
    """From pixel to pixel they vary by 2 to 9 of 255: noise of the camera and texture of the ground together."""
    noise = [residual_noise(scene.image) for scene in scenes]
    assert min(noise) > 2.0
    assert max(noise) < 9.5
    sharpest = scenes[int(np.argmax(noise))]
    assert residual_noise(clean_scene(sharpest, 2).image) < 0.85 * max(noise)
