"""One brightness for all images of a mosaic: a gain and an offset for each, from the ground that they share.

Where two images see the same ground, their corrected signals ``gain * signal + offset`` should agree. A denoised signal is
an expectation: contrast that noise hides is missing from it, the more the darker the image is. Its error is therefore
independent of the signal itself (Berkson 1950), not of the ground, and what is asked is by which gain the clearer image is
expected to follow from the other, which an ordinary fit of the clearer one tells; a fit of errors in both variables takes
the hidden contrast for a gain. What the errors of two images have in common is that of :mod:`nightside.optical.fusion`.

Means tell a gain too, as well as an offset of the camera allows; exposure and responsivity do where nothing else does.
All pairs are solved together. Points that differ by more than three standard deviations count linearly, as shadows move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

LEAST_POINTS = 30
"""Shared points without which a pair of images is not compared."""

_OFFSET_DN = 0.2
_OFFSET_SHARE = 0.05
"""Standard deviation of an image's own offset: the bias of dark images (docs/denoising.md), and a share of the signal, of
flat fields and stray light.
"""

_GAIN_FLOOR = 0.005
"""Of the logarithm of a gain by one pair, however many points there are: errors that neighbours share."""

_SYSTEMATIC = 0.03
"""What is added to the error of a gain that is not 1: flat fields, and contrast that is stated only as well."""

_POINTS_OF_ONE = 10.0
"""Points that count as one, as errors of neighbours are alike."""

_PRIOR_LOG_GAIN = 1.0
"""Of exposure and responsivity: ground may well be lit differently."""

_ROUNDS = 20

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
        gain_std: standard deviation of the gain's logarithm, to the reference; shape (image,).
        reference: number of the image whose brightness is that of each image's group, shape (image,).
        report: of each compared pair, the median difference before and after, in DN.
    """

    gain: NDArray[np.float64]
    offset_dn: NDArray[np.float64]
    gain_std: NDArray[np.float64]
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
    correlation: float = 0.0,
) -> Brightness:
    """Return the corrections that make overlapping images agree.

    Args:
        pairs: the shared ground; pairs of fewer than 30 points are left out.
        expected: gains of equally lit images, shape (image,); what images without shared ground are given, too.
        reference: the image whose brightness is kept, in its group; by default the clearest of those that share much.
        correlation: share of the smaller variance that the errors of two images have in common.
    """
    n = expected.size
    pairs = [pair for pair in pairs if pair.signal.shape[1] >= LEAST_POINTS]
    links = np.zeros((n, n))
    for pair in pairs:
        links[pair.first, pair.second] = 1.0
    _, group = connected_components(links, directed=False)
    points, contrast_to_noise = _contrast_to_noise(pairs, n)
    chosen = np.empty(n, np.intp)
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        many = members[points[members] >= 0.5 * points[members].max()]
        best = many[np.argmax(contrast_to_noise[many])]
        chosen[members] = reference if reference is not None and reference in members else best
    gain, gain_std = _gains(pairs, np.log(expected), chosen, correlation)
    offset = _offsets(pairs, gain, chosen, correlation)
    # Groups that share nothing are given one brightness as far as exposures tell it.
    first = int(chosen[0]) if reference is None else reference
    between = expected[chosen] / expected[first]
    gain, offset = gain * between, offset * between
    return Brightness(gain, offset, gain_std, chosen, tuple(_report(pair, gain, offset) for pair in pairs))


def _contrast_to_noise(pairs: Sequence[Shared], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many points each image shares, and its contrast over its error, squared."""
    points, contrast_to_noise = np.zeros(n), np.zeros(n)
    for pair in pairs:
        size = pair.signal.shape[1]
        for image, signal, std in zip((pair.first, pair.second), pair.signal, pair.std, strict=True):
            points[image] += size
            contrast_to_noise[image] += size * _contrast_over_variance(signal, std)
    return points, contrast_to_noise / np.maximum(points, 1.0)


def _contrast_over_variance(signal: NDArray[np.float64], std: NDArray[np.float64]) -> float:
    return float(np.var(signal) / max(float(np.mean(std**2)), 1e-12))


def _gains(
    pairs: Sequence[Shared], expected: NDArray[np.float64], reference: NDArray[np.intp], correlation: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return gains, 1 for the references, and the standard deviations of their logarithms."""
    n = expected.size
    rows, values = [np.eye(n) / _PRIOR_LOG_GAIN], [expected / _PRIOR_LOG_GAIN]
    for pair in pairs:
        for known in (_by_contrast(pair, correlation), _by_means(pair)):
            if known is not None:
                log_ratio, error = known
                row = np.zeros((1, n))
                row[0, [pair.first, pair.second]] = 1.0 / error, -1.0 / error
                rows.append(row)
                values.append(np.array([log_ratio / error]))
    matrix = np.concatenate(rows)
    covariance = np.linalg.inv(matrix.T @ matrix)
    found = covariance @ matrix.T @ np.concatenate(values)
    own, to = np.arange(n), reference
    variance = covariance[own, own] + covariance[to, to] - 2 * covariance[own, to]
    variance = np.where(own == to, 0.0, np.maximum(variance, 0.0) + _SYSTEMATIC**2)
    return np.exp(found - found[reference]), np.sqrt(variance)


def _by_contrast(pair: Shared, correlation: float) -> tuple[float, float] | None:
    """Return the logarithm of the first image's gain over the second's, and its error; None without contrast."""
    order = np.argsort([_contrast_over_variance(*both) for both in zip(pair.signal, pair.std, strict=True)])
    (faint, clear), (faint_std, clear_std) = pair.signal[order], pair.std[order]
    weight, slope = np.ones(faint.size), 0.0
    for _ in range(_ROUNDS):
        total = weight.sum()
        middle_f, middle_c = (weight @ faint) / total, (weight @ clear) / total
        spread = weight @ (faint - middle_f) ** 2 / total
        both = weight @ ((faint - middle_f) * (clear - middle_c)) / total
        own = (1.0 - correlation) * (weight @ clear_std**2) / total
        if not (both > 0 and spread > 0):
            return None
        # The clear image times the slope has the covariance `spread` less what of its error is its own:
        # own slope^2 + both slope = spread.
        last, slope = slope, 2.0 * spread / (both + np.sqrt(both**2 + 4.0 * own * spread))
        difference = slope * (clear - middle_c) - (faint - middle_f)
        weight = _robust(difference, _difference_std(faint_std, slope * clear_std, correlation))
        if abs(slope - last) < 1e-4 * slope:
            break
    scatter = np.sqrt(weight @ difference**2 / weight.sum())
    error = float(np.hypot(scatter / np.sqrt(spread * faint.size / _POINTS_OF_ONE), _GAIN_FLOOR))
    sign = 1.0 if order[0] == 1 else -1.0
    return sign * float(np.log(slope)), error


def _by_means(pair: Shared) -> tuple[float, float] | None:
    """Return the same from the ratio of the signals, which offsets falsify; None for a signal that is not above 0."""
    middle = np.median(pair.signal, axis=1)
    if (middle <= 0).any():
        return None
    error = np.hypot(*(_offset_std(middle) / middle))
    return float(np.log(middle[1] / middle[0])), float(error)


def _offset_std(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how many DN images of a signal may be off."""
    return np.hypot(_OFFSET_DN, _OFFSET_SHARE * signal)


def _offsets(
    pairs: Sequence[Shared], gain: NDArray[np.float64], reference: NDArray[np.intp], correlation: float
) -> NDArray[np.float64]:
    """Return offsets in DN of the references, 0 for these."""
    n = gain.size
    rows, values = [], []
    own = np.full(n, np.inf)
    for pair in pairs:
        both = gain[[pair.first, pair.second], None]
        signal, std = both * pair.signal, both * pair.std
        difference, error = signal[1] - signal[0], _difference_std(std[0], std[1], correlation)
        middle = float(np.median(difference))
        for _ in range(_ROUNDS):
            weight = _robust(difference - middle, error)
            last, middle = middle, float((weight @ difference) / weight.sum())
            if abs(middle - last) < 1e-4 * float(np.median(error)):
                break
        sure = float(np.median(error)) * np.sqrt(_POINTS_OF_ONE / difference.size)
        row = np.zeros((1, n))
        row[0, [pair.first, pair.second]] = 1.0 / sure, -1.0 / sure
        rows.append(row)
        values.append(np.array([middle / sure]))
        for image, level in zip((pair.first, pair.second), np.abs(np.median(signal, axis=1)), strict=True):
            own[image] = min(own[image], float(_offset_std(level / gain[image]) * gain[image]))
    rows.append(np.diag(np.where(np.isfinite(own), 1.0 / own, 1.0)))
    values.append(np.zeros(n))
    found: NDArray[np.float64] = np.linalg.lstsq(np.concatenate(rows), np.concatenate(values), rcond=None)[0]
    return found - found[reference]


def _difference_std(
    one: NDArray[np.float64], two: NDArray[np.float64], correlation: float
) -> NDArray[np.float64]:
    variance = one**2 + two**2 - 2.0 * correlation * np.minimum(one, two) ** 2
    return np.sqrt(np.maximum(variance, 1e-12))


def _robust(difference: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Huber's weights: 1 to three standard deviations, falling beyond."""
    return 3.0 / np.maximum(np.abs(difference) / std, 3.0)


def _report(pair: Shared, gain: NDArray[np.float64], offset: NDArray[np.float64]) -> dict[str, Any]:
    both = [pair.first, pair.second]
    corrected = gain[both, None] * pair.signal + offset[both, None]
    return {
        "images": both,
        "points": int(pair.signal.shape[1]),
        "difference_before_dn": float(np.median(pair.signal[0] - pair.signal[1])),
        "difference_after_dn": float(np.median(corrected[0] - corrected[1])),
    }
