"""Several images on one map: corrected in brightness, weighted by their errors, feathered at their edges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside.config.geometry import Mosaic
from nightside.optical.brightness import LEAST_POINTS, Brightness, Shared, expected_gains, match
from nightside.optical.fusion import least_variance_weights, variance_of_mean
from nightside.optical.project import Places, Projected, error_correlation, meets, places, project, sampled
from nightside.optical.resample import INDEPENDENT, ErrorCorrelation
from nightside.optical.strip import Strip
from nightside.store.windows import Window

KIND = "nac_mosaic"

_LATTICE_POINTS = 400_000
"""Points of the whole map at which images are compared, at most."""

_AVERAGED = 4.0
"""Pixels of the map over which signals are averaged before they are compared."""

_BAND = 64
"""Rows of the lattice that are compared at once."""

_STACKED = 4_000_000
"""Pixels of all images together whose weights are found at once, some 0.3 GB."""

_UNSURE_GAIN = 0.05
"""Standard deviation of a gain's logarithm from which a user is warned."""

_LEAST_STD_DN = 1e-3
_LEAST_FEATHER = 1e-3
"""So that a pixel at the very edge still counts where there is no other."""


def match_images(strips: Sequence[Strip], grid: GeoBox, options: Mosaic) -> Brightness:
    """Return the brightness corrections of images on a map.

    Raises:
        ValueError: the configured reference is none of the images.
    """
    names = [strip.name for strip in strips]
    reference = None
    if options.reference is not None:
        if options.reference not in names:
            raise ValueError(
                f"'optical.mosaic.reference' is {options.reference}, which is none of the images: {', '.join(names)}"
            )
        reference = names.index(options.reference)
    if not options.match_brightness:
        same = np.full(len(strips), reference or 0, np.intp)
        nothing = np.zeros(len(strips))
        return Brightness(np.ones(len(strips)), nothing, nothing, same)
    expected = expected_gains([s.label.exposure_ms for s in strips], [s.label.camera for s in strips])
    shared = shared_ground(strips, grid, error_correlation(options))
    return match(shared, expected, reference, options.error_correlation_images)


def shared_ground(
    strips: Sequence[Strip], grid: GeoBox, errors: ErrorCorrelation = INDEPENDENT
) -> list[Shared]:
    """Return what each pair of images sees at the same points of a lattice over the map."""
    rows, columns = (int(n) for n in grid.shape)
    every = max(math.ceil(math.sqrt(rows * columns / _LATTICE_POINTS)), 1)
    found: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    for top in range(0, rows, _BAND * every):
        window: Window = {"y": slice(top, min(top + _BAND * every, rows)), "x": slice(0, columns)}
        here = {
            number: (strip, places(strip, grid, window, every))
            for number, strip in enumerate(strips)
            if meets(strip, grid, window)
        }
        inside = {number: _inside(strip, at) for number, (strip, at) in here.items()}
        if len(here) < 2 or not any((a & b).any() for a, b in itertools.combinations(inside.values(), 2)):
            continue
        count = np.sum(list(inside.values()), axis=0)
        seen = {}
        for number, (strip, at) in here.items():
            keep = inside[number] & (count > 1)
            averaged = sampled(strip, _averaging(at, keep), 1.0, errors)
            if averaged is not None:
                seen[number] = averaged
        for one, two in itertools.combinations(sorted(seen), 2):
            both = (seen[one].mask == 0) & (seen[two].mask == 0)
            values = [seen[one].signal, seen[two].signal, seen[one].std, seen[two].std]
            found.setdefault((one, two), []).append(np.array([v[both] for v in values], np.float64))
    shared = []
    for (one, two), parts in found.items():
        joined = np.concatenate(parts, axis=1)
        if joined.shape[1] >= LEAST_POINTS:
            shared.append(Shared(one, two, joined[:2], joined[2:]))
    return shared


def mosaic(
    strips: Sequence[Strip], brightness: Brightness, grid: GeoBox, window: Window, options: Mosaic
) -> xr.Dataset:
    """Return a window of the mosaic: ``signal``, ``signal_std``, ``count`` and ``image`` (y, x).

    The weights are those of :mod:`nightside.optical.fusion`, where a feather that falls to an image's edge divides its
    variance. Errors of the brightness corrections are not counted.
    """
    shape = tuple(window[d].stop - window[d].start for d in ("y", "x"))
    correlation = options.error_correlation_images
    signal, std = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    count, image = np.zeros(shape, np.uint16), np.full(shape, -1, np.int16)
    seen = [
        (number, found)
        for number, strip in enumerate(strips)
        if (found := project(strip, grid, window, error_correlation(options))) is not None
    ]
    numbers = np.array([number for number, _ in seen], np.int16)
    height = max(1, _STACKED // max(len(seen) * shape[1], 1))
    for top in range(0, shape[0] if seen else 0, height):
        rows = slice(top, top + height)
        signals, variances, feathers = (
            np.stack(stack)
            for stack in zip(
                *(_corrected(found, rows, number, brightness, options) for number, found in seen), strict=True
            )
        )
        weights = least_variance_weights(variances / feathers, correlation)
        count[rows] = np.isfinite(variances).sum(axis=0)
        there = count[rows] > 0
        signal[rows] = np.where(there, np.sum(weights * signals, axis=0), np.nan)
        std[rows] = np.where(there, np.sqrt(variance_of_mean(weights, variances, correlation)), np.nan)
        image[rows] = np.where(there, numbers[np.argmax(weights, axis=0)], -1)
    return xr.Dataset(
        {
            "signal": (
                ("y", "x"),
                signal,
                {
                    "units": "DN",
                    "long_name": "signal of the ground, in the brightness of the reference image",
                },
            ),
            "signal_std": (
                ("y", "x"),
                std,
                {
                    "units": "DN",
                    "long_name": "standard deviation of the signal's error",
                    "comment": "errors of pixels and of images are alike as the attributes say; those of the brightness "
                    "corrections are not counted",
                    "error_correlation": options.error_correlation,
                    "error_correlation_far": options.error_correlation_far,
                    "error_correlation_images": correlation,
                },
            ),
            "count": (("y", "x"), count, {"units": "1", "long_name": "number of images"}),
            "image": (
                ("y", "x"),
                image,
                {
                    "units": "1",
                    "long_name": "number of the image that weighs most, -1 where there is none",
                    "flag_values": list(range(len(strips))),
                    "flag_meanings": " ".join(strip.name for strip in strips),
                },
            ),
        },
        attrs={
            "images": [strip.name for strip in strips],
            "gain": [float(g) for g in brightness.gain],
            "offset_dn": [float(o) for o in brightness.offset_dn],
            "gain_relative_std": [float(e) for e in brightness.gain_std],
            "reference": [strips[k].name for k in brightness.reference],
        },
    )


def _corrected(
    found: Projected, rows: slice, number: int, brightness: Brightness, options: Mosaic
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return rows of an image in the mosaic's brightness, their variance (infinite where masked), and the feather."""
    good = found.mask[rows] == 0
    gain, offset = brightness.gain[number], brightness.offset_dn[number]
    std = np.maximum(gain * found.std[rows].astype(np.float64), _LEAST_STD_DN)
    return (
        np.where(good, gain * found.signal[rows].astype(np.float64) + offset, 0.0),
        np.where(good, std**2, np.inf),
        _feather(found.edge_m[rows], options.feather_m),
    )


def warnings_of(brightness: Brightness, strips: Sequence[Strip], grid: GeoBox, options: Mosaic) -> list[str]:
    """Return what a user should know of how the images fit together."""
    rows, columns = (int(n) for n in grid.shape)
    whole: Window = {"y": slice(0, rows), "x": slice(0, columns)}
    said = [
        f"{strip.name} lies beyond the mosaic's grid and adds nothing"
        for strip in strips
        if not meets(strip, grid, whole)
    ]
    said += [
        f"{strip.name} has hardly any contrast of its own: the gain that fits it to the others is known to {error:.0%} only, so "
        "that it may bring wrong brightness where it weighs; leave it out, or trust no brightness there"
        for strip, error in zip(strips, brightness.gain_std, strict=True)
        if error > _UNSURE_GAIN
    ]
    if options.match_brightness and brightness.groups > 1:
        groups = [
            "+".join(strips[k].name for k in np.flatnonzero(brightness.reference == reference).tolist())
            for reference in sorted(set(brightness.reference.tolist()))
        ]
        said.append(
            f"images that do not overlap could not be matched in brightness: {' | '.join(groups)}; between these groups "
            "only exposure time and responsivity are corrected. Add images that overlap both"
        )
    return said


def describe(brightness: Brightness, strips: Sequence[Strip], warned: Sequence[str]) -> dict[str, Any]:
    """Return what the manifest keeps of the images and their corrections."""
    names = [strip.name for strip in strips]
    return {
        "images": [
            {
                "product_id": strip.name,
                "gain": float(brightness.gain[k]),
                "offset_dn": float(brightness.offset_dn[k]),
                "gain_relative_std": float(brightness.gain_std[k]),
                "reference": names[brightness.reference[k]],
                "geometry": dict(strip.camera.provenance),
            }
            for k, strip in enumerate(strips)
        ],
        "overlaps": [{**pair, "images": [names[k] for k in pair["images"]]} for pair in brightness.report],
        "warnings": list(warned),
    }


def _inside(strip: Strip, at: Places) -> NDArray[np.bool_]:
    low, high = strip.scene
    inside: NDArray[np.bool_] = (
        (at.line >= 0) & (at.line <= strip.camera.lines - 1) & (at.sample >= low) & (at.sample <= high - 1)
    )
    return inside


def _averaging(at: Places, keep: NDArray[np.bool_]) -> Places:
    """Return the places to keep, with a wider kernel."""
    return replace(
        at,
        line=np.where(keep, at.line, np.nan),
        line_step=np.minimum(_AVERAGED * np.maximum(at.line_step, 1.0), 32.0),
        sample_step=np.minimum(_AVERAGED * np.maximum(at.sample_step, 1.0), 32.0),
    )


def _feather(edge_m: NDArray[np.float32], width_m: float) -> NDArray[np.float64]:
    """Return a weight that rises smoothly from almost 0 at the edge to 1 at a distance from it."""
    if width_m <= 0:
        return np.ones(edge_m.shape)
    t = np.clip(np.nan_to_num(edge_m.astype(np.float64), nan=0.0) / width_m, 0.0, 1.0)
    smooth: NDArray[np.float64] = np.maximum(t * t * (3.0 - 2.0 * t), _LEAST_FEATHER)
    return smooth
