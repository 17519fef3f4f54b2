"""PhotonNet: a residual U-Net that takes off what the camera's noise leaves, and says how sure it is.

HORUS (Moseley et al. 2021) has a U-Net for the residual of photon, read-out and companding noise. This one is given
more: the image before and after the removal of the echo (noise is white in the first, the scene is sharp in the
second), and the expected standard deviation of the noise, in whose units it works. It returns the noise of the second
and the logarithm of its own variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from nightside.camera.linearity import Linearity

CHANNELS = 5
SMOOTH = 6.0
"""Standard deviation in pixels of the mean that is taken off the input."""

TRUNCATE = 3.0

SCALE_KNOTS = 17
"""Levels at which the stated standard deviation is set right: sixteenths of ``log1p(signal / noise) / 4``."""

KNOT_PIXELS_MIN = 2000


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (n, width, line, sample)."""
        # In place: the derivatives need neither of what is overwritten.
        out: Tensor = self.second(torch.relu_(self.first(x)))
        out += x
        return out


class PhotonNet(nn.Module):
    """A U-Net of residual blocks; lines and samples have to be multiples of ``stride``."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128), blocks: tuple[int, ...] = (1, 2, 4)) -> None:
        super().__init__()
        self.widths, self.blocks = tuple(widths), tuple(blocks)
        self.head = nn.Conv2d(CHANNELS, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.encode, self.decode = nn.ModuleList(), nn.ModuleList()
        for level, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            self.encode.append(nn.Sequential(*(Residual(width) for _ in range(count))))
            if level + 1 < len(widths):
                deeper = widths[level + 1]
                self.down.append(nn.Conv2d(width, deeper, 2, 2))
                self.up.append(nn.ConvTranspose2d(deeper, width, 2, 2))
                self.decode.append(nn.Sequential(*(Residual(width) for _ in range(count))))
        self.tail = nn.Conv2d(widths[0], 2, 3, padding=1)
        self.log_scale: Tensor
        self.register_buffer("log_scale", torch.zeros(SCALE_KNOTS))

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> PhotonNet:
        """Build the network that a model's card describes."""
        return cls(tuple(card["network"]["widths"]), tuple(card["network"]["blocks"]))

    def shape(self) -> dict[str, list[int]]:
        """Return what ``from_card`` needs."""
        return {"widths": list(self.widths), "blocks": list(self.blocks)}

    @property
    def stride(self) -> int:
        """Pixels of the input for one of the deepest level."""
        return int(2 ** (len(self.widths) - 1))

    @property
    def reach(self) -> int:
        """How far, in pixels, an output can depend on its input, the smoothing of the input included."""
        convolutions = 2.0
        for level, count in enumerate(self.blocks):
            convolutions += 2**level * (2 * count * (1 if level + 1 == len(self.blocks) else 2) + 1)
        return int(convolutions + np.ceil(TRUNCATE * SMOOTH))

    def forward(self, x: Tensor) -> Tensor:
        """Return the noise and the logarithm of its variance, (n, 2, line, sample), from (n, 5, line, sample)."""
        correction = self._scale(x[:, 2:3])
        x = self.head(x)
        kept = []
        for level, encode in enumerate(self.encode):
            x = encode(x)
            if level < len(self.down):
                kept.append(x)
                x = self.down[level](x)
        for level in reversed(range(len(self.down))):
            x = self.up[level](x)
            x += kept.pop()
            x = self.decode[level](x)
        noise, log_variance = self.tail(x).split(1, 1)
        # Held within bounds that no image reaches, so that training cannot run away.
        return torch.cat([noise, 10 * torch.tanh(log_variance / 10) + 2 * correction], 1)

    def _scale(self, level: Tensor) -> Tensor:
        """Return the logarithm of what the standard deviation is multiplied by, interpolated in the signal's level."""
        at = (level.float() * (SCALE_KNOTS - 1)).clamp(0, SCALE_KNOTS - 1.001)
        below = at.floor().long()
        return torch.lerp(self.log_scale[below], self.log_scale[below + 1], at - below)

    def calibrate(self, level: Tensor, z: Tensor) -> None:
        """Set the stated standard deviation right, from z-scores of errors that it was too small or too large for.

        Args:
            level: third channel of the input, any shape.
            z: errors over their stated standard deviation, same shape.
        """
        at = (level * (SCALE_KNOTS - 1)).clamp(0, SCALE_KNOTS - 1).round().long().flatten()
        count = torch.bincount(at, minlength=SCALE_KNOTS)
        square = torch.bincount(at, weights=z.flatten().double() ** 2, minlength=SCALE_KNOTS)
        known = count > KNOT_PIXELS_MIN
        spread = torch.where(known, 0.5 * torch.log(square / count.clamp(min=1) + 1e-12), torch.nan).numpy()
        knots = np.arange(SCALE_KNOTS)
        there = np.isfinite(spread)
        if there.any():
            filled = np.interp(knots, knots[there], spread[there])
            self.log_scale += torch.from_numpy(filled).to(self.log_scale)


@dataclass(frozen=True)
class Response:
    """What the noise of a camera's restored image follows from.

    Attributes:
        linearity: the mean response of the camera.
        counts_per_dn: electrons for one DN.
        read_noise_dn: of one sample, raw DN.
    """

    linearity: Linearity
    counts_per_dn: float
    read_noise_dn: float

    def slope(self, level: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how many DN of a restored image one raw DN makes at a level, DN, any shape."""
        raw = np.linspace(-64, 4096, 2081)
        true = self.linearity.inverse(raw[:, None])[:, 0]
        slope = self.linearity.slope(raw[:, None])[:, 0]
        return np.asarray(np.interp(level, true, slope), np.float32)

    def noise_std(self, recorded: NDArray[np.float32], step_dn: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the expected standard deviation of a restored image before its echo is removed, DN.

        Args:
            recorded: the image, DN, (line, sample); its smoothed level is what the noise depends on.
            step_dn: width of each number's interval, raw DN, same shape.
        """
        level = gaussian_filter(recorded, SMOOTH, truncate=TRUNCATE, mode="nearest")
        steps = gaussian_filter(step_dn**2, SMOOTH, truncate=TRUNCATE, mode="nearest")
        electronic = (self.read_noise_dn**2 + steps / 12) * self.slope(level) ** 2
        return np.sqrt(electronic + np.maximum(level, 0) / self.counts_per_dn).astype(np.float32)


def network_input(
    recorded: NDArray[np.float32], sharp: NDArray[np.float32], std: NDArray[np.float32], summing: int
) -> NDArray[np.float32]:
    """Return the channels that PhotonNet sees, float32, (5, line, sample).

    Args:
        recorded: the image with its echo, DN, (line, sample), samples in the order of read-out.
        sharp: without its echo.
        std: expected standard deviation of the noise of ``recorded``.
        summing: of the camera's mode; it tells the echo's distance.
    """
    level = gaussian_filter(recorded, SMOOTH, truncate=TRUNCATE, mode="nearest")
    return np.stack(
        [
            (recorded - level) / std,
            (sharp - level) / std,
            np.log1p(np.maximum(level / std, 0)) / 4,
            np.log(std) / 2,
            np.full_like(std, summing - 1.5),
        ]
    ).astype(np.float32, copy=False)
