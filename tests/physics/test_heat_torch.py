"""The torch backend of the heat model against the compiled one."""

import subprocess
import sys

import numpy as np
import pytest

from nightside import physics
from nightside.physics import column, heat

torch = pytest.importorskip("torch")

PLACES = (
    np.array([0.0, 30.0, -43.3, 60.0, 85.0, 12.0]),
    np.array([0.12, 0.3, 0.07, 0.2, 0.12, 0.5]),
    np.array([0.07, 0.02, 0.15, 0.05, 0.07, 0.3]),
    np.array([0.0, 12.0, -8.0, 3.0, 0.0, -25.0]),
)
TERRAIN = {"horizon_deg": [0.0, 10.0, 2.0, 5.0]}


@pytest.fixture(scope="module")
def compiled():
    return physics.diurnal_solution(*PLACES, **TERRAIN)


def test_double_precision_is_the_compiled_solution(compiled):
    batched = physics.diurnal_solution(*PLACES, **TERRAIN, backend="torch")
    np.testing.assert_allclose(batched.surface_temperature, compiled.surface_temperature, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(
        batched.midnight_temperature, compiled.midnight_temperature, rtol=0.0, atol=1e-6
    )
    np.testing.assert_array_equal(batched.days, compiled.days)
    assert batched.converged.all()


def test_single_precision_is_within_a_twentieth_of_a_kelvin(compiled):
    single = physics.diurnal_solution(*PLACES, **TERRAIN, backend="torch", precision="float32")
    assert single.converged.all()
    assert np.abs(single.surface_temperature - compiled.surface_temperature).max() < 0.05


def test_a_place_without_a_periodic_state_says_so(monkeypatch):
    monkeypatch.setattr(heat, "_MAX_DAYS", 2)
    with pytest.warns(physics.ConvergenceWarning, match="1 of 2 places .* index 1.*no periodic state found"):
        surface = physics.diurnal_temperatures([0.0, 70.0], backend="torch", steps_per_day=120)
    assert np.isnan(surface).all(axis=1).tolist() == [False, True]


def test_a_surface_that_newton_does_not_balance_is_no_answer(monkeypatch):
    monkeypatch.setattr(column, "NEWTON_TOLERANCE_K", 0.0)
    solution = physics.diurnal_solution([0.0, 45.0], backend="torch", steps_per_day=48)
    assert [physics.FAILURES.get(each) for each in solution.status.tolist()] == [
        "Newton's method did not balance the surface"
    ] * 2
    assert np.isnan(solution.surface_temperature).all()


def test_no_places_give_no_temperatures():
    assert physics.diurnal_temperatures(np.empty(0), backend="torch").shape == (0, 120)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backend": "fortran"}, "backend is 'fortran'; expected 'numba' or 'torch'"),
        ({"backend": "torch", "device": "abacus"}, "device is 'abacus', which torch cannot use"),
        ({"backend": "torch", "precision": "float16"}, "precision is 'float16'"),
        ({"precision": "float32"}, "'numba' runs on the CPU in float64"),
        ({"device": "cuda"}, "'numba' runs on the CPU in float64"),
        ({"tolerance_k": 0.0}, "tolerance_k is 0.0"),
    ],
)
def test_what_a_backend_cannot_do_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        physics.diurnal_temperatures(0.0, **arguments)


def test_torch_is_only_imported_where_it_is_asked_for():
    code = "import sys, nightside.physics as p; p.diurnal_temperatures(0.0); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.gpu
def test_a_gpu_gives_the_compiled_solution(compiled):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    double = physics.diurnal_solution(*PLACES, **TERRAIN, backend="torch", device="cuda")
    np.testing.assert_allclose(double.surface_temperature, compiled.surface_temperature, rtol=0.0, atol=1e-3)
    single = physics.diurnal_solution(*PLACES, **TERRAIN, backend="torch", device="cuda", precision="float32")
    assert np.abs(single.surface_temperature - compiled.surface_temperature).max() < 0.05
