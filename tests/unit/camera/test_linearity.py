import numpy as np
import pytest

from nightside.camera.linearity import NOMINAL_A, NOMINAL_B, NOMINAL_OFFSET_DN, Linearity

DN = np.concatenate([np.linspace(-10, 60, 141), np.linspace(60, 4000, 200)])[:, None]


def test_no_signal_is_recorded_as_nothing():
    assert Linearity.nominal().inverse(np.zeros((1, 1)))[0, 0] == pytest.approx(0, abs=1e-12)


def test_forward_inverts_inverse_from_below_zero_to_full_scale():
    response = Linearity.nominal()
    assert np.allclose(response.forward(response.inverse(DN)), DN, atol=1e-5)
    assert np.allclose(response.inverse(response.forward(DN)), DN, atol=2e-5)


def test_the_formula_is_that_of_isis():
    a, b, c, offset = 0.012, 1.03, 0.002, 30.0
    recorded = np.array([[0.0, 5.0, 100.0, 569.9, 570.1, 2000.0]])
    q = recorded + offset
    expected = np.where(q < 600, q - 1 / (a * b**q + c), q)
    found = Linearity(np.float64(a), np.float64(b), np.float64(c), np.float64(offset)).inverse(recorded)
    assert np.allclose(found, expected, rtol=1e-12)


def test_faint_signals_are_recorded_at_half_their_size_and_bright_ones_less_the_offset():
    response = Linearity.nominal()
    assert response.forward(np.array([[1.0]]))[0, 0] == pytest.approx(0.51, abs=0.01)
    assert response.forward(np.array([[1500.0]]))[0, 0] == pytest.approx(1500 - NOMINAL_OFFSET_DN, abs=1e-6)


def test_the_slope_is_the_derivative():
    response, step = Linearity.nominal(), 1e-4
    dn = np.array([[-3.0, 0.0, 10.0, 200.0]])
    numeric = (response.inverse(dn + step) - response.inverse(dn - step)) / (2 * step)
    assert np.allclose(response.slope(dn), numeric, rtol=1e-5)


def test_a_summed_sample_has_the_mean_correction_of_its_pair():
    a, b, c = np.array([[0.011], [0.013]]), np.array([[1.03], [1.031]]), np.array([[0.0], [0.001]])
    dn = np.array([[4.0]])
    single = [Linearity(a[k], b[k], c[k], np.float64(32)).inverse(dn)[0, 0] for k in (0, 1)]
    assert Linearity(a, b, c, np.float64(32)).inverse(dn)[0, 0] == pytest.approx(np.mean(single))


def test_columns_have_their_own_response():
    offset = np.array([28.0, 32.3, 34.0])
    response = Linearity.through_zero(NOMINAL_A, NOMINAL_B, offset)
    signal = np.array([[0.0, 0.0, 0.0], [900.0, 900.0, 900.0]])
    recorded = response.forward(signal)
    assert np.allclose(recorded[0], 0, atol=1e-6)
    assert np.allclose(recorded[1], 900 - offset, atol=1e-6)
    with pytest.raises(ValueError, match="coefficients of 3 samples do not fit lines of 4"):
        response.forward(np.zeros((1, 4)))


def test_a_linear_response_changes_nothing():
    assert np.allclose(Linearity.none().inverse(DN), DN, atol=1e-9)


def test_a_response_with_a_pole_is_refused():
    with pytest.raises(ValueError, match="no such response"):
        Linearity(np.float64(0.01), np.float64(1.03), np.float64(-0.02), np.float64(30))
