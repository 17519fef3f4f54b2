import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nightside.camera.companding import (
    DN_MAX,
    TABLES,
    bounds,
    compand,
    decompand,
    decompand_table,
    step_dn,
    table_of,
)

EVERY_DN = np.arange(DN_MAX + 1)
EVERY_NUMBER = np.arange(256, dtype=np.uint8)
CODES = sorted(TABLES)


@pytest.mark.parametrize("code", CODES)
def test_decompanding_inverts_companding_within_half_the_tables_step(code):
    dn = EVERY_DN[: table_of(code).invertible_below]
    number = compand(dn, code)
    error = np.abs(decompand(number, code) - dn)
    assert np.all(error <= (step_dn(number, code) - 1) / 2)
    assert np.all(error <= 15.5)


@pytest.mark.parametrize("code", CODES)
def test_all_4096_values_come_back_except_those_that_a_table_cannot_tell_apart(code):
    number = compand(EVERY_DN, code)
    back = np.abs(decompand(number, code) - EVERY_DN) <= (step_dn(number, code) - 1) / 2
    lost = {1: range(256, DN_MAX + 1), 2: range(DN_MAX, DN_MAX + 1)}.get(code, range(0))
    assert_array_equal(np.flatnonzero(~back), lost)


@pytest.mark.parametrize("code", CODES)
def test_companding_what_was_decompanded_changes_nothing(code):
    assert_array_equal(compand(decompand(EVERY_NUMBER, code), code), EVERY_NUMBER)


@pytest.mark.parametrize("code", CODES)
def test_bounds_are_the_dn_that_companding_gives_the_number(code):
    dn = EVERY_DN[: table_of(code).invertible_below]
    number = compand(dn, code)
    lower, upper = bounds(code)
    for value in EVERY_NUMBER:
        own = dn[number == value]
        assert (own.min(), own.max(), own.size) == (
            lower[value],
            upper[value],
            upper[value] - lower[value] + 1,
        )


@pytest.mark.parametrize("code", [0, 3, 4, 5])
def test_tables_use_all_numbers_in_the_order_of_the_dn(code):
    steps = np.diff(compand(EVERY_DN, code).astype(int))
    assert set(steps) == {0, 1}
    assert compand(DN_MAX, code) == 255


@pytest.mark.parametrize(
    ("code", "number", "dn"),
    [
        *((0, n, d) for n, d in [(0, 0.5), (16, 33.5), (42, 139.5), (100, 663.5), (255, 4079.5)]),
        *((3, n, d) for n, d in [(16, 32.5), (32, 65.5), (128, 475.5)]),
        *((1, n, float(n)) for n in (0, 17, 255)),
        (2, 255, 4087.0),  # 4095 is sent as 127
    ],
)
def test_decompanded_values_are_those_of_isis(code, number, dn):
    assert decompand(number, code) == dn


def test_quantisation_is_the_rms_of_an_interval():
    dn = np.arange(32, 136)
    error = decompand(compand(dn, 0), 0) - dn
    assert np.allclose(error.std(), np.sqrt((step_dn(compand(40, 0), 0) ** 2 - 1) / 12))
    assert np.allclose(error.std(), 1.118, atol=1e-3)


def test_a_dark_loses_nothing_in_table_1_and_a_bright_pixel_wraps():
    assert_array_equal(decompand(compand(EVERY_DN[:256], 1), 1), EVERY_DN[:256])
    assert_array_equal(compand([256, 300, 510, 511, 4095], 1), [0, 44, 254, 15, 127])


def test_values_between_and_beyond_the_converters_are_rounded_and_clipped():
    assert_array_equal(compand([-3.0, 40.4, 40.6, 5000.0], 1), compand([0, 40, 41, 4095], 1))
    assert_array_equal(compand(np.array([-3, 70_000]), 0), [0, 255])
    assert_array_equal(compand(np.array([5000], np.uint16), 0), [255])


def test_types_and_shapes():
    image = compand(np.zeros((3, 5), np.float32), 0)
    assert (image.dtype, image.shape) == (np.uint8, (3, 5))
    assert decompand(image, 0).dtype == np.float32
    assert step_dn(image, 0).shape == (3, 5)
    assert decompand_table(3).shape == (256,)
    assert compand(np.empty((0, 4), np.uint16), 0).shape == (0, 4)


def test_an_unknown_code_names_the_known_ones():
    for ask in (bounds, decompand_table, lambda c: compand(0, c), lambda c: step_dn(0, c)):
        with pytest.raises(ValueError, match="companding code 6 is unknown; the camera's tables are 0 to 5"):
            ask(6)
