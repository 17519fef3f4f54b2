"""The variational autoencoder of temperature profiles.

The default network is that of Moseley et al. (2020), Planet. Sci. J. 1:32: a profile of 120 local times, wrapped
around the periodic lunar day to 128, is halved seven times by one-dimensional convolutions, down to the mean and
the logarithm of the variance of four latents; the decoder mirrors it. Its output is linear, because normalised
temperatures have both signs. Beside the profile the encoder sees, as a second channel, how sure it is at each
local time: without it, an interpolated hour cannot be told from an observed one (docs/disentanglement.md).

A convolution whose stride is its width does not overlap itself: it is a matrix product over reshaped rows, and is
written as one here, with channels last, because on a CPU that is many times faster than ``Conv1d``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nightside.learning import BatchNorm


class Encoded(NamedTuple):
    """A Gaussian posterior over the latents: ``mean`` and ``log_variance``, each (n, latents)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor | None = None) -> Tensor:
        """Draw latents (n, latents), differentiably (Kingma and Welling 2014, section 2.4), by ``noise`` if given."""
        noise = torch.randn_like(self.mean) if noise is None else noise
        return self.mean + noise * torch.exp(0.5 * self.log_variance)


class _Block(nn.Module):
    """A linear map of rows, batch normalisation over everything but channels, and ReLU."""

    def __init__(self, inputs: int, channels: int, doubles: bool = False) -> None:
        super().__init__()
        self.doubles = doubles
        self.linear = nn.Linear(inputs, 2 * channels if doubles else channels, bias=not doubles)
        self.bias = nn.Parameter(torch.zeros(channels)) if doubles else None
        self.norm = BatchNorm(channels)

    def rows(self, rows: Tensor) -> Tensor:
        """Map (rows, inputs) to (rows, channels), or to (2 rows, channels) where the block doubles."""
        mapped: Tensor = self.linear(rows)
        if self.bias is not None:
            mapped = mapped.reshape(2 * rows.shape[0], -1) + self.bias
        return torch.relu(self.norm(mapped))


class _Halve(_Block):
    """``Conv1d`` of width 2 and stride 2 on (n, length, channels), normalised."""

    def __init__(self, channels: int) -> None:
        super().__init__(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        n, length, channels = x.shape
        return self.rows(x.reshape(n * length // 2, 2 * channels)).view(n, length // 2, channels)


class _Double(_Block):
    """``ConvTranspose1d`` of width 2 and stride 2 on (n, length, inputs), normalised."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(inputs, channels, doubles=True)

    def forward(self, x: Tensor) -> Tensor:
        n, length, inputs = x.shape
        return self.rows(x.reshape(n * length, inputs)).view(n, 2 * length, -1)


class ProfileVae(nn.Module):
    """An autoencoder of normalised profiles (n, ``local_times``).

    Args:
        local_times: points of a profile, evenly spaced over the lunar day; at least 8.
        latents: size of the latent space.
        width: channels of every convolution.
        inputs: channels that the encoder sees at each local time.

    Raises:
        ValueError: a size is too small.
    """

    def __init__(self, local_times: int = 120, latents: int = 4, width: int = 32, inputs: int = 2) -> None:
        super().__init__()
        if local_times < 8 or latents < 1 or width < 1 or inputs < 1:
            raise ValueError(
                f"local_times {local_times}, latents {latents}, width {width}, inputs {inputs}: "
                "expected >= 8, 1, 1, 1"
            )
        self.local_times = local_times
        self.latents = latents
        self.width = width
        self.inputs = inputs
        halvings = math.ceil(math.log2(local_times))
        self.length = 2**halvings
        self.before = (self.length - local_times) // 2
        # One more point on either side for the first convolution, of width 3.
        wrapped = torch.arange(-self.before - 1, self.length - self.before + 1) % local_times
        self.register_buffer("wrapped", wrapped, persistent=False)
        self.first = _Block(3 * inputs, width)
        self.down = nn.Sequential(*[_Halve(width) for _ in range(halvings)])
        self.posterior = nn.Linear(width, 2 * latents)
        self.up = nn.Sequential(*[_Double(width if i else latents, width) for i in range(halvings)])
        self.last = nn.Linear(width, 1)

    def encode(self, seen: Tensor) -> Encoded:
        """Return the posterior of the latents of normalised inputs (n, local_times, inputs)."""
        n = seen.shape[0]
        wrapped = seen[:, self.get_buffer("wrapped")]
        windows = wrapped.unfold(1, 3, 1).reshape(n * self.length, 3 * self.inputs)
        features = self.first.rows(windows).view(n, self.length, self.width)
        mean, log_variance = self.posterior(self.down(features)[:, 0]).chunk(2, dim=1)
        return Encoded(mean, log_variance.clamp(-12.0, 6.0))

    def decode(self, latents: Tensor) -> Tensor:
        """Return the normalised profiles (n, local_times) of latents (n, latents)."""
        decoded: Tensor = self.last(self.up(latents[:, None, :]))
        return decoded[:, self.before : self.before + self.local_times, 0]

    def forward(self, seen: Tensor) -> tuple[Tensor, Encoded]:
        """Return a reconstruction (n, local_times) from sampled latents, and their posterior."""
        posterior = self.encode(seen)
        return self.decode(posterior.sample()), posterior
