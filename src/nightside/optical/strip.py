"""An image with its geometry: lines are read when they are asked for, and a few kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.camera.layout import layout
from nightside.camera.line_scan import LineScan
from nightside.formats.nac import EdrLabel
from nightside.optical.resample import NO_DATA
from nightside.store.windows import STRIP_CHUNK

KIND = "nac_denoised"

Block = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]
"""Signal, standard deviation and mask of some whole lines."""


@dataclass(frozen=True)
class Strip:
    """One denoised image.

    Attributes:
        label: of the image.
        camera: its geometry.
        image: ``signal``, ``signal_std`` and ``mask`` (line, sample), not in memory.
        blocks: of 1024 lines that are kept, some 45 MB each.
    """

    label: EdrLabel
    camera: LineScan
    image: xr.Dataset
    blocks: int = 8
    _kept: OrderedDict[int, Block] = field(default_factory=OrderedDict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Its product id."""
        return self.label.product_id

    @property
    def scene(self) -> tuple[int, int]:
        """First sample that sees the Moon, and the one after the last."""
        return layout(self.label.camera, self.label.summing).scene

    def showing(self, signal: xr.DataArray) -> Strip:
        """Return the strip with another signal (line, sample) of the same image; errors, mask and place stay."""
        return Strip(self.label, self.camera, self.image.assign(signal=signal), self.blocks)

    def read(self, first: int, last: int) -> Block:
        """Return lines ``first`` to ``last`` (exclusive). Masked samples, and what is not finite, are NO_DATA."""
        blocks = [self._block(number) for number in range(first // STRIP_CHUNK, -(-last // STRIP_CHUNK))]
        start = first - first // STRIP_CHUNK * STRIP_CHUNK
        cut = slice(start, start + last - first)
        if len(blocks) == 1:
            signal, std, mask = blocks[0]
            return signal[cut], std[cut], mask[cut]
        signals, stds, masks = zip(*blocks, strict=True)
        return np.concatenate(signals)[cut], np.concatenate(stds)[cut], np.concatenate(masks)[cut]

    def _block(self, number: int) -> Block:
        if number not in self._kept:
            lines = slice(number * STRIP_CHUNK, min((number + 1) * STRIP_CHUNK, self.label.lines))
            part = self.image.isel(line=lines)
            signal, std = (part[name].to_numpy().astype(np.float32) for name in ("signal", "signal_std"))
            mask = part["mask"].to_numpy().astype(np.uint8)
            low, high = self.scene
            mask[:, :low] |= NO_DATA
            mask[:, high:] |= NO_DATA
            mask[~(np.isfinite(signal) & np.isfinite(std))] |= NO_DATA
            while len(self._kept) >= self.blocks:
                self._kept.popitem(last=False)
            self._kept[number] = (signal, std, mask)
        self._kept.move_to_end(number)
        return self._kept[number]
