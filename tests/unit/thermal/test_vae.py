import pytest
import torch

from nightside.thermal.vae import Encoded, ProfileVae


def test_default_network_has_the_parameters_of_the_paper() -> None:
    # 28,713 is what two independent re-implementations print; the second input adds 3 x 32 weights.
    assert sum(p.numel() for p in ProfileVae(inputs=1).parameters()) == 28_713
    assert sum(p.numel() for p in ProfileVae().parameters()) == 28_713 + 96


@pytest.mark.parametrize("local_times", [8, 96, 120, 128, 240])
def test_a_profile_comes_back_in_its_own_shape(local_times: int) -> None:
    vae = ProfileVae(local_times, latents=3, width=8)
    decoded, posterior = vae(torch.randn(5, local_times, 2))
    assert decoded.shape == (5, local_times)
    assert posterior.mean.shape == posterior.log_variance.shape == (5, 3)


def test_the_day_wraps_around_midnight() -> None:
    vae = ProfileVae()
    wrapped = vae.get_buffer("wrapped")
    assert wrapped[0] == 120 - vae.before - 1
    assert wrapped[vae.before + 1] == 0
    assert vae.length == 128


def test_blocks_are_the_convolutions_of_the_paper() -> None:
    vae = ProfileVae(width=4).eval()
    halve, double = vae.down[0], vae.up[1]
    x = torch.randn(2, 16, 4)
    weight = halve.linear.weight.view(4, 2, 4).permute(0, 2, 1)
    conv = torch.nn.functional.conv1d(x.transpose(1, 2), weight, halve.linear.bias, stride=2)
    assert torch.allclose(halve(x), torch.relu(conv.transpose(1, 2) / (1 + 1e-5) ** 0.5), atol=1e-5)
    weight = double.linear.weight.view(2, 4, 4).permute(2, 1, 0)
    conv = torch.nn.functional.conv_transpose1d(x.transpose(1, 2), weight, double.bias, stride=2)
    assert torch.allclose(double(x), torch.relu(conv.transpose(1, 2) / (1 + 1e-5) ** 0.5), atol=1e-5)


def test_output_takes_both_signs() -> None:
    torch.manual_seed(0)
    decoded = ProfileVae().decode(torch.randn(64, 4))
    assert decoded.min() < 0 < decoded.max()


def test_samples_have_the_posterior_s_moments() -> None:
    torch.manual_seed(0)
    samples = Encoded(torch.full((20_000, 1), 2.0), torch.full((20_000, 1), -2.0)).sample()
    assert samples.mean().item() == pytest.approx(2.0, abs=0.02)
    assert samples.std().item() == pytest.approx(2.718281828**-1, abs=0.02)


def test_sizes_without_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="local_times 4"):
        ProfileVae(4)
