"""EDR files and their stores: where the pixels of a file lie, and the numbers of an image as a dataset."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.camera.companding import decompand
from nightside.camera.layout import layout
from nightside.formats import BadImage
from nightside.formats.nac import EdrLabel, Housekeeping
from nightside.optical.edr_label import LABEL_MAX_BYTES, LabelOfFile, parse_label
from nightside.optical.gaps import lost_samples
from nightside.store import open_store

KIND = "nac_edr"

Numbers = Callable[[int, int], NDArray[np.uint8]]
"""Gives lines ``first`` to ``last`` (exclusive) of an image, (line, sample)."""

_TUPLES = {"xterm": int, "bterm": int, "mterm": float}
_TIMES = ("start_time", "stop_time")


@dataclass(frozen=True)
class EdrFile:
    """An EDR whose label was read and whose pixels were found.

    Attributes:
        path: the file.
        label: its typed label.
        offset: of the first pixel, in bytes from 0.
        lines_whole: lines that are there; fewer than ``label.lines`` in a truncated file that was accepted.
        mirrored: whether the file holds the samples in opposite order; ``numbers`` turns them.
        warnings: what is odd about the file, and what was done about it.
    """

    path: Path
    label: EdrLabel
    offset: int
    lines_whole: int
    mirrored: bool
    warnings: tuple[str, ...] = ()

    def numbers(self, first: int = 0, last: int | None = None) -> NDArray[np.uint8]:
        """Return lines ``first`` to ``last`` (exclusive), uint8 (line, sample), in the order of ``camera.layout``.

        Lines that a truncated file lacks are 0.
        """
        label = self.label
        lines = range(label.lines)[first:last]
        out = np.zeros((len(lines), label.samples), np.uint8)
        there = max(min(lines.stop, self.lines_whole) - lines.start, 0)
        if there:
            pixels = np.memmap(
                self.path, np.uint8, "r", self.offset + lines.start * label.samples, (there, label.samples)
            )
            out[:there] = pixels[:, ::-1] if self.mirrored else pixels
        return out


def open_file(path: Path, *, check_md5: bool = True, keep_truncated: bool = False) -> EdrFile:
    """Read the label of an EDR and find its pixels.

    Args:
        path: the .IMG file.
        check_md5: refuse pixels whose MD5 is not the label's.
        keep_truncated: accept a file that ends early, for the lines that are whole; their MD5 cannot be checked.

    Raises:
        BadImage: it is no NAC EDR, it is damaged, or its pixels cannot be found; the message has the remedy.
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        found = parse_label(handle.read(LABEL_MAX_BYTES), path)
    label, size = found.label, path.stat().st_size
    image_bytes = label.lines * label.samples
    offset: int = found.pointer
    warnings: tuple[str, ...] = ()
    impossible = found.pointer < found.end or found.pointer + image_bytes > size
    md5 = "" if impossible else _md5(path, offset, image_bytes)
    elsewhere = None
    if impossible or md5 != label.md5:
        elsewhere = _pixels_elsewhere(path, found, size, by_md5_alone=not impossible)
        if elsewhere is not None:
            offset, warnings = elsewhere[0], elsewhere[1:]
            md5 = _md5(path, offset, image_bytes)
        elif impossible:
            return _truncated(path, found, size, keep_truncated)
    if label.housekeeping.lost:
        warnings += (
            f"the label has lost its {', '.join(label.housekeeping.lost)}; they are not known from here on",
        )
    if md5 != label.md5:
        moved = f"; {elsewhere[1]}" if elsewhere is not None else ""
        if check_md5:
            raise BadImage(
                f"{path}: MD5_CHECKSUM is {label.md5}, that of its pixels is {md5}{moved}; the file is damaged or was cut, "
                f"acquire the product again (images.check_md5: false reads it as it is, from byte {offset + 1})"
            )
        warnings += (
            f"MD5_CHECKSUM is {label.md5}, that of its pixels is {md5}: they are not those of the archive",
        )
    return EdrFile(path, label, offset, label.lines, found.mirrored, warnings)


def _pixels_elsewhere(
    path: Path, found: LabelOfFile, size: int, *, by_md5_alone: bool
) -> tuple[int, str] | None:
    """Return where the pixels of a file lie whose pointer is wrong, and what proves it; None where nothing does.

    Proof is the MD5 of the label, or a file that holds nothing but the label, up to its END, and the image; of a pointer
    that is possible, the MD5 alone.
    """
    image_bytes = found.label.lines * found.label.samples
    padded = -(-found.end // found.record_bytes) * found.record_bytes if found.record_bytes > 0 else found.end
    for offset in dict.fromkeys((padded, found.end, size - image_bytes)):
        if offset < found.end or offset + image_bytes > size:
            continue
        if not by_md5_alone and offset == found.end and offset + image_bytes == size:
            proof = "the file holds nothing else after the label's END"
        elif _md5(path, offset, image_bytes) == found.label.md5:
            proof = "their MD5 is that of the label"
        else:
            continue
        return offset, (
            f"^IMAGE points to byte {found.pointer + 1}, the pixels begin at byte {offset + 1}: {proof}"
        )
    return None


def _truncated(path: Path, found: LabelOfFile, size: int, keep: bool) -> EdrFile:
    label = found.label
    if found.pointer < found.end:
        raise BadImage(
            f"{path}: ^IMAGE points to byte {found.pointer + 1}, which lies in the label (it ends at byte {found.end}), "
            "and neither the file's size nor its MD5 tells where the pixels are; acquire the product again"
        )
    whole = max(size - found.pointer, 0) // label.samples
    fault = f"{path}: is truncated: {whole} of {label.lines} lines are whole"
    if not keep or whole == 0:
        offer = "" if whole == 0 else ", or set images.keep_truncated: true to use the whole lines"
        raise BadImage(f"{fault}; acquire the product again{offer}")
    warning = f"the file is truncated: lines from {whole} on are missing, and the MD5 could not be checked"
    return EdrFile(path, label, found.pointer, whole, found.mirrored, (warning,))


def _md5(path: Path, offset: int, count: int) -> str:
    total = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as handle:
        handle.seek(offset)
        while count > 0 and (block := handle.read(min(count, 1 << 22))):
            total.update(block)
            count -= len(block)
    return total.hexdigest()


def edr_dataset(edr: EdrFile, first: int = 0, last: int | None = None) -> xr.Dataset:
    """Return an image, or its lines ``first`` to ``last`` (exclusive), as a dataset.

    Variables: ``number`` (line, sample), uint8, and ``masked_dn`` (line, masked), float32, NaN where lost;
    coordinate ``masked``: the sample. Attributes: :func:`label_attributes` and what was found about the file.
    """
    label = edr.label
    number = edr.numbers(first, last)
    masked = layout(label.camera, label.summing).masked
    masked_dn = decompand(number[:, masked], label.compand_code)
    masked_dn[lost_samples(number)[:, masked]] = np.nan
    return xr.Dataset(
        {
            "number": (
                ("line", "sample"),
                number,
                {"units": "1", "long_name": "companded number, as the camera sent it"},
            ),
            "masked_dn": (
                ("line", "masked"),
                masked_dn,
                {"units": "DN", "long_name": "decompanded masked pixels, 12 bits"},
            ),
        },
        coords={
            "masked": ("masked", masked, {"units": "1", "long_name": "sample of the masked pixel, from 0"})
        },
        attrs=label_attributes(label)
        | {
            "source": edr.path.name,
            "lines_whole": edr.lines_whole,
            "mirrored": int(edr.mirrored),
            "warnings": list(edr.warnings),
        },
    )


def label_attributes(label: EdrLabel) -> dict[str, Any]:
    """Return a label as attributes that JSON can hold: fields by name, housekeeping among them, ``raw`` nested."""
    held = asdict(label)
    housekeeping = held.pop("housekeeping")
    for name in _TUPLES:
        held[name] = list(held[name])
    for name in _TIMES:
        held[name] = held[name].isoformat(timespec="milliseconds")
    # JSON has no NaN.
    return {**held, **{name: None if math.isnan(value) else value for name, value in housekeeping.items()}}


def label_of(dataset: xr.Dataset) -> EdrLabel:
    """Return the label that a dataset carries in its attributes, as :func:`label_attributes` wrote it.

    Raises:
        KeyError: it carries none.
    """
    attrs = dataset.attrs
    values = {f.name: attrs[f.name] for f in fields(EdrLabel) if f.name != "housekeeping"}
    for name, kind in _TUPLES.items():
        values[name] = tuple(kind(x) for x in values[name])
    for name in _TIMES:
        values[name] = dt.datetime.fromisoformat(values[name])
    known = {f.name: attrs[f.name] for f in fields(Housekeeping)}
    known = {name: math.nan if value is None else value for name, value in known.items()}
    return EdrLabel(**values, housekeeping=Housekeeping(**known))


def open_edr(path: Path, *, chunked: bool = True) -> xr.Dataset:
    """Open a finished EDR store lazily; see ``store.open_store``.

    Raises:
        NotFinished: it is absent, half-written, or of another kind.
    """
    return open_store(path, kind=KIND, chunked=chunked)


def numbers_of(image: xr.Dataset) -> Numbers:
    """Return what gives lines of an EDR dataset that is not in memory."""

    def numbers(first: int, last: int) -> NDArray[np.uint8]:
        return np.asarray(image["number"].isel(line=slice(first, last)).to_numpy(), np.uint8)

    return numbers
