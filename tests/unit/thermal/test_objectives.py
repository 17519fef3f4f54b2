import pytest
import torch

from nightside.thermal.objectives import (
    kl_per_latent,
    negative_log_likelihood,
    squared_correlation,
    total_correlation,
)
from nightside.thermal.vae import Encoded


def test_likelihood_is_that_of_torch() -> None:
    residual, variance = torch.randn(4, 6), torch.rand(4, 6) + 0.1
    normal = torch.distributions.Normal(torch.zeros(4, 6), variance.sqrt())
    constant = 6 * 0.5 * torch.log(torch.tensor(2 * torch.pi))
    expected = -normal.log_prob(residual).sum(1) - constant
    assert torch.allclose(negative_log_likelihood(residual, variance), expected, atol=1e-5)


def test_divergence_is_that_of_torch() -> None:
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (0.5 * log_variance).exp()),
        torch.distributions.Normal(torch.zeros(5, 3), torch.ones(5, 3)),
    )
    assert torch.allclose(kl_per_latent(Encoded(mean, log_variance)), expected, atol=1e-5)


def test_total_correlation_sees_dependence() -> None:
    torch.manual_seed(0)
    independent = torch.randn(512, 2)
    dependent = independent[:, :1].repeat(1, 2)
    estimates = [
        total_correlation(z, Encoded(z, torch.full_like(z, -3.0)), 512).item()
        for z in (independent, dependent)
    ]
    assert estimates[1] > estimates[0] + 0.5


def test_correlation_penalty_vanishes_for_independent_columns() -> None:
    torch.manual_seed(0)
    a = torch.randn(4000, 1)
    assert squared_correlation(a, -a).item() == pytest.approx(1.0, abs=0.01)
    assert squared_correlation(a, torch.randn(4000, 2)).item() < 0.01
