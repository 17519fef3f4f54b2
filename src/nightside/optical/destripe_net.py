"""DestripeNet: a line's camera noise from its masked samples and the camera's housekeeping.

HORUS (Moseley et al. 2021) grows a line of 8,192 samples out of a vector by transposed convolutions. Here the line is
what it physically is, a few patterns of the columns, weighed by the housekeeping, and an offset of each end and phase,
told by the masked samples: a thousand times fewer weights, which a few dozen dark frames suffice to learn.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nightside.camera.layout import Layout, layout

HOUSEKEEPING = 9
"""The eight values of ``Housekeeping.as_array`` and the exposure in ms."""

ORBIT_PERIODS = (1_000.0, 4_000.0, 16_000.0, 64_000.0)
"""Of the waves by which the network can tell the ages of the camera apart, in orbits."""


class DestripeNet(nn.Module):
    """The expected dark line of one camera in one mode, raw DN."""

    def __init__(self, where: Layout, components: int, width: int) -> None:
        super().__init__()
        self.masked: Tensor
        self.phase: Tensor
        self.across: Tensor
        self.mean_input: Tensor
        self.std_input: Tensor
        self.layout, self.components, self.width = where, components, width
        masked = torch.from_numpy(where.masked.copy())
        self.register_buffer("masked", masked, persistent=False)
        self.register_buffer("phase", torch.from_numpy(where.phase()), persistent=False)
        self.register_buffer("across", torch.linspace(0, 1, where.samples), persistent=False)
        self.register_buffer("mean_input", torch.zeros(HOUSEKEEPING))
        self.register_buffer("std_input", torch.ones(HOUSEKEEPING))
        self.column = nn.Parameter(torch.zeros(where.samples))
        self.patterns = nn.Parameter(torch.zeros(components, where.samples))
        self.weigh = nn.Sequential(
            nn.Linear(HOUSEKEEPING + 2 * len(ORBIT_PERIODS), width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, components),
        )
        self.wander = nn.Linear(masked.numel(), 2 + where.phases)
        nn.init.zeros_(self.wander.weight)
        nn.init.zeros_(self.wander.bias)

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> DestripeNet:
        """Build the network that a model's card describes."""
        shape = card["network"]
        return cls(layout(shape["camera"], shape["summing"]), shape["components"], shape["width"])

    def shape(self) -> dict[str, Any]:
        """Return what ``from_card`` needs."""
        return {
            "camera": self.layout.camera,
            "summing": self.layout.summing,
            "components": self.components,
            "width": self.width,
        }

    def start_from(self, column_dn: Tensor, housekeeping: Tensor) -> None:
        """Take the mean of dark frames and their principal patterns as the first guess.

        Args:
            column_dn: mean of each frame's lines, raw DN, (frame, sample).
            housekeeping: with the exposure, (frame, 9).
        """
        with torch.no_grad():
            self.mean_input.copy_(housekeeping.mean(0))
            self.std_input.copy_(housekeeping.std(0, correction=0).clamp(min=1e-3))
            self.column.copy_(column_dn.mean(0))
            _, size, patterns = torch.linalg.svd(column_dn - column_dn.mean(0), full_matrices=False)
            count = min(self.components, max(len(size) - 1, 0))
            scale = size[:count, None] / len(column_dn) ** 0.5
            self.patterns[:count].copy_(patterns[:count] * scale)

    def columns(self, housekeeping: Tensor) -> Tensor:
        """Return the expected mean of many dark lines, raw DN, (n, sample), from housekeeping (n, 9)."""
        orbit = housekeeping[:, :1] / torch.tensor(ORBIT_PERIODS, device=housekeeping.device)
        waves = [torch.sin(2 * torch.pi * orbit), torch.cos(2 * torch.pi * orbit)]
        known = torch.cat([(housekeeping - self.mean_input) / self.std_input, *waves], 1)
        out: Tensor = self.column + self.weigh(known) @ self.patterns
        return out

    def forward(self, masked_dn: Tensor, housekeeping: Tensor) -> Tensor:
        """Return the expected camera noise of each line, raw DN, (line, sample).

        Args:
            masked_dn: raw DN of the masked samples, (line, masked), in the order of ``Layout.masked``.
            housekeeping: (line, 9), or (1, 9) where all lines are of one image.
        """
        columns = self.columns(housekeeping)
        rest = masked_dn - columns[:, self.masked]
        ends = self.wander(rest)
        line = ends[:, :1] * (1 - self.across) + ends[:, 1:2] * self.across
        out: Tensor = columns + line + ends[:, 2:][:, self.phase]
        return out
