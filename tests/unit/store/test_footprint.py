"""The outline of a grid in longitude and latitude holds the grid's cells and no other ground."""

import numpy as np
import pytest
from shapely import contains_xy
from shapely.geometry import shape

from nightside.config import Region
from nightside.store import cell_index, grid_of
from nightside.store.footprint import footprint

POLAR = {"projection": "polar_stereographic", "pixel_m": 500}
GRIDS = {
    "Tycho": Region(longitude_deg=348.67, latitude_deg=-43.29, width_km=200, pixels_per_degree=8),
    "across 180": Region(longitude_deg=179.9, latitude_deg=10.0, width_km=200, pixels_per_degree=8),
    "across 0": Region(longitude_deg=0.0, latitude_deg=10.0, width_km=200, pixels_per_degree=8),
    "whole Moon": Region(whole_moon=True, pixels_per_degree=1),
    "south pole": Region(longitude_deg=0, latitude_deg=-90, width_km=300, **POLAR),
    "north pole off centre": Region(longitude_deg=30, latitude_deg=89, width_km=200, **POLAR),
    "beside the pole": Region(longitude_deg=100, latitude_deg=-87, width_km=100, **POLAR),
    "polar across 180": Region(longitude_deg=180, latitude_deg=-86, width_km=200, **POLAR),
    "pole on an edge": Region(longitude_deg=90, latitude_deg=-(90 - 75 / 30.323), width_km=150, **POLAR),
}


@pytest.mark.parametrize("name", GRIDS)
def test_the_outline_holds_the_grid_and_nothing_else(name):
    grid = grid_of(GRIDS[name])
    geometry, bbox = footprint(grid)
    rng = np.random.default_rng(1)
    south, north = bbox[1], bbox[3]
    margin = max((north - south) / 5, 0.2)
    lat = rng.uniform(max(south - margin, -90), min(north + margin, 90), 20_000)
    lon = rng.uniform(-180, 180, lat.size)
    inside = cell_index(grid, lon, lat) >= 0
    outline = shape(geometry)
    assert outline.is_valid
    drawn = contains_xy(outline, lon, lat)
    # Edges of a polar grid are curves between the outline's points.
    assert (inside != drawn).mean() < 0.002
    west, east = bbox[0], bbox[2]
    within = (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
    assert (within & (lat >= south) & (lat <= north))[inside & drawn].all()


def test_what_crosses_180_degrees_is_cut_there_and_has_its_west_east_of_its_east():
    geometry, bbox = footprint(grid_of(GRIDS["across 180"]))
    assert geometry["type"] == "MultiPolygon"
    assert bbox[0] > bbox[2]


def test_a_pole_is_within_the_outline():
    _, bbox = footprint(grid_of(GRIDS["north pole off centre"]))
    assert (bbox[0], bbox[2], bbox[3]) == (-180.0, 180.0, 90.0)
