"""The friction that a network finds in noisy positions, and how far it may be trusted."""

import numpy as np
import pytest

from nightside.physics.informed import fit_friction
from nightside.physics_room.oscillator_friction import NOISE, informed_friction, noisy_observations


def test_unknown_friction_and_its_error_bar_are_those_of_least_squares_and_calibrated():
    z = []
    for draw in range(12):
        times, noisy = noisy_observations(draw)
        found = informed_friction(times, noisy, "random_features", seed=draw)
        fitted = fit_friction(times, noisy, NOISE)
        assert found.value == pytest.approx(fitted.value, abs=0.05 * fitted.std)
        assert found.std == pytest.approx(fitted.std, rel=0.02)
        z.append((found.value - 4.0) / found.std)
    # The root mean square of 12 standard normal numbers lies between 0.50 and 1.54 in 99 % of all cases.
    assert 0.50 < np.sqrt(np.mean(np.square(z))) < 1.54


def test_least_squares_refuses_what_was_not_measured():
    with pytest.raises(ValueError, match="finite"):
        fit_friction([0.0, 0.1], [1.0, np.nan], 0.04)
