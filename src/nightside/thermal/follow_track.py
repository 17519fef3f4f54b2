"""Fetching along the ground track: predict, fetch, learn where the spacecraft was, predict again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from nightside.config import Region
from nightside.download import Outcome
from nightside.formats import BadTable
from nightside.store import write_json
from nightside.thermal.ground_track import Anchor, julian_date, phase_is_known, plan, read_anchors

Fetch = Callable[[list[dt.datetime]], list[Outcome]]

STRETCH = dt.timedelta(hours=12)
"""Slots planned together: the phase of the orbit is predicted no further."""
PROBE_EVERY = 6
"""Where nothing is known yet, one slot an hour is tried until a table is found."""
PLANE_TRUSTED_DAYS = 30.0


class KeptAnchors:
    """The anchors of all blocks, kept beside the downloads; a block writes only its own file.

    A file that is no list of anchors is taken as absent: it only saves requests.
    """

    def __init__(self, folder: Path, block: str) -> None:
        self._own = folder / f"{block}.json"
        self._read: set[str] = set()
        self.anchors: list[Anchor] = []
        for path in sorted(folder.glob("*.json")):
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                found = [Anchor(**entry) for entry in kept["anchors"]]
                tables = [str(name) for name in kept["tables"]]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            self.anchors += found
            if path == self._own:
                self._read.update(tables)
                self._mine = found
        if not self._read:
            self._mine = []

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Read the anchors of fetched tables that were not read before, and keep them."""
        before = len(self._read)
        for outcome in outcomes:
            path = outcome.wanted.path
            if outcome.status not in ("fetched", "present") or path.name in self._read:
                continue
            self._read.add(path.name)
            try:
                found = read_anchors(path)
            except BadTable:
                continue  # ingest sets the table aside and says why
            self._mine += found
            self.anchors += found
        if len(self._read) > before:
            entries = [dataclasses.asdict(anchor) for anchor in self._mine]
            write_json(self._own, {"tables": sorted(self._read), "anchors": entries})


def follow_track(
    slots: Sequence[dt.datetime], region: Region, margin_deg: float, kept: KeptAnchors, fetch: Fetch
) -> list[Outcome]:
    """Fetch the tables among ``slots`` (in order of time) that can meet the region; return their outcomes.

    Half a day at a time: where only the orbit's plane is known and it passes the region, tables are fetched
    singly until one tells the phase; the others follow together. Where nothing is known at all, one slot an
    hour is probed. Tables fetched to learn from are in the outcomes too. If no probe of a stretch finds a
    table, the next stretch is probed.
    """
    done: dict[dt.datetime, Outcome] = {}

    def get(chosen: Sequence[dt.datetime]) -> bool:
        new = [slot for slot in chosen if slot not in done]
        outcomes = fetch(new) if new else []
        done.update(zip(new, outcomes, strict=True))
        before = len(kept.anchors)
        kept.learn(outcomes)
        return len(kept.anchors) > before

    position = 0
    while position < len(slots):
        until = slots[position] + STRETCH
        stretch = [slot for slot in slots[position : position + 1000] if slot < until]
        position += len(stretch)
        if not _plane_is_known(stretch[0], kept.anchors) and not any(
            get([slot]) for slot in stretch[::PROBE_EVERY]
        ):
            continue
        chosen = plan(stretch, region, kept.anchors, margin_deg)
        for slot in chosen:
            if phase_is_known(slot, kept.anchors):
                continue
            get([slot])
        get(plan(stretch, region, kept.anchors, margin_deg))
    return [done[slot] for slot in sorted(done)]


def _plane_is_known(slot: dt.datetime, anchors: Sequence[Anchor]) -> bool:
    moment = julian_date(slot)
    return any(abs(anchor.jdate - moment) <= PLANE_TRUSTED_DAYS for anchor in anchors)
