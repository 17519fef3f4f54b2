"""Thermal anomalies: connected cells whose score exceeds a threshold, as outlines with their statistics."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.query.latents import column, layers, physical
from nightside.query.outline import bounding_box, outlines
from nightside.store import atomic_file, cell_area_m2, grid_from, lonlat, warn
from nightside.store.grid import is_equirectangular

if TYPE_CHECKING:
    import geopandas as gpd

_EIGHT = np.ones((3, 3), np.int8)
_STATISTICS = ("area_km2", "cells", "longitude", "latitude", "peak_score", "mean_score")
_BOX = ("lon_min", "lat_min", "lon_max", "lat_max")


def anomalies(maps: xr.Dataset, threshold: float, min_area_km2: float = 0.0) -> gpd.GeoDataFrame:
    """Outline the connected cells of thermal maps whose anomaly score exceeds a threshold.

    Cells that share a corner are connected, across the meridian at which a map of the whole circle is cut too. Of maps
    without any known score, which are lost rather than without anomalies, a warning tells.

    Args:
        maps: ``anomaly_score`` (y, x) and ``latent_mean`` (latent, y, x), NaN where unknown, with the georeference
            of a store; see ``thermal/maps.zarr``. The score is read whole, latents only around each anomaly.
        threshold: in units of the score.
        min_area_km2: smaller anomalies are left out.

    Returns:
        One row an anomaly, the highest peak first, with columns ``area_km2`` (on the sphere), ``cells``,
        ``longitude`` (-180 to 180) and ``latitude`` of the centroid in degrees, ``peak_score``, ``mean_score`` and
        ``latent_<name>_<units>``, means over the area; ``lon_min``, ``lat_min``, ``lon_max``, ``lat_max`` in degrees, of
        which ``lon_min`` is the larger where the anomaly crosses 180 degrees; and ``geometry`` in degrees, cut there.

    Raises:
        ValueError: there is no anomaly score, or an argument is not finite or is negative.
    """
    import geopandas as gpd

    if "anomaly_score" not in maps:
        raise ValueError(
            f"the maps have no 'anomaly_score', but {', '.join(map(repr, maps.data_vars)) or 'nothing'}; "
            "give thermal/maps.zarr"
        )
    if not np.isfinite(threshold) or not (np.isfinite(min_area_km2) and min_area_km2 >= 0):
        raise ValueError(
            f"threshold {threshold} and least area {min_area_km2} km2: give a finite score, and an area of at least 0"
        )
    grid = grid_from(maps)
    score = maps["anomaly_score"].transpose("y", "x").to_numpy()
    if not np.isfinite(score).any():
        warn(
            "no cell of these maps has a known anomaly score: their chunks may be lost, which 'nightside verify' tells"
        )
    labels, slices = _components(score > threshold, grid)
    rows, kept, latents = [], [], _latents(maps)
    for number, (window, mask) in slices.items():
        row = _statistics(maps, score, grid, window, mask, latents)
        if row["area_km2"] >= min_area_km2:
            rows.append(row)
            kept.append(number)
    if rows and latents:
        _tell_in_units(rows, latents, maps)
    shapes = outlines(labels, kept, grid)
    frame = gpd.GeoDataFrame(
        [{**row, **bounding_box(shape)} for row, shape in zip(rows, shapes, strict=True)],
        columns=None if rows else [*_STATISTICS, *latents, *_BOX],
        geometry=shapes,
        crs=moon.crs(moon.GEOGRAPHIC_CODE),
    )
    return frame.sort_values("peak_score", ascending=False, kind="stable", ignore_index=True)


def write_anomalies(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write anomalies as GeoPackage (``.gpkg``) or GeoParquet (``.parquet``).

    Raises:
        ValueError: the file is called otherwise.
    """
    if path.suffix.lower() not in (".gpkg", ".parquet"):
        raise ValueError(f"{path}: give a file that ends in .gpkg (GeoPackage) or .parquet (GeoParquet)")
    content = BytesIO()
    if path.suffix.lower() == ".parquet":
        frame.to_parquet(content, index=False)
    else:
        frame.to_file(content, layer="anomalies", driver="GPKG", engine="pyogrio")
    with atomic_file(path) as partial:  # by Python: GDAL does not tell a full disk from other faults
        partial.write_bytes(content.getvalue())


Places = dict[int, tuple[tuple[slice, slice], NDArray[np.bool_]]]


def _components(high: NDArray[np.bool_], grid: GeoBox) -> tuple[NDArray[np.int32], Places]:
    """Label connected cells: the label of each cell, and the window and the mask of each label.

    A label that crosses the cut of a whole circle has a window of the whole width.
    """
    from scipy import ndimage

    labels = np.zeros(high.shape, np.int32)
    count = ndimage.label(high, _EIGHT, output=labels)
    renamed = np.arange(count + 1, dtype=np.int32)
    if _goes_round(grid):
        left, right = labels[:, 0], labels[:, -1]
        for shift in (-1, 0, 1):
            rows = np.arange(max(0, -shift), len(left) - max(0, shift))
            for a, b in {*zip(left[rows].tolist(), right[rows + shift].tolist(), strict=True)}:
                if a and b and renamed[a] != renamed[b]:
                    renamed[renamed == max(renamed[a], renamed[b])] = min(renamed[a], renamed[b])
        labels = renamed[labels]
    places: Places = {}
    for number, found in enumerate(ndimage.find_objects(labels), start=1):
        if found is not None:
            window = (found[0], found[1])
            places[number] = (window, labels[window] == number)
    return labels, places


def _goes_round(grid: GeoBox) -> bool:
    turn = 360.0 * moon.metres_per_degree()
    return is_equirectangular(grid) and bool(np.isclose(grid.shape[1] * grid.affine.a, turn, rtol=1e-9))


def _statistics(
    maps: xr.Dataset,
    score: NDArray[np.float32],
    grid: GeoBox,
    window: tuple[slice, slice],
    mask: NDArray[np.bool_],
    latents: list[str],
) -> dict[str, Any]:
    place = {"y": window[0], "x": window[1]}
    area = cell_area_m2(grid, place)[mask]
    lon, lat = (np.deg2rad(values[mask]) for values in lonlat(grid, place))
    # The centroid on the sphere: a mean of directions knows no seam and no pole.
    x, y, z = (
        np.average(v, weights=area)
        for v in (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    )
    inside = score[window][mask]
    row = {
        "area_km2": float(area.sum()) / 1e6,
        "cells": int(mask.sum()),
        "longitude": float(np.rad2deg(np.arctan2(y, x))),
        "latitude": float(np.rad2deg(np.arctan2(z, np.hypot(x, y)))),
        "peak_score": float(inside.max()),
        "mean_score": float(np.average(inside, weights=area)),
    }
    if latents:
        stored = maps["latent_mean"].isel(place).transpose("latent", "y", "x").to_numpy()[:, mask]
        means = np.average(stored.astype(np.float64), axis=1, weights=area)
        row |= dict(zip(latents, map(float, means), strict=True))
    return row


def _latents(maps: xr.Dataset) -> list[str]:
    """Return the columns of the latents."""
    if "latent_mean" not in maps:
        return []
    no_cells = physical(maps[["latent_mean"]].isel(y=slice(0), x=slice(0)))
    units = [unit for _, _, unit in layers(no_cells)]
    return [column(str(name), unit) for name, unit in zip(maps["latent"].to_numpy(), units, strict=True)]


def _tell_in_units(rows: list[dict[str, Any]], latents: list[str], maps: xr.Dataset) -> None:
    """Turn the means of latents as they are stored into those of the factors: means of centre + scale z, once for all."""
    stored = [[row[name] for name in latents] for row in rows]
    means = xr.Dataset({"latent_mean": (("anomaly", "latent"), stored, maps["latent_mean"].attrs)})
    for row, told in zip(rows, physical(means)["latent_mean"].to_numpy(), strict=True):
        row |= dict(zip(latents, map(float, told), strict=True))
