"""Write the synthetic camera's images, its dark frames, its kernels and the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside import store
from nightside.camera.layout import Camera
from nightside.camera.line_scan import LineScan
from nightside.camera.noise import NoiseModel
from nightside.camera.spice import kernel_pool, line_scan
from nightside.config import Settings
from nightside.config.synthetic_nac import SyntheticNac
from nightside.store.grid import crs_of, from_lonlat
from nightside.synthetic.edr_writer import edr_bytes
from nightside.synthetic.nac_ground import Ground, GroundStyle, make_ground
from nightside.synthetic.nac_kernels import write_kernels
from nightside.synthetic.nac_plan import Planned, cameras, plan_darks, plan_images
from nightside.synthetic.nac_shading import radiance, rim_light
from nightside.synthetic.nac_view import ground_grid, see

Float = NDArray[np.float32]
Tell = Callable[[str], None]


def write_nac(settings: Settings, folder: Path, tell: Tell = lambda line: None) -> dict[str, Any]:
    """Write ``images``, ``darks``, ``kernels`` and ``truth`` into a folder; each of the four is replaced.

    ``truth`` holds ``<product_id>.zarr`` (``signal``, DN above the dark without noise or echo) for each image and
    ``ground.zarr``: heights, albedo, relative radiance, and every crater and boulder.

    Returns:
        what was written, with paths relative to the folder.

    Raises:
        ValueError: the settings have no section 'optical.synthetic', or a folder holds other files.
    """
    section = nac_section(settings)
    for name, patterns in _FOLDERS.items():
        store.own_folder(folder / name, *patterns)
    _own_stores(folder / "truth")
    noise = cameras(section, settings.seed)
    images, darks = plan_images(section, noise, settings.seed), plan_darks(section, noise, settings.seed)
    with store.atomic_folder(folder / "kernels") as partial:
        flights = {planned.flight.start_time: planned.flight for planned in images}
        kernels = write_kernels(partial, list(flights.values()))
        with kernel_pool(kernels):
            scans = [line_scan(planned.label) for planned in images]
    grid = ground_grid(scans, section.terrain.cell_m)
    tell(f"rendering {grid.shape[0]} x {grid.shape[1]} cells of ground")
    ground = nac_ground(section, grid, settings.seed)
    lit = radiance(ground.height_m, ground.albedo, ground.cell_m, _light(section))
    with store.atomic_folder(folder / "truth") as truth, store.atomic_folder(folder / "images") as partial:
        store.write_store(
            ground_dataset(ground, lit, grid),
            truth / "ground.zarr",
            kind="nac_ground",
            settings=settings,
            geobox=grid,
        )
        for planned, scan in zip(images, scans, strict=True):
            tell(f"taking {planned.label.product_id} at {planned.signal_dn:g} DN")
            signal = expected_signal(planned, scan, lit, grid, noise)
            _write(partial, planned, signal, noise, settings.seed)
            store.write_store(
                signal_dataset(signal, planned),
                truth / f"{planned.label.product_id}.zarr",
                kind="nac_truth",
                settings=settings,
            )
    with store.atomic_folder(folder / "darks") as partial:
        for planned in darks:
            nothing = np.zeros((planned.label.lines, planned.label.samples), np.float32)
            _write(partial, planned, nothing, noise, settings.seed)
    return {
        "images": [_entry("images", planned) for planned in images],
        "darks": [_entry("darks", planned) for planned in darks],
        "kernels": [f"kernels/{path.name}" for path in kernels],
        "truth": ["truth/ground.zarr", *(f"truth/{planned.label.product_id}.zarr" for planned in images)],
        "ground_cells": [int(n) for n in grid.shape],
        "craters": int(ground.craters.size),
        "boulders": int(ground.boulders.size),
    }


def nac_section(settings: Settings) -> SyntheticNac:
    """Return the section 'optical.synthetic'.

    Raises:
        ValueError: there is none.
    """
    if settings.optical is None or settings.optical.synthetic is None:
        raise ValueError(
            f"configuration '{settings.name}' has no section 'optical.synthetic'; add 'synthetic: {{}}' to 'optical' "
            "for its defaults"
        )
    return settings.optical.synthetic


def nac_ground(section: SyntheticNac, grid: GeoBox, seed: int) -> Ground:
    """Return the ground of a grid."""
    style = GroundStyle(**section.terrain.model_dump(exclude={"cell_m"}))
    shape = (int(grid.shape[0]), int(grid.shape[1]))
    return make_ground([seed, 41], shape, section.terrain.cell_m, style)


def expected_signal(
    planned: Planned, scan: LineScan, lit: Float, grid: GeoBox, noise: Mapping[Camera, NoiseModel]
) -> Float:
    """Return the signal of an image without noise or echo, DN, (line, sample); the whole ground has its mean."""
    down, across = scan.pixel_size_m()
    cell = abs(float(grid.affine.a))
    # Two points for each cell along the longer side; a smeared long exposure takes more.
    parts = (max(2, round(2 * down / cell)), max(2, round(2 * across / cell)))
    seen = see(scan, lit, grid, noise[planned.label.camera].layout, parts)
    return seen * np.float32(planned.signal_dn)


def record(
    planned: Planned, signal: Float, noise: Mapping[Camera, NoiseModel], seed: int
) -> NDArray[np.uint8]:
    """Return the 8-bit numbers of an image of a signal, (line, sample)."""
    label = planned.label
    return noise[label.camera].record(
        signal,
        label.housekeeping,
        label.exposure_ms,
        label.compand_code,
        np.random.default_rng([seed, *planned.rng_key]),
    )


def signal_dataset(signal: Float, planned: Planned) -> xr.Dataset:
    """Return the truth of an image as a dataset: ``signal`` (line, sample), DN."""
    about = {"units": "DN", "long_name": "signal above the dark, without noise and echo"}
    label = planned.label
    return xr.Dataset(
        {"signal": (("line", "sample"), signal, about)},
        attrs={
            "product_id": label.product_id,
            "camera": label.camera,
            "summing": label.summing,
            "mean_signal_dn": planned.signal_dn,
        },
    )


def ground_dataset(ground: Ground, lit: Float, grid: GeoBox) -> xr.Dataset:
    """Return a ground as a dataset: maps on (y, x), craters and boulders as lists with their map coordinates."""
    maps = {
        "height": (ground.height_m, "m", "height above the mean"),
        "albedo": (ground.albedo, "1", "albedo over its mean"),
        "radiance": (lit, "1", "radiance over its mean"),
    }
    variables: dict[str, Any] = {
        name: (("y", "x"), values, {"units": units, "long_name": meaning})
        for name, (values, units, meaning) in maps.items()
    }
    for kind, known, fields in (
        ("crater", ground.craters, ("diameter_m", "depth_to_diameter", "freshness")),
        ("boulder", ground.boulders, ("diameter_m", "height_m")),
    ):
        x, y = (
            grid.affine.c + known["x_m"].astype(np.float64),
            grid.affine.f - known["y_m"].astype(np.float64),
        )
        lon, lat = from_lonlat(crs_of(grid)).transform(x, y, direction="INVERSE")
        places = {"longitude": (lon % 360.0, "degree"), "latitude": (lat, "degree")}
        columns = {name: (known[name], "m" if name.endswith("_m") else "1") for name in fields}
        for name, (values, units) in {**places, **columns}.items():
            about = {"units": units, "long_name": f"{name.removesuffix('_m').replace('_', ' ')} of a {kind}"}
            variables[f"{kind}_{name}"] = ((kind,), np.asarray(values), about)
    return xr.Dataset(variables)


_FOLDERS = {"images": ("*.IMG",), "darks": ("*.IMG",), "kernels": ("synthetic*", "nightside*")}


def _light(section: SyntheticNac) -> Any:
    light = section.light
    return rim_light(light.azimuth_deg, light.elevation_deg, light.width_deg)


def _write(
    folder: Path, planned: Planned, signal: Float, noise: Mapping[Camera, NoiseModel], seed: int
) -> None:
    number = record(planned, signal, noise, seed)
    (folder / f"{planned.label.product_id}.IMG").write_bytes(edr_bytes(number, planned.label))


def _entry(folder: str, planned: Planned) -> dict[str, Any]:
    label = planned.label
    return {
        "path": f"{folder}/{label.product_id}.IMG",
        "product_id": label.product_id,
        "camera": label.camera,
        "signal_dn": planned.signal_dn,
    }


def _own_stores(folder: Path) -> None:
    """Refuse to replace a folder that holds anything but stores and their manifests."""
    for path in folder.glob("*"):
        if not path.name.endswith((".zarr", ".zarr.json")):
            raise ValueError(
                f"{folder} would be replaced, but it holds {path.name}, which this step does not write; give a folder "
                "of its own"
            )
