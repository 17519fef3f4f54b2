"""What the pixels of an image see of a ground: the mean over each pixel's footprint, wherever it falls.

The mean over the footprint of a field that is bilinear between cells passes, where a pixel is as wide as a cell,
0.64 x 0.41 = 26 % of the contrast at the Nyquist frequency; the NAC passes 26 to 28 %.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float32]


def sample_pixels(
    field: Float,
    row: ArrayLike,
    column: ArrayLike,
    step: tuple[int, int],
    shape: tuple[int, int],
    parts: tuple[int, int] = (2, 2),
) -> Float:
    """Return the mean of a field over the footprints of pixels, shape (line, sample).

    Args:
        field: (y, x) on cells; a torus.
        row: positions in the field, in rows with whole numbers at the centres of cells, of a lattice of the image
            (a, b): its nodes are the corners of pixels at line a * step[0] - 0.5 and sample b * step[1] - 0.5.
            Between nodes positions are bilinear. NaN is off the ground, and makes its pixels NaN.
        column: the same, in columns.
        step: pixels between nodes, along lines and samples.
        shape: lines and samples of the image.
        parts: each pixel is the mean of so many points along lines and samples.

    Raises:
        ValueError: the lattice does not reach over the whole image.
    """
    rows, columns = (np.ascontiguousarray(a, np.float64) for a in (row, column))
    reach = [(n - 1) * s for n, s in zip(rows.shape, step, strict=True)]
    if rows.shape != columns.shape or reach[0] < shape[0] or reach[1] < shape[1]:
        raise ValueError(
            f"a lattice of {rows.shape[0]} x {rows.shape[1]} nodes, {step[0]} x {step[1]} pixels apart, does not "
            f"cover {shape[0]} x {shape[1]} pixels; add nodes"
        )
    out = np.empty(shape, np.float32)
    _sample(np.ascontiguousarray(field, np.float32), rows, columns, step, parts, out)
    return out


@njit(cache=True, parallel=True, nogil=True)
def _sample(field, row, column, step, parts, out):  # type: ignore[no-untyped-def]
    height, width = field.shape
    for line in prange(out.shape[0]):
        for sample in range(out.shape[1]):
            total = 0.0
            for p in range(parts[0]):
                u = (line + (p + 0.5) / parts[0]) / step[0]
                a = min(int(u), row.shape[0] - 2)
                u -= a
                for q in range(parts[1]):
                    v = (sample + (q + 0.5) / parts[1]) / step[1]
                    b = min(int(v), row.shape[1] - 2)
                    v -= b
                    y = (1.0 - u) * ((1.0 - v) * row[a, b] + v * row[a, b + 1]) + u * (
                        (1.0 - v) * row[a + 1, b] + v * row[a + 1, b + 1]
                    )
                    x = (1.0 - u) * ((1.0 - v) * column[a, b] + v * column[a, b + 1]) + u * (
                        (1.0 - v) * column[a + 1, b] + v * column[a + 1, b + 1]
                    )
                    if not (math.isfinite(y) and math.isfinite(x)):
                        total = np.nan
                        continue
                    base_y, base_x = math.floor(y), math.floor(x)
                    fy, fx = y - base_y, x - base_x
                    i, j = int(base_y) % height, int(base_x) % width
                    below = i + 1 if i < height - 1 else 0
                    right = j + 1 if j < width - 1 else 0
                    total += (1.0 - fy) * ((1.0 - fx) * field[i, j] + fx * field[i, right]) + fy * (
                        (1.0 - fx) * field[below, j] + fx * field[below, right]
                    )
            out[line, sample] = total / (parts[0] * parts[1])
