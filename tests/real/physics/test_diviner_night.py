"""The heat model beside temperatures that Diviner measured."""

import numpy as np
import pytest

from nightside import physics

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("latitude_deg", "rms_k", "mean_k"), [(0, 0.29, -0.25), (30, 0.48, -0.46)])
def test_night_temperatures_are_as_near_as_documented(shared_data, latitude_deg, rms_k, mean_k):
    """The figures of docs/heat_model.md."""
    path = shared_data / "thermal" / f"diviner_regtemp_lat{latitude_deg:02d}.csv"
    hours_after_noon, measured = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    local_time = np.mod(hours_after_noon + 12.0, 24.0)
    modelled = physics.diurnal_temperatures(latitude_deg, 0.12, 0.07, local_time_h=local_time)[0]
    error = modelled - measured
    assert np.sqrt((error**2).mean()) == pytest.approx(rms_k, abs=0.03)
    assert error.mean() == pytest.approx(mean_k, abs=0.03)


def test_day_curve_at_30_degrees_has_the_measured_noon_and_night(shared_data):
    """The published curve is smeared around sunrise and sunset, so only noon and night are compared."""
    path = shared_data / "thermal" / "lunarTemperature30degDiviner.txt"
    local_time, measured = np.loadtxt(path, delimiter=",", unpack=True)
    modelled = physics.diurnal_temperatures(30.0, local_time_h=local_time)[0]
    noon = np.abs(local_time - 12.0) < 2.5
    night = (local_time < 4.5) | (local_time > 19.5)
    assert np.abs(modelled - measured)[noon].max() < 5.0
    assert np.abs(modelled - measured)[night].max() < 5.0
