"""A line scanner in flight: which ground a pixel sees, and which pixel sees a piece of ground.

Place and attitude are known at the centre of every line. Between lines the place follows a cubic Hermite polynomial,
the attitude turns at an even rate; at the fastest turn and the longest exposure of the NAC that errs by less than a
thousandth of a pixel, and at whole lines not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from nightside import moon
from nightside.camera import line_scan_kernel as kernel
from nightside.camera.optics import Optics
from nightside.camera.terrain import Terrain

_FEW_LINES = 65
"""Lines between which the first guess of a line is interpolated."""

_NO_HEIGHTS, _NO_PLACE, _NO_BOUNDS = np.zeros((1, 1), np.float32), np.zeros(8), np.zeros(3)


class MissesMoon(ValueError):
    """No pixel of an image sees the Moon."""


@dataclass(frozen=True)
class LineScan:
    """The geometry of one image, in the Moon's body-fixed frame.

    Lines and samples are counted from 0, their centres are whole numbers. Ground is given by planetocentric
    longitude in [0, 360) and latitude, in degrees east and north.

    Attributes:
        name: of the image, for messages.
        lines: of the image, 2 at least.
        samples: of a line.
        optics: lens and detector.
        time_s: ephemeris time (TDB seconds past J2000) at each line's centre, shape (line,).
        position_m: of the camera, shape (line, 3).
        velocity_m_s: of the camera in the rotating frame, shape (line, 3).
        attitude: rotations that take vectors of the camera's frame to the Moon's, one a line.
        terrain: heights that rays meet; the sphere of 1,737.4 km without.
        provenance: how it was made, for the manifest.
    """

    name: str
    lines: int
    samples: int
    optics: Optics
    time_s: NDArray[np.float64]
    position_m: NDArray[np.float64]
    velocity_m_s: NDArray[np.float64]
    attitude: Rotation
    terrain: Terrain | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def ground(self, line: ArrayLike, sample: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return longitude and latitude of the ground that pixels see; NaN off the Moon, or off the terrain."""
        vector = self.ground_m(line, sample)
        norm = np.linalg.norm(vector, axis=-1)
        longitude = np.rad2deg(np.arctan2(vector[..., 1], vector[..., 0]))
        return moon.longitude_360(longitude), np.rad2deg(np.arcsin(vector[..., 2] / norm))

    def ground_m(self, line: ArrayLike, sample: ArrayLike) -> NDArray[np.float64]:
        """Return the ground that pixels see as body-fixed vectors in metres, shape (..., 3); NaN off the Moon."""
        lines, samples = np.broadcast_arrays(np.asarray(line, np.float64), np.asarray(sample, np.float64))
        out = np.empty((lines.size, 3))
        ground = (_NO_HEIGHTS, _NO_PLACE, _NO_BOUNDS)
        if self.terrain is not None:
            ground = (self.terrain.heights, self.terrain.place, self.terrain.bounds)
        kernel.ground_of(
            lines.ravel(), samples.ravel(), *self._orbit, self._lens, moon.RADIUS_M, *ground, out
        )
        return out.reshape(*lines.shape, 3)

    def image(
        self,
        longitude_deg: ArrayLike,
        latitude_deg: ArrayLike,
        height_m: ArrayLike | None = None,
        *,
        beyond: bool = False,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return line and sample that see ground, NaN where the image does not.

        Ground that is hidden behind other ground is not recognised: from a NAC's nadir view little is.

        Args:
            longitude_deg: degrees east, in any turn of the circle.
            latitude_deg: degrees north.
            height_m: above the sphere; the terrain's height, or 0 without terrain, if absent.
            beyond: return what lies beyond the image too, as if it went on; NaN only where that has no meaning.
        """
        if height_m is None:
            height_m = 0.0 if self.terrain is None else self.terrain.at(longitude_deg, latitude_deg)
        lon, lat, height = np.broadcast_arrays(
            *(np.asarray(a, np.float64) for a in (longitude_deg, latitude_deg, height_m))
        )
        out = np.empty((lon.size, 2))
        kernel.image_of(
            np.deg2rad(lon).ravel(),
            np.deg2rad(lat).ravel(),
            height.ravel(),
            *self._orbit,
            self._lens,
            moon.RADIUS_M,
            *self._track,
            out,
        )
        line, sample = out[:, 0].reshape(lon.shape), out[:, 1].reshape(lon.shape)
        if beyond:
            return line, sample
        inside = (np.abs(line - (self.lines - 1) / 2) <= self.lines / 2) & (
            np.abs(sample - (self.samples - 1) / 2) <= self.samples / 2
        )
        return np.where(inside, line, np.nan), np.where(inside, sample, np.nan)

    def outline(self, points: int = 65) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return longitude and latitude around the edge of the image, ``points`` a side; only those on the Moon."""
        along, across = np.linspace(0, self.lines - 1, points), np.linspace(0, self.samples - 1, points)
        line = np.concatenate([along, np.full(points, along[-1]), along[::-1], np.full(points, along[0])])
        sample = np.concatenate(
            [np.full(points, across[0]), across, np.full(points, across[-1]), across[::-1]]
        )
        lon, lat = self.ground(line, sample)
        on_moon = np.isfinite(lon)
        return lon[on_moon], lat[on_moon]

    def pixel_size_m(self) -> tuple[float, float]:
        """Return the distance on the ground from line to line and from sample to sample, at the image's centre."""
        line, sample = (self.lines - 1) / 2, (self.samples - 1) / 2
        down = self.ground_m([line - 0.5, line + 0.5], [sample, sample])
        across = self.ground_m([line, line], [sample - 0.5, sample + 0.5])
        return float(np.linalg.norm(down[1] - down[0])), float(np.linalg.norm(across[1] - across[0]))

    @cached_property
    def _line_time_s(self) -> float:
        return float(self.time_s[-1] - self.time_s[0]) / (self.time_s.size - 1)

    @cached_property
    def _lens(self) -> NDArray[np.float64]:
        first, second = self.optics.distorted_mm([0, 1])
        return np.array(
            [self.optics.focal_length_mm, first, second - first, self.optics.distortion_per_mm2]
        )

    @cached_property
    def _orbit(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Place in m, velocity in m per line, attitude as quaternions without jumps of their sign."""
        quaternion = self.attitude.as_quat(scalar_first=True)
        jumps = (quaternion[1:] * quaternion[:-1]).sum(axis=1) < 0
        sign = np.where(np.concatenate([[0], np.cumsum(jumps)]) % 2, -1.0, 1.0)
        return (
            np.ascontiguousarray(self.position_m),
            np.ascontiguousarray(self.velocity_m_s) * self._line_time_s,
            np.ascontiguousarray(quaternion * sign[:, None]),
        )

    @cached_property
    def _track(self) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """What the search for a line begins with: its typical slope, and a table of lines by angle along the track."""
        line = np.linspace(0, self.lines - 1, min(_FEW_LINES, self.lines))
        sphere = self if self.terrain is None else _without_terrain(self)
        middle = (self.samples - 1) / 2
        ground = sphere.ground_m(line, middle)
        seen = np.isfinite(ground).all(axis=1)
        if np.count_nonzero(seen) < 2:  # at the limb: the points below the spacecraft lead near enough
            below = self.position_m[np.round(line).astype(int)]
            ground = moon.RADIUS_M * below / np.linalg.norm(below, axis=1, keepdims=True)
            seen = np.full(line.size, True)
        line, ground = line[seen], ground[seen]
        unit = ground / np.linalg.norm(ground, axis=1, keepdims=True)
        first, ahead = unit[line.size // 2], unit[-1] - unit[0]
        ahead = ahead - first * (first @ ahead)
        axes = np.stack([first, ahead / np.linalg.norm(ahead)])
        angle = np.arctan2(unit @ axes[1], unit @ axes[0])
        rising = np.concatenate([[True], angle[1:] > np.maximum.accumulate(angle)[:-1]])
        k = line.size // 2
        at = int(round(min(line[k], self.lines - 2)))
        slope = self._tangent(at + 1, ground[k]) - self._tangent(at, ground[k])
        return slope, axes, angle[rising], line[rising]

    def _tangent(self, line: int, ground_m: NDArray[np.float64]) -> float:
        vector = self.attitude[line].inv().apply(ground_m - self.position_m[line])
        return float(vector[0] / vector[2])


def refuse_empty(camera: LineScan) -> LineScan:
    """Return the camera if it sees the Moon.

    Raises:
        MissesMoon: no pixel of it does.
    """
    line, sample = np.meshgrid(
        np.linspace(0, camera.lines - 1, 33), np.linspace(0, camera.samples - 1, 9), indexing="ij"
    )
    if not np.isfinite(camera.ground_m(line, sample)).any():
        what = "the Moon" if camera.terrain is None else "the Moon where the elevation model covers it"
        raise MissesMoon(
            f"{camera.name}: no pixel sees {what}; leave the image out, or check that its label and the kernels "
            "belong together" + ("" if camera.terrain is None else ", and that geometry.dem covers the image")
        )
    return camera


def _without_terrain(camera: LineScan) -> LineScan:
    return replace(camera, terrain=None)
