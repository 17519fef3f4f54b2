"""Denoised images and kernels become strips: the one place where both are opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nightside.camera.line_scan import LineScan, refuse_empty
from nightside.camera.spice import BUILT_IN, kernel_files, kernel_pool, line_scan
from nightside.config import Settings
from nightside.config.geometry import Geometry
from nightside.config.optical import Optical
from nightside.formats.nac import EdrLabel
from nightside.optical.calibrated_image import KIND as CALIBRATED
from nightside.optical.dem import read_terrain
from nightside.optical.edr import label_of
from nightside.optical.strip import KIND, Strip
from nightside.store import open_store

_BLOCKS = 24
"""Of 1024 lines that all images together keep in memory, some 45 MB each."""


def optical_section(settings: Settings) -> Optical:
    """Return the section 'optical'.

    Raises:
        ValueError: there is none.
    """
    if settings.optical is None:
        raise ValueError(f"configuration '{settings.name}' has no section 'optical'; add one, with 'images'")
    return settings.optical


def open_strips(images: Sequence[Path], options: Geometry, kernels: Sequence[Path] = ()) -> list[Strip]:
    """Open denoised images with their geometry.

    Args:
        images: the stores.
        options: kernels and shape of the Moon.
        kernels: SPICE kernels in place of the configured ones.

    Raises:
        ValueError: an image is given twice, a kernel is missing, or an image does not see the Moon.
    """
    opened = [open_store(path, kind=KIND, chunked=False) for path in images]
    labels = [label_of(dataset) for dataset in opened]
    names = [label.product_id for label in labels]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"image {twice} is given twice; give each once")
    with kernel_pool(kernels or options.kernels):
        cameras = [_camera(label, options) for label in labels]
    blocks = min(max(_BLOCKS // max(len(images), 1), 3), 8)
    return [
        Strip(label, camera, dataset, blocks)
        for label, camera, dataset in zip(labels, cameras, opened, strict=True)
    ]


def show_standard(strips: Sequence[Strip], calibrated: Sequence[Path]) -> list[Strip]:
    """Return strips that show what the standard calibration made of the same images.

    Raises:
        ValueError: an image has no calibrated store, or one is of none of the images.
    """
    opened = [open_store(path, kind=CALIBRATED, chunked=False) for path in calibrated]
    signals = {label_of(dataset).product_id: dataset["signal"] for dataset in opened}
    names = [strip.name for strip in strips]
    if set(signals) != set(names):
        odd = sorted(set(signals) ^ set(names))
        raise ValueError(
            f"{', '.join(odd)}: is either denoised or calibrated, not both; give each image as both"
        )
    return [strip.showing(signals[strip.name]) for strip in strips]


def geometry_files(options: Geometry, kernels: Sequence[Path] = ()) -> list[Path]:
    """Return the files that geometry depends on, for the manifest: kernels and elevation model."""
    return [*kernel_files(kernels or options.kernels), *([options.dem] if options.dem is not None else [])]


def geometry_warnings(strips: Sequence[Strip], options: Geometry) -> list[str]:
    """Return what the kernels lack without which the geometry can do, and what is taken in its place."""
    said = []
    provenance = [strip.camera.provenance for strip in strips]
    if any(of["instrument_constants"] == BUILT_IN for of in provenance):
        said.append(
            "no instrument kernel (IK) gives the camera's focal length, boresight and distortion: the built-in ones of "
            "lro_lroc_v18.ti are used; add lro_lroc_v??.ti to 'optical.geometry.kernels' to use its own"
        )
    if options.frame == "auto" and any(of["body_frame"] == "IAU_MOON" for of in provenance):
        said.append(
            "no kernel gives MOON_ME, the frame of maps: IAU_MOON is used, which may be 100 m off; add moon_pa_de*.bpc and "
            "moon_*.tf to 'optical.geometry.kernels'"
        )
    return said


def _camera(label: EdrLabel, options: Geometry) -> LineScan:
    camera = line_scan(label, frame=options.frame, light_time=options.light_time)
    if options.dem is None:
        return camera
    terrain = read_terrain(options.dem, camera.outline())
    provenance = {**camera.provenance, "dem": options.dem.name}
    return refuse_empty(replace(camera, terrain=terrain, provenance=provenance))
