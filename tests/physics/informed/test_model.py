"""One vector stands for weights and unknowns; its residuals and their Jacobian are exact."""

import pytest
import torch
from torch import nn

from nightside.physics.informed import (
    CarrierWave,
    ChebyshevFeatures,
    FullyConnected,
    Harmonics,
    Model,
    Oscillator,
    RandomFeatures,
    Windows,
    parameter_covariance,
)

NETWORKS = [
    FullyConnected(width=6, hidden=2),
    Windows(FullyConnected(width=4, hidden=1), count=4, width=0.6),
    Windows(RandomFeatures(count=5), count=3, width=0.8),
    Windows(ChebyshevFeatures((4,)), count=4, width=0.6, periodic=True),
    Harmonics(FullyConnected(inputs=4, width=4, hidden=1), count=2),
    CarrierWave(FullyConnected(width=4, hidden=1), frequency=18.0),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
def test_the_jacobian_is_that_of_central_differences(network):
    problem = Oscillator(observed_t=(0.1, 0.5), observed_u=(0.3, -0.2), collocation=7, friction_start=3.0)
    model = Model(problem, network)
    vector = model.initial(1)
    miss, jacobian = model.jacobian(vector)
    torch.testing.assert_close(miss, model.residuals(vector))
    torch.testing.assert_close(model.loss(vector), miss @ miss)
    step = 1e-6
    for k in range(vector.shape[0]):
        shift = torch.zeros_like(vector)
        shift[k] = step
        slope = (model.residuals(vector + shift) - model.residuals(vector - shift)) / (2 * step)
        torch.testing.assert_close(jacobian[:, k], slope, rtol=1e-5, atol=1e-6)


def test_weights_start_as_those_of_torch_layers():
    torch.manual_seed(123)
    layers = [nn.Linear(1, 32), nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 1)]
    expected = torch.cat([p.detach().ravel() for layer in layers for p in layer.parameters()])
    model = Model(Oscillator(dtype=torch.float32), FullyConnected(1, 32, 3), torch.float32)
    assert torch.equal(model.initial(123), expected)


def test_unknown_parameters_replace_fixed_ones():
    model = Model(Oscillator(friction_start=0.5), FullyConnected(width=4, hidden=1))
    vector = model.initial(0)
    assert float(model.parameters(vector)["friction"]) == 0.5
    assert float(model.parameters(vector)["stiffness"]) == 400.0


def test_windows_add_up_to_one():
    class One:
        def initial(self, generator):
            return {"none": torch.zeros(1)}

        def __call__(self, weights, x):
            return torch.ones_like(x[..., 0])

    windows = Windows(One(), count=15, width=0.15)
    x = torch.linspace(0.0, 1.0, 201, dtype=torch.float64)[:, None]
    torch.testing.assert_close(windows({"none": torch.zeros(15, 1)}, x), torch.ones(201, dtype=torch.float64))


def test_chebyshev_features_are_products_of_polynomials():
    x = torch.tensor([[0.3, -0.7], [1.0, 0.2]], dtype=torch.float64)
    weight = torch.zeros(3, 4, dtype=torch.float64)
    weight[2, 3] = 2.0
    t2, t3 = 2 * x[:, 0] ** 2 - 1, 4 * x[:, 1] ** 3 - 3 * x[:, 1]
    torch.testing.assert_close(ChebyshevFeatures((3, 4))({"weight": weight}, x), 2.0 * t2 * t3)


def test_periodic_networks_repeat_after_a_turn():
    generator = torch.Generator().manual_seed(0)
    x = torch.linspace(0.0, 6.0, 7, dtype=torch.float64)[:, None]
    turn = 2 * torch.pi
    for network in (
        Harmonics(FullyConnected(inputs=6, width=5, hidden=1), count=3),
        Windows(FullyConnected(width=4, hidden=1), 0.0, turn, count=6, width=3.0, periodic=True),
    ):
        weights = {name: weight.double() for name, weight in network.initial(generator).items()}
        torch.testing.assert_close(network(weights, x), network(weights, x + turn))


def test_windows_that_leave_gaps_are_refused():
    with pytest.raises(ValueError, match="do not overlap"):
        Windows(FullyConnected(), count=5, width=0.25)


def test_a_covariance_needs_unknown_parameters():
    model = Model(Oscillator(), FullyConnected(width=4, hidden=1))
    with pytest.raises(ValueError, match="no unknown parameters"):
        parameter_covariance(model, model.initial(0))


def test_the_covariance_of_a_linear_problem_is_that_of_least_squares():
    # With weights that a prior holds at naught, u = 0 and the friction is undetermined; with a field that is held
    # at the exact solution it is determined by the equation alone: both are known without the network.
    problem = Oscillator(friction_start=4.0, collocation=20, equation_weight=20.0)
    model = Model(problem, Windows(RandomFeatures(count=24), count=3, width=0.9))
    vector = model.initial(0)
    _, jacobian = model.jacobian(vector)
    held = parameter_covariance(model, vector, prior_precision=1e12)
    torch.testing.assert_close(held[0, 0], 1.0 / (jacobian[:, -1] @ jacobian[:, -1]), rtol=1e-4, atol=0.0)
    free = parameter_covariance(model, vector, prior_precision=1e-2)
    full = jacobian.T @ jacobian
    full[:-1, :-1] += 1e-2 * torch.eye(full.shape[0] - 1, dtype=full.dtype)
    torch.testing.assert_close(free[0, 0], torch.linalg.inv(full)[-1, -1], rtol=1e-4, atol=0.0)
