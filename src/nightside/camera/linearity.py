"""The camera's response to faint light, which is not linear, in the form of ISIS ``lronaccal``.

With ``q = dn + offset`` of a recorded DN above the dark, the true signal is ``q - 1 / (a b^q + c)`` below 600, and q
above. What the second term takes away is ``offset`` in the dark and nothing in bright light, so that a faint signal
is recorded smaller than it is.

The archive's coefficients were fitted to bright images and do not pass through zero: a frame of the dark comes out at
some 7 DN. HORUS mends that with ``c = 1/offset - a b^offset`` (:meth:`Linearity.through_zero`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

LINEAR_FROM_DN = 600.0
"""From here on the response is linear (Humm et al. 2016: 600 to 2000 DN)."""

NOMINAL_OFFSET_DN = 32.3
NOMINAL_B = float(np.exp(1 / 33.6))
NOMINAL_A = 1 / (NOMINAL_OFFSET_DN * NOMINAL_B**NOMINAL_OFFSET_DN)
"""Of the archive's correction at faint signals, as the steps of integer DN in calibrated M1333276014R show it (spacing
1.96 DN for each DN recorded, falling by 1.5 % with each): an exponential of 32.3 DN that fades over 33.6 DN."""


@dataclass(frozen=True)
class Linearity:
    """The coefficients, scalars or one for each sample.

    Attributes:
        a: shape (), (sample,), or (2, sample) where the corrections of both detector samples of a pair are averaged.
        b: the same.
        c: the same.
        offset: in DN, shape () or (sample,).
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    c: NDArray[np.float64]
    offset: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Bring the coefficients to shape (pair, sample), the offset to (sample,).

        Raises:
            ValueError: the correction does not fall with the signal, or has a pole where signals are.
        """
        a, b, c = np.broadcast_arrays(
            *(np.atleast_2d(np.asarray(x, np.float64)) for x in (self.a, self.b, self.c))
        )
        offset = np.atleast_1d(np.asarray(self.offset, np.float64))
        if not ((a >= 0).all() and (b >= 1).all() and (a + c > 0).all() and (offset >= 0).all()):
            raise ValueError(
                "no such response: a must not be negative, b not below 1, a + c above 0, the offset not negative; "
                "check the file of coefficients"
            )
        for name, value in (("a", a), ("b", b), ("c", c), ("offset", offset)):
            object.__setattr__(self, name, np.ascontiguousarray(value))

    @classmethod
    def through_zero(cls, a: ArrayLike, b: ArrayLike, offset: ArrayLike) -> Self:
        """Return the response with HORUS's c, for which no signal is recorded as 0 DN."""
        a, b, offset = (np.asarray(x, np.float64) for x in (a, b, offset))
        return cls(a, b, 1 / offset - a * b**offset, offset)

    @classmethod
    def none(cls) -> Self:
        """Return a linear response: its correction is nothing."""
        zero, one = np.zeros(()), np.ones(())
        return cls(zero, one, np.full((), 1e12), zero)

    @classmethod
    def nominal(cls) -> Self:
        """Return the response that M1333276014R shows, through zero, the same for all samples."""
        return cls.through_zero(NOMINAL_A, NOMINAL_B, NOMINAL_OFFSET_DN)

    def averaged(self) -> Self:
        """Return the response of the mean column: c is the mean of theirs, and what they do at no signal is kept."""
        offset, c = self.offset.mean(), self.c.mean()
        b = np.exp(np.log(self.b).mean())
        at_zero = (1 / (self.a * self.b**self.offset + self.c)).mean()
        return type(self)((1 / at_zero - c) / b**offset, b, c, offset)

    def inverse(self, dn: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the true signal of recorded DN above the dark, (..., sample); NaN stays."""
        return self._apply(dn, _to_true)

    def forward(self, signal: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the DN above the dark that are recorded of a true signal, (..., sample): ``inverse`` inverted."""
        return self._apply(signal, _to_recorded)

    def slope(self, dn: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return how fast the true signal rises with recorded DN: by it noise grows when it is linearised."""
        return self._apply(dn, _slopes)

    def _apply(self, values: NDArray[np.floating], kernel: object) -> NDArray[np.floating]:
        values = np.asarray(values)
        values = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
        samples = values.shape[-1] if values.ndim else 1
        for known in (self.a.shape[1], self.offset.size):
            if known not in (1, samples):
                raise ValueError(f"coefficients of {known} samples do not fit lines of {samples}")
        lines = np.ascontiguousarray(values).reshape(-1, samples)
        out = np.empty_like(lines)
        kernel(lines, self.a, np.log(self.b), self.c, self.offset, LINEAR_FROM_DN, out)  # type: ignore[operator]
        return out.reshape(values.shape)


@njit(cache=True, nogil=True, inline="always")
def _correction(q, a, log_b, c, j):  # type: ignore[no-untyped-def]
    """Return the correction and its derivative at q; below q = 0 it goes on as a straight line."""
    value, rate = 0.0, 0.0
    for k in range(a.shape[0]):
        growth = a[k, j] * np.exp(log_b[k, j] * max(q, 0.0))
        term = 1.0 / (growth + c[k, j])
        value += term
        rate -= term * term * growth * log_b[k, j]
    value /= a.shape[0]
    rate /= a.shape[0]
    return value + rate * min(q, 0.0), rate


@njit(cache=True, nogil=True)
def _to_true(lines, a, log_b, c, offset, linear_from, out):  # type: ignore[no-untyped-def]
    for i in range(lines.shape[0]):
        for s in range(lines.shape[1]):
            q = lines[i, s] + offset[s % offset.size]
            if q < linear_from:
                q -= _correction(q, a, log_b, c, s % a.shape[1])[0]
            out[i, s] = q


@njit(cache=True, nogil=True)
def _slopes(lines, a, log_b, c, offset, linear_from, out):  # type: ignore[no-untyped-def]
    for i in range(lines.shape[0]):
        for s in range(lines.shape[1]):
            q = lines[i, s] + offset[s % offset.size]
            out[i, s] = 1.0
            if q < linear_from:
                out[i, s] -= _correction(q, a, log_b, c, s % a.shape[1])[1]


@njit(cache=True, nogil=True)
def _to_recorded(lines, a, log_b, c, offset, linear_from, out):  # type: ignore[no-untyped-def]
    for i in range(lines.shape[0]):
        for s in range(lines.shape[1]):
            true, j, q0 = lines[i, s], s % a.shape[1], offset[s % offset.size]
            q = true + q0 * np.exp(-max(true, 0.0) / (2 * q0)) if q0 > 0 else true
            if true < linear_from:
                # The correction is convex: Newton's steps approach the root from one side, and cannot miss it.
                for _ in range(30):
                    value, rate = _correction(q, a, log_b, c, j)
                    step = (q - value - true) / (1.0 - rate)
                    q -= step
                    if abs(step) < 1e-5:
                        break
                q = min(q, linear_from)
            else:
                q = true
            out[i, s] = q - q0
