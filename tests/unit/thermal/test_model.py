import numpy as np
import pytest
import torch

from nightside.thermal.model import ProfileModel, Reconstruction


def model(guided: bool) -> ProfileModel:
    return ProfileModel(local_times=24, latents=4, width=4, noise_floor_k=0.5, guided=guided)


def result(latents: np.ndarray, misfit: np.ndarray) -> Reconstruction:
    n = len(latents)
    return Reconstruction(
        latents.astype(np.float32),
        np.ones((n, 4), np.float32),
        np.zeros((n, 24), np.float32),
        misfit.astype(np.float32),
        np.ones(4, np.float32),
    )


@pytest.mark.parametrize("guided", [True, False])
def test_a_steep_slope_is_no_anomaly_of_a_guided_model_but_rocks_are(guided: bool) -> None:
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((5000, 4))
    misfit = np.exp(rng.standard_normal(5000))
    latents[0] = (10, 0, 0, 0)  # onset
    latents[1] = (0, 0, 0, -10)  # free
    latents[2] = (0, 0, 10, 0)  # conductivity
    misfit[:3] = 1.0
    misfit[3], latents[3] = np.exp(10), 0
    misfit[4], latents[4] = np.exp(-10), 0  # an unusually good fit is no anomaly
    of_region = result(latents, misfit)
    judged = model(guided)
    judged.calibrate(of_region)
    score = judged.anomaly_score(of_region)
    assert (score[1:4] > 8).all()
    assert score[4] < 1
    assert (score[0] < 1) == guided
    assert 1 < np.median(score) < 3


def test_the_gain_is_the_error_over_its_expectation() -> None:
    torch.manual_seed(0)
    truth = torch.zeros(4000, 24)
    std = torch.full((4000, 24), 2.0)
    error = torch.linspace(0.5, 8.0, 24)
    learnt = model(True)
    learnt.learn_gain(truth + error * torch.randn(4000, 24), std, truth)
    assert torch.allclose(learnt.log_gain.exp(), error / 2.0, rtol=0.05)
