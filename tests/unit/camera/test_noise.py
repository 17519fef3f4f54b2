from dataclasses import replace

import numpy as np
import pytest

from nightside.camera.companding import decompand
from nightside.camera.interference import Interference
from nightside.camera.linearity import Linearity
from nightside.camera.noise import dark_lines, digitise, draw_camera, photon_noise, read_noise
from nightside.config.camera import CameraNoise

ALL = [("left", 1), ("left", 2), ("right", 1), ("right", 2)]


@pytest.mark.parametrize("level", [0.3, 2.0, 60.0])
@pytest.mark.parametrize("counts", [1.0, 71.0])
def test_photons_have_the_mean_and_variance_of_counting(level, counts):
    seen = photon_noise(np.full((400, 1000), level, np.float32), counts, np.random.default_rng(1)).astype(
        float
    )
    n = seen.size
    assert seen.mean() == pytest.approx(level, abs=5 * np.sqrt(level / counts / n))
    assert seen.var() == pytest.approx(level / counts, rel=0.02)
    # Of counts the third central moment is the mean too.
    assert ((seen - level) ** 3).mean() * counts**2 == pytest.approx(
        level, rel=0.5 if level * counts > 50 else 0.15
    )


def test_no_photon_noise_leaves_the_signal():
    signal = np.linspace(-1, 50, 100, dtype=np.float32)[None]
    assert photon_noise(signal, np.inf, np.random.default_rng(0)) is signal


def test_sixty_dn_are_4260_electrons_not_60_photons():
    rng = np.random.default_rng(2)
    signal = np.full((200, 2532), 60, np.float32)
    spread = {}
    for photons in ("electrons", "dn"):
        model = draw_camera("left", 2, 1, CameraNoise(photons=photons))
        spread[photons] = photon_noise(signal, model.counts_per_dn, rng).std()
    assert spread["electrons"] == pytest.approx(
        np.sqrt(60 / 142), rel=0.01
    )  # a pair holds the electrons of two
    assert spread["dn"] == pytest.approx(np.sqrt(60), rel=0.01)


def test_read_noise_is_shared_by_the_samples_of_a_pair():
    noise = read_noise(np.random.default_rng(3), (500, 1000), 1.2, 0.6)
    assert noise.std() == pytest.approx(1.2, rel=0.01)
    assert np.corrcoef(noise[:, 0::2].ravel(), noise[:, 1::2].ravel())[0, 1] == pytest.approx(0.6, abs=0.01)
    assert abs(np.corrcoef(noise[:, 1:-1:2].ravel(), noise[:, 2::2].ravel())[0, 1]) < 0.01


def test_the_converter_gives_whole_dn_within_twelve_bits():
    assert digitise(np.array([-3.0, 0.4, 41.6, 5000.0])).tolist() == [0, 0, 42, 4095]


def test_lines_of_a_real_dark_frame_follow_each_other_and_lose_their_rounding():
    frame = np.arange(6, dtype=np.float32)[:, None] * np.ones((1, 500), np.float32)
    lines = dark_lines(frame, (20, 500), np.random.default_rng(4))
    rows = np.rint(lines.mean(axis=1)).astype(int)
    assert ((np.diff(rows) % 6) == 1).all()
    assert (lines - rows[:, None]).std() == pytest.approx(1 / np.sqrt(12), rel=0.03)
    with pytest.raises(ValueError, match="of the same mode"):
        dark_lines(frame, (20, 400), np.random.default_rng(4))


@pytest.mark.parametrize(("camera", "summing"), ALL)
def test_restoring_inverts_the_response(camera, summing):
    model = draw_camera(camera, summing, 4)
    signal = np.random.default_rng(5).random((5, model.layout.samples)).astype(np.float32) * 80
    scene = slice(*model.layout.scene)
    assert np.allclose(model.restore(model.respond(signal))[:, scene], signal[:, scene], atol=1e-3)


@pytest.mark.parametrize(("camera", "summing"), ALL)
def test_masked_samples_see_no_light_but_the_echo_of_the_last_lit_ones(camera, summing):
    model = draw_camera(camera, summing, 4)
    light = model.respond(np.full((1, model.layout.samples), 500, np.float32))[0]
    lit = set(np.flatnonzero(light > 1e-3))
    scene = range(*model.layout.scene)
    assert set(scene) <= lit
    used = {*range(*model.layout.wide), *range(*model.layout.narrow)}
    assert not lit & used


@pytest.mark.parametrize(
    ("camera", "summing", "code"), [("left", 1, 0), ("right", 1, 1), ("left", 2, 3), ("right", 2, 1)]
)
@pytest.mark.parametrize("level", [5.0, 60.0])
def test_recorded_images_scatter_as_the_variance_says(camera, summing, code, level):
    model = draw_camera(camera, summing, 6)
    # Columns alike, no wander, one height of the pulses: what the variance is stated for.
    still = replace(
        model.dark,
        interference=Interference(spread=0.0),
        line_wander_dn=0.0,
        phase_wander_dn=0.0,
        ageing_dn=np.zeros_like(model.dark.ageing_dn),
        # The level lies anywhere within a step of the table.
        bias_dn=np.linspace(40, 44, model.layout.samples),
        current_dn_per_ms=np.zeros_like(model.dark.current_dn_per_ms),
    )
    model = replace(model, dark=still, flat=np.ones_like(model.flat), linearity=Linearity.nominal())
    rng = np.random.default_rng(7)
    signal = np.full((300, model.layout.samples), level, np.float32)
    number = model.record(signal, still.reference, 0.34, code, rng)
    above = decompand(number, code).astype(float) - still.bias_dn
    restored = model.restore(above)
    raw = model.linearity.inverse(above)
    inner = slice(model.layout.scene[0] + 100, model.layout.scene[1] - 100)
    assert raw[:, inner].var() == pytest.approx(model.variance(level, code, 42.0), rel=0.05)
    assert restored[:, inner].mean() == pytest.approx(level, abs=0.5)
    whitened = model.variance(level, code, 42.0, echo_removed=True)
    # The pulses' opposites, four samples on, are not white to the echo's removal.
    assert restored[:, inner].var() == pytest.approx(whitened, rel=0.12)


def test_variance_counts_photons_quantisation_and_the_slope_of_the_response():
    model = draw_camera("left", 1, 6, CameraNoise(interference_dn=0.0, read_noise_dn=0.0))
    slope = model.linearity.averaged().slope(np.zeros((1, 1)))[0, 0]
    assert model.variance(0.0, 1, 42.0) == pytest.approx(slope**2 / 12)
    assert model.variance(0.0, 0, 42.0) == pytest.approx(slope**2 * 16 / 12)
    quiet, loud = (model.variance(level, 1, 42.0) for level in (1500.0, 1600.0))
    assert loud - quiet == pytest.approx(100 / 71 * (1 + 0.326**2) / 1.326**2)


def test_a_dark_frame_takes_the_place_of_the_models_dark():
    model = draw_camera("right", 2, 8)
    frame = np.full((10, 2532), 50.0, np.float32)
    number = model.record(
        np.zeros((4, 2532), np.float32),
        model.dark.reference,
        0.34,
        1,
        np.random.default_rng(1),
        dark_frame=frame,
    )
    assert abs(decompand(number, 1) - 50).max() <= 1


def test_lines_of_another_mode_are_refused():
    with pytest.raises(ValueError, match="no image of 5064 samples"):
        draw_camera("left", 1, 1).respond(np.zeros((2, 2532), np.float32))


def test_the_same_random_numbers_give_the_same_image():
    model = draw_camera("left", 2, 3)
    signal = np.full((8, 2532), 5, np.float32)
    one, two = (
        model.record(signal, model.dark.reference, 1.0, 3, np.random.default_rng(11)) for _ in range(2)
    )
    assert np.array_equal(one, two)
