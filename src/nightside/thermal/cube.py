"""The cube: additive bins of every block summed, then reduced to mean, standard deviation and count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightside.store import MAP_CHUNK

if TYPE_CHECKING:
    import xarray as xr


def cube_from_bins(
    n: NDArray[np.integer], sum_k: NDArray[np.float64], sum_k2: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Return mean, standard deviation (both K) and count of bins of one shape.

    ``n`` counts observations, ``sum_k`` (K) and ``sum_k2`` (K^2) are the sums of them and of their squares. The mean
    is NaN where n is 0; the deviation (divided by n - 1) is NaN where n is below 2, and 0 where the difference of
    the sums is below their rounding error. Raises ValueError if n is negative or exceeds 2^31 - 1.
    """
    if n.size and (n.min() < 0 or n.max() > np.iinfo(np.int32).max):
        raise ValueError(f"counts must lie in 0..2147483647, found {n.min()}..{n.max()}; re-run ingest")
    safe = np.maximum(n, 1)
    mean = sum_k / safe
    excess = sum_k2 - sum_k * mean
    # n additions of numbers of like sign err by at most n eps times their sum, typically by far less.
    excess[excess < 4 * np.finfo(np.float64).eps * sum_k2 * np.sqrt(safe)] = 0.0
    deviation = np.where(n > 1, np.sqrt(excess / np.maximum(n - 1, 1)), np.nan)
    return np.where(n > 0, mean, np.nan).astype(np.float32), deviation.astype(np.float32), n.astype(np.int32)


def cube_dataset(blocks: Sequence[xr.Dataset], *, rows: int = MAP_CHUNK) -> xr.Dataset:
    """Return the cube of blocks of bins, ``rows`` rows of the map at a time; lazy blocks are read as it goes.

    Each block has ``n``, ``sum_k`` and ``sum_k2`` on (y, x, local_time) of one grid. The result has
    ``brightness_temperature``, ``brightness_temperature_std`` (K) and ``count`` on the same grid. Raises ValueError
    without blocks, or if their shapes differ.
    """
    import xarray as xr

    if not blocks:
        raise ValueError("no bins to add up; run ingest for at least one block")
    sizes = [tuple(block.sizes[dim] for dim in ("y", "x", "local_time")) for block in blocks]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"blocks of bins differ in shape (y, x, local_time): {sorted(set(sizes))}; re-run ingest"
        )
    mean = np.empty(sizes[0], dtype=np.float32)
    deviation, count = np.empty_like(mean), np.empty(sizes[0], dtype=np.int32)
    for top in range(0, sizes[0][0], rows):
        part = slice(top, top + rows)
        n, sum_k, sum_k2 = (_added(blocks, name, part, kind) for name, kind in _SUMS)
        mean[part], deviation[part], count[part] = cube_from_bins(n, sum_k, sum_k2)
    day = ("y", "x", "local_time")
    return xr.Dataset(
        {
            "brightness_temperature": (day, mean, {"units": "K", "long_name": "mean brightness temperature"}),
            "brightness_temperature_std": (
                day,
                deviation,
                {"units": "K", "long_name": "standard deviation of brightness temperature"},
            ),
            "count": (day, count, {"units": "1", "long_name": "number of observations"}),
        },
        coords={
            "local_time": (
                "local_time",
                (np.arange(sizes[0][2]) + 0.5) * 24.0 / sizes[0][2],
                {"units": "h", "long_name": "lunar hours after midnight, bin centre"},
            )
        },
    )


_SUMS: tuple[tuple[str, Any], ...] = (("n", np.int64), ("sum_k", np.float64), ("sum_k2", np.float64))


def _added(blocks: Sequence[xr.Dataset], name: str, part: slice, kind: Any) -> NDArray[Any]:
    total: NDArray[Any] | None = None
    for block in blocks:
        array = block[name].transpose("y", "x", "local_time").isel(y=part).to_numpy().astype(kind)
        total = array if total is None else total + array
    assert total is not None
    return total
