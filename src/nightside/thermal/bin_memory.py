"""The memory that bins take, which is known before a workflow starts: this module loads no compiler."""

from __future__ import annotations

from nightside.config import ConfigError

_BYTES_A_BIN = 4 + 8 + 8
"""A count of 32 bits, a sum and a sum of squares in double precision."""


def check_bins(cells: tuple[int, int], local_time_bins: int, memory_limit_gb: float) -> float:
    """Return the memory, in GB, of a block's bins of ``cells`` (rows, columns).

    Raises:
        ConfigError: it is more than ``memory_limit_gb``.
    """
    shape = (*cells, local_time_bins)
    needed_gb = _BYTES_A_BIN * shape[0] * shape[1] * shape[2] / 1e9
    if needed_gb > memory_limit_gb:
        raise ConfigError(
            f"bins of {shape[0]} x {shape[1]} cells and {local_time_bins} local times need {needed_gb:.2f} GB, more "
            f"than thermal.bins.memory_limit_gb = {memory_limit_gb:g}; take a smaller region, fewer pixels per degree "
            "or fewer local_time_bins, or raise the limit if the machine has the memory"
        )
    return needed_gb
