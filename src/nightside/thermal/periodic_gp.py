"""Exact Gaussian-process regression on the ring of the lunar day, in time linear in the number of points.

The kernel is the Matern-3/2 kernel summed over all days,

    k(d) = sum_m (1 + L|d + mP|) exp(-L|d + mP|),   L = sqrt(3) / length scale,  P = 24 h,

which is the covariance of the equation (d/dt + L)^2 x = white noise with x and dx/dt periodic. So it is a valid
kernel, and the state s = (x, dx/dt / L) is Markov: across a step of length d, s' = A(d) s + noise of covariance
Q(d) (Hartikainen and Sarkka 2010, MLSP, eq. 15 ff.). Given the state s0 at one time, the ring is a line: a Kalman
filter runs from s0 once around, carrying its mean as a linear function of s0; that it must return to s0, and the
observations, give the posterior of s0; a backward pass of the modified Bryson-Frazier smoother (Bierman 1973, J.
Math. Anal. Appl. 41, 8-17) gives the rest. It inverts no covariance but the one after the full turn, so times may
lie arbitrarily close, or coincide. The derivation is in ``docs/profiles.md``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

LANES = 16
"""Cells that are stepped together, to become vector instructions."""

_LANE_BLOCKS = 8  # of LANES cells each, handled by one task with one workspace
_FLOAT_MODEL = {"contract", "nsz", "arcp"}
# The passes are inlined where the workspace is made: only there does the compiler know how far its planes lie
# apart, and so that they do not overlap and every loop over lanes can become vector instructions.

# Planes of the workspace. Columns 0, 1, 2 of a mean are its dependence on s0 (two) and its value for s0 = 0.
_X, _V, _INFO, _C0, _PLANES = 0, 6, 9, 14, 19


class Ring(NamedTuple):
    """The merged times of bins and outputs, from the first bin once around and back to it.

    ``node`` (m,) is a bin's index, or ``-1 - i`` for output i; ``step`` (m, 7) holds A (4, by rows) and Q (3: xx,
    xv, vv) of the step from node j to the next, for a process of unit variance before wrapping.
    """

    node: NDArray[np.int64]
    step: NDArray[np.float64]


class Process(NamedTuple):
    """What is assumed of a process: its ``scale``, the standard deviation before wrapping, and the noise.

    The mean of n measurements has the noise variance ``noise_variance / n + floor_variance``, in the squared unit of
    ``scale``; not both may be 0.
    """

    scale: float
    noise_variance: float
    floor_variance: float


def wrapped_matern32(lag_h: ArrayLike, length_scale_h: float, period_h: float = 24.0) -> NDArray[np.float64]:
    """Return the Matern-3/2 correlation summed over all images, divided by its value at lag 0.

    ``lag_h`` has any shape, in hours; the result has the same shape. With q = exp(-L P) and d in [0, P] the sum is
    f(d) + f(P - d), f(d) = exp(-L d) [(1 + L d) / (1 - q) + L P q / (1 - q)^2].
    """
    lag = np.mod(np.asarray(lag_h, dtype=np.float64), period_h)
    value = _images(lag, length_scale_h, period_h) + _images(period_h - lag, length_scale_h, period_h)
    return np.asarray(value / wrapped_variance(length_scale_h, period_h))


def wrapped_variance(length_scale_h: float, period_h: float = 24.0) -> float:
    """Return the variance at lag 0 of the wrapped process whose unwrapped variance is 1."""
    ends = _images(np.array([0.0, period_h]), length_scale_h, period_h)
    return float(ends.sum())


def _images(lag: NDArray[np.float64], length_scale: float, period: float) -> NDArray[np.float64]:
    rate = math.sqrt(3.0) / length_scale
    q, rest = math.exp(-rate * period), -math.expm1(-rate * period)
    decay = np.exp(-rate * lag)
    return np.asarray(decay * ((1 + rate * lag) / rest + rate * period * q / rest**2))


def ring_of(bins: int, local_times: int, length_scale_h: float, period_h: float = 24.0) -> Ring:
    """Return the ring of ``bins`` bin centres ((i + 0.5) P / bins) and ``local_times`` outputs (i P / local_times)."""
    centres = (np.arange(bins) + 0.5) * period_h / bins
    outputs = np.arange(local_times) * period_h / local_times
    since = np.concatenate([centres, outputs]) - centres[0]
    since[since < 0] += period_h
    node = np.concatenate([np.arange(bins), -1 - np.arange(local_times)])
    order = np.lexsort((node < 0, since))
    lag = np.diff(since[order], append=period_h) * math.sqrt(3.0) / length_scale_h
    decay = np.exp(-lag)
    a = np.stack([decay * (1 + lag), decay * lag, -decay * lag, decay * (1 - lag)], axis=1)
    # Quadrature of positive integrands: the closed form of Q loses all its digits in a short step.
    root, weight = np.polynomial.legendre.leggauss(48)
    s = lag[:, None] * (root + 1) / 2
    power = 4 * np.exp(-2 * s) * lag[:, None] * weight / 2
    q = np.stack([(power * s**2).sum(1), (power * s * (1 - s)).sum(1), (power * (1 - s) ** 2).sum(1)], axis=1)
    return Ring(node[order].astype(np.int64), np.ascontiguousarray(np.hstack([a, q])))


def posterior(
    value: NDArray[np.floating],
    count: NDArray[np.integer],
    cells: NDArray[np.int64],
    centre: NDArray[np.float64],
    process: Process,
    ring: Ring,
    mean: NDArray[np.floating],
    deviation: NDArray[np.floating],
) -> None:
    """Fill rows ``cells`` of ``mean`` and ``deviation`` (n, outputs): the posterior of each cell's process.

    ``value`` (n, bins) are means of ``count`` (n, bins) measurements, anything where that is 0; ``centre`` (n,) is
    the prior mean. All are in the unit of ``process.scale``; ``deviation`` is that of the noise-free process.
    """
    # Scalars and arrays only: a class among the arguments would go into the cache of compiled code by its name.
    single, floor = process.noise_variance / process.scale**2, process.floor_variance / process.scale**2
    _posterior(
        value, count, cells, centre, process.scale, single, floor, ring.node, ring.step, mean, deviation
    )


@njit(cache=True, parallel=True)
def _posterior(value, count, cells, centre, scale, single, floor, node, step, mean, deviation):  # type: ignore[no-untyped-def]
    """Do ``posterior``, a block of LANES cells at a time; ``single`` and ``floor`` are in units of scale^2."""
    task = LANES * _LANE_BLOCKS
    for t in prange((cells.size + task - 1) // task):
        observed = np.empty((value.shape[1], 2, LANES))
        saved = np.empty((node.size, 6, LANES))
        result = np.empty((mean.shape[1], 2, LANES))
        w = np.empty((_PLANES, LANES))
        for first in range(t * task, min(cells.size, (t + 1) * task), LANES):
            block = cells[first : min(first + LANES, cells.size)]
            _gather(value, count, block, centre, single, floor, observed)
            _forward(observed, node, step, saved, w)
            _start(w)
            _backward(node, step, saved, w, result)
            _scatter(result, block, centre, scale, mean, deviation)


@njit(cache=True, error_model="numpy")
def _gather(value, count, block, centre, single, floor, observed):  # type: ignore[no-untyped-def]
    """Put each cell of ``block`` into a lane of ``observed`` (bins, 2, LANES): value less centre, noise variance.

    Variance 0 marks a bin without observation; a lane without a cell has none.
    """
    if block.size < LANES:
        observed[:] = 0.0
    for i in range(block.size):
        cell = block[i]
        for b in range(value.shape[1]):
            n = count[cell, b]
            observed[b, 0, i] = value[cell, b] - centre[cell] if n > 0 else 0.0
            observed[b, 1, i] = single / n + floor if n > 0 else 0.0


@njit(cache=True)
def _scatter(result, block, centre, scale, mean, deviation):  # type: ignore[no-untyped-def]
    """Put each lane of ``result`` (outputs, 2, LANES), mean and variance, into the rows of its cell."""
    for i in range(block.size):
        cell = block[i]
        for out in range(mean.shape[1]):
            mean[cell, out] = centre[cell] + result[out, 0, i]
            deviation[cell, out] = scale * math.sqrt(result[out, 1, i])


@njit(cache=True, forceinline=True, fastmath=_FLOAT_MODEL, error_model="numpy")
def _forward(observed, node, step, saved, w):  # type: ignore[no-untyped-def]
    """Filter once around; at the end the state planes hold the prediction for the return to the first node."""
    w[:] = 0.0
    w[_X] = 1.0
    w[_X + 4] = 1.0  # the mean (rows: x, v; columns: s0 x, s0 v, constant) is s0 itself
    for i in range(LANES):
        y, r = observed[node[0], 0, i], observed[node[0], 1, i]
        weight = 1.0 / r if r > 0.0 else 0.0
        w[_INFO, i] = weight
        w[_INFO + 3, i] = weight * y
    for j in range(node.size):
        a, b, c, d = step[j, 0], step[j, 1], step[j, 2], step[j, 3]
        qxx, qxv, qvv = step[j, 4], step[j, 5], step[j, 6]
        for i in range(LANES):
            for k in range(3):
                x, v = w[_X + k, i], w[_X + 3 + k, i]
                w[_X + k, i] = a * x + b * v
                w[_X + 3 + k, i] = c * x + d * v
            xx, xv, vv = w[_V, i], w[_V + 1, i], w[_V + 2, i]
            w[_V, i] = a * a * xx + 2.0 * a * b * xv + b * b * vv + qxx
            w[_V + 1, i] = a * c * xx + (a * d + b * c) * xv + b * d * vv + qxv
            w[_V + 2, i] = c * c * xx + 2.0 * c * d * xv + d * d * vv + qvv
        if j + 1 == node.size:
            break
        if node[j + 1] < 0:
            for i in range(LANES):
                for k in range(3):
                    saved[j + 1, k, i] = w[_X + k, i]
                saved[j + 1, 3, i] = w[_V, i]
                saved[j + 1, 4, i] = w[_V + 1, i]
            continue
        for i in range(LANES):
            xx, xv = w[_V, i], w[_V + 1, i]
            y, r = observed[node[j + 1], 0, i], observed[node[j + 1], 1, i]
            weight = 1.0 / (xx + r) if r > 0.0 else 0.0
            keep = r * weight if r > 0.0 else 1.0  # 1 - gain, without cancellation
            e0, e1, e2 = -w[_X, i], -w[_X + 1, i], y - w[_X + 2, i]
            w[_INFO, i] += e0 * e0 * weight
            w[_INFO + 1, i] += e0 * e1 * weight
            w[_INFO + 2, i] += e1 * e1 * weight
            w[_INFO + 3, i] -= e0 * e2 * weight
            w[_INFO + 4, i] -= e1 * e2 * weight
            gx, gv = xx * weight, xv * weight
            w[_X, i] += gx * e0
            w[_X + 1, i] += gx * e1
            w[_X + 2, i] += gx * e2
            w[_X + 3, i] += gv * e0
            w[_X + 4, i] += gv * e1
            w[_X + 5, i] += gv * e2
            w[_V, i] = xx * keep
            w[_V + 1, i] = xv * keep
            w[_V + 2, i] -= xv * xv * weight
            saved[j + 1, 0, i] = e0 * weight
            saved[j + 1, 1, i] = e1 * weight
            saved[j + 1, 2, i] = e2 * weight
            saved[j + 1, 3, i] = weight
            saved[j + 1, 4, i] = keep
            saved[j + 1, 5, i] = gv


@njit(cache=True, forceinline=True, fastmath=_FLOAT_MODEL, error_model="numpy")
def _start(w):  # type: ignore[no-untyped-def]
    """Close the ring: the posterior of s0, and the adjoints at the return (in the planes of mean and covariance)."""
    for i in range(LANES):
        xx, xv, vv = w[_V, i], w[_V + 1, i], w[_V + 2, i]
        scale = 1.0 / (xx * vv - xv * xv)
        pxx, pxv, pvv = vv * scale, -xv * scale, xx * scale
        e0, e1, e2 = 1.0 - w[_X, i], -w[_X + 1, i], -w[_X + 2, i]
        f0, f1, f2 = -w[_X + 3, i], 1.0 - w[_X + 4, i], -w[_X + 5, i]
        h0, h1, h2 = pxx * e0 + pxv * f0, pxx * e1 + pxv * f1, pxx * e2 + pxv * f2
        k0, k1, k2 = pxv * e0 + pvv * f0, pxv * e1 + pvv * f1, pxv * e2 + pvv * f2
        ixx = w[_INFO, i] + e0 * h0 + f0 * k0
        ixv = w[_INFO + 1, i] + e0 * h1 + f0 * k1
        ivv = w[_INFO + 2, i] + e1 * h1 + f1 * k1
        bx = w[_INFO + 3, i] - e0 * h2 - f0 * k2
        bv = w[_INFO + 4, i] - e1 * h2 - f1 * k2
        inverse = 1.0 / (ixx * ivv - ixv * ixv)
        w[_C0, i] = ivv * inverse
        w[_C0 + 1, i] = -ixv * inverse
        w[_C0 + 2, i] = ixx * inverse
        w[_C0 + 3, i] = (ivv * bx - ixv * bv) * inverse
        w[_C0 + 4, i] = (ixx * bv - ixv * bx) * inverse
        w[_X, i], w[_X + 1, i], w[_X + 2, i] = -h0, -h1, -h2
        w[_X + 3, i], w[_X + 4, i], w[_X + 5, i] = -k0, -k1, -k2
        w[_V, i], w[_V + 1, i], w[_V + 2, i] = pxx, pxv, pvv


@njit(cache=True, forceinline=True, fastmath=_FLOAT_MODEL, error_model="numpy")
def _backward(node, step, saved, w, result):  # type: ignore[no-untyped-def]
    """Carry the adjoints back around; at each output write ``result`` (outputs, 2, LANES): mean and variance."""
    for j in range(node.size - 1, 0, -1):
        a, b, c, d = step[j, 0], step[j, 1], step[j, 2], step[j, 3]
        for i in range(LANES):
            for k in range(3):
                x, v = w[_X + k, i], w[_X + 3 + k, i]
                w[_X + k, i] = a * x + c * v
                w[_X + 3 + k, i] = b * x + d * v
            xx, xv, vv = w[_V, i], w[_V + 1, i], w[_V + 2, i]
            w[_V, i] = a * a * xx + 2.0 * a * c * xv + c * c * vv
            w[_V + 1, i] = a * b * xx + (a * d + b * c) * xv + c * d * vv
            w[_V + 2, i] = b * b * xx + 2.0 * b * d * xv + d * d * vv
        if node[j] >= 0:
            for i in range(LANES):
                keep, gv = saved[j, 4, i], saved[j, 5, i]
                for k in range(3):
                    w[_X + k, i] = keep * w[_X + k, i] - gv * w[_X + 3 + k, i] - saved[j, k, i]
                xx, xv, vv = w[_V, i], w[_V + 1, i], w[_V + 2, i]
                w[_V, i] = keep * keep * xx - 2.0 * keep * gv * xv + gv * gv * vv + saved[j, 3, i]
                w[_V + 1, i] = keep * xv - gv * vv
            continue
        out = -1 - node[j]
        for i in range(LANES):
            gx, gv = saved[j, 3, i], saved[j, 4, i]
            x0 = saved[j, 0, i] - gx * w[_X, i] - gv * w[_X + 3, i]
            x1 = saved[j, 1, i] - gx * w[_X + 1, i] - gv * w[_X + 4, i]
            x2 = saved[j, 2, i] - gx * w[_X + 2, i] - gv * w[_X + 5, i]
            inner = gx - (gx * gx * w[_V, i] + 2.0 * gx * gv * w[_V + 1, i] + gv * gv * w[_V + 2, i])
            outer = x0 * x0 * w[_C0, i] + 2.0 * x0 * x1 * w[_C0 + 1, i] + x1 * x1 * w[_C0 + 2, i]
            result[out, 0, i] = x0 * w[_C0 + 3, i] + x1 * w[_C0 + 4, i] + x2
            result[out, 1, i] = max(inner + outer, 0.0)
