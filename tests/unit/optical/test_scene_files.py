"""Scenes and their boxes are read in both of their forms, and divided by observation."""

import numpy as np
import pytest
from PIL import Image

from nightside.optical.scene_files import (
    clean_scene,
    list_scenes,
    observation_of,
    read_scene,
    residual_noise,
    split,
)


@pytest.fixture
def folder(tmp_path):
    picture = np.tile(np.arange(40, dtype=np.uint8), (30, 1))
    for name, divider in (("M123RE_cal_echo_2_2", "\t"), ("M123_mosaic", ","), ("M77LE_x", ",")):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
        rows = [["ID", "X", "Y", "W", "H", "C_X", "CY"], ["1", "4.0", "6", "8", "7.0", "8", "9"]]
        (tmp_path / f"{name}.txt").write_text("".join(divider.join(row) + "\n" for row in rows))
    Image.fromarray(picture).save(tmp_path / "M9_alone.png")
    return tmp_path


def test_tabs_and_commas_say_the_same(folder):
    scenes = [read_scene(path) for path in list_scenes(folder)]
    assert [scene.name for scene in scenes] == ["M123RE_cal_echo_2_2", "M123_mosaic", "M77LE_x"]
    for scene in scenes:
        assert scene.image.dtype == np.float32
        assert scene.image.shape == (30, 40)
        assert scene.image[5, 17] == 17.0
        np.testing.assert_array_equal(scene.boxes, [[7.5, 9.0, 8.0, 7.0]])


def test_both_cameras_are_one_observation(folder):
    train, test = split(list_scenes(folder), test=1)
    groups = [{observation_of(path.name) for path in part} for part in (train, test)]
    assert not groups[0] & groups[1]
    assert groups[0] | groups[1] == {"M123", "M77"}
    assert split(list_scenes(folder)[::-1], test=1)[1] == test[::-1]


def test_a_division_that_leaves_nothing_is_refused(folder):
    with pytest.raises(ValueError, match="2 observations"):
        split(list_scenes(folder), test=2)


def test_binning_halves_white_noise_and_keeps_places(folder):
    scene = read_scene(folder / "M123_mosaic.png")
    small = clean_scene(scene, 2)
    assert small.image.shape == (15, 20)
    # Pixel 3 of the small picture is the mean of pixels 6 and 7, whose middle is 6.5.
    assert small.image[0, 3] == 6.5
    np.testing.assert_allclose(small.boxes, [[3.5, 4.25, 4.0, 3.5]])


def test_residual_noise_is_that_of_the_pixels_and_not_of_a_slope():
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:300, :300]
    slope = 3.0 * x + 2.0 * y
    assert residual_noise(slope) == 0.0
    assert residual_noise(slope + rng.normal(0, 5.0, x.shape)) == pytest.approx(5.0, rel=0.02)


def test_damaged_tables_are_named(folder):
    table = folder / "M77LE_x.txt"
    table.write_text("ID,X,Y,W,H,C_X,CY\n1,2,3,,5,6,7\n")
    with pytest.raises(ValueError, match=r"M77LE_x\.txt: row 2 .*mend or remove"):
        read_scene(folder / "M77LE_x.png")
    table.write_text("x,y\n1,2\n")
    with pytest.raises(ValueError, match="header"):
        read_scene(folder / "M77LE_x.png")


def test_a_table_without_craters_is_no_error(folder):
    (folder / "M77LE_x.txt").write_text("ID,X,Y,W,H,C_X,CY\n")
    assert read_scene(folder / "M77LE_x.png").boxes.shape == (0, 4)


def test_a_folder_without_scenes_says_what_one_is(tmp_path):
    with pytest.raises(ValueError, match="no scene; a scene is"):
        list_scenes(tmp_path)


def test_a_name_without_a_product_is_refused():
    with pytest.raises(ValueError, match="no NAC product id"):
        observation_of("crater.png")
