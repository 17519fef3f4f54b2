"""The questions that results answer: what is at a place, over a day, in a region, and where it is anomalous."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from odc.geo.geobox import GeoBox

from nightside.query.degrees import words
from nightside.query.latents import layers, physical
from nightside.query.location import Location
from nightside.query.opening import LEFT_OUT, ROOT, opened, product_of, readable
from nightside.query.places import Box, OutsideCoverage, Places, cells_at, cells_of, extent
from nightside.query.products import Manifests, sound
from nightside.query.told import Told, table_of
from nightside.query.window import at, cut, of_a_map
from nightside.store import NotFinished, grid_from, warn
from nightside.store.grid import lonlat_at

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from nightside.query.reconstruction import Reconstructor


@xr.register_datatree_accessor("nightside")  # type: ignore[no-untyped-call]
class Query:
    """Questions to a tree from ``nightside.open``. Values are read from its stores, a chunk for each layer."""

    def __init__(self, tree: xr.DataTree) -> None:
        if ROOT not in tree.attrs:
            raise ValueError("this tree is not the root of results; open them with nightside.open")
        self._tree = tree
        self.location = Location(tree.attrs[ROOT])
        self._left_out: dict[str, str] = tree.attrs.get(LEFT_OUT, {})
        self._datasets: dict[str, xr.Dataset] = {}
        self._grids: dict[str, GeoBox] = {}

    def point(self, lon: ArrayLike, lat: ArrayLike) -> pd.DataFrame:
        """Return the values of every layer of every map at a place, or at each of several.

        Args:
            lon: degrees east, a number, or a sequence with one for each place.
            lat: degrees north, likewise.

        Returns:
            Columns ``product``, ``layer``, ``value`` (NaN where unknown), ``units`` and ``meaning``; latents are a row
            each, in the units of the factor that they follow. Of several places also ``place``, its number from 0,
            ``longitude`` and ``latitude`` come first. ``attrs`` has under ``not_covered`` the maps that reach none of the
            places, and under ``outside`` the numbers of the places that no map reaches. A map that cannot be read there is
            left out with a warning.

        Raises:
            OutsideCoverage: no map does.
            NotFinished: none that does can be read.
            ValueError: it is no place.
        """
        places = Places.of(lon, lat)
        told: list[Told] = []
        missed, faults = [], []
        for name in self._maps():
            numbers, rows, columns = cells_at(self._grid(name), places)
            if not len(numbers):
                missed.append(name)
                continue
            try:
                with readable(self.location, name):
                    here = physical(at(of_a_map(self._dataset(name)), rows, columns)).load()
            except NotFinished as error:
                faults.append(str(error))
                continue
            told += [
                Told(numbers, name, layer, value.to_numpy(), units, value.attrs.get("long_name", ""))
                for layer, value, units in layers(here)
            ]
        if not told:
            raise NotFinished("\n".join(faults)) if faults else self._outside(str(places), missed)
        for fault in faults:
            warn(f"left out: {fault}")
        frame = table_of(told, places)
        outside = np.setdiff1d(np.arange(len(places.lon)), frame["place"]).tolist()
        if places.single:
            frame = frame.drop(columns=["place", "longitude", "latitude"])
            frame.attrs |= {"longitude": lon, "latitude": lat}
        frame.attrs |= {"not_covered": missed, "outside": outside}
        return frame

    def profile(self, lon: ArrayLike, lat: ArrayLike, *, reconstruct: bool = True) -> xr.Dataset:
        """Return temperature and ``temperature_std`` (local_time), in K, at a place, over the lunar day.

        With ``reconstruct`` also ``reconstruction`` in K, what the trained autoencoder makes of the profile, and the
        ``latent_mean`` it does so from, in ``latent_units``; both only where the results hold a model, the profile is good and torch is
        installed (``nightside[train]``). ``attrs`` has longitude and latitude of the place and of the cell's centre.

        Two sequences ask for several places: all has the dimension ``place``, whose coordinate is their number from 0, and
        longitudes and latitudes are coordinates. Places outside are left out.

        Raises:
            OutsideCoverage: the profiles do not reach there.
            NotFinished: the profiles are left out, or cannot be read.
            ValueError: it is no place, or there are no profiles.
        """
        places = Places.of(lon, lat)
        dataset, grid = self._dataset("thermal/profiles"), self._grid("thermal/profiles")
        numbers, rows, columns = cells_at(grid, places)
        if not len(numbers):
            raise self._outside(str(places), ["thermal/profiles"])
        wanted = [name for name in ("temperature", "temperature_std", "quality") if name in dataset]
        with readable(self.location, "thermal/profiles"):
            found = at(dataset[wanted], rows, columns).load().reset_coords(drop=True)
        cell = lonlat_at(grid, rows, columns)
        where = {
            "longitude": places.lon[numbers],
            "latitude": places.lat[numbers],
            "cell_longitude": cell[0],
            "cell_latitude": cell[1],
        }
        coords = {name: ("place", degrees, {"units": "degree"}) for name, degrees in where.items()}
        found = found.assign_coords({"place": numbers, **coords})
        good = np.isfinite(found["temperature"].to_numpy()).all(axis=1)
        if "quality" in found:
            good &= found["quality"].to_numpy() == 0
        if reconstruct and good.any() and self._reconstructor is not None:
            made = self._reconstructor(found.isel(place=np.flatnonzero(good)))
            found = found.merge(made.reindex(place=numbers))
        if not places.single:
            return found
        found.attrs = {name: float(degrees[0]) for name, degrees in where.items()}
        return found.isel(place=0).drop_vars(["place", *where])

    def region(self, lon_min: float, lon_max: float, lat_min: float, lat_max: float) -> xr.DataTree:
        """Return the window of every map that a box touches, lazily.

        The box runs eastward from ``lon_min``: 350 to 10, or -10 to 10, crosses 0. A window across the cut of a map of
        the whole Moon is joined, and its x goes on. Of a polar map it is the rectangle that holds the box.

        Raises:
            OutsideCoverage: it touches no map.
            ValueError: it is empty or no box.
        """
        box = Box.of(lon_min, lon_max, lat_min, lat_max)
        windows = {}
        for name in self._maps():
            cells = cells_of(self._grid(name), box)
            if cells is not None:
                windows[name] = cut(
                    cast(xr.DataTree, self._tree[name]).to_dataset(inherit=False), self._grid(name), cells
                )
        if not windows:
            asked = "{} to {} E, {} to {} N".format(*words(lon_min, lon_max, lat_min, lat_max))
            raise self._outside(asked, self._maps())
        return xr.DataTree.from_dict(windows)

    def anomalies(self, threshold: float, min_area_km2: float = 0.0) -> gpd.GeoDataFrame:
        """Return the outlined thermal anomalies; see ``nightside.query.anomalies.anomalies``.

        Raises:
            ValueError: there are no thermal maps.
        """
        from nightside.query.anomalies import anomalies

        with readable(self.location, "thermal/maps"):
            return anomalies(self._dataset("thermal/maps"), threshold, min_area_km2)

    @cached_property
    def _found(self) -> Manifests:
        there = {node.path.strip("/") for node in self._tree.leaves}
        found, _ = sound(self.location)
        return {path: manifest for path, manifest in found.items() if product_of(path) in there}

    @cached_property
    def _reconstructor(self) -> Reconstructor | None:
        from nightside.query.reconstruction import reconstructor

        return reconstructor(self.location)

    def _dataset(self, name: str) -> xr.Dataset:
        """Return a product opened without dask: the graph of a large store's chunks takes longer than the read."""
        if name not in self._datasets:
            path = f"{name}.zarr"
            if path not in self._found:
                for left, fault in self._left_out.items():
                    if Path(name).is_relative_to(left):  # itself, or its room behind a broken link
                        raise NotFinished(fault)
                there = ", ".join(map(product_of, self._found))
                raise ValueError(
                    f"{self.location} has no {name}; it has {there}: run the step that makes it, or ask these"
                )
            self._datasets[name] = opened(self.location, path, self._found[path], chunks=None)
        return self._datasets[name]

    def _grid(self, name: str) -> GeoBox:
        if name not in self._grids:
            self._grids[name] = grid_from(self._dataset(name))
        return self._grids[name]

    def _maps(self) -> list[str]:
        return [
            product_of(path)
            for path in self._found
            if "spatial:transform" in self._tree[product_of(path)].attrs
        ]

    def _outside(self, place: str, products: list[str]) -> OutsideCoverage:
        covered = "; ".join(f"{name}: {extent(self._grid(name))}" for name in products)
        left_out = f"; left out: {', '.join(self._left_out)}" if self._left_out else ""
        return OutsideCoverage(
            f"{place} is outside of all maps ({covered or 'there are none'}{left_out}); ask within these"
        )
