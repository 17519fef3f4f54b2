"""bfloat16 is used where it is fast, and only there."""

from contextlib import nullcontext

import pytest
import torch

from nightside.learning import fast_autocast, multiplies_in_bf16


@pytest.mark.parametrize("flags", [{"amx_bf16": True}, {"avx512_bf16": True, "amx_bf16": False}])
def test_a_processor_that_multiplies_in_bf16_runs_networks_in_it(monkeypatch, flags):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    assert multiplies_in_bf16("cpu")
    with fast_autocast("cpu"):
        assert torch.nn.functional.linear(torch.ones(2, 2), torch.ones(2, 2)).dtype == torch.bfloat16


@pytest.mark.parametrize("flags", [{"avx2": True, "avx512_f": True, "avx512_bf16": False}, {}])
def test_a_processor_that_would_emulate_it_stays_in_single_precision(monkeypatch, flags):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    assert not multiplies_in_bf16("cpu")
    assert isinstance(fast_autocast("cpu"), nullcontext)


def test_a_pytorch_that_cannot_tell_stays_in_single_precision(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not multiplies_in_bf16("cpu")


def test_a_gpu_is_asked_whether_it_has_it_and_does_not_emulate(monkeypatch):
    asked = {}
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.update(how) or True)
    assert multiplies_in_bf16("cuda:1")
    assert asked == {"including_emulation": False}
