"""The echo of read-out: part of each sample's signal appears again in the next sample of its channel.

Recorded are ``b[i] = (a[i] + delta[i] a[i-2]) / (1 + delta[i])``, with i in the order of read-out and in detector
samples; where pairs are summed the echo is one sample later. Source: ISIS ``lronacecho``, whose recursion this
inverts exactly, the ramp of delta included. ISIS notes that the echo is a larger part of signals below 100 DN; one
constant serves all of them here as there.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nightside.camera.layout import Layout

ECHO = 0.326
"""Share of a sample's signal that leaks into the next sample of its channel."""

RAMP_START, RAMP_SAMPLES = 42, 20
"""Detector samples, in the order of read-out, over which the echo rises from nothing to ``ECHO``."""


def echo_share(layout: Layout) -> NDArray[np.float64]:
    """Return delta of each sample, shape (sample,), in the order of the file."""
    order = np.arange(layout.samples) * layout.summing
    progress = np.clip((order - RAMP_START) / RAMP_SAMPLES, 0.0, 1.0)
    share = ECHO / 2 * (1 - np.cos(np.pi * progress))
    return share[::-1] if layout.reversed_readout else share


def add_echo(signal: NDArray[np.floating], layout: Layout) -> NDArray[np.floating]:
    """Return what is recorded of a signal, (..., sample); uniform light stays as it is."""
    share = echo_share(layout).astype(signal.dtype)
    return np.asarray((signal + share * _previous(signal, layout)) / (1 + share))


def remove_echo(image: NDArray[np.floating], layout: Layout) -> NDArray[np.floating]:
    """Return the signal of which ``image``, (..., sample), is the record: the exact inverse of ``add_echo``.

    A sample without a value stays so; what it left in the next of its channel is taken as in uniform light.
    """
    share = echo_share(layout)
    lines = np.ascontiguousarray(image).reshape(-1, layout.samples)
    found = np.empty_like(lines)
    _recur(lines, share, layout.echo_samples, layout.reversed_readout, found)
    return found.reshape(image.shape)


def noise_gain(delta: float = ECHO) -> float:
    """Return by how much removing the echo raises the variance of noise that had none: (1+d)^2 / (1-d^2)."""
    return (1 + delta) ** 2 / (1 - delta**2)


def _previous(signal: NDArray[np.floating], layout: Layout) -> NDArray[np.floating]:
    step = layout.echo_samples
    before = np.zeros_like(signal)
    if layout.reversed_readout:
        before[..., :-step] = signal[..., step:]
    else:
        before[..., step:] = signal[..., :-step]
    return before


@njit(cache=True, nogil=True)
def _recur(lines, share, step, backwards, out):  # type: ignore[no-untyped-def]
    count, samples = lines.shape
    towards = -1 if backwards else 1
    for line in range(count):
        at = samples - 1 if backwards else 0
        for k in range(samples):
            earlier = out[line, at - towards * step] if k >= step else 0.0
            value = lines[line, at]
            if np.isnan(earlier):
                out[line, at] = value
            else:
                out[line, at] = (1 + share[at]) * value - share[at] * earlier
            at += towards
