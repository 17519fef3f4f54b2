import numpy as np
import pytest

from nightside.camera.echo import ECHO, add_echo, echo_share, noise_gain, remove_echo
from nightside.camera.layout import layout

ALL = [("left", 1), ("left", 2), ("right", 1), ("right", 2)]


@pytest.mark.parametrize(("camera", "summing"), ALL)
def test_removing_the_echo_inverts_adding_it(camera, summing):
    where = layout(camera, summing)
    signal = np.random.default_rng(1).random((3, where.samples)) * 100
    assert np.allclose(remove_echo(add_echo(signal, where), where), signal, atol=1e-10)


@pytest.mark.parametrize(("camera", "summing"), ALL)
def test_uniform_light_has_no_visible_echo(camera, summing):
    where = layout(camera, summing)
    even = np.full((1, where.samples), 7.0)
    inner = slice(where.echo_samples, -where.echo_samples)
    assert np.allclose(add_echo(even, where)[:, inner], 7.0)


@pytest.mark.parametrize(
    ("camera", "summing", "towards"), [("left", 1, 2), ("left", 2, 1), ("right", 1, -2), ("right", 2, -1)]
)
def test_a_bright_sample_echoes_in_the_next_one_read_in_its_channel(camera, summing, towards):
    where = layout(camera, summing)
    middle = where.samples // 2
    point = np.zeros((1, where.samples))
    point[0, middle] = 1.0
    seen = add_echo(point, where)[0]
    assert np.flatnonzero(seen).tolist() == sorted([middle, middle + towards])
    assert seen[middle + towards] / seen[middle] == pytest.approx(ECHO)


def test_the_echo_rises_over_the_first_twenty_samples_read():
    for camera in ("left", "right"):
        share = echo_share(layout(camera, 1))
        share = share[::-1] if camera == "right" else share
        assert share[42] == 0
        assert share[52] == pytest.approx(ECHO / 2)
        assert (share[62:] == ECHO).all()


def test_noise_that_had_no_echo_grows_as_stated():
    where = layout("left", 1)
    noise = np.random.default_rng(2).standard_normal((40, where.samples))
    grown = remove_echo(noise, where)[:, 100:].var()
    assert grown == pytest.approx(noise_gain(), rel=0.02)


def test_a_sample_without_a_value_spoils_no_other():
    where = layout("left", 1)
    signal = np.full((1, where.samples), 10.0)
    image = add_echo(signal, where)
    image[0, 2000] = np.nan
    found = remove_echo(image, where)
    assert np.isnan(found[0, 2000])
    assert np.allclose(np.delete(found[0], 2000)[100:], 10.0)
