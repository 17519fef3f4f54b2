"""From the numbers of an EDR to the signal of the ground, its standard deviation, and a mask.

In order: DestripeNet's camera noise off; what the whole image, then each line, tells of its own patterns off; the
response made linear, the flat field divided; PhotonNet on the image with and without its echo. Everything up to the
stripes works on bands of whole lines and PhotonNet on tiles of them, so that memory does not grow with the image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from nightside.camera.companding import decompand, step_dn
from nightside.camera.echo import remove_echo
from nightside.camera.layout import Layout
from nightside.camera.linearity import Linearity
from nightside.learning import fast_autocast
from nightside.optical.column_pattern import ColumnPattern
from nightside.optical.edr import Numbers
from nightside.optical.gap_filling import REACH, fill_around, fill_masked, widening
from nightside.optical.gaps import lost_samples
from nightside.optical.line_pattern import REACH_LINES, slope_of, subtract_line_patterns
from nightside.optical.photon_net import SMOOTH, TRUNCATE, PhotonNet, Response, network_input
from nightside.optical.survey import refuse_constant, survey
from nightside.store import tracked

SATURATED, MISSING, NO_DATA = 1, 2, 4
"""Bits of the mask."""

PHASE_GRID = 8
"""Tiles begin at multiples of it, as the patches did that PhotonNet learnt from."""

BAND = 1024

DarkLine = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Gives the camera noise of lines, raw DN, (line, sample), from their raw DN."""


@dataclass(frozen=True)
class Models:
    """What it takes to denoise images of one camera, mode and time.

    Attributes:
        layout: of the camera and mode.
        compand_code: of the image.
        dark: the camera noise of lines.
        flat: relative response, (sample,).
        linearity: the response.
        response: what the noise follows from.
        photon: the network.
        tile: samples that the network sees at once.
    """

    layout: Layout
    compand_code: int
    dark: DarkLine
    flat: NDArray[np.float32]
    linearity: Linearity
    response: Response
    photon: PhotonNet
    tile: int = 512


@dataclass(frozen=True)
class Denoised:
    """One image or a band of it, each (line, sample) of whole lines; NaN where there is no scene, no data, or saturation.

    Attributes:
        signal: of the ground, DN.
        signal_std: its standard deviation, DN.
        mask: 0 where good; bits ``SATURATED``, ``MISSING``, ``NO_DATA``.
        destriped: the signal before PhotonNet, the echo removed, DN.
        noise_std: expected standard deviation of the noise of ``destriped``, DN.
    """

    signal: NDArray[np.float32]
    signal_std: NDArray[np.float32]
    mask: NDArray[np.uint8]
    destriped: NDArray[np.float32]
    noise_std: NDArray[np.float32]


def denoise_array(number: NDArray[np.uint8], models: Models) -> Denoised:
    """Denoise an image that is in memory, (line, sample), whole lines."""
    image = Denoiser(lambda first, last: number[first:last], len(number), models)
    return image.lines(0, len(number))


class Denoiser:
    """One image, of which bands of lines are denoised; all of it is read before, for gaps and for its stripes.

    Args:
        numbers: gives lines of the image.
        lines: number of lines.
        models: what it takes.
        name: of the image, for messages.

    Raises:
        ValueError: no sample of the scene is usable, or all pixels are the same.
    """

    def __init__(self, numbers: Numbers, lines: int, models: Models, name: str = "this image") -> None:
        self.numbers, self.count, self.models = numbers, lines, models
        self.survey = survey(numbers, lines, models.layout, models.compand_code)
        self.too_bright = self.survey.too_bright
        pattern = ColumnPattern(models.layout)
        usable = 0
        for first in tracked(range(0, lines, BAND), f"{name}, its stripes", "bands"):
            number = numbers(first, min(first + BAND, lines))
            usable += int(np.count_nonzero(self._mask(number) == 0))
            image, lost = self._linear(self._above_dark(number)), self._lost(number)
            pattern.add(image if lost is None else fill_around(image, lost), models.response, lost)
        if usable == 0:
            raise ValueError(
                f"{name}: no sample is usable (all are saturated or missing), so that there is nothing to denoise; leave "
                "this image out"
            )
        refuse_constant(self.survey.counts, name)
        self.stripes = pattern.stripes()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = models.photon.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self.tile = models.tile
        # The network's input is smoothed before it is cut into tiles, so that these need no margin for that.
        smoothing = int(np.ceil(TRUNCATE * SMOOTH))
        self.tile_margin = _whole_grid(self.network.reach - smoothing)
        self.band_margin = _whole_grid(
            self.network.reach + REACH_LINES + (REACH if self.survey.has_gaps else 0)
        )

    def lines(self, first: int, last: int) -> Denoised:
        """Denoise lines ``first`` to ``last`` (exclusive); no value depends on where an image is cut."""
        models, layout = self.models, self.models.layout
        # Bands of patterns and tiles of the network begin where they would in any other cut.
        begin = first // PHASE_GRID * PHASE_GRID
        top, bottom = max(begin - self.band_margin, 0), min(last + self.band_margin, self.count)
        number = self.numbers(top, bottom)
        lost = self._lost(number)
        recorded = self._linear(self._above_dark(number) - self.stripes)
        step = step_dn(number, models.compand_code)
        if lost is not None:
            recorded, step = fill_around(recorded, lost), fill_around(step, lost)
        recorded = subtract_line_patterns(recorded, slope_of(recorded, models.response), layout, lost)
        sharp = remove_echo(recorded, layout).astype(np.float32, copy=False)
        std = models.response.noise_std(recorded, step)
        seen = slice(max(begin - self.tile_margin, 0) - top, min(last + self.tile_margin, self.count) - top)
        inner = slice(first - top, last - top)
        kept = slice(inner.start - seen.start, inner.stop - seen.start)
        noise, log_variance = (out[kept] for out in self._network(recorded, sharp, std, seen))
        mask, sharp, std = self._mask(number[inner]), sharp[inner], std[inner]
        signal_std, unknown = std * np.exp(0.5 * log_variance), mask & (MISSING | NO_DATA) > 0
        if lost is not None:
            signal_std *= widening(lost)[inner]
            unknown |= lost[inner]
        images = [sharp - std * noise, signal_std, sharp, std]
        for image in images:
            image[unknown] = np.nan
        signal, signal_std, destriped, noise_std = images
        return Denoised(signal, signal_std, mask, destriped, noise_std)

    def _lost(self, number: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        """Return which pixels tell nothing: lost, saturated or wrapped by the table; None where the image has none such."""
        if not self.survey.has_gaps:
            return None
        return lost_samples(number) | np.isin(number, self.too_bright)

    def _above_dark(self, number: NDArray[np.uint8]) -> NDArray[np.float32]:
        dn = decompand(number, self.models.compand_code)
        if self.survey.lost_pixels:
            dn = fill_masked(dn, lost_samples(number), self.survey.masked_dn, self.models.layout)
        return dn - self.models.dark(dn)

    def _linear(self, above_dark: NDArray[np.float32]) -> NDArray[np.float32]:
        return (self.models.linearity.inverse(above_dark) / self.models.flat).astype(np.float32)

    def _mask(self, number: NDArray[np.uint8]) -> NDArray[np.uint8]:
        low, high = self.models.layout.scene
        mask = np.full(number.shape, NO_DATA, np.uint8)
        mask[:, low:high] = 0
        lost = lost_samples(number)
        mask[np.isin(number, self.too_bright) & ~lost & (mask == 0)] |= SATURATED
        mask[lost] |= MISSING
        return mask

    def _network(
        self, recorded: NDArray[np.float32], sharp: NDArray[np.float32], std: NDArray[np.float32], seen: slice
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return PhotonNet's noise and log variance of the lines ``seen``, (line, sample), in the order of the file."""
        layout = self.models.layout
        images = [recorded, sharp, std]
        if layout.reversed_readout:
            images = [image[:, ::-1] for image in images]
        low, high = layout.scene
        if layout.reversed_readout:
            low, high = layout.samples - high, layout.samples - low
        low = low // PHASE_GRID * PHASE_GRID
        recorded, sharp, std = (np.ascontiguousarray(image[:, low:high]) for image in images)
        inputs = network_input(recorded, sharp, std, layout.summing)[:, seen]
        out = np.zeros((2, inputs.shape[1], layout.samples), np.float32)
        out[:, :, low:high] = self._tiles(inputs)
        if layout.reversed_readout:
            out = np.ascontiguousarray(out[:, :, ::-1])
        return out[0], out[1]

    def _tiles(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        lines, samples = inputs.shape[1:]
        out = np.empty((2, lines, samples), np.float32)
        margin, done = self.tile_margin, 0
        while done < samples:
            inner = max(self.tile // PHASE_GRID * PHASE_GRID, PHASE_GRID)
            left, right = max(done - margin, 0), min(done + inner + margin, samples)
            try:
                found = self._run(inputs[:, :, left:right])
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if self.tile <= 2 * PHASE_GRID or not _is_out_of_memory(error):
                    raise
                self.tile //= 2
                torch.cuda.empty_cache()
                continue
            stop = min(done + inner, samples)
            out[:, :, done:stop] = found[:, :, done - left : stop - left]
            done = stop
        return out

    def _run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        lines, samples = inputs.shape[1:]
        stride = self.network.stride
        padding = ((0, 0), (0, -lines % stride), (0, -samples % stride))
        x = torch.from_numpy(np.pad(inputs, padding, mode="edge"))[None].to(self.device)
        with torch.inference_mode(), fast_autocast(self.device):
            out = self.network(x.contiguous(memory_format=torch.channels_last))
        return np.asarray(out[0, :, :lines, :samples].float().cpu())


def _whole_grid(reach: int) -> int:
    """Return the smallest multiple of ``PHASE_GRID`` that is at least ``reach``."""
    return -(-reach // PHASE_GRID) * PHASE_GRID


def _is_out_of_memory(error: Exception) -> bool:
    """Say whether memory ran out, which PyTorch calls a plain RuntimeError on a CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)


def denoise_window(number: NDArray[np.uint8], models: Models, lines: slice, samples: slice) -> Denoised:
    """Denoise a window of an image that is in memory; PhotonNet works on it and what it reaches, the rest on all of it.

    Args:
        number: the image, (line, sample), whole lines.
        models: what it takes.
        lines: first and last (exclusive) of the window.
        samples: likewise.

    Returns:
        The window, as :func:`denoise_array` has it.
    """
    made = _Window(number, models, samples).lines(lines.start, lines.stop)
    return Denoised(**{f.name: getattr(made, f.name)[:, samples] for f in fields(made)})


def destripe_array(number: NDArray[np.uint8], models: Models) -> NDArray[np.float32]:
    """Return an image that is in memory as PhotonNet would get it, its echo removed, DN, (line, sample)."""
    return _Window(number, models, slice(0, 0)).lines(0, len(number)).destriped


class _Window(Denoiser):
    """An image in memory of which the network sees some samples only; signal and its deviation are NaN in the others."""

    def __init__(self, number: NDArray[np.uint8], models: Models, samples: slice) -> None:
        super().__init__(lambda first, last: number[first:last], len(number), models)
        self.samples = samples

    def _tiles(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        layout = self.models.layout
        (low, high), (first, last) = layout.scene, (self.samples.start, self.samples.stop)
        if layout.reversed_readout:
            low, first, last = layout.samples - high, layout.samples - last, layout.samples - first
        low = low // PHASE_GRID * PHASE_GRID
        first, last = max(first - low, 0), max(last - low, 0)
        out = np.full((2, *inputs.shape[1:]), np.nan, np.float32)
        if last > first:
            margin = _whole_grid(self.network.reach)
            left = max(first // PHASE_GRID * PHASE_GRID - margin, 0)
            found = super()._tiles(inputs[:, :, left : last + margin])
            out[:, :, first:last] = found[:, :, first - left : last - left]
        return out
