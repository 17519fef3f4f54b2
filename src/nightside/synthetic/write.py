"""All tables of the synthetic Moon: fly the orbit, observe the truth, write what the archive would hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.config import Settings
from nightside.formats.diviner import RDR_ROW_BYTES, SAMPLE_S
from nightside.store import cell_index, grid_of, lonlat
from nightside.synthetic.gcp_writer import write_gcp
from nightside.synthetic.observation import Observation, Surface, observe
from nightside.synthetic.orbit import RADIUS_KM, SWATH_KM, Orbit, sample_time_s, samples_near, swath
from nightside.synthetic.rdr_writer import header, rdr_bytes, write_rdr_zip
from nightside.synthetic.truth import synthetic_section

Progress = Callable[[int, int], None]

TABLE_S = 600.0
MARGIN_KM = 2.0
"""Tables reach this far beyond the region, so that they hold rows that a reader must leave out."""

LARGEST_RADIUS_KM = 500.0
"""Every pass is held in memory while the tables are planned."""

_WORKERS = 2
_TILTED_FRACTION = 0.02


@dataclass(frozen=True)
class Table:
    """One ten-minute table: its number since the start of the period, and its samples.

    ``previous`` is the table before, where the stretch goes on from it: its last sample is repeated.
    """

    number: int
    samples: NDArray[np.int64]
    tilted: bool
    previous: Table | None = None


def write_tables(
    settings: Settings, truth: xr.Dataset, folder: Path, progress: Progress | None = None
) -> dict[str, Any]:
    """Write the tables of the configured level into ``folder``; the same settings give the same bytes.

    RDR tables lie in ``YYYY/YYYYMM/YYYYMMDD``, as in the archive, and hold the stretches that meet the region.
    ``progress`` is called with the tables done and their total.

    Returns:
        ``level``, ``tables`` (relative paths), ``rows``, ``bytes`` and, for RDR, ``passes``, ``missing_tables``
        and ``bytes_unzipped``.

    Raises:
        ValueError: the settings have no section 'synthetic', or the region is too large to fly over.
    """
    section = synthetic_section(settings)
    geobox = grid_of(settings.mapped_region)
    if settings.diviner_tables.level == "gcp":
        written = write_gcp(truth, geobox, folder, section.noise_k, settings.seed)
        return {
            "level": "gcp",
            "tables": [path.relative_to(folder).as_posix() for path, _ in written],
            "rows": sum(rows for _, rows in written),
            "bytes": sum(path.stat().st_size for path, _ in written),
        }
    tables, passes, missing = plan(settings)
    orbit, surface, start = Orbit.from_seed(settings.seed), Surface(truth, geobox), _start(settings)

    def look(table: Table) -> Observation:
        rng = np.random.default_rng([settings.seed, 3, table.number])
        return observe(orbit, table.samples, surface, section, rng, tilted=table.tilted)

    def write(table: Table) -> tuple[Path, int, int]:
        seen = look(table)
        if table.previous is not None:
            seen = seen.after(look(table.previous))
        moment = start + dt.timedelta(seconds=table.number * TABLE_S)
        stamp = moment.strftime("%Y%m%d%H%M")
        content = rdr_bytes(seen, start, f"{stamp}_RDR.TAB")
        day = folder / stamp[:4] / stamp[:6] / stamp[:8]
        rows = (len(content) - len(header(f"{stamp}_RDR.TAB"))) // RDR_ROW_BYTES
        return write_rdr_zip(content, day, stamp), rows, len(content)

    paths, rows, unzipped = [], 0, 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done, (path, count, size) in enumerate(pool.map(write, tables), start=1):
            paths.append(path)
            rows += count
            unzipped += size
            if progress is not None:
                progress(done, len(tables))
    return {
        "level": "rdr",
        "tables": [path.relative_to(folder).as_posix() for path in paths],
        "rows": rows,
        "bytes": sum(path.stat().st_size for path in paths),
        "bytes_unzipped": unzipped,
        "passes": passes,
        "missing_tables": missing,
    }


def plan(settings: Settings) -> tuple[list[Table], int, int]:
    """Return the tables to write, the number of passes over the region, and the number of missing tables.

    A stretch that goes on in the next table repeats its last sample there, as the archive's tables may.

    Raises:
        ValueError: the settings have no section 'synthetic', or no period.
    """
    section = synthetic_section(settings)
    orbit = Orbit.from_seed(settings.seed)
    samples = _samples(settings, orbit)
    if not samples.size:
        return [], 0, 0
    passes = int(np.count_nonzero(np.diff(samples) > TABLE_S / SAMPLE_S) + 1)
    number = np.floor(sample_time_s(samples) / TABLE_S).astype(np.int64)
    cuts = np.flatnonzero(np.diff(number)) + 1
    tables: list[Table] = []
    missing = 0
    before: Table | None = None
    for first, last in zip([0, *cuts], [*cuts, samples.size], strict=True):
        goes_on = first > 0 and samples[first] == samples[first - 1] + 1
        rng = np.random.default_rng([settings.seed, 5, number[first]])
        taken = rng.random() >= section.gap_fraction
        tilted = bool(rng.random() < _TILTED_FRACTION)
        # Only the table just before is kept, not the chain of those before it.
        previous = replace(before, previous=None) if before is not None and goes_on else None
        before = Table(int(number[first]), samples[first:last], tilted, previous)
        if taken:
            tables.append(before)
        missing += not taken
    return tables, passes, missing


def _start(settings: Settings) -> dt.datetime:
    if settings.diviner_tables.start is None or settings.diviner_tables.end is None:
        raise ValueError("diviner.start and diviner.end are needed: the first and last day of the orbit")
    return dt.datetime.combine(settings.diviner_tables.start, dt.time())


def _samples(settings: Settings, orbit: Orbit) -> NDArray[np.int64]:
    """Return the samples whose swath meets the region or its margin."""
    start = _start(settings)
    end = dt.datetime.combine(settings.diviner_tables.end or start.date(), dt.time()) + dt.timedelta(days=1)
    geobox = grid_of(settings.mapped_region)
    lon, lat = lonlat(geobox)
    centre = settings.mapped_region.centre
    phi, phi0 = np.deg2rad(lat), np.deg2rad(centre[1])
    cosine = np.sin(phi) * np.sin(phi0) + np.cos(phi) * np.cos(phi0) * np.cos(np.deg2rad(lon - centre[0]))
    radius = RADIUS_KM * float(np.arccos(np.clip(cosine, -1, 1)).max())
    if radius > LARGEST_RADIUS_KM:
        raise ValueError(
            f"the region reaches {radius:.0f} km from its centre; RDR tables are written for up to "
            f"{LARGEST_RADIUS_KM:.0f} km: choose a smaller region, or diviner.level 'gcp'"
        )
    reach = radius + SWATH_KM / 2 + 2 * MARGIN_KM
    samples = samples_near(orbit, (end - start).total_seconds(), centre[0], centre[1], reach)
    if not samples.size:
        return samples
    time = sample_time_s(samples)
    clat, clon = swath(*orbit.subspacecraft(time), orbit.ascending(time))
    return samples[_near_grid(clat, clon, settings).any(axis=1)]


def _near_grid(
    latitude_deg: NDArray[np.float64], longitude_deg: NDArray[np.float64], settings: Settings
) -> NDArray[np.bool_]:
    """Return which points lie in the grid or within the margin of it."""
    geobox = grid_of(settings.mapped_region)
    pixels = int(np.ceil(1000 * MARGIN_KM / abs(float(geobox.affine.a))))
    return np.asarray(cell_index(geobox.pad(pixels), longitude_deg, latitude_deg) >= 0)
