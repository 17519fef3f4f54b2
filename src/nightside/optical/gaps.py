"""Where telemetry was lost: runs of recorded zeros.

A packet that never came leaves zeros in its place. The camera's bias holds the dark at some 40 DN, so that noise seldom
makes a zero, and a run of them never: were a tenth of all samples 0, as where the bias is 1.3 standard deviations above
it, sixteen in a row would come by chance in one of 4e7 whole strips. Where the camera itself clips at 0, a run has lost
its signal as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOST_RUN = 16
"""Zeros in a row that noise cannot make: two periods of the read-out, so that no pattern of its phases makes them."""


def lost_samples(number: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels of whole lines hold no data, (line, sample).

    Zeros that reach an end of a line count from the first on: the outermost samples are masked, and only a gap that goes on
    in the next line makes them 0.
    """
    lost = np.zeros(number.shape, np.bool_)
    rows = np.flatnonzero((number == 0).any(axis=1))
    edges = np.diff(np.pad(number[rows] == 0, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (row, start), stop = np.nonzero(edges == 1), np.nonzero(edges == -1)[1]
    long = (stop - start >= LOST_RUN) | (start == 0) | (stop == number.shape[1])
    for at, first, last in zip(rows[row[long]], start[long], stop[long], strict=True):
        lost[at, first:last] = True
    return lost
