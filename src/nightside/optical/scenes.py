"""Scenes to darken: clean images of ground, in any unit, of which only the shape counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nightside.store import open_store

BLACK = 0.02
"""Added to a stretched image of range 0 to 1, whose black is not the absence of light."""

SIDE_MIN = 128


@dataclass(frozen=True)
class ScenePool:
    """Clean images, each of mean 1, from which patches are drawn."""

    names: tuple[str, ...]
    images: tuple[NDArray[np.float32], ...]

    def draw(self, rng: np.random.Generator, lines: int, samples: int) -> NDArray[np.float32]:
        """Return a patch of mean 1, turned, mirrored and its contrast changed at random, (lines, samples)."""
        image = self.images[int(rng.integers(len(self.images)))]
        if rng.random() < 0.5:
            image = image.T
        top, left = (
            int(rng.integers(n - need + 1)) for n, need in zip(image.shape, (lines, samples), strict=True)
        )
        patch = image[top : top + lines, left : left + samples]
        if rng.random() < 0.5:
            patch = patch[::-1]
        if rng.random() < 0.5:
            patch = patch[:, ::-1]
        patch = patch / patch.mean()
        if rng.random() < 0.5:
            patch = 1 + (patch - 1) * np.float32(rng.uniform(0.4, 1.2))
        return np.asarray(np.maximum(patch, 0), np.float32)


def pool(images: dict[str, NDArray[np.floating]]) -> ScenePool:
    """Return a pool of images and of their 2 x 2 means, which are cleaner.

    Raises:
        ValueError: there is none, or one is too small or has no light.
    """
    if not images:
        raise ValueError(
            "there are no scenes to darken; give a folder of PNG images, or a store of rendered scenes"
        )
    names, kept = [], []
    for name, image in images.items():
        if min(image.shape) < SIDE_MIN or not np.isfinite(image).all() or image.mean() <= 0:
            raise ValueError(
                f"scene '{name}' of shape {image.shape} cannot be darkened; it has to be finite, lit, and at least "
                f"{SIDE_MIN} pixels wide and high"
            )
        for binning in (1, 2):
            small = binned(image, binning)
            if min(small.shape) >= SIDE_MIN:
                names.append(f"{name}/{binning}")
                kept.append((small / small.mean()).astype(np.float32))
    return ScenePool(tuple(names), tuple(kept))


def binned(image: NDArray[np.floating], binning: int) -> NDArray[np.float32]:
    """Return the means of squares of ``binning`` pixels; a rest at the lower and right edge is left out."""
    rows, columns = (n // binning * binning for n in image.shape)
    squares = image[:rows, :columns].reshape(rows // binning, binning, columns // binning, binning)
    return np.asarray(squares.mean((1, 3)), np.float32)


def read_scenes(places: Sequence[Path], leave_out: Sequence[str] = ()) -> dict[str, NDArray[np.float32]]:
    """Return clean images by name, without those that are left out.

    Args:
        places: folders of stretched images (PNG, 8 bit, grey), and stores of rendered scenes.
        leave_out: numbers of observations, such as 115143943, that no training may see.

    Raises:
        ValueError: one of the places holds none.
    """
    found = {}
    for place in places:
        here = _rendered(place) if (place / "zarr.json").exists() else _images(place)
        here = {name: image for name, image in here.items() if not any(out in name for out in leave_out)}
        if not here:
            raise ValueError(
                f"{place} holds no scene to train with; give a folder of PNG images, or a store of rendered scenes "
                "('nightside synthetic scenes')"
            )
        found.update(here)
    return found


def _rendered(store: Path) -> dict[str, NDArray[np.float32]]:
    radiance = open_store(store, kind="nac_scenes", chunked=False)["radiance"].to_numpy()
    return {f"{store.stem}/{number}": image for number, image in enumerate(radiance)}


def _images(folder: Path) -> dict[str, NDArray[np.float32]]:
    from matplotlib.image import imread

    found = {}
    for path in sorted(folder.glob("*.png")):
        image = np.asarray(imread(path), np.float32)
        found[path.stem] = (image if image.ndim == 2 else image[..., :3].mean(2)) + np.float32(BLACK)
    return found
