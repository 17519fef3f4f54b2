"""The products of a run: its finished stores, and the GeoTIFFs and pictures that were made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import xarray as xr

from nightside.config import Settings
from nightside.formats.model_files import CARD, WEIGHTS
from nightside.store import NotFinished, open_store, read_json, read_manifest
from nightside.store.links import broken_links

ROOMS: dict[str, str] = {
    "thermal": "Diviner temperatures, their profiles over the lunar day, and maps of what shapes them",
    "physics": "Properties of the ground, inverted with a heat model of the regolith",
    "optical": "LROC NAC images of shadow: calibrated, denoised, and on a map",
}
"""The folders of a run that hold products, and what is in them."""

REPORTS: dict[str, tuple[str, ...]] = {
    "": ("config.yaml", "report.html"),
    "thermal": ("evaluation.json",),
    "physics": ("oscillator.json",),
    "optical": ("evaluation.json", "report.html"),
}
"""Files about a room's products, those of the whole run under the empty name."""

GCP_DAYS = (date(2009, 7, 5), date(2015, 4, 1))
"""First and last day of the observations in the archive's gridded tables, which have no period of their own."""

Period = tuple[datetime, datetime]


@dataclass(frozen=True)
class Product:
    """A finished store, its manifest, the maps that were made from it, and when its data were taken (UTC)."""

    room: str
    store: Path
    manifest: Mapping[str, Any]
    maps: tuple[Path, ...]
    period: Period

    @property
    def name(self) -> str:
        """Its name in the run: ``thermal-maps``, ``optical-denoised-M103595705LE``."""
        inner = self.store.with_suffix("").parts
        return "-".join(inner[inner.index(self.room) :])

    def open(self) -> xr.Dataset:
        """Return the store, lazily."""
        return open_store(self.store, chunked=False)


def find_products(results: Path, settings: Settings) -> tuple[list[Product], list[str]]:
    """Return the products of a run, and why stores, and rooms behind broken links, were left out.

    Raises:
        NotFinished: nothing is finished, or maps are listed that are not there, or of an unknown store.
    """
    stores = [
        (room, listing.with_suffix(""))
        for room in ROOMS
        for listing in sorted([*results.glob(f"{room}/*.zarr.json"), *results.glob(f"{room}/*/*.zarr.json")])
    ]
    manifests = {store: read_manifest(store) for _, store in stores}
    maps = {listed: files for room in ROOMS for listed, files in _maps(results / room).items()}
    if unknown := maps.keys() - manifests.keys():
        raise NotFinished(f"{min(unknown)} has GeoTIFFs but is not finished; run its step again")
    periods = _periods(stores, manifests, settings)
    found, left_out = [], list(broken_links(results, ROOMS).values())
    for room, store in stores:
        if store in periods:
            found.append(Product(room, store, manifests[store], tuple(maps.get(store, ())), periods[store]))
        else:
            left_out.append(f"{store.relative_to(results)}: no observation, so that it has no time")
    if not found:
        raise NotFinished(f"{results} holds no finished store; run the workflow, or give the folder of a run")
    return found, left_out


def reports(results: Path, room: str) -> list[Path]:
    """Return the files about a room's products that are there; those of the whole run for an empty name."""
    return [results / room / name for name in REPORTS.get(room, ()) if (results / room / name).is_file()]


def models(results: Path, room: str) -> list[tuple[Path, Path]]:
    """Return card and weights of each network that was trained in a room.

    Raises:
        NotFinished: the weights of one are not there.
    """
    found = [(card, card.with_name(WEIGHTS)) for card in sorted((results / room).glob(f"*/{CARD}"))]
    if missing := [weights for _, weights in found if not weights.is_file()]:
        raise NotFinished(f"{missing[0]} is not there, but its {CARD} is; run the training step again")
    return found


def _maps(room: Path) -> dict[Path, list[Path]]:
    """Return the GeoTIFFs of a room by the store that they were made from."""
    maps = {}
    for listing in sorted(room.glob("cog*.json")):
        listed = read_json(listing, "folder", "files", "store")
        files = [room / listed["folder"] / name for name in listed["files"]]
        if missing := [file for file in files if not file.is_file()]:
            raise NotFinished(f"{missing[0]} is listed in {listing} but is not there; run its step again")
        maps[room / listed["store"]] = files
    return maps


def _campaign(settings: Settings) -> Period | None:
    """Return the days of the temperature tables, if there are any."""
    if settings.diviner is None:
        return None
    first, last = settings.diviner.start or GCP_DAYS[0], settings.diviner.end or GCP_DAYS[1]
    return _time(first.isoformat()), _time(last.isoformat()) + timedelta(days=1)


def _periods(
    stores: Sequence[tuple[str, Path]], manifests: Mapping[Path, Mapping[str, Any]], settings: Settings
) -> dict[Path, Period]:
    """Return when the data of each store were taken: by itself, by what it was made from, or by the configuration."""
    campaign, found = _campaign(settings), dict[Path, Period]()
    for room, store in stores:
        dataset = xr.open_zarr(store, consolidated=True, chunks=None)
        if {"start_time", "stop_time"} <= dataset.attrs.keys():
            found[store] = (_time(dataset.attrs["start_time"]), _time(dataset.attrs["stop_time"]))
        elif "time" in dataset.variables and dataset["time"].dtype.kind == "M":
            times = dataset["time"].to_numpy().astype("datetime64[s]")
            found[store] = (_time(str(times.min())), _time(str(times.max())))
        elif room != "optical" and campaign is not None:
            found[store] = campaign
    by_digest = {manifests[store]["digest"]: store for _, store in stores}
    for _, store in stores:
        made_from = [by_digest.get(digest) for digest in manifests[store]["inputs"].values()]
        known = [found[source] for source in made_from if source is not None and source in found]
        if store not in found and known:
            found[store] = (min(first for first, _ in known), max(last for _, last in known))
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z") + "+00:00")
