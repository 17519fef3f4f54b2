"""A problem says what has to hold; the exact solution obeys it, and what cannot be is refused."""

import math

import pytest
import torch

from nightside.physics.informed import Constraint, Oscillator, derivatives

TIMES = torch.linspace(0.0, 1.0, 101, dtype=torch.float64)[:, None]


def cubic(x):
    return x[..., 0] ** 3 * x[..., 1] ** 2


def test_derivatives_of_a_polynomial_are_exact_for_one_point_and_for_many():
    points = torch.tensor([[0.5, 2.0], [-1.5, 0.3]], dtype=torch.float64)
    x, y = points.T
    value, gradient, curvature = derivatives(cubic, points, axis=0)
    torch.testing.assert_close(value, x**3 * y**2)
    torch.testing.assert_close(gradient, torch.stack([3 * x**2 * y**2, 2 * x**3 * y], dim=1))
    torch.testing.assert_close(curvature, 6 * x * y**2)
    one = derivatives(cubic, points[1], axis=1)
    torch.testing.assert_close(one[2], 2 * x[1] ** 3)


@pytest.mark.parametrize("friction", [0.0, 4.0, 39.0])
@pytest.mark.parametrize("stiffness", [400.0, 6400.0])
def test_the_exact_solution_of_the_oscillator_leaves_no_residual(friction, stiffness):
    problem = Oscillator(friction=friction, stiffness=stiffness)
    parameters = {k: torch.tensor(v, dtype=torch.float64) for k, v in problem.fixed().items()}
    for constraint in problem.constraints():
        miss = constraint.residual(problem.exact, constraint.points, parameters) - constraint.targets
        assert float(miss.abs().max()) < 1e-9 * stiffness


def test_the_exact_solution_oscillates_at_its_frequency_and_decays():
    u = Oscillator().exact(TIMES)
    period = 2 * math.pi / math.sqrt(400.0 - 4.0)
    later = Oscillator().exact(TIMES + period)
    torch.testing.assert_close(later, u * math.exp(-2.0 * period))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"mass": -1.0}, "mass is -1.0"),
        ({"stiffness": 0.0}, "stiffness"),
        ({"friction": 40.0}, "critically damped"),
        ({"friction": -0.1}, "friction"),
        ({"friction": math.nan}, "friction"),
        ({"observed_t": (0.1,), "observed_u": ()}, "0 values at 1 times"),
        ({"observed_t": (0.0, 0.1), "observed_u": (math.nan, 1.0)}, r"observed_u\[0\] is nan"),
        ({"observed_t": (0.0, math.nan), "observed_u": (1.0, 1.0)}, r"observed_t\[1\] is nan"),
        ({"observed_t": (0.0, 360.0), "observed_u": (1.0, 1.0)}, r"observed_t\[1\] is 360; expected 0 to 1"),
        ({"equation_weight": 0.0}, "equation_weight"),
        ({"data_weight": math.nan}, "data_weight"),
        ({"friction_start": math.nan}, "friction_start"),
        ({"collocation": 0}, "collocation"),
    ],
)
def test_an_unphysical_oscillator_is_refused(options, named):
    with pytest.raises(ValueError, match=named):
        Oscillator(**options)


@pytest.mark.parametrize(
    ("points", "target", "weight", "named"),
    [
        (torch.zeros(3), 0.0, 1.0, "expected"),
        (torch.zeros(0, 1), 0.0, 1.0, "n above 0"),
        (torch.tensor([[math.inf]]), 0.0, 1.0, "a point is not finite"),
        (torch.zeros(3, 1), torch.zeros(2), 1.0, "2,. targets for 3 points"),
        (torch.zeros(2, 1), torch.tensor([1.0, math.nan]), 1.0, "a target is not finite"),
        (torch.zeros(3, 1), 0.0, -1.0, "weight is -1.0"),
    ],
)
def test_a_constraint_without_sense_is_refused(points, target, weight, named):
    with pytest.raises(ValueError, match=named):
        Constraint("c", points, lambda u, x, p: u(x), weight, target)
