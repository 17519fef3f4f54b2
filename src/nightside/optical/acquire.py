"""The EDRs of a run, on disk: listed from a folder, or fetched from the archive and checked by their MD5."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from nightside.config import ConfigError, Settings
from nightside.config.nac import Products, checked_product
from nightside.download import Outcome, Wanted, fetch_all
from nightside.formats import BadImage
from nightside.optical import archive
from nightside.optical.edr import open_file
from nightside.optical.images import images_of

What = Literal["images", "darks"]
Inventory = dict[str, Any]
"""``what``, ``source``, ``folder``, ``files`` (product_id, path below the folder, bytes), ``missing``, ``failed``."""

INDEX_FOLDER = "index"
"""Below the folder of downloads: volume indices that were needed to find a product."""


class NoImages(ValueError):
    """There is nothing to work on; the message says where images were looked for, and the remedy."""


def product_of(entry: str) -> str:
    """Return the product id of an entry of a list: itself, or the name of the file that an address ends with."""
    return entry.rpartition("/")[2].partition(".")[0].upper() if "/" in entry else entry


def entries(listed: Products) -> list[str]:
    """Return the ids and addresses of a list, each product once, in order.

    Raises:
        ConfigError: the file of products cannot be read, or a line of it names no NAC EDR.
    """
    found = {product_of(entry): entry for entry in listed.products}
    if listed.products_file is not None:
        for number, line in enumerate(_lines(listed.products_file), 1):
            entry = line.partition("#")[0].strip()
            if not entry:
                continue
            try:
                found.setdefault(product_of(checked_product(entry)), entry)
            except ValueError as error:
                raise ConfigError(f"{listed.products_file}, line {number}: {error}") from None
    return list(found.values())


def products(settings: Settings, what: What = "images", folder: Path | None = None) -> list[str]:
    """Return the product ids of a run: those of the list, or without one all in the folder.

    Without a list, darks are none: what lies in the folder are the images.

    Raises:
        ConfigError: there is no optical section, or the list is wrong.
    """
    images = images_of(settings)
    listed = images if what == "images" else images.darks
    if listed.given:
        return [product_of(entry) for entry in entries(listed)]
    place = folder or images.folder
    if what == "darks" or place is None or not place.is_dir():
        return []
    darks = set(products(settings, "darks"))
    return [product for product in sorted(_in_folder(place)) if product not in darks]


def acquire(settings: Settings, folder: Path, what: What = "images") -> Inventory:
    """Return the inventory of a run's EDRs in ``folder``, having fetched them where the source is ``pds``.

    A product that the archive does not have is ``missing``; one that could not be fetched, or whose pixels do not have
    the MD5 of its label, is ``failed``, with the reason. A bad download is kept beside its name as ``.bad``.

    Raises:
        NoImages: there is no image at all; the message says why.
        ConfigError: the list is wrong.
        OSError: the disk is full.
    """
    images = images_of(settings)
    if images.source == "pds":
        listed = entries(images if what == "images" else images.darks)
        outcomes = _fetch(settings, listed, folder)
        here = {p: o.wanted.path for p, o in outcomes.items() if o.status in ("fetched", "present")}
        missing = [p for p, o in outcomes.items() if o.status == "missing"]
        failed = {p: o.reason for p, o in outcomes.items() if o.status in ("broken", "failed")}
    else:
        found = _in_folder(folder)
        wanted = products(settings, what, folder)
        here = {p: found[p] for p in wanted if p in found}
        missing, failed = [p for p in wanted if p not in found], {}
    if not here:
        _refuse_nothing(settings, folder, what, missing, failed)
    return {
        "what": what,
        "source": images.source,
        "folder": str(folder),
        "files": [
            {"product_id": p, "path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size}
            for p, path in here.items()
        ],
        "missing": sorted(missing),
        "failed": dict(sorted(failed.items())),
    }


def _refuse_nothing(
    settings: Settings, folder: Path, what: What, missing: Sequence[str], failed: dict[str, str]
) -> None:
    images = images_of(settings)
    if not missing and not failed:
        if what == "darks":
            return  # a run need not have darks
        raise NoImages(
            f"{folder}: no NAC EDR (such as M103595705LE.IMG) in it or below; correct optical.images.folder"
        )
    if failed:
        raise NoImages(
            f"all {len(failed)} downloads failed, the first: {next(iter(failed.values()))}; check the network and "
            "optical.images.archive_url, then run the same command again"
        )
    if images.source == "pds":
        raise NoImages(
            f"the archive has none of the {len(missing)} products, the first: {missing[0]}; check the ids, or give "
            "addresses"
        )
    raise NoImages(
        f"{folder}: none of the {len(missing)} products is in it or below, the first: {missing[0]}.IMG; correct "
        "optical.images.folder or the list"
    )


def _fetch(settings: Settings, listed: Sequence[str], folder: Path) -> dict[str, Outcome]:
    """Fetch each product from the first place that has it: likely paths, then what the volumes' indices say."""
    source = images_of(settings)
    root = source.archive_url.rstrip("/")
    fetch = partial(fetch_all, parallel=source.parallel, retries=source.retries, timeout_s=source.timeout_s)
    places = {
        product_of(e): [e] if "/" in e else [f"{root}/{path}" for path in archive.candidates(e)]
        for e in listed
    }
    outcomes: dict[str, Outcome] = {}

    def attempt(addresses: dict[str, str]) -> None:
        wanted = [
            Wanted(url, folder / f"{product}.IMG", fault=edr_fault) for product, url in addresses.items()
        ]
        outcomes.update(zip(addresses, fetch(wanted), strict=True))

    def missing() -> list[str]:
        return [p for p in places if p not in outcomes or outcomes[p].status == "missing"]

    for number in range(max((len(urls) for urls in places.values()), default=0)):
        attempt({p: places[p][number] for p in missing() if number < len(places[p])})
    lost = [product_of(e) for e in listed if "/" not in e and product_of(e) in missing()]
    if lost:
        found = _look_up(lost, root, folder / INDEX_FOLDER, fetch)
        attempt({p: url for p, url in found.items() if url not in places[p]})
    return outcomes


def _look_up(lost: Sequence[str], root: str, kept: Path, fetch: Any) -> dict[str, str]:
    """Return the addresses of products that are not where they should be, by the indices of their volumes.

    An index that was fetched is kept: volumes do not change once they are complete.
    """
    names = list(dict.fromkeys(name for product in lost for name in archive.volumes(product)))
    indices = [Wanted(f"{root}/{archive.index_path(name)}", kept / f"{name}.TAB") for name in names]
    found: dict[str, str] = {}
    for outcome in fetch(indices):
        if outcome.status in ("fetched", "present"):
            with outcome.wanted.path.open(encoding="latin-1", newline="") as rows:
                found |= archive.paths_in_index(rows, lost)
    return {product: f"{root}/{path}" for product, path in found.items()}


def edr_fault(path: Path) -> str | None:
    """Return what is wrong with a downloaded EDR, by its label and the MD5 of its pixels, or None."""
    try:
        open_file(path)
    except BadImage as fault:
        return str(fault).removeprefix(f"{path}: ")
    return None


def _in_folder(folder: Path) -> dict[str, Path]:
    """Return the EDRs in or below a folder by product; one that lies there twice counts once."""
    if not folder.is_dir():
        raise NoImages(f"{folder}: no such folder; set optical.images.folder to where the EDRs lie")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        product = path.stem.upper()
        if path.suffix.upper() == ".IMG" and archive.is_edr(product) and path.is_file():
            found.setdefault(product, path)
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); correct products_file, a text with one product a line"
        ) from None
