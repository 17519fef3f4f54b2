from pathlib import Path

import pytest
import torch

from nightside.learning import ModelError, load_model, save_model


def test_a_model_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 3)
    save_model(tmp_path, module, {"size": [2, 3]})
    again, card = load_model(tmp_path, lambda card: torch.nn.Linear(*card["size"]))
    assert torch.equal(module.weight, again.weight)
    assert card == {"size": [2, 3]}
    assert not again.training


def test_an_unfinished_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run the training step"):
        load_model(tmp_path, lambda card: torch.nn.Linear(1, 1))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    save_model(tmp_path, torch.nn.Linear(2, 3), {})
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(tmp_path, lambda card: torch.nn.Linear(3, 3))


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    save_model(tmp_path, torch.nn.Linear(2, 3), {})
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(tmp_path, lambda card: torch.nn.Linear(2, 3))
