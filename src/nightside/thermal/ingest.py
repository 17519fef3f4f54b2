"""Many tables into additive bins: two at a time, each added whole or set aside whole."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from nightside.config import Settings
from nightside.formats import BadTable
from nightside.thermal.binning import Observations, add_observations, empty_bins, without_repeats
from nightside.thermal.gcp import read_gcp_observations
from nightside.thermal.ground_track import julian_date
from nightside.thermal.rdr import read_observations

THREADS = 2
"""The parsing runs without Python's lock, so threads fill cores."""


@dataclass(frozen=True)
class IngestResult:
    """Bins of shape (y, x, local_time): count, sum (K), sum of squares (K^2); what became of rows and tables.

    ``counters`` says what became of every row of the tables that were read (``binned`` is what the bins hold);
    ``set_aside`` maps a broken table's path to its reason.
    """

    n: NDArray[np.int32]
    sum_k: NDArray[np.float64]
    sum_k2: NDArray[np.float64]
    counters: dict[str, int]
    set_aside: dict[str, str]


def ingest_tables(
    paths: Sequence[Path],
    settings: Settings,
    geobox: GeoBox,
    threads: int = THREADS,
    period: tuple[dt.date, dt.date] | None = None,
) -> IngestResult:
    """Bin RDR or GCP tables (``settings.diviner_tables.level``) on a grid by cell and local time.

    Tables are added in the order of their names, which for RDR is that of time, in whatever order they are
    given or read: the sums come out the same to the last bit. An observation that the table before holds too
    is dropped. Where ``period`` (first and last day, UTC) is given, RDR rows of other days are left out: a table
    may hold samples of its neighbour, which another block counts without knowing of this one. Memory is the bins and a few tables' passing rows, however many tables there are.

    Raises:
        ConfigError: the bins exceed ``thermal.bins.memory_limit_gb``.
    """
    limits = settings.thermal.bins
    bins = empty_bins(geobox, limits.local_time_bins, limits.memory_limit_gb)
    counters: Counter[str] = Counter()
    set_aside: dict[str, str] = {}
    before = np.empty(0, np.int64)
    read = _reader(settings, period)
    for path, seen in _in_order(sorted(paths, key=lambda p: (p.name, str(p))), read, threads):
        if isinstance(seen, BadTable):
            set_aside[str(path)] = str(seen)
            continue
        fresh, repeated = without_repeats(seen, before)
        before = seen.key
        binned = add_observations(bins, geobox, fresh)
        counters.update(seen.counters)
        counters.update(
            tables=1, repeated=repeated, outside_region=fresh.temperature_k.size - binned, binned=binned
        )
    return IngestResult(bins.n, bins.sum_k, bins.sum_k2, dict(counters), set_aside)


def refuse_empty(blocks: Iterable[Mapping[str, Any]]) -> None:
    """Refuse blocks without a single observation.

    Each block has the ``rows`` (counters), ``set_aside`` and ``not_acquired`` (reason by path) of its manifest. A
    block may be broken or empty, as one of a single table easily is; a run may not.

    Raises:
        BadTable: there are tables and not one could be read.
        ValueError: no observation fell in the region.
    """
    rows: Counter[str] = Counter()
    lost: dict[str, str] = {}
    for block in blocks:
        rows.update(block["rows"])
        lost |= {**block["set_aside"], **block["not_acquired"]}
    if lost and not rows["tables"]:
        path, reason = next(iter(lost.items()))
        raise BadTable(f"none of {len(lost)} tables could be read; the first: {with_path(path, reason)}")
    if not rows["binned"]:
        raise ValueError(
            "no observation fell in the region; correct region, period or filter. What became of the tables' "
            f"rows: {dict(rows) or 'there were none'}"
        )


def with_path(path: str, reason: str) -> str:
    """Return why a table was lost, with its path once."""
    return reason if path in reason else f"{path}: {reason}"


def _reader(settings: Settings, period: tuple[dt.date, dt.date] | None) -> Callable[[Path], Observations]:
    if settings.diviner_tables.level == "gcp":
        return lambda path: read_gcp_observations(path, settings.filter.channel)
    if period is None:
        return lambda path: read_observations(path, settings.filter)
    first = dt.datetime.combine(period[0], dt.time())
    after = dt.datetime.combine(period[1], dt.time()) + dt.timedelta(days=1)
    span = (julian_date(first), julian_date(after))
    return lambda path: read_observations(path, settings.filter, span)


def _in_order(
    paths: Sequence[Path], read: Callable[[Path], Observations], threads: int
) -> Iterator[tuple[Path, Observations | BadTable]]:
    """Read tables on threads, a few ahead of the one that is yielded, in the order of ``paths``."""
    waiting: deque[tuple[Path, Future[Observations]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for path in paths:
            waiting.append((path, pool.submit(read, path)))
            if len(waiting) > 2 * threads:
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())


def _finished(path: Path, future: Future[Observations]) -> tuple[Path, Observations | BadTable]:
    try:
        return path, future.result()
    except BadTable as error:
        return path, error
