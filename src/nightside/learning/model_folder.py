"""A trained network as a folder: ``model.safetensors`` (weights) and ``model.json`` (its card)."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from nightside.formats.model_files import CARD, WEIGHTS

Module = TypeVar("Module", bound=nn.Module)


class ModelError(ValueError):
    """A model folder that is absent or cannot be used; the message says what to do."""


def versions() -> dict[str, str]:
    """Return the versions that weights depend on."""
    names = ("nightside", "torch", "pytorch-lightning", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def save_model(folder: Path, module: nn.Module, card: Mapping[str, Any]) -> None:
    """Write weights (with buffers) and card; the card comes last, so a folder that has one is complete.

    ``card`` has to be JSON without NaN.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(card), indent=2, allow_nan=False) + "\n"
    (folder / CARD).unlink(missing_ok=True)
    partial = folder / (WEIGHTS + ".partial")
    # Written by Python: safetensors does not tell a full disk from other faults.
    partial.write_bytes(save({k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}))
    partial.replace(folder / WEIGHTS)
    partial = folder / (CARD + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(folder / CARD)


def load_model(folder: Path, build: Callable[[dict[str, Any]], Module]) -> tuple[Module, dict[str, Any]]:
    """Return the network, in evaluation mode on the CPU, and its card.

    ``build`` makes the network, without its weights, from the card.

    Raises:
        ModelError: the folder is no finished model, or its weights do not fit what ``build`` makes.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not (folder / CARD).is_file() or not (folder / WEIGHTS).is_file():
        raise ModelError(f"{folder} holds no finished model ({CARD} and {WEIGHTS}); run the training step")
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        module = build(card)
        module.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise ModelError(
            f"{folder} cannot be loaded ({error}); remove it and run the training step again"
        ) from error
    return module.eval(), card
