"""The region to map and its grid."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from nightside.config.areas import find_area
from nightside.config.base import Section


class Region(Section):
    """A place on the Moon and the pixels that divide it.

    Give an ``area`` by name, a centre with a size, or (for the whole Moon) ``whole_moon: true``.
    """

    projection: Literal["equirectangular", "polar_stereographic"] = "equirectangular"
    area: str | None = Field(
        None, description="a name in config/areas_of_interest.csv; gives centre and size"
    )
    area_margin: float = Field(
        1.5, ge=1, le=20, description="the map is this many times as wide as the named area"
    )
    whole_moon: bool = Field(False, description="equirectangular, every longitude and latitude")
    longitude_deg: float | None = Field(None, ge=-180, lt=360, description="centre, degrees east")
    latitude_deg: float | None = Field(None, ge=-90, le=90, description="centre, degrees north")
    width_km: float | None = Field(None, gt=0, description="east-west size")
    height_km: float | None = Field(None, gt=0, description="north-south size; the width if absent")
    pixels_per_degree: float | None = Field(
        None,
        gt=0,
        le=131_072,
        description="equirectangular: pixels in one degree; 128 is the community's grid, 30323 are 1 m",
    )
    pixel_m: float | None = Field(None, gt=0, description="polar stereographic: size of a pixel")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ways = (self.area is not None) + self.whole_moon + (self.longitude_deg is not None)
        if ways != 1:
            raise ValueError("give exactly one of 'area', 'whole_moon: true', or a centre 'longitude_deg'")
        if self.area is not None:
            find_area(self.area)
        if self.longitude_deg is not None and (self.latitude_deg is None or self.width_km is None):
            raise ValueError("a centre needs 'longitude_deg', 'latitude_deg' and 'width_km'")
        if self.projection == "equirectangular":
            if self.pixels_per_degree is None or self.pixel_m is not None:
                raise ValueError("an equirectangular region needs 'pixels_per_degree' and no 'pixel_m'")
        elif self.pixel_m is None or self.pixels_per_degree is not None or self.whole_moon:
            raise ValueError("a polar stereographic region needs 'pixel_m' and a centre or an area")
        elif abs(self.centre[1]) < 65:
            raise ValueError("polar stereographic grids are for latitudes poleward of 65 degrees")
        return self

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the centre, in degrees."""
        if self.area is not None:
            place = find_area(self.area)
            return place.longitude_deg, place.latitude_deg
        if self.longitude_deg is None or self.latitude_deg is None:
            return 180.0, 0.0
        return self.longitude_deg, self.latitude_deg

    @property
    def size_km(self) -> tuple[float, float]:
        """East-west and north-south size in km."""
        if self.area is not None:
            place = find_area(self.area)
            return place.width_km * self.area_margin, place.height_km * self.area_margin
        width = self.width_km or 0.0
        return width, self.height_km or width
