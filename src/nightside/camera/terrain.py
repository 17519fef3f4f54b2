"""The shape of the ground as heights on a map, which a ray can meet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside import moon
from nightside.camera import line_scan_kernel as kernel

Projection = Literal["equirectangular", "north_polar", "south_polar"]

_KINDS: dict[Projection, int] = {
    "equirectangular": kernel.EQUIRECTANGULAR,
    "north_polar": kernel.NORTH_POLAR,
    "south_polar": kernel.SOUTH_POLAR,
}


@dataclass(frozen=True)
class Terrain:
    """Heights above the sphere, bilinear between pixels.

    Attributes:
        height_m: shape (row, column), float32; NaN where unknown.
        projection: equirectangular, with the equator as its parallel of true scale, or polar stereographic, true at
            the pole; both of the sphere.
        x_m: of the first column's centre.
        y_m: of the first row's centre.
        pixel_x_m: from column to column.
        pixel_y_m: from row to row, negative where the first row is the northernmost.
        central_meridian_deg: of the projection, degrees east.
        whole_turn: columns of 360 degrees of longitude; 0 where the map does not go round the Moon.
    """

    height_m: NDArray[np.float32]
    projection: Projection
    x_m: float
    y_m: float
    pixel_x_m: float
    pixel_y_m: float
    central_meridian_deg: float = 0.0
    whole_turn: int = 0

    def __post_init__(self) -> None:
        """Refuse a terrain that knows no height.

        Raises:
            ValueError: it does not have two dimensions, or every height is NaN.
        """
        if self.height_m.ndim != 2 or not np.isfinite(self.height_m).any():
            raise ValueError("the elevation model has no height here; give one that covers the image")

    @cached_property
    def heights(self) -> NDArray[np.float32]:
        """The heights as the compiled functions want them."""
        return np.ascontiguousarray(self.height_m, dtype=np.float32)

    @cached_property
    def place(self) -> NDArray[np.float64]:
        """Where the pixels lie, as :mod:`nightside.camera.line_scan_kernel` wants it."""
        x_m, meridian = self.x_m, np.deg2rad(self.central_meridian_deg)
        if self.projection == "equirectangular":
            # Longitudes are taken within half a turn of the middle column, so that a map may cross any meridian.
            middle = x_m + self.pixel_x_m * (self.height_m.shape[1] - 1) / 2
            x_m, meridian = x_m - middle, meridian + middle / moon.RADIUS_M
        return np.array([
            _KINDS[self.projection], x_m, self.pixel_x_m, self.y_m, self.pixel_y_m, meridian, moon.RADIUS_M,
            self.whole_turn,
        ])  # fmt: skip

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """Lowest and highest height, and the step of a ray's march, half a pixel, in metres."""
        step = 0.5 * min(abs(self.pixel_x_m), abs(self.pixel_y_m))
        return np.array([np.nanmin(self.heights), np.nanmax(self.heights), step])

    def at(self, longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> NDArray[np.float64]:
        """Return heights above the sphere in metres; NaN where the map knows none."""
        lon, lat = np.broadcast_arrays(np.asarray(longitude_deg, float), np.asarray(latitude_deg, float))
        out = np.empty(lon.size)
        kernel.heights_at(np.deg2rad(lon).ravel(), np.deg2rad(lat).ravel(), self.heights, self.place, out)
        return out.reshape(lon.shape)
