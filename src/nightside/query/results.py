"""All products of a results folder as one lazy tree, and the questions that it answers.

    tree = nightside.open("results/demo")        # or "http://127.0.0.1:8000/demo"
    tree["thermal/maps"].anomaly_score           # any product, as xarray opens it
    tree.nightside.point(348.67, -43.29)         # the questions

Longitudes are degrees east, -180 to 180 or 0 to 360; latitudes planetocentric, degrees north.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from nightside import moon
from nightside.query.latents import layers, physical
from nightside.query.location import Location
from nightside.query.places import Box, OutsideCoverage, cell_of, cells_of, check_place
from nightside.query.products import Manifests, manifests
from nightside.query.window import cut
from nightside.store import NotFinished, grid_from, lonlat
from nightside.store.grid import central_meridian_deg, crs_of, from_lonlat, is_equirectangular
from nightside.store.manifest import refuse_variables

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from nightside.query.reconstruction import Reconstructor

_ROOT = "nightside_results"


def open_results(results: str | Path) -> xr.DataTree:
    """Open all products as one tree: ``thermal/maps``, ``physics/inversion``, ``optical/denoised/<image>`` and so on.

    Arrays are dask's, chunked as stored; each map has ``spatial_ref`` and GeoZarr attributes. Latents that follow a
    factor are in its units, see ``latents.physical``; the store itself holds them normalised. The accessor
    ``.nightside`` is a :class:`Query`. Over http the folder needs its index; see ``nightside index``.

    Raises:
        NotFinished: there are no results, or one is not finished, of another version, or not what its manifest says.
    """
    at = Location.of(results)
    found = manifests(at)
    tree = xr.DataTree.from_dict(
        {_name(path): physical(_opened(at, path, manifest, chunks={})) for path, manifest in found.items()}
    )
    tree.attrs[_ROOT] = at.root
    return tree


@xr.register_datatree_accessor("nightside")  # type: ignore[no-untyped-call]
class Query:
    """Questions to a tree from ``nightside.open``. Values are read from its stores, a chunk for each layer."""

    def __init__(self, tree: xr.DataTree) -> None:
        if _ROOT not in tree.attrs:
            raise ValueError("this tree is not the root of results; open them with nightside.open")
        self._tree = tree
        self.location = Location(tree.attrs[_ROOT])
        self._datasets: dict[str, xr.Dataset] = {}
        self._grids: dict[str, GeoBox] = {}

    def point(self, lon: float, lat: float) -> pd.DataFrame:
        """Return the values of every layer of every map at a place.

        Returns:
            Columns ``product``, ``layer``, ``value`` (NaN where unknown), ``units`` and ``meaning``; latents are a row
            each, in the units of the factor that they follow. ``attrs`` has longitude and latitude, and under
            ``not_covered`` the maps that do not reach the place.

        Raises:
            OutsideCoverage: no map does.
            ValueError: it is no place.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        missed = []
        check_place(lon, lat)
        for name in self._maps():
            cell = cell_of(self._grid(name), lon, lat)
            if cell is None:
                missed.append(name)
                continue
            maps = _of_a_map(self._dataset(name))
            with _readable(self.location, name):
                here = physical(maps.isel(y=cell[0], x=cell[1])).load()
            rows += [
                {
                    "product": name,
                    "layer": layer,
                    "value": float(value),
                    "units": units,
                    "meaning": value.attrs.get("long_name", ""),
                }
                for layer, value, units in layers(here)
            ]
        if not rows:
            raise self._outside(f"{lon:g} E, {lat:g} N", missed)
        frame = pd.DataFrame(rows)
        frame.attrs = {"longitude": lon, "latitude": lat, "not_covered": missed}
        return frame

    def profile(self, lon: float, lat: float, *, reconstruct: bool = True) -> xr.Dataset:
        """Return temperature and ``temperature_std`` (local_time), in K, at a place, over the lunar day.

        With ``reconstruct`` also ``reconstruction`` in K, what the trained autoencoder makes of the profile, and the
        ``latent_mean`` it does so from, in ``latent_units``; both only where the results hold a model, the profile is good and torch is
        installed (``nightside[train]``). ``attrs`` has longitude and latitude of the place and of the cell's centre.

        Raises:
            OutsideCoverage: the profiles do not reach there.
            ValueError: it is no place, or there are no profiles.
        """
        check_place(lon, lat)
        dataset, grid = self._dataset("thermal/profiles"), self._grid("thermal/profiles")
        cell = cell_of(grid, lon, lat)
        if cell is None:
            raise self._outside(f"{lon:g} E, {lat:g} N", ["thermal/profiles"])
        wanted = [name for name in ("temperature", "temperature_std", "quality") if name in dataset]
        with _readable(self.location, "thermal/profiles"):
            found = dataset[wanted].isel(y=cell[0], x=cell[1]).load().reset_coords(drop=True)
        centre = lonlat(grid, {"y": slice(cell[0], cell[0] + 1), "x": slice(cell[1], cell[1] + 1)})
        found.attrs = {
            "longitude": lon,
            "latitude": lat,
            "cell_longitude": float(centre[0][0, 0]),
            "cell_latitude": float(centre[1][0, 0]),
        }
        good = int(found.get("quality", 0)) == 0 and bool(np.isfinite(found["temperature"]).all())
        if reconstruct and good and self._reconstructor is not None:
            found = found.merge(self._reconstructor(found))
        return found

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
            raise self._outside(f"{lon_min:g} to {lon_max:g} E, {lat_min:g} to {lat_max:g} N", self._maps())
        return xr.DataTree.from_dict(windows)

    def anomalies(self, threshold: float, min_area_km2: float = 0.0) -> gpd.GeoDataFrame:
        """Return the outlined thermal anomalies; see ``nightside.query.anomalies.anomalies``.

        Raises:
            ValueError: there are no thermal maps.
        """
        from nightside.query.anomalies import anomalies

        with _readable(self.location, "thermal/maps"):
            return anomalies(self._dataset("thermal/maps"), threshold, min_area_km2)

    @cached_property
    def _found(self) -> Manifests:
        return manifests(self.location)

    @cached_property
    def _reconstructor(self) -> Reconstructor | None:
        from nightside.query.reconstruction import reconstructor

        return reconstructor(self.location)

    def _dataset(self, name: str) -> xr.Dataset:
        """Return a product opened without dask: the graph of a large store's chunks takes longer than the read."""
        if name not in self._datasets:
            path = f"{name}.zarr"
            if path not in self._found:
                there = ", ".join(_name(p) for p in self._found)
                raise ValueError(
                    f"{self.location} has no {name}; it has {there}: run the step that makes it, or ask these"
                )
            self._datasets[name] = _opened(self.location, path, self._found[path], chunks=None)
        return self._datasets[name]

    def _grid(self, name: str) -> GeoBox:
        if name not in self._grids:
            self._grids[name] = grid_from(self._dataset(name))
        return self._grids[name]

    def _maps(self) -> list[str]:
        return [_name(path) for path in self._found if "spatial:transform" in self._tree[_name(path)].attrs]

    def _outside(self, place: str, products: list[str]) -> OutsideCoverage:
        covered = "; ".join(f"{name}: {_extent(self._grid(name))}" for name in products)
        return OutsideCoverage(
            f"{place} is outside of all maps ({covered or 'there are none'}); ask within these"
        )


def _opened(at: Location, path: str, manifest: dict[str, Any], chunks: dict[str, int] | None) -> xr.Dataset:
    try:
        dataset = cast(
            xr.Dataset,
            xr.open_zarr(at.store(path), consolidated=True, decode_coords="all", chunks=cast(Any, chunks)),
        )
    except (OSError, ValueError, KeyError) as error:
        raise NotFinished(
            f"{at}/{path} was finished but has been damaged, or copied in part, since ({error}); copy it again, or "
            "remove it and run its step again"
        ) from error
    refuse_variables(dataset, manifest, f"{at}/{path}" if at.remote else Path(at.root, path))
    return dataset


@contextmanager
def _readable(at: Location, product: str) -> Iterator[None]:
    """Say of a chunk that cannot be decoded, of which zarr's codecs say no more than that, where it is."""
    try:
        yield
    except RuntimeError as error:
        raise NotFinished(
            f"{at}/{product}.zarr has a chunk that cannot be decoded ({error}): it is damaged, or copied in part; "
            "'nightside verify' names what is; copy it again, or remove it and run its step again"
        ) from error


def _of_a_map(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset without what is no map: without y or x, or over the lunar day."""
    return dataset.drop_vars(
        [n for n, v in dataset.data_vars.items() if not {"y", "x"} <= set(v.dims) or "local_time" in v.dims]
    )


def _extent(grid: GeoBox) -> str:
    rows, columns = (int(n) for n in grid.shape)
    column, row = np.meshgrid(np.linspace(0, columns, 65), np.linspace(0, rows, 65))
    a = grid.affine
    x, y = a.c + a.a * column, a.f + a.e * row
    if is_equirectangular(grid):
        degree = moon.metres_per_degree()
        lon, lat = x / degree + central_meridian_deg(grid), y / degree
    else:
        lon, lat = (np.asarray(v) for v in from_lonlat(crs_of(grid)).transform(x, y, direction="INVERSE"))
    signed = np.mod(lon - 180.0, 360.0) - 180.0
    turned = lon if np.ptp(lon) < np.ptp(signed) else signed
    return f"{turned.min():.2f} to {turned.max():.2f} E, {lat.min():.2f} to {lat.max():.2f} N"


def _name(path: str) -> str:
    return path.removesuffix(".zarr")
