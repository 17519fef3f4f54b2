"""Cloud-Optimised GeoTIFF: the form in which a map opens in any GIS."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from odc.geo.geobox import GeoBox

from nightside._version import __version__
from nightside.store.files import atomic_file, atomic_folder, own_folder, write_json
from nightside.store.grid import crs_code, crs_of
from nightside.store.manifest import provenance
from nightside.store.progress import wrote
from nightside.store.windows import windows

_WINDOW = 2048
"""Side of what is in memory at once, in pixels."""

_CACHE_MB = 256
"""Of GDAL, whose default grows with the machine."""

_RANGE_PIXELS = 4_000_000
"""From which the displayed range is taken, at most."""

_PROBE_BYTES = 1 << 20


@dataclass(frozen=True)
class Band:
    """What a map is: ``name`` of the variable, ``long_name`` in words, and UDUNITS ``units`` of scale x value + offset.

    ``comment`` says what else has to be known of it; ``codes`` what each value means, where they are codes. Both are kept as
    tags, the latter as CF's ``flag_values`` and ``flag_meanings``, and in the image's description.
    """

    name: str
    long_name: str
    units: str
    scale: float = 1.0
    offset: float = 0.0
    comment: str = ""
    codes: Mapping[int, str] = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, str]:
        """What a GeoTIFF keeps of it, but for name, units, scale and offset."""
        tags, description = {"long_name": self.long_name}, self.long_name
        if self.comment:
            tags["comment"] = self.comment
            description += f"; {self.comment}"
        if self.codes:
            tags["flag_values"] = " ".join(map(str, self.codes))
            tags["flag_meanings"] = " ".join(self.codes.values())
            description += ": " + ", ".join(f"{code} {meaning}" for code, meaning in self.codes.items())
        # Of TIFF itself, and therefore ASCII.
        return tags | {"TIFFTAG_IMAGEDESCRIPTION": description.encode("ascii", "replace").decode()}


PROVENANCE = "nightside_provenance"
"""The tag of a GeoTIFF that holds, as JSON, which store it was made from, and how."""


class Raster(Protocol):
    """A map that may be too large for memory: an array, or anything that gives a window of one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""

    def __getitem__(self, window: tuple[slice, slice], /) -> Any:
        """Return the values of some rows and columns."""


def write_cog(
    values: Raster,
    geobox: GeoBox,
    path: Path,
    band: Band,
    made_from: Mapping[str, Any] | None = None,
) -> None:
    """Write one map as a COG with overviews, its CRS, units and a colour-ready range.

    Overviews are made as a store's are: numbers averaged, whole numbers by the most frequent.

    The band's statistics are stored, which a GIS uses for its first stretch, and the 2nd and 98th
    percentile as the tags ``display_minimum`` and ``display_maximum``; both are of the values as stored, before
    scale and offset. Of a map of more than four million pixels the percentiles are those of every k-th row and column.

    Memory is that of a window and of GDAL's cache: the values go into a plain GeoTIFF beside ``path`` first, so that
    twice the map's size must be free on its disk.

    Args:
        values: shape (y, x); NaN where there is no data. Whole numbers of 8 and 16 bits keep their type, all of them
            data: codes of quality, counts. Anything else becomes float32.
        geobox: the grid of ``values``.
        path: the file, ``X.tif``.
        band: what it is; its name is kept as the band's description.
        made_from: the provenance of the values, see ``manifest.provenance``; it becomes the tag ``nightside_provenance``.

    Raises:
        ValueError: the shapes of values and grid differ.
        OSError: the disk is full, or GDAL's file is not what was written.
    """
    import rasterio
    from rasterio.shutil import copy

    if tuple(values.shape) != tuple(geobox.shape):
        raise ValueError(
            f"{path.name}: values have shape {tuple(values.shape)}, the grid {tuple(geobox.shape)}"
        )
    codes = values.dtype in (np.uint8, np.int16, np.uint16)
    stored = values.dtype.name if codes else "float32"
    tags = {} if made_from is None else {PROVENANCE: json.dumps(made_from)}
    with (
        atomic_file(path) as partial,
        TemporaryDirectory(prefix=".plain-", dir=path.parent) as beside,
        _full_disk_told(Path(beside)),
        rasterio.Env(GDAL_CACHEMAX=_CACHE_MB),
    ):
        plain, cog = Path(beside) / "plain.tif", Path(beside) / "cog.tif"
        known = _write_plain(values, geobox, plain, band, stored, tags)
        copy(
            plain,
            cog,
            driver="COG",
            COMPRESS="ZSTD",
            PREDICTOR="YES",
            BIGTIFF="IF_SAFER",
            OVERVIEWS="AUTO",
            OVERVIEW_RESAMPLING="MODE" if codes else "AVERAGE",
            STATISTICS="YES" if known else "NO",
        )
        # GDAL may lose what no longer fits on the disk without a word.
        with rasterio.open(plain) as wanted, rasterio.open(cog) as made:
            if wanted.checksum(1) != made.checksum(1):
                raise OSError(
                    f"{path}: was not written whole; check the disk, then run the same command again"
                )
        cog.replace(partial)


def check_whole(path: Path) -> None:
    """Make sure that a GeoTIFF's file holds every block that its directory names, of the map itself.

    GDAL opens a copy that ended early, and some readers take what is missing for zeros.

    Raises:
        OSError: the file ends early.
        rasterio.RasterioIOError: the file cannot be opened.
    """
    import rasterio

    size = path.stat().st_size
    with rasterio.open(path) as raster:
        for (row, column), _ in raster.block_windows(1):
            start, length = (
                raster.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", bidx=1)
                for what in ("OFFSET", "SIZE")
            )
            # A block of nothing but no data may lie nowhere.
            if start is not None and (end := int(start) + int(length)) > size:
                raise OSError(f"it ends after {size} bytes, and a part lies at {end}; copy it anew")


def _write_plain(
    values: Raster, geobox: GeoBox, path: Path, band: Band, dtype: str, tags: Mapping[str, str]
) -> bool:
    """Write a map window by window as a tiled GeoTIFF; return whether it has any value."""
    import rasterio
    from rasterio import windows as of

    rows, columns = (int(n) for n in geobox.shape)
    every = max(math.ceil(math.sqrt(rows * columns / _RANGE_PIXELS)), 1)
    shown = []
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=dtype,
        count=1,
        height=rows,
        width=columns,
        crs=crs_of(geobox).to_wkt(),
        transform=geobox.affine,
        nodata=float("nan") if dtype == "float32" else None,
        tiled=True,
        bigtiff="IF_SAFER",
    ) as raster:
        for window in windows((rows, columns), _WINDOW):
            y, x = window["y"], window["x"]
            block = np.asarray(values[y, x]).astype(dtype, copy=False)
            raster.write(block, 1, window=of.Window.from_slices(y, x))
            thinned = block[-y.start % every :: every, -x.start % every :: every]
            shown.append(thinned[np.isfinite(thinned)])
        raster.set_band_description(1, band.name)
        raster.set_band_unit(1, band.units)
        if (band.scale, band.offset) != (1.0, 0.0):
            raster.scales, raster.offsets = (band.scale,), (band.offset,)
        raster.update_tags(
            **band.tags, iau_code=crs_code(geobox), software=f"nightside {__version__}", **tags
        )
        finite = np.concatenate(shown)
        if finite.size:
            low, high = np.percentile(finite, [2, 98])
            raster.update_tags(display_minimum=f"{low:.6g}", display_maximum=f"{high:.6g}")
    return bool(finite.size)


@contextmanager
def _full_disk_told(folder: Path) -> Iterator[None]:
    """Where GDAL fails to write into ``folder`` let Python try, whose error says whether the disk is full."""
    try:
        yield
    except Exception:
        with (folder / "probe").open("wb") as probe:
            probe.write(bytes(_PROBE_BYTES))
            os.fsync(probe.fileno())
        raise


def write_cogs(
    layers: Iterable[tuple[Raster, Band]], geobox: GeoBox, folder: Path, listing: Path, store: Path
) -> None:
    """Write the maps of a store as one folder of COGs, each called after its band; what was there is replaced.

    Args:
        layers: values (y, x) and what they are.
        geobox: their grid.
        folder: where the COGs go.
        listing: a JSON that lists them and names the store.
        store: where the layers come from; each COG bears its provenance.

    Raises:
        NotFinished: the store is not.
        ValueError: the folder holds files of others, or a map does not fit the grid.
    """
    made_from = provenance(store)
    own_folder(folder, "*.tif")
    listing.unlink(missing_ok=True)
    names = []
    with atomic_folder(folder) as partial:
        for values, band in layers:
            names.append(f"{band.name}.tif")
            write_cog(values, geobox, partial / names[-1], band, made_from)
    write_json(listing, {"folder": folder.name, "store": store.name, "files": names})
    wrote(folder, ", ".join(names))
