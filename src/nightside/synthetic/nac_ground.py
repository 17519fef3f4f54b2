"""A piece of the Moon at a metre a cell: swells, craters, the texture of regolith, boulders and albedo.

The ground is a torus: what leaves it on one side comes back on the other, so that it has no edge, and an image may
be larger than it. It is made whole, from its seed alone; whatever is cut out of it agrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from nightside.synthetic.nac_boulders import draw_boulders, stamp_boulders
from nightside.synthetic.nac_craters import draw_craters, stamp_craters

Float = NDArray[np.float32]


@dataclass(frozen=True)
class GroundStyle:
    """What kind of ground it is.

    Attributes:
        crater_density: number of craters larger than D in each D**2, in equilibrium.
        equilibrium_m: the largest diameter in equilibrium.
        boulder_abundance: boulders above 1 m to the square metre of a just formed crater.
        swell_slope_deg: root mean square slope of the hills, of wavelengths above 60 m.
        texture_slope_deg: root mean square slope of the regolith's texture, below.
        albedo_spread: standard deviation of the relative albedo.
    """

    crater_density: float = 0.07
    equilibrium_m: float = 120.0
    boulder_abundance: float = 0.02
    swell_slope_deg: float = 3.0
    texture_slope_deg: float = 6.0
    albedo_spread: float = 0.04


@dataclass(frozen=True)
class Ground:
    """A rendered ground.

    Attributes:
        height_m: (y, x), rows from north to south.
        albedo: (y, x), relative, mean 1.
        cell_m: size of a cell.
        craters: array of ``nac_craters.CRATER``, oldest first.
        boulders: array of ``nac_boulders.BOULDER``.
    """

    height_m: Float
    albedo: Float
    cell_m: float
    craters: NDArray[Any]
    boulders: NDArray[Any]

    @property
    def extent_m(self) -> tuple[float, float]:
        """Size in y and x."""
        return self.height_m.shape[0] * self.cell_m, self.height_m.shape[1] * self.cell_m


def make_ground(
    seed: int | list[int], shape: tuple[int, int], cell_m: float = 1.0, style: GroundStyle | None = None
) -> Ground:
    """Return the ground of a seed, of ``shape`` cells (y, x).

    Raises:
        ValueError: it has fewer than 64 cells on a side.
    """
    if min(shape) < 64:
        raise ValueError(
            f"a ground of {shape[0]} x {shape[1]} cells is too small; give at least 64 on a side"
        )
    style = style or GroundStyle()
    rng = np.random.default_rng(seed)
    extent = shape[0] * cell_m, shape[1] * cell_m
    craters = draw_craters(
        rng,
        extent,
        2.0 * cell_m,
        min(extent) / 4.0,
        density=style.crater_density,
        equilibrium_m=style.equilibrium_m,
    )
    boulders = draw_boulders(rng, extent, craters, style.boulder_abundance)
    height = fractal(rng, shape, cell_m, (60.0, 0.5 * min(extent)), 2.95, style.swell_slope_deg)
    albedo = 1.0 + _patchy(rng, shape, cell_m, style.albedo_spread)
    stamp_craters(height, albedo, cell_m, craters)
    height += _texture(rng, height, cell_m, style.texture_slope_deg)
    stamp_boulders(height, albedo, cell_m, boulders, rng)
    height -= height.mean()
    albedo /= albedo.mean()
    return Ground(height, albedo, cell_m, craters, boulders)


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cell_m: float,
    wavelengths_m: tuple[float, float],
    exponent: float,
    slope_rms_deg: float,
    stretch: float = 1.0,
) -> Float:
    """Return Gaussian relief (y, x) in metres, periodic, with a power spectrum of k**(-exponent - 1).

    Args:
        rng: where chance comes from.
        shape: cells (y, x).
        cell_m: size of a cell.
        wavelengths_m: the shortest and the longest of its wavelengths; the ends are soft.
        exponent: of the spectrum along a line; 2.9 is a Hurst exponent of 0.95, that of lunar hills.
        slope_rms_deg: of the steepest slope.
        stretch: how much longer its features are along y than along x.
    """
    ky = 2.0 * np.pi * np.fft.fftfreq(shape[0], cell_m)[:, None].astype(np.float32)
    kx = 2.0 * np.pi * np.fft.rfftfreq(shape[1], cell_m)[None, :].astype(np.float32)
    square = ky**2 * np.float32(stretch) + kx**2 / np.float32(stretch)
    square[0, 0] = 1.0
    high, low = (np.float32(2.0 * np.pi / w) for w in wavelengths_m)
    amplitude = square ** np.float32(-(exponent + 1.0) / 4.0) * np.exp(-0.5 * square / high**2)
    amplitude *= 1.0 - np.exp(-0.5 * square / low**2)
    amplitude[0, 0] = 0.0
    spectrum = np.empty(square.shape, np.complex64)
    spectrum.real = rng.standard_normal(square.shape, np.float32) * amplitude
    spectrum.imag = rng.standard_normal(square.shape, np.float32) * amplitude
    # Every column but the first and last stands for two of the whole spectrum.
    weight = np.full(square.shape[1], 2.0)
    weight[0] = 1.0
    if shape[1] % 2 == 0:
        weight[-1] = 1.0
    slope = np.sqrt(2.0 * np.sum((ky**2 + kx**2) * amplitude**2 * weight, dtype=np.float64))
    spectrum *= np.float32(np.tan(np.deg2rad(slope_rms_deg)) / slope * shape[0] * shape[1])
    return np.asarray(scipy.fft.irfft2(spectrum, s=shape), np.float32)


def _patchy(rng: np.random.Generator, shape: tuple[int, int], cell_m: float, spread: float) -> Float:
    longest = 0.5 * cell_m * min(shape)
    patches = fractal(rng, shape, cell_m, (4.0 * cell_m, longest), 1.6, 1.0)
    return np.asarray(
        np.clip(patches * np.float32(spread / max(float(patches.std()), 1e-12)), -0.5, 0.5), np.float32
    )


def _texture(rng: np.random.Generator, height_m: Float, cell_m: float, slope_rms_deg: float) -> Float:
    """Fine relief, and the wrinkles across steep slopes that are known as elephant hide."""
    shape = height_m.shape
    span = (2.0 * cell_m, 60.0)
    fine = fractal(rng, (shape[0], shape[1]), cell_m, span, 1.9, slope_rms_deg)
    hide = (max(4.0, 3.0 * cell_m), 16.0)
    fall_y = (np.roll(height_m, -8, 0) - np.roll(height_m, 8, 0)) / np.float32(16 * cell_m)
    fall_x = (np.roll(height_m, -8, 1) - np.roll(height_m, 8, 1)) / np.float32(16 * cell_m)
    for fall, stretch in ((np.abs(fall_x), 2.5), (np.abs(fall_y), 0.4)):
        wrinkles = fractal(rng, (shape[0], shape[1]), cell_m, hide, 2.0, 1.5 * slope_rms_deg, stretch)
        fine += wrinkles * np.minimum(fall / np.float32(0.25), 1.0)
    return fine
