"""The one way to train a network: Lightning, on one process or many, resumable, with its provenance."""

from nightside.learning.arithmetic import fast_autocast, multiplies_in_bf16
from nightside.learning.batch_norm import BatchNorm
from nightside.learning.batches import Batches, batch_loader, own_share
from nightside.learning.fitting import LAST, WorldSizeError, fit
from nightside.learning.model_folder import ModelError, load_model, save_model, versions

__all__ = [
    "LAST",
    "BatchNorm",
    "Batches",
    "ModelError",
    "WorldSizeError",
    "batch_loader",
    "fast_autocast",
    "fit",
    "load_model",
    "multiplies_in_bf16",
    "own_share",
    "save_model",
    "versions",
]
