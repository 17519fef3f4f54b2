"""The STAC catalogue of a run: self-contained, so that the folder of the run may be moved or served as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pystac

from nightside.config import Settings
from nightside.publish.item import FILE, MOON, SSYS, file_asset, make_item, relative
from nightside.publish.products import ROOMS, Product, models, reports
from nightside.publish.thumbnail import thumbnail
from nightside.store import atomic_folder, own_folder, read_json


def write_catalogue(results: Path, folder: Path, products: Sequence[Product], settings: Settings) -> int:
    """Write the catalogue of a run's products, one collection a room; what was there is replaced.

    Args:
        results: the folder of the run.
        folder: where the catalogue goes, as ``catalog.json``; in ``results``, so that its links hold wherever that goes.
        products: see ``find_products``.
        settings: the configuration of the run.

    Returns:
        How many items it has.

    Raises:
        NotFinished: a GeoTIFF was made from another state of its store, or a network has no weights.
        ValueError: ``folder`` holds files of others.
    """
    own_folder(folder, "*.json", "*.png")
    catalog = pystac.Catalog(
        id=settings.name, title=f"nightside: {settings.name}",
        description=f"Every product of the run '{settings.name}' of nightside, on the Moon.",
    )  # fmt: skip
    with atomic_folder(folder) as partial:
        items: list[pystac.Item] = []
        for room in (r for r in ROOMS if any(p.room == r for p in products)):
            here = [
                make_item(
                    product, _picture(product, partial / room / product.name), folder / room / product.name
                )
                for product in products
                if product.room == room
            ]
            items += here
            collection = _collection(room, here)
            for path in reports(results, room):
                collection.add_asset(path.stem, file_asset(path, folder / room, ["metadata"], path.name))
            for card, weights in models(results, room):
                kind, name = read_json(card, "kind")["kind"], card.parent.name
                for part, path, role in (("card", card, "metadata"), ("weights", weights, "data")):
                    asset = file_asset(path, folder / room, [role], f"{part} of a trained network, {kind}")
                    collection.add_asset(f"{name}_{part}", asset)
            catalog.add_child(collection)
        by_digest = {item.properties["nightside:digest"]: item for item in items}
        for item in items:
            _link_inputs(item, by_digest)
        for path in reports(results, ""):
            catalog.add_link(pystac.Link("describedby", relative(path, folder), title=path.name))
        catalog.normalize_hrefs(str(folder.absolute()))
        catalog.save(pystac.CatalogType.SELF_CONTAINED, dest_href=str(partial.absolute()))
    return len(items)


def _picture(product: Product, place: Path) -> Path | None:
    png = thumbnail(product)
    if png is None:
        return None
    place.mkdir(parents=True, exist_ok=True)
    (place / "thumbnail.png").write_bytes(png)
    return place / "thumbnail.png"


def _collection(room: str, items: Sequence[pystac.Item]) -> pystac.Collection:
    boxes = [item.bbox for item in items if item.bbox is not None] or [[-180.0, -90.0, 180.0, 90.0]]
    # A box across 180 degrees has its west east of its east.
    across = any(west > east for west, _, east, _ in boxes)
    whole = [
        -180.0 if across else min(box[0] for box in boxes), min(box[1] for box in boxes),
        180.0 if across else max(box[2] for box in boxes), max(box[3] for box in boxes),
    ]  # fmt: skip
    times = [(i.common_metadata.start_datetime, i.common_metadata.end_datetime) for i in items]
    first, last = min(t for t, _ in times if t), max(t for _, t in times if t)
    collection = pystac.Collection(
        id=room,
        description=ROOMS[room],
        extent=pystac.Extent(pystac.SpatialExtent([whole]), pystac.TemporalExtent([[first, last]])),
        license="other",
        stac_extensions=[SSYS, FILE],
        extra_fields=dict(MOON),
    )
    collection.add_items(items)
    return collection


def _link_inputs(item: pystac.Item, by_digest: dict[str, pystac.Item]) -> None:
    """Link an item to those that it was made from."""
    for name, digest in item.properties["nightside:inputs"].items():
        source = by_digest.get(digest)
        if source is not None and source is not item:
            place = f"../../{source.collection_id}/{source.id}/{source.id}.json"
            item.add_link(pystac.Link("derived_from", place, pystac.MediaType.GEOJSON, title=name))
