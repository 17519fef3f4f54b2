"""In which arithmetic a network runs fastest: bfloat16 only where the device multiplies in it.

Emulated, as on processors without AVX-512-BF16 or AMX, convolutions in bfloat16 are ten times slower than in single
precision (EPYC 7003, oneDNN), not two to four times faster.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

BF16_FLAGS = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")
"""What PyTorch calls such processors' instructions."""


def multiplies_in_bf16(device: str) -> bool:
    """Say whether ``device`` ("cpu", "cuda", "cuda:1", ...) multiplies in bfloat16 itself."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(known.get(flag, False) for flag in BF16_FLAGS)


def fast_autocast(device: str) -> AbstractContextManager[Any]:
    """Return the context in which a trained network runs fastest on ``device``."""
    kind = device.partition(":")[0]
    return torch.autocast(kind, torch.bfloat16) if multiplies_in_bf16(device) else nullcontext()
