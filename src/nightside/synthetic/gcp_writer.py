"""Level-4 tables: half-degree means in 96 local times, in bands of ten degrees of latitude.

A cell outside the truth's region, or the whole table where the region is small, is UNKNOWN. The channels see
the truth's temperature with a small noise; 3 to 5 turn negative where they are too cold to see.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.formats.diviner import (
    GCP_BAND_DEG,
    GCP_CELL_DEG,
    GCP_COLUMNS,
    GCP_LOCAL_TIME_BINS,
    GCP_ROW_BYTES,
    UNKNOWN,
)
from nightside.store import cell_index
from nightside.synthetic.fixed_width import blank_row, place_numbers

Float = NDArray[np.float64]

_CHANNELS = ("t3", "t4", "t5", "t6", "t7", "t8", "t9", "tbol")
_BLIND_BELOW_K = {"t3": 180.0, "t4": 170.0, "t5": 160.0}
_MEAN_OF = 10
"""Observations in a mean: its noise is that of one over the root of this."""


def bands() -> tuple[tuple[int, int], ...]:
    """Return the southern and northern limit, in degrees, of the 18 tables."""
    return tuple((south, south + GCP_BAND_DEG) for south in range(-90, 90, GCP_BAND_DEG))


def band_name(south: int, north: int) -> str:
    """Return the name of a band's table, such as ``global_cumul_avg_cyl_10n20n_002.tab``; 0 is 00n or 00s."""
    half = "s" if north <= 0 else "n"
    low, high = sorted((abs(south), abs(north)), reverse=north <= 0)
    return f"global_cumul_avg_cyl_{low:02d}{half}{high:02d}{half}_002.tab"


def gcp_bytes(
    truth: xr.Dataset, geobox: GeoBox, south: int, noise_k: float, rng: np.random.Generator
) -> bytes | None:
    """Return the table of the band that begins at latitude ``south``, or None where it misses the truth.

    A cell's temperature is that of the truth's cell that holds its centre; where the truth's grid is finer
    than half a degree, it is the mean over the truth's cells in it.
    """
    mean = _cell_means(truth, geobox, south)
    if mean is None:
        return None
    rows_of_cells, columns_of_cells, times = mean.shape
    lat = south + GCP_CELL_DEG * (np.arange(rows_of_cells) + 0.5)
    lon = -180.0 + GCP_CELL_DEG * (np.arange(columns_of_cells) + 0.5)
    ltim = (np.arange(times) + 0.5) * moon.HOURS_PER_DAY / times
    values = np.empty((*mean.shape, len(GCP_COLUMNS)))
    values[..., 0], values[..., 1] = lon[None, :, None], lat[:, None, None]
    values[..., 2] = ltim
    for k, name in enumerate(_CHANNELS, start=3):
        noisy = mean + noise_k / np.sqrt(_MEAN_OF) * rng.standard_normal(mean.shape, dtype=np.float32)
        blind = noisy < _BLIND_BELOW_K.get(name, 0.0)
        sign = np.where(blind & (rng.random(mean.shape, dtype=np.float32) < 0.5), -1.0, 1.0)
        values[..., k] = np.where(np.isnan(mean), UNKNOWN, sign * noisy)
    flat = values.reshape(-1, len(GCP_COLUMNS))
    rows = np.tile(blank_row(GCP_COLUMNS, GCP_ROW_BYTES), (flat.shape[0], 1))
    place_numbers(rows, GCP_COLUMNS, flat, np.zeros(flat.shape, np.bool_))
    return _header() + rows.tobytes()


def write_gcp(
    truth: xr.Dataset, geobox: GeoBox, folder: Path, noise_k: float, seed: int
) -> list[tuple[Path, int]]:
    """Write the tables, with labels, of the bands that the truth meets; return their paths and rows."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for south, north in bands():
        content = gcp_bytes(truth, geobox, south, noise_k, np.random.default_rng([seed, 4, south + 90]))
        if content is None:
            continue
        path = folder / band_name(south, north)
        path.write_bytes(content)
        rows = len(content) // GCP_ROW_BYTES - 1
        path.with_suffix(".lbl").write_bytes(_label(path.name, rows, south, north).encode("ascii"))
        written.append((path, rows))
    return written


def _header() -> bytes:
    row = bytearray(blank_row(GCP_COLUMNS, GCP_ROW_BYTES).tobytes())
    for column in GCP_COLUMNS:
        row[column.slice] = column.name.rjust(column.width).encode("ascii")
    return bytes(row)


def _cell_means(truth: xr.Dataset, geobox: GeoBox, south: int) -> Float | None:
    """Return temperatures (20, 720, 96) of a band, NaN where the truth has no cell."""
    shape = (round(GCP_BAND_DEG / GCP_CELL_DEG), round(360 / GCP_CELL_DEG))
    # Points finer than either grid: each half-degree cell averages the truth below it.
    finer = max(1, min(8, round(GCP_CELL_DEG * moon.metres_per_degree() / abs(float(geobox.affine.a)))))
    at = (np.arange(finer) + 0.5) / finer
    lat = south + GCP_CELL_DEG * (np.arange(shape[0])[:, None] + at).ravel()
    lon = -180.0 + GCP_CELL_DEG * (np.arange(shape[1])[:, None] + at).ravel()
    index = cell_index(geobox, *np.meshgrid(lon, lat))
    inside = np.flatnonzero(index.ravel() >= 0)
    if not inside.size:
        return None
    temperature = truth["temperature"].values.reshape(-1, truth.sizes["local_time"])
    point_row, point_column = np.divmod(inside, lon.size)
    cell = point_row // finer * shape[1] + point_column // finer
    order = np.argsort(cell, kind="stable")
    cells, starts, counts = np.unique(cell[order], return_index=True, return_counts=True)
    seen, position = np.unique(index.ravel()[inside[order]], return_inverse=True)
    total = np.add.reduceat(_at_table_times(temperature[seen])[position], starts, axis=0)
    mean = np.full((shape[0] * shape[1], GCP_LOCAL_TIME_BINS), np.nan)
    mean[cells] = total / counts[:, None]
    return mean.reshape(*shape, GCP_LOCAL_TIME_BINS)


def _at_table_times(temperature: NDArray[np.float32]) -> Float:
    times = temperature.shape[1]
    position = (np.arange(GCP_LOCAL_TIME_BINS) + 0.5) * times / GCP_LOCAL_TIME_BINS
    before = np.floor(position).astype(np.int64)
    part = position - before
    after = (before + 1) % times
    return np.asarray((1 - part) * temperature[:, before % times] + part * temperature[:, after], np.float64)


def _label(name: str, rows: int, south: int, north: int) -> str:
    table, label = name.upper(), name.upper().replace(".TAB", ".LBL")
    lines = f"""PDS_VERSION_ID               = PDS3
RECORD_TYPE                  = FIXED_LENGTH
RECORD_BYTES                 = {GCP_ROW_BYTES}
FILE_RECORDS                 = {rows + 1}
DESCRIPTION                  = "Synthetic: written by nightside."
^HEADER                      = ("{table}", 1)
^TABLE                       = ("{table}", 2)
DATA_SET_ID                  = "LRO-L-DLRE-5-GCP-V1.0"
FILE_NAME                    = "{label}"
INSTRUMENT_HOST_ID           = "LRO"
INSTRUMENT_ID                = "DLRE"
PRODUCT_TYPE                 = "GCP"
TARGET_NAME                  = "MOON"
MAXIMUM_LATITUDE             = {north:.5f} <deg>
MINIMUM_LATITUDE             = {south:.5f} <deg>
WESTERNMOST_LONGITUDE        = -180.00000 <deg>
EASTERNMOST_LONGITUDE        = 180.00000 <deg>
POSITIVE_LONGITUDE_DIRECTION = "EAST"
OBJECT                       = HEADER
  BYTES                      = {GCP_ROW_BYTES}
  HEADER_TYPE                = "TEXT"
END_OBJECT                   = HEADER
OBJECT                       = TABLE
  INTERCHANGE_FORMAT         = ASCII
  ROW_BYTES                  = {GCP_ROW_BYTES}
  ROWS                       = {rows}
  COLUMNS                    = {len(GCP_COLUMNS)}
  ^STRUCTURE                 = "DLRE_GCP.FMT"
END_OBJECT                   = TABLE
END
"""
    return lines.replace("\n", "\r\n")
