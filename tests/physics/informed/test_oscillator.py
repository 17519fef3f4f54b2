"""What networks make of the damped oscillator."""

import pytest
import torch

from nightside.physics.informed import (
    CarrierWave,
    FullyConnected,
    Model,
    Oscillator,
    RandomFeatures,
    Windows,
    adam,
    levenberg_marquardt,
)
from nightside.physics_room.oscillator_experiments import INFORMED_RATE, INFORMED_STEPS
from nightside.physics_room.oscillator_measures import article_problem, errors

HIGH = Oscillator(stiffness=6400.0, collocation=200)


def test_a_naive_network_fits_the_data_and_fails_outside():
    model = Model(article_problem(0, torch.float32), FullyConnected(), torch.float32)
    trained = adam(model, model.initial(123), 1000, 1e-3)
    found = errors(model, trained.vector)
    assert found["relative_l2_inside"] < 0.05
    assert found["relative_l2_outside"] > 1.0


@pytest.mark.timeout(1200)  # half a minute of a quiet core, ten times that on a busy one
@pytest.mark.slow
def test_adam_in_the_articles_steps_is_within_a_twentieth_over_the_whole_domain():
    """One seed of three, about half a minute; all three are in ``benchmarks/physics_informed.py``."""
    model = Model(article_problem(30, torch.float32), FullyConnected(), torch.float32)
    trained = adam(model, model.initial(123), INFORMED_STEPS, INFORMED_RATE)
    assert trained.steps == 20_000
    assert errors(model, trained.vector)["relative_l2"] < 0.05


def test_adam_lowers_the_loss_and_tells_of_it():
    model = Model(article_problem(30, torch.float32), FullyConnected(), torch.float32)
    seen = []
    trained = adam(
        model, model.initial(0), 200, 1e-4, every=100, observe=lambda *told: seen.append((told[0], told[2]))
    )
    assert [step for step, _ in seen] == [0, 100, 200]
    assert seen[0][1] > seen[1][1] > seen[2][1] == trained.loss


def test_an_observer_ends_the_training():
    model = Model(Oscillator(), FullyConnected(width=8, hidden=1))
    assert adam(model, model.initial(0), 50, 1e-3, every=10, observe=lambda step, *_: step == 20).steps == 20
    ended = levenberg_marquardt(model, model.initial(0), 50, observe=lambda step, *_: step == 3)
    assert ended.steps == 3


@pytest.mark.parametrize("seed", [123, 0, 1])
def test_the_equation_carries_the_network_past_its_data(seed):
    model = Model(article_problem(30, torch.float64), FullyConnected())
    trained = levenberg_marquardt(model, model.initial(seed), 150)
    assert errors(model, trained.vector)["relative_l2"] < 2e-3


def test_a_plain_network_fails_at_high_frequency():
    model = Model(HIGH, FullyConnected())
    trained = levenberg_marquardt(model, model.initial(0), 40)
    assert errors(model, trained.vector)["relative_l2"] > 0.9


@pytest.mark.parametrize(
    ("network", "steps", "damping", "bound"),
    [
        (Windows(FullyConnected(width=16, hidden=1)), 130, 1.0, 1e-2),
        (Windows(RandomFeatures(count=32, slope=2.0)), 2, 1e-8, 1e-3),
        (CarrierWave(FullyConnected(), frequency=70.0), 40, 1.0, 1e-4),
    ],
    ids=["windows", "linear windows", "carrier wave"],
)
def test_high_frequency_is_solved_by_windows_and_by_a_carrier_wave(network, steps, damping, bound):
    model = Model(HIGH, network)
    trained = levenberg_marquardt(model, model.initial(0), steps, damping=damping)
    assert errors(model, trained.vector)["relative_l2"] < bound
