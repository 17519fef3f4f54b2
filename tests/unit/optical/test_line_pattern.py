import numpy as np
import pytest

from nightside.camera.interference import Interference
from nightside.camera.layout import layout
from nightside.optical.line_pattern import (
    subtract_line_patterns,
    subtract_offsets,
    subtract_phases,
    subtract_pick_up,
)

MODES = [("left", 1), ("left", 2), ("right", 1), ("right", 2)]


def noise(where, lines=64, std=1.2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, std, (lines, where.samples)).astype(np.float32), rng


@pytest.mark.parametrize(("camera", "summing"), MODES)
def test_a_pattern_of_phases_is_taken_off_each_line(camera, summing):
    where = layout(camera, summing)
    image, rng = noise(where)
    pattern = rng.normal(0, 0.4, (64, where.phases)).astype(np.float32)
    pattern -= pattern.mean(1, keepdims=True)
    slope = np.full_like(image, 1.8)
    clean = subtract_phases(image + 1.8 * pattern[:, where.phase()], slope, where)
    low, high = where.scene
    left = (clean - image)[:, low:high] / 1.8
    assert np.std(left) < 0.25 * np.std(pattern)


@pytest.mark.parametrize(("camera", "summing"), MODES)
def test_the_pick_up_of_a_clock_is_found_and_taken_off(camera, summing):
    where = layout(camera, summing)
    image, rng = noise(where, lines=128)
    pick_up = Interference(amplitude_dn=4.0, spread=0.0).draw(rng, 128, where.samples, summing)
    clean = subtract_pick_up(image + pick_up, np.ones_like(image), where)
    scene = slice(*where.scene)
    assert np.var((clean - image)[:, scene]) < 0.15 * np.var(pick_up[:, scene])


@pytest.mark.parametrize(("camera", "summing"), MODES)
def test_noise_alone_is_hardly_changed(camera, summing):
    where = layout(camera, summing)
    image, _ = noise(where)
    changed = subtract_line_patterns(image, np.ones_like(image), where) - image
    assert np.std(changed) < 0.1


def test_the_offset_of_a_line_is_taken_off_where_ground_is_level_and_kept_where_it_is_not():
    where = layout("left", 1)
    image, rng = noise(where, lines=200, std=1.0)
    offset = rng.normal(0, 0.25, (200, 1)).astype(np.float32)
    slope = np.ones_like(image)
    level = subtract_offsets(image + offset, slope, where).mean(1)
    assert np.std(np.diff(level)) < 0.35 * np.std(np.diff(offset[:, 0]))
    terraces = 20 * (np.arange(200) // 5 % 2)[:, None].astype(np.float32)
    kept = subtract_offsets(image + terraces, slope, where) - image
    assert np.std(kept.mean(1)) > 0.9 * np.std(terraces)
