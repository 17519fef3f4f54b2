"""Sunlit scenes with labelled craters: pictures with a table of boxes beside each, split by observation.

The tables are those of Yang et al. (CraterDANet, IEEE TGRS): columns ``ID X Y W H C_X CY`` divided by tabs or commas,
X and Y the upper left corner of a box in pixels from 0, W and H its sides, C_X and CY its centre.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLUMNS = ("ID", "X", "Y", "W", "H", "C_X", "CY")
WHITE_LEVEL = 255
"""The brightest number of an 8-bit picture; there the stretch has clipped."""


@dataclass(frozen=True)
class Scene:
    """A picture and its labelled craters.

    Attributes:
        name: of the file, without its ending.
        observation: the product's number without its camera, "M115143943": both cameras' pictures of one pass.
        image: (y, x) float32; numbers 0..255 of the stretched picture, or means of them.
        boxes: (crater, 4) float64; centre x, centre y, width and height in pixels, where a centre of 0 is the
            middle of the first pixel.
    """

    name: str
    observation: str
    image: NDArray[np.float32]
    boxes: NDArray[np.float64]


def observation_of(name: str) -> str:
    """Return the observation that a product or a file cut from one belongs to.

    Raises:
        ValueError: the name begins with no product id.
    """
    found = re.match(r"(M\d+)", name)
    if found is None:
        raise ValueError(f"{name}: begins with no NAC product id; expected a name like M115143943RE_...")
    return found[1]


def list_scenes(folder: Path) -> list[Path]:
    """Return the pictures of a folder that have a table of boxes beside them, in order of their names.

    Raises:
        ValueError: there is none.
    """
    found = sorted(png for png in Path(folder).glob("*.png") if png.with_suffix(".txt").is_file())
    if not found:
        raise ValueError(
            f"{folder}: holds no scene; a scene is a picture M<number>*.png with its boxes in a .txt of the same name"
        )
    return found


def read_scene(png: Path) -> Scene:
    """Read a picture and the boxes beside it.

    Raises:
        ValueError: the picture is not 8-bit grey, or the table is not of the form that this module describes.
        OSError: one of the two is missing or cannot be read.
    """
    with Image.open(png) as picture:
        if picture.mode not in ("L", "P", "RGB", "RGBA"):
            raise ValueError(f"{png}: a picture of mode {picture.mode}; expected 8-bit grey")
        image = np.asarray(picture.convert("L"), np.float32)
    return Scene(png.stem, observation_of(png.stem), image, read_boxes(png.with_suffix(".txt")))


def read_boxes(path: Path) -> NDArray[np.float64]:
    """Return the boxes of a table, (crater, 4): centre x, centre y, width, height in pixels.

    The centre is reckoned from corner and size; the table's own is rounded.

    Raises:
        ValueError: the header is another, or a row has a missing value or none that is a number.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    divider = "\t" if lines and "\t" in lines[0] else ","
    header = tuple(name.strip() for name in lines[0].split(divider)) if lines else ()
    if header != COLUMNS:
        raise ValueError(f"{path}: header {header}; expected {' '.join(COLUMNS)} divided by tabs or commas")
    boxes = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        try:
            x, y, width, height = (float(text) for text in line.split(divider)[1:5])
        except ValueError:
            raise ValueError(
                f"{path}: row {number} is {line!r}; expected {len(COLUMNS)} numbers: mend or remove the row"
            ) from None
        boxes.append((x + (width - 1.0) / 2.0, y + (height - 1.0) / 2.0, width, height))
    return np.array(boxes, np.float64).reshape(-1, 4)


def split(scenes: Sequence[Path], test: int = 3) -> tuple[list[Path], list[Path]]:
    """Divide scenes by observation into those of training and those of the test.

    The observations are dealt by a fixed scramble of their numbers, so that neighbours in time are not kept
    together and the same files give the same division everywhere.

    Args:
        scenes: pictures from :func:`list_scenes`.
        test: the number of observations that go to the test.

    Returns:
        Training scenes and test scenes; no observation is in both.

    Raises:
        ValueError: there are not more observations than ``test``.
    """
    observations = sorted({observation_of(path.name) for path in scenes}, key=_scrambled)
    if not 0 < test < len(observations):
        raise ValueError(f"cannot set {test} of {len(observations)} observations aside for the test")
    kept = set(observations[:test])
    return (
        [path for path in scenes if observation_of(path.name) not in kept],
        [path for path in scenes if observation_of(path.name) in kept],
    )


def clean_scene(scene: Scene, binning: int = 2) -> Scene:
    """Return a scene whose pixels are means of ``binning`` x ``binning`` pixels, its boxes shrunk alike.

    A binned picture of the Moon is still a picture of the Moon, from twice as high; its noise is halved where
    the pixels' noise is independent. Boxes that are smaller than a pixel remain.

    Raises:
        ValueError: the scene is smaller than a bin.
    """
    if binning < 1 or min(scene.image.shape) < binning:
        raise ValueError(f"cannot bin {scene.image.shape} pixels by {binning}")
    rows, columns = (size // binning for size in scene.image.shape)
    tiles = scene.image[: rows * binning, : columns * binning].reshape(rows, binning, columns, binning)
    boxes = scene.boxes / binning
    boxes[:, :2] = (scene.boxes[:, :2] + 0.5) / binning - 0.5
    return Scene(scene.name, scene.observation, tiles.mean(axis=(1, 3), dtype=np.float32), boxes)


def residual_noise(image: NDArray[np.floating]) -> float:
    """Return a robust standard deviation of what varies from pixel to pixel, in the image's units.

    The median absolute value of second differences across both axes (Immerkaer's operator, Computer Vision and
    Image Understanding 64, 1996), which cancel planes; texture of the size of a pixel counts as noise.
    """
    values = np.asarray(image, np.float64)
    down = values[2:] - 2.0 * values[1:-1] + values[:-2]
    both = down[:, 2:] - 2.0 * down[:, 1:-1] + down[:, :-2]
    return float(1.4826 * np.median(np.abs(both)) / 6.0)


def _scrambled(observation: str) -> int:
    return int(observation[1:]) * 2654435761 % 2**32
