"""One brightness for all images of a mosaic: a gain and an offset for each, from the ground that they share.

Where two images see the same ground, their corrected signals ``gain * signal + offset`` should agree. Both have errors,
so the squares that are made least are those of the difference over its own standard deviation (Deming 1943), which
does not shrink gains as an ordinary fit does; a difference beyond three of them counts linearly, as shadows move.
A gain that the contrast of the shared ground does not tell is held by the ratio of the mean signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.sparse.csgraph import connected_components

LEAST_POINTS = 30
"""Shared points without which a pair of images is not compared."""

_PRIOR_LOG_GAIN = 0.05
_PRIOR_POINTS = 100.0
"""The ratio of the mean signals counts as one gain known to 5 % in each hundred points."""

RESPONSIVITY: Mapping[str, float] = {"left": 15_869.0, "right": 15_058.0}
"""DN per ms and I/F at 1 AU; ISIS lronaccal."""


@dataclass(frozen=True)
class Shared:
    """Signals of two images at the same places, averaged over several pixels.

    Attributes:
        first: number of one image.
        second: number of the other.
        signal: of both, DN, shape (2, point).
        std: of both, DN, shape (2, point).
    """

    first: int
    second: int
    signal: NDArray[np.float64]
    std: NDArray[np.float64]


@dataclass(frozen=True)
class Brightness:
    """The correction of each image: ``gain * signal + offset_dn``.

    Attributes:
        gain: shape (image,).
        offset_dn: shape (image,).
        reference: number of the image whose brightness is that of each image's group, shape (image,).
        report: of each compared pair, the median difference before and after, in DN.
    """

    gain: NDArray[np.float64]
    offset_dn: NDArray[np.float64]
    reference: NDArray[np.intp]
    report: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def groups(self) -> int:
        """Number of groups of images that share no ground; 1 where all could be matched."""
        return len(set(self.reference.tolist()))


def expected_gains(exposures_ms: Sequence[float], cameras: Sequence[str]) -> NDArray[np.float64]:
    """Return what the gains are to each other if the ground was equally bright: by exposure and responsivity."""
    rate = np.array([t * RESPONSIVITY[c] for t, c in zip(exposures_ms, cameras, strict=True)])
    gains: NDArray[np.float64] = rate[0] / rate
    return gains


def match(
    pairs: Sequence[Shared],
    expected: NDArray[np.float64],
    reference: int | None = None,
) -> Brightness:
    """Return the corrections that make overlapping images agree.

    Args:
        pairs: the shared ground; pairs of fewer than 30 points are left out.
        expected: gains of equally lit images, shape (image,); what images without shared ground are given, too.
        reference: the image whose brightness is kept, in its group; by default that which shares most ground.
    """
    n = expected.size
    pairs = [pair for pair in pairs if pair.signal.shape[1] >= LEAST_POINTS]
    weight = np.zeros((n, n))
    for pair in pairs:
        weight[pair.first, pair.second] = weight[pair.second, pair.first] = pair.signal.shape[1]
    _, group = connected_components(weight, directed=False)
    chosen = np.empty(n, np.intp)
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        best = members[np.argmax(weight[members].sum(axis=1))]
        chosen[members] = reference if reference is not None and reference in members else best
    log_gain = _ratios(pairs, np.log(expected / expected[chosen]), chosen)
    gain, offset = _fit(pairs, log_gain, chosen)
    # Groups that share nothing are given one brightness as far as exposures tell it.
    first = int(chosen[0]) if reference is None else reference
    between = expected[chosen] / expected[first]
    gain, offset = gain * between, offset * between
    return Brightness(gain, offset, chosen, tuple(_report(pair, gain, offset) for pair in pairs))


def _ratios(
    pairs: Sequence[Shared], expected: NDArray[np.float64], reference: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return logarithms of gains from the ratios of mean signals, of the exposures where these are lost in noise."""
    n = expected.size
    rows, values = [np.eye(n)], [expected]  # weakly, for images that nothing else tells of
    for pair in pairs:
        median = np.median(pair.signal, axis=1)
        error = np.median(pair.std, axis=1)
        if (median > 3 * error).all():
            row = np.zeros(n)
            row[pair.first], row[pair.second] = 1.0, -1.0
            strength = np.sqrt(pair.signal.shape[1])
            rows.append(1e3 * strength * row[None])
            values.append(np.array([1e3 * strength * np.log(median[1] / median[0])]))
    found: NDArray[np.float64] = np.linalg.lstsq(np.concatenate(rows), np.concatenate(values), rcond=None)[0]
    return found - found[reference]


def _fit(
    pairs: Sequence[Shared], prior: NDArray[np.float64], reference: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return gains and offsets of least squares, those of the references 1 and 0."""
    n = prior.size
    free = np.flatnonzero(reference != np.arange(n))
    if not free.size or not pairs:
        return np.exp(prior), np.zeros(n)
    points = np.zeros(n)
    for pair in pairs:
        points[[pair.first, pair.second]] += pair.signal.shape[1]
    # Offsets in units of the signals' errors, so that all unknowns are of one size.
    unit = max(float(np.median(np.concatenate([pair.std.ravel() for pair in pairs]))), 1e-6)

    def unpack(unknown: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        log_gain, offset = np.zeros(n), np.zeros(n)
        log_gain[free], offset[free] = unknown[: free.size], unit * unknown[free.size :]
        return np.exp(log_gain), offset

    def residuals(unknown: NDArray[np.float64]) -> NDArray[np.float64]:
        gain, offset = unpack(unknown)
        parts = []
        for pair in pairs:
            g, o = gain[[pair.first, pair.second]], offset[[pair.first, pair.second]]
            difference = g[0] * pair.signal[0] + o[0] - g[1] * pair.signal[1] - o[1]
            std = np.hypot(g[0] * pair.std[0], g[1] * pair.std[1])
            parts.append(difference / np.maximum(std, 1e-6))
        held = np.sqrt(points[free] / _PRIOR_POINTS) / _PRIOR_LOG_GAIN
        return np.concatenate([*parts, held * (unknown[: free.size] - prior[free])])

    begin = np.concatenate([prior[free], np.zeros(free.size)])
    # Linear beyond three standard deviations, but smoothly, so that the fit cannot stall at a kink.
    found = least_squares(residuals, begin, loss="soft_l1", f_scale=3.0, x_scale="jac", max_nfev=100)
    return unpack(found.x)


def _report(pair: Shared, gain: NDArray[np.float64], offset: NDArray[np.float64]) -> dict[str, Any]:
    both = [pair.first, pair.second]
    corrected = gain[both, None] * pair.signal + offset[both, None]
    return {
        "images": both,
        "points": int(pair.signal.shape[1]),
        "difference_before_dn": float(np.median(pair.signal[0] - pair.signal[1])),
        "difference_after_dn": float(np.median(corrected[0] - corrected[1])),
    }
