"""The tables of one block, on disk: listed from a folder, or fetched from the archive.

A block is what one job ingests: some months of RDR tables, named for the first (``201001``), or one band of
GCP (``10n20n``). Its inventory says which tables there are, which were never taken, and which failed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

from nightside.config import Settings
from nightside.download import Outcome, Wanted, fetch_all
from nightside.store.manifest import digest
from nightside.thermal import archive
from nightside.thermal.follow_track import KeptAnchors, follow_track

Inventory = dict[str, Any]
"""``block``, ``source``, ``folder``, ``files`` (path below the folder, bytes, sha256), ``missing``, ``failed``."""


class NoTables(ValueError):
    """There is nothing to work on; the message says where tables were looked for, and the remedy."""


def blocks(settings: Settings) -> list[str]:
    """Return the names of a configuration's blocks, in order."""
    if settings.diviner_tables.level == "gcp":
        return archive.gcp_bands_of(settings.mapped_region)
    start, end = _period(settings)
    months = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
    return [f"{m // 12:04d}{m % 12 + 1:02d}" for m in months[:: settings.diviner_tables.block_months]]


def block_period(settings: Settings, block: str) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of an RDR block, within the configured period.

    Raises:
        ValueError: the configuration has no such block.
    """
    if block not in blocks(settings):
        raise ValueError(f"no block {block!r} in this configuration; it has {', '.join(blocks(settings))}")
    start, end = _period(settings)
    first = int(block[:4]) * 12 + int(block[4:]) - 1
    after = first + settings.diviner_tables.block_months
    last = dt.date(after // 12, after % 12 + 1, 1) - dt.timedelta(days=1)
    return max(dt.date(first // 12, first % 12 + 1, 1), start), min(last, end)


def listing_digests(settings: Settings, folder: Path) -> dict[str, str]:
    """Return by block a digest of its tables in ``folder``: their paths, sizes and times of change.

    A table that was repaired, added or removed changes its block's. Nothing is read but the folder, so that it is
    cheap to ask before every run; a block without a table is absent.
    """
    hashes: dict[str, Any] = {}
    for path, block in _tables(settings, folder).items():
        about = path.stat()
        line = f"{path.relative_to(folder)}\t{about.st_size}\t{about.st_mtime_ns}\n"
        hashes.setdefault(block, hashlib.sha256()).update(line.encode("utf-8", "surrogateescape"))
    return {block: found.hexdigest() for block, found in hashes.items()}


def acquire(settings: Settings, block: str, folder: Path) -> Inventory:
    """Return the inventory of a block's tables in ``folder``, having fetched them where the source is ``pds``.

    A block without a table (Diviner was off, or never passed the region) has an empty inventory.

    Raises:
        NoTables: a local folder holds no table of the configured level and period; every download failed.
        ValueError: the configuration has no such block.
        OSError: the disk is full.
    """
    if block not in blocks(settings):
        raise ValueError(f"no block {block!r} in this configuration; it has {', '.join(blocks(settings))}")
    if settings.diviner_tables.source == "pds":
        return _from_archive(settings, block, folder)
    return _inventory(settings, block, folder, _local(settings, block, folder), [], {})


def _local(settings: Settings, block: str, folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise NoTables(f"{folder}: no such folder; set diviner.folder to where the tables lie")
    level = settings.diviner_tables.level
    tables = _tables(settings, folder)
    if not tables:
        pattern = "YYYYMMDDHHMM_rdr.zip" if level == "rdr" else archive.gcp_name("10n20n")
        raise NoTables(
            f"{folder}: no {level.upper()} table ({pattern}) of the configured "
            f"{'period' if level == 'rdr' else 'latitudes'} in it or below; correct diviner.folder, start or end"
        )
    return [path for path, of in tables.items() if of == block]


def _tables(settings: Settings, folder: Path) -> dict[Path, str]:
    """Return the block of each table of the configuration in or below ``folder``, in the order of their paths."""
    chosen: dict[dt.datetime | str, tuple[Path, str]] = {}
    for path in sorted(folder.rglob("*")):
        found = (
            _band_of(settings, path) if settings.diviner_tables.level == "gcp" else _slot_of(settings, path)
        )
        # A table that lies there twice (zipped and not, or in two folders) counts once.
        if found is not None and found[0] not in chosen and path.is_file():
            chosen[found[0]] = (path, found[1])
    return dict(sorted(chosen.values()))


def _band_of(settings: Settings, path: Path) -> tuple[str, str] | None:
    band = archive.gcp_band(path.name)
    return None if band is None or band not in blocks(settings) else (band, band)


def _slot_of(settings: Settings, path: Path) -> tuple[dt.datetime, str] | None:
    """Return the beginning of an RDR table of the period, and its block."""
    slot = archive.rdr_slot(path.name)
    start, end = _period(settings)
    if slot is None or not start <= slot.date() <= end or slot.minute % 10:
        return None
    months = (slot.year - start.year) * 12 + slot.month - start.month
    first = start.year * 12 + start.month - 1 + months - months % settings.diviner_tables.block_months
    return slot, f"{first // 12:04d}{first % 12 + 1:02d}"


def _from_archive(settings: Settings, block: str, folder: Path) -> Inventory:
    source = settings.diviner_tables

    def fetch(wanted: list[Wanted]) -> list[Outcome]:
        return fetch_all(wanted, parallel=source.parallel, retries=source.retries, timeout_s=source.timeout_s)

    def fetch_slots(slots: list[dt.datetime]) -> list[Outcome]:
        return fetch(
            [Wanted(archive.rdr_url(source.archive_url, s), folder / archive.rdr_path(s)) for s in slots]
        )

    if source.level == "gcp":
        url = archive.gcp_url(source.archive_url, block)
        outcomes = fetch([Wanted(url, folder / archive.gcp_name(block), archive.GCP_BYTES)])
    else:
        slots = archive.slots(*block_period(settings, block))
        if source.select == "all" or settings.mapped_region.whole_moon:
            outcomes = fetch_slots(slots)
        else:
            kept = KeptAnchors(folder / "ground_track", block)
            outcomes = follow_track(slots, settings.mapped_region, source.track_margin_deg, kept, fetch_slots)
    return _from_outcomes(settings, block, folder, outcomes)


def _from_outcomes(settings: Settings, block: str, folder: Path, outcomes: list[Outcome]) -> Inventory:
    here = [o.wanted.path for o in outcomes if o.status in ("fetched", "present")]
    missing = [o.wanted.path for o in outcomes if o.status == "missing"]
    broken = {o.wanted.path: o.reason for o in outcomes if o.status == "broken"}
    failed = {o.wanted.path: o.reason for o in outcomes if o.status == "failed"}
    if failed and not here:
        reason = next(iter(failed.values()))
        raise NoTables(
            f"block {block}: all {len(failed)} downloads failed, the first: {reason}; "
            "check the network and diviner.archive_url, then run the same command again"
        )
    return _inventory(settings, block, folder, here, missing, failed | broken)


def _inventory(
    settings: Settings,
    block: str,
    folder: Path,
    here: list[Path],
    missing: list[Path],
    failed: dict[Path, str],
) -> Inventory:
    def name(path: Path) -> str:
        return path.relative_to(folder).as_posix()

    return {
        "block": block,
        "source": settings.diviner_tables.source,
        "folder": str(folder),
        "files": [
            {"path": name(path), "bytes": path.stat().st_size, "sha256": digest(path)}
            for path in sorted(here)
        ],
        "missing": sorted(name(path) for path in missing),
        "failed": {name(path): reason for path, reason in sorted(failed.items())},
    }


def _period(settings: Settings) -> tuple[dt.date, dt.date]:
    start, end = settings.diviner_tables.start, settings.diviner_tables.end
    if start is None or end is None:
        raise ValueError("level 'rdr' needs 'start' and 'end', the first and last day (YYYY-MM-DD)")
    return start, end
