"""What maps tell of places, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightside.query.places import Places

if TYPE_CHECKING:
    import pandas as pd


class Told(NamedTuple):
    """The values of a layer at the places of some numbers, (place,)."""

    numbers: NDArray[np.int64]
    product: str
    layer: str
    value: NDArray[Any]
    units: str
    meaning: str


def table_of(told: Sequence[Told], places: Places) -> pd.DataFrame:
    """Return a row for each layer at each place, place by place, beginning with its number, longitude and latitude."""
    import pandas as pd

    place = np.concatenate([each.numbers for each in told])
    counts = [len(each.numbers) for each in told]

    def text(key: str) -> NDArray[np.object_]:
        return np.repeat(np.array([getattr(each, key) for each in told], object), counts)

    frame = pd.DataFrame(
        {
            "place": place,
            "longitude": places.lon[place],
            "latitude": places.lat[place],
            "product": text("product"),
            "layer": text("layer"),
            "value": np.concatenate([each.value for each in told]).astype(np.float64),
            "units": text("units"),
            "meaning": text("meaning"),
        }
    )
    return frame.sort_values("place", kind="stable", ignore_index=True)
