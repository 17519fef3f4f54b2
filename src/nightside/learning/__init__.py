"""The one way to train a network: Lightning, on one process or many, resumable, with its provenance."""

from nightside.learning.arithmetic import fast_autocast, multiplies_in_bf16
from nightside.learning.batches import Batches, batch_loader
from nightside.learning.fitting import LAST, WorldSizeError, fit
from nightside.learning.model_folder import ModelError, load_model, save_model, versions

__all__ = [
    "LAST",
    "Batches",
    "ModelError",
    "WorldSizeError",
    "batch_loader",
    "fast_autocast",
    "fit",
    "load_model",
    "multiplies_in_bf16",
    "save_model",
    "versions",
]
