"""Opening the store of a product, and saying which one it is that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import xarray as xr

from nightside.query.location import Location, forbidden
from nightside.store import NotFinished
from nightside.store.manifest import refuse_variables

ROOT = "nightside_results"
LEFT_OUT = "nightside_left_out"
"""Attributes of a tree: where the results lie, and what is wrong with products that are not in it, by their name."""


def opened(at: Location, path: str, manifest: dict[str, Any], chunks: dict[str, int] | None) -> xr.Dataset:
    """Open the store at a path below the root, by dask or, without ``chunks``, as xarray alone does.

    Raises:
        NotFinished: it cannot be opened, or is not what its manifest says: of a layer that is gone the consolidated
            metadata still tell, and zarr would read it as unknown.
    """
    layers = {f"{path}/{name}/zarr.json": name for name in manifest.get("variables", {})}
    try:
        dataset = cast(
            xr.Dataset,
            xr.open_zarr(at.store(path), consolidated=True, decode_coords="all", chunks=cast(Any, chunks)),
        )
        gone = [layers[file] for file in at.absent(list(layers))]
    except PermissionError as error:
        raise NotFinished(forbidden(error.filename)) from error
    except (OSError, ValueError, KeyError) as error:
        raise NotFinished(
            f"{at}/{path} was finished but has been damaged, or copied in part, since ({error}); copy it again, or "
            "remove it and run its step again"
        ) from error
    refuse_variables(dataset.drop_vars(gone, errors="ignore"), manifest, f"{at}/{path}")
    return dataset


@contextmanager
def readable(at: Location, product: str) -> Iterator[None]:
    """Say of a chunk that cannot be decoded, of which zarr's codecs say no more than that, where it is; or not read."""
    try:
        yield
    except PermissionError as error:
        raise NotFinished(forbidden(error.filename)) from error
    except RuntimeError as error:
        raise NotFinished(
            f"{at}/{product}.zarr has a chunk that cannot be decoded ({error}): it is damaged, or copied in part; "
            "'nightside verify' names what is; copy it again, or remove it and run its step again"
        ) from error


def product_of(path: str) -> str:
    """Return the name of the product at a path: ``thermal/maps`` of ``thermal/maps.zarr``."""
    return path.removesuffix(".zarr")
