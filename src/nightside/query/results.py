"""All products of a results folder as one lazy tree, and the questions that it answers.

    tree = nightside.open("results/demo")        # or "http://127.0.0.1:8000/demo"
    tree["thermal/maps"].anomaly_score           # any product, as xarray opens it
    tree.nightside.point(348.67, -43.29)         # the questions

Longitudes are degrees east, -180 to 180 or 0 to 360; latitudes planetocentric, degrees north.
"""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from nightside.query import questions  # noqa: F401  registers the accessor
from nightside.query.latents import physical
from nightside.query.location import Location
from nightside.query.opening import LEFT_OUT, ROOT, opened, product_of
from nightside.query.products import sound
from nightside.store import NotFinished, warn


def open_results(results: str | Path) -> xr.DataTree:
    """Open all products as one tree: ``thermal/maps``, ``physics/inversion``, ``optical/denoised/<image>`` and so on.

    Arrays are dask's, chunked as stored; each map has ``spatial_ref`` and GeoZarr attributes. Latents that follow a
    factor are in its units, see ``latents.physical``; the store itself holds them normalised. The accessor
    ``.nightside`` is a :class:`nightside.query.questions.Query`. Over http the folder needs its index; see ``nightside index``.

    A store that is not finished, of another version, or not what its manifest says, is left out with a warning; the
    tree's attribute ``nightside_left_out`` says why.

    Raises:
        NotFinished: there are no results, or every one is left out.
    """
    tree = read_tree(results)
    tell_left_out(tree)
    return tree


def tell_left_out(tree: xr.DataTree, but: str = "") -> None:
    """Warn of the products that a tree lacks; not of ``but``, of which a question to it alone will tell."""
    for product, fault in tree.attrs[LEFT_OUT].items():
        if not (but and Path(but).is_relative_to(product)):
            warn(f"left out: {fault}")


def read_tree(results: str | Path) -> xr.DataTree:
    """Open all products as one tree without a warning; see :func:`open_results`."""
    at = Location.of(results)
    found, faults = sound(at)
    products = {}
    for path, manifest in found.items():
        try:
            products[product_of(path)] = physical(opened(at, path, manifest, chunks={}))
        except NotFinished as error:
            faults[path] = str(error)
    if not products:
        raise NotFinished("\n".join(faults.values()))
    tree = xr.DataTree.from_dict(products)
    tree.attrs |= {ROOT: at.root, LEFT_OUT: {product_of(path): fault for path, fault in faults.items()}}
    return tree
