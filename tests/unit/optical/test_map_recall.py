"""Craters of a known ground on a map of it: noise hides them, and only ground that was seen counts."""

import numpy as np
import pytest

from nightside.optical import map_recall
from nightside.optical.crater_recall import recall_from_json
from nightside.optical.craters import shaded_crater

SHAPE = (300, 420)
LIGHT_DEG = 30.0


@pytest.fixture(scope="module")
def field():
    """A ground with craters of 10 to 24 pixels on a grid."""
    rng = np.random.default_rng(5)
    image, boxes = 100 + 0.2 * rng.standard_normal(SHAPE), []
    for y in range(30, SHAPE[0] - 30, 40):
        for x in range(30, SHAPE[1] - 30, 40):
            size = float(rng.choice([10.0, 15.0, 22.0]))
            template = shaded_crater(size, LIGHT_DEG)
            half = template.shape[0] // 2
            image[y - half : y + half + 1, x - half : x + half + 1] += 5 * template
            boxes.append((x, y, size, size))
    return image, np.array(boxes)


def test_noise_hides_the_small_craters_on_the_mosaic_but_not_on_the_ground(field):
    image, boxes = field
    noisy = image + 6 * np.random.default_rng(1).standard_normal(SHAPE)
    found = map_recall.map_recall(image, noisy, boxes)
    clean, made = (recall_from_json(found[name]) for name in ("clean", "nightside"))
    assert clean.labelled.sum() == made.labelled.sum() == len(boxes)
    assert clean.found.sum() > 0.9 * len(boxes)
    small, large = (int(np.digitize(size, made.edges_px)) - 1 for size in (10.0, 22.0))
    assert made.recall[small] < 0.5 * clean.recall[small]
    assert made.recall[large] > 0.9


def test_craters_where_no_image_lies_do_not_count(field):
    image, boxes = field
    mosaic = image.copy()
    mosaic[:, :200] = np.nan
    found = map_recall.map_recall(image, mosaic, boxes)
    assert sum(found["nightside"]["labelled"]) == (boxes[:, 0] >= 200).sum()


def test_the_part_that_is_covered_most_is_looked_at(field, monkeypatch):
    image, boxes = field
    monkeypatch.setattr(map_recall, "SIDE", 200)
    mosaic = np.full(SHAPE, np.nan)
    mosaic[100:, 220:] = image[100:, 220:]
    found = map_recall.map_recall(image, mosaic, boxes)
    inside = (boxes[:, 0] >= 220) & (boxes[:, 1] >= 100)
    assert sum(found["clean"]["labelled"]) == inside.sum()
    assert sum(found["nightside"]["found"]) > 0.8 * inside.sum()


def test_maps_that_share_nothing_are_refused(field):
    image, boxes = field
    with pytest.raises(ValueError, match="no pixel in common"):
        map_recall.map_recall(image, np.full(SHAPE, np.nan), boxes)
