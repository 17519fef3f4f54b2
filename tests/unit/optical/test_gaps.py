"""Gaps of lost telemetry: what is taken for one, and that it harms nothing but itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from nightside.camera.layout import layout
from nightside.camera.noise import draw_camera
from nightside.camera.plausible import draw_housekeeping
from nightside.formats import BadImage
from nightside.optical.calibrated_image import CalibratedImage
from nightside.optical.darkening import response_of
from nightside.optical.darks import DarkFrame, darks_dataset, library_calibration, refuse_lit
from nightside.optical.denoise import (
    MISSING,
    SATURATED,
    Denoiser,
    Models,
    denoise_array,
    denoise_window,
    destripe_array,
)
from nightside.optical.gap_filling import fill_around, fill_between, fill_masked
from nightside.optical.gaps import LOST_RUN, lost_samples
from nightside.optical.models import SHIPPED, CalibratedDark, load_photon_net
from nightside.optical.photon_net import PhotonNet
from nightside.optical.survey import refuse_dead, survey

CODE, LINES = 3, 192


class Shot:
    """An image of gently rolling ground with all of the camera's noise, and what it takes to denoise it."""

    def __init__(self, camera, code=CODE):
        model = draw_camera(camera, 2, 900_100)
        housekeeping = draw_housekeeping(model.dark, np.random.default_rng(3))
        self.layout = model.layout
        self.dark = model.dark.mean(housekeeping, 1.0).astype(np.float32)
        line, sample = np.mgrid[:LINES, : model.layout.samples]
        self.signal = (14 + 4 * np.sin(line / 9) * np.cos(sample / 13)).astype(np.float32)
        self.number = model.record(self.signal, housekeeping, 1.0, code, np.random.default_rng(1))
        torch.manual_seed(0)
        small = PhotonNet((8, 8), (1, 1)).eval()
        self.models = Models(
            model.layout,
            code,
            CalibratedDark(model.layout, self.dark),
            model.flat.astype(np.float32),
            model.linearity,
            response_of(model),
            small,
        )


@pytest.fixture(scope="module", params=["left", "right"])
def shot(request):
    return Shot(request.param)


def with_packet_lost(number):
    """Lines 80 to 84 lack one packet: it begins within a line and ends within another."""
    gap = number.copy()
    gap[80, 1500:] = 0
    gap[81:84] = 0
    gap[84, :700] = 0
    return gap


def test_a_run_of_zeros_that_noise_cannot_make_is_lost():
    number = np.full((4, 2532), 20, np.uint8)
    number[0, 500 : 500 + LOST_RUN] = 0
    number[1, 500 : 500 + LOST_RUN - 1] = 0
    number[2, -3:] = 0
    number[3] = 0
    lost = lost_samples(number)
    assert lost[0, 500 : 500 + LOST_RUN].all()
    assert lost.sum(axis=1).tolist() == [LOST_RUN, 0, 3, 2532]


def test_a_camera_that_clips_a_tenth_of_its_samples_has_lost_none():
    number = (np.random.default_rng(0).random((2000, 5064)) > 0.1).astype(np.uint8)
    number[:, [0, -1]] = 1
    assert not lost_samples(number).any()


def test_lost_pixels_are_missing_and_have_no_value(shot):
    gap = with_packet_lost(shot.number)
    found = denoise_array(gap, shot.models)
    lost = lost_samples(gap)
    assert lost.sum() == (gap == 0).sum()
    np.testing.assert_array_equal(found.mask & MISSING > 0, lost)
    assert np.isnan(found.signal[lost]).all()
    assert np.isnan(found.signal_std[lost]).all()
    low, high = shot.layout.scene
    assert np.isfinite(found.signal[:, low:high][~lost[:, low:high]]).all()


def test_pixels_around_a_gap_keep_their_error(shot):
    models = replace(shot.models, photon=load_photon_net(SHIPPED)[0])
    gap = with_packet_lost(shot.number)
    window = slice(66, 99), slice(1350, 1700)
    before, after = (denoise_window(number, models, *window) for number in (shot.number, gap))
    truth, good = shot.signal[window], ~lost_samples(gap)[window]
    errors = [np.sqrt(np.mean((found.signal - truth)[good] ** 2)) for found in (before, after)]
    assert errors[1] < 1.1 * errors[0]
    near = binary_dilation(~good, iterations=3) & good
    z = ((after.signal - truth) / after.signal_std)[near]
    assert np.sqrt(np.mean(z**2)) < 1.15


def test_saturated_ground_harms_nothing_far_from_it(shot):
    # A sunlit wall over most of the swath: what is left is as dark as before.
    models = replace(shot.models, photon=load_photon_net(SHIPPED)[0])
    lit = shot.number.copy()
    low, high = shot.layout.scene
    lit[40:150, low + 200 : high] = 255
    window = slice(70, 110), slice(low, low + 150)
    before, after = (denoise_window(number, models, *window) for number in (shot.number, lit))
    truth = shot.signal[window]
    errors = [np.sqrt(np.mean((found.signal - truth) ** 2)) for found in (before, after)]
    assert errors[1] < 1.3 * errors[0]
    beside = denoise_array(lit, shot.models)
    np.testing.assert_array_equal((beside.mask & SATURATED > 0)[:, low:high], (lit == 255)[:, low:high])
    assert np.isnan(beside.signal[lit == 255]).all()


def test_a_lines_own_patterns_are_found_beside_its_gap(shot):
    gap = shot.number.copy()
    gap[40::30, 400:1500] = 0
    beside = np.zeros(gap.shape, bool)
    beside[40::30, slice(*shot.layout.scene)] = True
    beside &= ~lost_samples(gap)
    errors = [
        np.sqrt(np.mean((destripe_array(number, shot.models) - shot.signal)[beside] ** 2))
        for number in (shot.number, gap)
    ]
    assert errors[1] < 1.03 * errors[0]


def test_masked_samples_that_are_lost_leave_a_lines_level_alone(shot):
    gap = shot.number.copy()
    gap[100, -60:] = 0
    gap[101, :60] = 0
    before, after = (destripe_array(number, shot.models) for number in (shot.number, gap))
    for line in (100, 101):
        change = np.nanmean(after[line, 200:-200] - before[line, 200:-200])
        assert abs(change) < 0.5


def test_no_value_depends_on_how_an_image_with_gaps_is_cut(shot):
    gap = with_packet_lost(shot.number)
    image = Denoiser(lambda first, last: gap[first:last], LINES, shot.models)
    whole = image.lines(0, LINES)
    parts = [image.lines(0, 60), image.lines(60, 82), image.lines(82, LINES)]
    for name in ("signal", "signal_std", "mask"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=0.02, equal_nan=True)


def test_a_gap_is_filled_with_what_lies_around():
    line, sample = np.mgrid[:100, :200].astype(np.float32)
    image = 10 + 0.05 * line - 0.02 * sample
    lost = np.zeros(image.shape, bool)
    lost[48:52, 30:150] = True
    broken = np.where(lost, -125, image).astype(np.float32)
    assert np.abs(fill_around(broken, lost) - image).max() < 0.1
    np.testing.assert_allclose(fill_between(broken, lost), image, atol=1e-4)


def test_lost_masked_samples_move_with_those_that_are_left():
    where = layout("left", 2)
    mean = np.linspace(40, 44, where.masked.size).astype(np.float32)
    dn = np.zeros((1, where.samples), np.float32)
    dn[0, where.masked] = mean + 3
    lost = np.zeros(dn.shape, bool)
    lost[0, 2400:] = True
    dn[lost] = 0.5
    filled = fill_masked(dn, lost, mean, where)[0, where.masked] - mean
    assert ((filled > 1.5) & (filled <= 3)).all()


def test_the_standard_calibration_has_no_value_in_a_gap_and_the_same_beside_it(shot, make_label):
    label = make_label(shot.layout.camera, 2, lines=LINES, code=CODE)
    dark = DarkFrame(
        label, np.broadcast_to(np.median(shot.number[:, :], axis=0).astype(np.uint8), shot.number.shape)
    )
    calibration = library_calibration(
        darks_dataset([dark], LINES), days=15, days_max=45, exposure_ms=1.0, flat=None
    )
    gap = with_packet_lost(shot.number)
    whole, broken = (
        CalibratedImage(lambda a, b, n=n: n[a:b], label, calibration).lines(0, LINES)
        for n in (shot.number, gap)
    )
    lost = lost_samples(gap)
    assert np.isnan(broken[lost]).all()
    np.testing.assert_array_equal(broken[:80], whole[:80])
    np.testing.assert_array_equal(broken[85:], whole[85:])
    # Masked samples of one end are lost in line 80, of the other in line 84.
    for beside in (np.s_[80, 100:1490], np.s_[84, 710:2400]):
        errors = [np.sqrt(np.mean((found - shot.signal)[beside] ** 2)) for found in (whole, broken)]
        assert errors[1] < 1.1 * errors[0]


def test_a_dark_frame_with_a_gap_is_set_aside(shot, make_label):
    label = make_label(shot.layout.camera, 2, lines=LINES, code=CODE)
    with pytest.raises(BadImage, match=r"hold no data .* give whole ones"):
        refuse_lit(with_packet_lost(shot.number), label, 100.0)


def test_a_survey_counts_what_is_lost(shot):
    gap = with_packet_lost(shot.number)
    found = survey(lambda a, b: gap[a:b], LINES, shot.layout, CODE)
    assert (found.lost_pixels, found.lost_lines) == ((gap == 0).sum(), 5)
    assert "in 5 lines hold no data" in found.warnings()[0]
    whole = survey(lambda a, b: shot.number[a:b], LINES, shot.layout, CODE)
    assert whole.warnings() == []
    np.testing.assert_allclose(found.masked_dn, whole.masked_dn, atol=0.3)


@pytest.mark.parametrize("value", [0, 1, 20, 254])
def test_an_image_whose_pixels_are_all_the_same_is_refused(value, shot):
    number = np.full((LINES, 2532), value, np.uint8)
    with pytest.raises(
        BadImage, match=rf"M1LE: all of its pixels are {value},.* acquire it again or leave it out"
    ):
        refuse_dead(np.bincount(number.ravel(), minlength=256), "M1LE")
    if value:
        number[50:60] = 0
        with pytest.raises(BadImage, match=f"all of its pixels are {value}"):
            denoise_array(number, shot.models)


def test_what_table_1_has_wrapped_below_the_dark_is_masked_and_told():
    made = Shot("left", code=1)
    number = made.number.copy()
    surveyed = survey(lambda a, b: number[a:b], LINES, made.layout, 1)
    assert "modulo 256" in surveyed.warnings()[0]
    assert "no pixel is seen" in surveyed.warnings()[0]
    number[60:70, 800:850] = 5  # 261 DN
    found = denoise_array(number, made.models)
    assert (found.mask[60:70, 800:850] == SATURATED).all()
    assert (found.mask == SATURATED).sum() == 500
    assert np.isnan(found.signal[60:70, 800:850]).all()
    beside = found.destriped[50:80, 780:870]
    assert np.nanmax(np.abs(beside - made.signal[50:80, 780:870])) < 8 * np.nanmean(found.noise_std)
    assert (
        "500 pixels lie below the dark"
        in survey(lambda a, b: number[a:b], LINES, made.layout, 1).warnings()[0]
    )


def test_other_tables_are_not_said_to_wrap(shot):
    assert survey(lambda a, b: shot.number[a:b], LINES, shot.layout, CODE).wrapped_below == 0


def test_zeros_that_noise_makes_at_the_ends_of_lines_do_not_condemn_a_dark_frame(shot, make_label):
    label = make_label(shot.layout.camera, 2, lines=LINES, code=CODE)
    number = shot.number.copy()
    number[::7, [0, -1]] = 0
    refuse_lit(number, label, 100.0)
