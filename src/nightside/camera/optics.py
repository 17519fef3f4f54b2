"""From a sample of the image to a direction in the camera's frame, and back.

A NAC sees a plane: its detector is one line of pixels along the y axis of its frame, which looks along z. Samples are
counted from 0, their centres are whole numbers.

Sources: ``lro_lroc_v18.ti`` (LROC instrument kernel) for the numbers; for the equations ISIS
``LineScanCameraDetectorMap`` (summing) and ``LroNarrowAngleDistortionMap`` (radial distortion).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nightside.camera.layout import Camera

NAIF_ID: Mapping[Camera, int] = {"left": -85600, "right": -85610}
"""Of the cameras and of their frames, LRO_LROCNACL and LRO_LROCNACR."""

_TOLERANCE_MM = 1e-10
_ITERATIONS = 50
_FARTHEST_MM = 40.0
"""Beyond this the distortion's polynomial means nothing; the detector ends at 18 mm."""


@dataclass(frozen=True)
class Optics:
    """The lens and the detector of one camera in one mode.

    Attributes:
        focal_length_mm: of the lens.
        boresight_sample: detector sample, counted from 1, that the optical axis meets (BORESIGHT_SAMPLE).
        pitch_mm: from one detector sample to the next along y of the frame, negative in the right camera (TRANSY).
        distortion_per_mm2: k1 of the radial distortion (OD_K).
        summing: detector samples averaged into one of the image.
        first_sample: detector samples left out before the image's first.
    """

    focal_length_mm: float
    boresight_sample: float
    pitch_mm: float
    distortion_per_mm2: float
    summing: int = 1
    first_sample: int = 0

    def distorted_mm(self, sample: ArrayLike) -> NDArray[np.float64]:
        """Return y on the focal plane, in mm, of samples counted from 0."""
        # The centre of the first image sample, in detector samples counted from 1, is 1 or 1.5.
        detector = np.asarray(sample, np.float64) * self.summing + self.summing / 2 + 0.5 + self.first_sample
        return self.pitch_mm * (detector - self.boresight_sample)

    def sample(self, distorted_mm: ArrayLike) -> NDArray[np.float64]:
        """Return the sample, from 0, at y on the focal plane in mm: the inverse of ``distorted_mm``."""
        detector = np.asarray(distorted_mm, np.float64) / self.pitch_mm + self.boresight_sample
        return (detector - self.summing / 2 - 0.5 - self.first_sample) / self.summing

    def undistort_mm(self, distorted_mm: ArrayLike) -> NDArray[np.float64]:
        """Return where a lens without distortion would have put it: yc = yd / (1 + k1 yd^2), in mm."""
        y = np.asarray(distorted_mm, np.float64)
        return y / (1.0 + self.distortion_per_mm2 * y * y)

    def distort_mm(self, ideal_mm: ArrayLike) -> NDArray[np.float64]:
        """Return where the lens puts it, in mm: the inverse of ``undistort_mm``, NaN beyond 40 mm from the axis.

        By the fixed point yd = yc (1 + k1 yd^2), to 1e-10 mm.
        """
        ideal = np.asarray(ideal_mm, np.float64)
        ideal = np.where(np.abs(ideal) <= _FARTHEST_MM, ideal, np.nan)
        y = ideal.copy()
        for _ in range(_ITERATIONS):
            before, y = y, ideal * (1.0 + self.distortion_per_mm2 * y * y)
            if not (np.abs(y - before) > _TOLERANCE_MM).any():
                break
        return y

    def look(self, sample: ArrayLike) -> NDArray[np.float64]:
        """Return unit vectors in the camera's frame, shape (..., 3), along which samples see."""
        y = self.undistort_mm(self.distorted_mm(sample))
        vector = np.stack([np.zeros_like(y), y, np.full_like(y, self.focal_length_mm)], axis=-1)
        unit: NDArray[np.float64] = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
        return unit

    def sample_of(self, look: ArrayLike) -> NDArray[np.float64]:
        """Return the sample that sees along vectors (..., 3) of any length; x, which is along track, is ignored."""
        vector = np.asarray(look, np.float64)
        return self.sample(self.distort_mm(self.focal_length_mm * vector[..., 1] / vector[..., 2]))


_OPTICS: Mapping[Camera, Optics] = {
    "left": Optics(699.62, 2548.0, 0.007, 1.81e-5),
    "right": Optics(701.57, 2496.0, -0.007, 1.83e-5),
}

KERNEL_KEYWORDS: Mapping[str, tuple[str, int]] = {
    "focal_length_mm": ("FOCAL_LENGTH", 0),
    "boresight_sample": ("BORESIGHT_SAMPLE", 0),
    "pitch_mm": ("TRANSY", 1),
    "distortion_per_mm2": ("OD_K", 0),
}
"""Which keyword of an instrument kernel, and which of its numbers, holds each of the constants."""


def optics(
    camera: Camera, summing: int = 1, first_sample: int = 0, kernel: Mapping[str, float] | None = None
) -> Optics:
    """Return the optics of a camera.

    Args:
        camera: left or right.
        summing: 1 or 2.
        first_sample: SampleFirstPixel of the label, 0 in all of the archive.
        kernel: constants that an instrument kernel gives, by the names of :class:`Optics`; they take precedence.
    """
    return replace(_OPTICS[camera], summing=summing, first_sample=first_sample, **(kernel or {}))
