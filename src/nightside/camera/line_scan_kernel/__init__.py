"""Compiled geometry of a line scanner: from pixels to the ground and back.

``pose`` says where the camera is and how it looks at a time, ``lens`` which way a sample looks, ``sphere`` and ``terrain``
where a ray meets the ground; ``ground`` and ``image`` put these together, from pixels to the ground and back.

Vectors are in the Moon's body-fixed frame, in metres. A pose is the camera's place (0 to 2) and the rows of the rotation
that takes vectors of the camera's frame to the Moon's (3 to 11). ``lens`` is (focal length, y of sample 0, pitch of a
sample, k1), in mm; see :mod:`nightside.camera.optics`. ``place`` of a terrain is (kind, x of the first pixel's centre,
pixel along x, y, pixel along y, central meridian in radians, radius in metres, columns of a whole turn or 0); see
:mod:`nightside.camera.terrain`.

Every point is computed by itself from the same starting values, so that its result is the same to the last bit
whatever is computed beside it.
"""

from nightside.camera.line_scan_kernel.ground import ground_of
from nightside.camera.line_scan_kernel.image import image_of
from nightside.camera.line_scan_kernel.terrain import EQUIRECTANGULAR, NORTH_POLAR, SOUTH_POLAR, heights_at

__all__ = ["EQUIRECTANGULAR", "NORTH_POLAR", "SOUTH_POLAR", "ground_of", "heights_at", "image_of"]
