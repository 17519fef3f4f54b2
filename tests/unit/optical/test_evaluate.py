"""The figures of an image whose noise and stripes are known, and the place of a mosaic that was moved."""

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from nightside.cli import app
from nightside.optical.evaluate import Judged, evaluate, mosaic_figures, shift_between
from nightside.store import read_json, write_store

LINES, SAMPLES = 64, 2532


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(8)


@pytest.fixture(scope="module")
def image(rng):
    y, x = np.mgrid[:LINES, :SAMPLES]
    truth = 5.0 + 2.0 * np.sin(x / 15.0) * np.cos(y / 11.0)
    stripes = 2.4 * rng.standard_normal(SAMPLES) + np.resize(2.0 * rng.standard_normal(4), SAMPLES)
    std = np.full(truth.shape, 0.5)
    return Judged(
        product_id="M1LE",
        camera="left",
        summing=2,
        compand_code=3,
        truth=truth,
        standard=truth + stripes + rng.normal(0, 1.8, truth.shape),
        signal=truth + rng.normal(0, 0.5, truth.shape),
        signal_std=std,
        good=np.ones(truth.shape, bool),
    )


def test_a_row_says_what_was_put_in(image):
    (row,) = evaluate([image])["by_signal"]
    assert row["mode"] == "summed"
    assert row["table"] == 3
    assert row["signal_dn"] == pytest.approx(5.0, abs=0.05)
    assert row["psnr_db"]["nightside"] == pytest.approx(20 * np.log10(row["range_dn"] / 0.5), abs=0.05)
    assert row["psnr_db"]["nightside"] > row["psnr_db"]["standard"] + 10
    assert row["ssim"]["nightside"] > row["ssim"]["standard"]
    assert row["l1_dn"]["nightside"] == pytest.approx(0.5 * np.sqrt(2 / np.pi), rel=0.02)
    assert row["z_spread"] == pytest.approx(1.0, abs=0.02)
    assert row["stripes"]["column_ratio"] > 10
    assert row["stripes"]["period_ratio"] > 10


def test_goals_are_said_to_be_missed_where_they_are(image):
    assert evaluate([image])["reached"] == {"stripes": True, "z_spread": True}
    boastful = Judged(**{**vars(image), "signal_std": image.signal_std / 2, "signal": image.standard})
    assert evaluate([boastful])["reached"] == {"stripes": False, "z_spread": False}


def test_masked_pixels_and_masked_samples_do_not_count(image):
    signal, good = image.signal.copy(), image.good.copy()
    signal[:, :20] = 1e9  # samples that never see the Moon
    plain = evaluate([Judged(**{**vars(image), "signal": signal})])["by_signal"][0]
    assert plain["l1_dn"]["nightside"] < 1
    signal[10, 100:300], good[10, 100:300] = 4000.0, False
    assert evaluate([Judged(**{**vars(image), "signal": signal, "good": good})])["by_signal"][0]["l1_dn"][
        "nightside"
    ] == pytest.approx(plain["l1_dn"]["nightside"], rel=0.01)
    with pytest.raises(ValueError, match="M1LE: no pixel"):
        evaluate([Judged(**{**vars(image), "good": np.zeros_like(good)})])


def test_without_an_image_there_is_nothing_to_say():
    with pytest.raises(ValueError, match="no image to evaluate"):
        evaluate([])


@pytest.fixture(scope="module")
def ground(rng):
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(rng.standard_normal((200, 260)), 2.5) * 30 + 10


@pytest.mark.parametrize("moved", [(0.0, 0.0), (3.0, -7.0), (0.4, 1.25)])
def test_a_moved_map_is_found_where_it_is(ground, moved, rng):
    from scipy.ndimage import shift

    noisy = shift(ground, moved, order=3, mode="nearest") + rng.normal(0, 0.5, ground.shape)
    noisy[:40, :70] = np.nan
    found = shift_between(noisy, ground)
    assert (found.down_px, found.right_px) == pytest.approx(moved, abs=0.05)
    assert found.correlation > 0.9


def test_the_error_of_place_is_in_metres(ground):
    figures = mosaic_figures(ground[:-3, :-4], ground[3:, 4:], 2.0)
    assert figures["position_error_m"] == pytest.approx(10.0, abs=0.1)
    assert figures["covered"] == 1.0


def test_maps_that_do_not_meet_are_refused(ground):
    with pytest.raises(ValueError, match="no pixel in common"):
        shift_between(np.full_like(ground, np.nan), ground)
    with pytest.raises(ValueError, match="one grid"):
        shift_between(ground[1:], ground)


def stored(path, settings, kind, **arrays):
    attrs = {"units": "DN", "long_name": "test"}
    dataset = xr.Dataset({n: (("line", "sample"), a, attrs) for n, a in arrays.items()})
    dataset.attrs |= {"camera": "left", "summing": 2, "compand_code": 3}
    write_store(dataset, path, kind=kind, settings=settings)
    return path


def test_the_verb_pairs_stores_by_their_names(image, settings, tmp_path):
    float32 = {n: getattr(image, n).astype(np.float32) for n in ("truth", "standard", "signal", "signal_std")}
    for name in ("truth", "standard", "denoised"):
        (tmp_path / name).mkdir()
    truth = stored(tmp_path / "truth/M1LE.zarr", settings, "nac_truth", signal=float32["truth"])
    plain = stored(tmp_path / "standard/M1LE.zarr", settings, "nac_standard", signal=float32["standard"])
    clean = stored(
        tmp_path / "denoised/M1LE.zarr",
        settings,
        "nac_denoised",
        signal=float32["signal"],
        signal_std=float32["signal_std"],
        mask=np.zeros(image.truth.shape, np.uint8),
    )
    out = tmp_path / "evaluation.json"
    arguments = [
        "optical",
        "evaluate",
        "--truth",
        truth,
        "--denoised",
        clean,
        "--standard",
        plain,
        "--out",
        out,
    ]
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    row = read_json(out)["by_signal"][0]
    assert row["product_id"] == "M1LE"
    assert row["psnr_db"]["nightside"] == pytest.approx(
        evaluate([image])["by_signal"][0]["psnr_db"]["nightside"], abs=1e-3
    )
    other = tmp_path / "standard/M2LE.zarr"
    with pytest.raises(ValueError, match="no --standard store"):
        CliRunner().invoke(app, [str(other if a is plain else a) for a in arguments], catch_exceptions=False)
