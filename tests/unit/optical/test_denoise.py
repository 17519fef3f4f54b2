"""Denoising: what is taken off, where nothing can be, and that no value depends on how an image is cut."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from nightside.camera.layout import layout
from nightside.camera.noise import draw_camera
from nightside.camera.plausible import draw_housekeeping
from nightside.optical.darkening import response_of
from nightside.optical.denoise import (
    MISSING,
    NO_DATA,
    SATURATED,
    Denoiser,
    Models,
    denoise_array,
    denoise_window,
    destripe_array,
)
from nightside.optical.photon_net import PhotonNet

CODE = 3


def network(seed=0):
    """A small network with some noise to take off."""
    torch.manual_seed(seed)
    return PhotonNet((8, 8), (1, 1)).eval()


def models(camera="left", summing=2, tile=1024, net=None):
    model = draw_camera(camera, summing, 900_100)
    housekeeping = draw_housekeeping(model.dark, np.random.default_rng(3))
    dark = model.dark.mean(housekeeping, 1.0).astype(np.float32)
    made = Models(
        model.layout,
        CODE,
        lambda dn: np.broadcast_to(dark, dn.shape),
        model.flat.astype(np.float32),
        model.linearity,
        response_of(model),
        net or network(),
        tile,
    )
    return made, model, housekeeping


@pytest.fixture(scope="module")
def numbers():
    _, model, housekeeping = models()
    signal = np.full((320, model.layout.samples), 12.0, np.float32)
    signal[100:140, 400:700] = 40
    return model.record(signal, housekeeping, 1.0, CODE, np.random.default_rng(1))


@pytest.mark.parametrize("camera", ["left", "right"])
def test_the_signal_comes_back_without_bias(camera):
    made, model, housekeeping = models(camera)
    signal = np.full((256, model.layout.samples), 12.0, np.float32)
    found = denoise_array(model.record(signal, housekeeping, 1.0, CODE, np.random.default_rng(1)), made)
    scene = slice(*made.layout.scene)
    assert np.nanmean(found.destriped[:, scene]) == pytest.approx(12.0, abs=0.3)
    assert np.nanstd(found.destriped[:, scene]) == pytest.approx(1.4 * np.nanmean(found.noise_std), rel=0.2)


def test_no_value_depends_on_how_an_image_is_cut(numbers):
    made, *_ = models()
    image = Denoiser(lambda a, b: numbers[a:b], len(numbers), made)
    whole = image.lines(0, 320)
    parts = [image.lines(0, 100), image.lines(100, 163), image.lines(163, 320)]
    for name in ("signal", "signal_std", "mask", "destriped"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=0.02, equal_nan=True)


def test_tiles_have_no_seams(numbers):
    wide, narrow = (denoise_array(numbers, models(tile=tile)[0]).signal for tile in (4096, 256))
    np.testing.assert_allclose(narrow, wide, atol=0.02, equal_nan=True)


def test_an_output_depends_on_nothing_beyond_the_reach_of_the_network():
    net = PhotonNet((8, 8), (1, 1)).eval()
    x = torch.randn(1, 5, 96, 96, generator=torch.Generator().manual_seed(1))
    y = x.clone()
    y[..., 0] += 10
    changed = (net(x) != net(y)).any(1)[0].any(0)
    assert changed[0]
    assert int(changed.nonzero().max()) <= net.reach - 18 < 40


def test_the_mask_says_what_is_saturated_missing_or_no_scene(numbers):
    number = numbers.copy()
    number[7] = 0
    number[20, 900] = 255
    found = denoise_array(number, models()[0])
    low, high = layout("left", 2).scene
    assert (found.mask[:, :low] & NO_DATA).all()
    assert (found.mask[:, high:] & NO_DATA).all()
    assert (found.mask[7] & MISSING).all()
    assert found.mask[20, 900] == SATURATED
    assert np.isnan(found.signal[:, :low]).all()
    assert np.count_nonzero(found.mask[:, low:high]) == 1 + (high - low)


def test_an_image_of_which_nothing_is_usable_is_refused():
    for value in (0, 255):
        with pytest.raises(ValueError, match=r"this image: no sample is usable .* leave this image out"):
            denoise_array(np.full((64, 2532), value, np.uint8), models()[0])


def too_large():
    """Return what PyTorch raises where a processor's memory does not suffice."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 55)
    return caught.value


@pytest.mark.parametrize("fault", [torch.OutOfMemoryError("too large"), MemoryError(), too_large()])
def test_where_memory_is_full_the_tile_is_halved_and_work_goes_on(numbers, monkeypatch, fault):
    made, *_ = models(tile=1024)
    image = Denoiser(lambda a, b: numbers[a:b], len(numbers), made)
    expected = image.lines(0, 64).signal
    run = image._run

    def small_only(inputs):
        if inputs.shape[2] > 700:
            raise fault
        return run(inputs)

    monkeypatch.setattr(image, "_run", small_only)
    np.testing.assert_allclose(image.lines(0, 64).signal, expected, atol=0.02, equal_nan=True)
    assert image.tile < 1024


@pytest.mark.parametrize("fault", [torch.OutOfMemoryError("too large"), RuntimeError("shapes differ")])
def test_what_no_smaller_tile_mends_is_told(numbers, monkeypatch, fault):
    made, *_ = models()
    image = Denoiser(lambda a, b: numbers[a:b], len(numbers), made)

    def never(inputs):
        raise fault

    monkeypatch.setattr(image, "_run", never)
    with pytest.raises(RuntimeError, match=str(fault)):
        image.lines(0, 64)


def test_memory_that_is_kept_needs_few_fresh_pages():
    script = """
import resource, torch
from nightside.optical.reused_memory import keep_freed_memory
keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(16_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    pages = 20 * 64_000_000 / os.sysconf("SC_PAGE_SIZE")
    assert int(done.stdout) < pages / 2


@pytest.mark.parametrize("camera", ["left", "right"])
def test_a_window_is_denoised_as_in_the_whole_image(numbers, camera):
    made, *_ = models(camera)
    whole = denoise_array(numbers, made)
    low, high = made.layout.scene
    for samples in (slice(low, low + 50), slice(603, 871), slice(high - 45, high)):
        lines = slice(77, 131)
        found = denoise_window(numbers, made, lines, samples)
        for name in ("signal", "signal_std", "mask", "destriped", "noise_std"):
            expected = getattr(whole, name)[lines, samples]
            np.testing.assert_allclose(getattr(found, name), expected, atol=0.02, err_msg=name)


def test_destriping_alone_is_what_the_network_is_given(numbers):
    made, *_ = models()
    np.testing.assert_allclose(
        destripe_array(numbers, made), denoise_array(numbers, made).destriped, atol=1e-4, equal_nan=True
    )
