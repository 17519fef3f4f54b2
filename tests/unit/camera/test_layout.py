import numpy as np
import pytest

from nightside.camera.layout import layout

ALL = [("left", 1), ("left", 2), ("right", 1), ("right", 2)]


@pytest.mark.parametrize(("camera", "summing"), ALL)
def test_masked_samples_and_scene_do_not_meet(camera, summing):
    found = layout(camera, summing)
    assert not set(found.masked) & set(range(*found.scene))
    assert set(range(*found.wide)) | set(range(*found.narrow)) <= set(found.masked)
    assert found.masked.min() == 0
    assert found.masked.max() == found.samples - 1


@pytest.mark.parametrize("camera", ["left", "right"])
def test_summed_samples_are_pairs_of_detector_samples_of_one_kind(camera):
    full, summed = layout(camera, 1), layout(camera, 2)
    for kind in ("wide", "narrow"):
        low, high = getattr(summed, kind)
        assert (2 * low, 2 * high) == getattr(full, kind)
    low, high = summed.scene
    assert set(range(2 * low, 2 * high)) <= set(range(*full.scene))
    assert set(np.concatenate([2 * summed.masked, 2 * summed.masked + 1])) <= set(full.masked)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="summing is 1 or 2"):
        layout("left", 4)
