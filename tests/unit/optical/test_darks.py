import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from nightside.camera.companding import decompand
from nightside.camera.noise import draw_camera
from nightside.camera.plausible import draw_housekeeping
from nightside.cli import app
from nightside.config.camera import Calibration as Options
from nightside.formats import BadImage
from nightside.optical.calibrate import calibrate, masked_offset
from nightside.optical.calibrated_image import CalibratedImage, calibration_for
from nightside.optical.darks import (
    KIND,
    DarkFrame,
    averaged_darks,
    dark_lines,
    darks_dataset,
    housekeeping_of,
    library_layout,
    refuse_lit,
    summaries,
)
from nightside.optical.darks_figures import summary_figure
from nightside.optical.edr import edr_dataset, label_of, numbers_of, open_file
from nightside.optical.images_of_darks import gather
from nightside.store import NotFinished, open_store, read_manifest, write_store
from nightside.synthetic.edr_writer import edr_bytes

LINES = 24


@pytest.fixture(scope="module")
def camera():
    return draw_camera("right", 2, 1)


@pytest.fixture
def frame(make_label, camera):
    """Return a function that records an image of even light, on a day of 2010."""

    def record(day=0, level=0.0, code=1, product="M100000001RE", seed=0, exposure_ms=0.3376):
        rng = np.random.default_rng([seed, day])
        housekeeping = draw_housekeeping(camera.dark, rng, 4000 + 12 * day)
        signal = np.full((LINES, camera.layout.samples), level, np.float32)
        label = make_label(
            camera="right", summing=2, lines=LINES, code=code, product_id=product, housekeeping=housekeeping,
            start_time=dt.datetime(2010, 3, 1) + dt.timedelta(days=day), exposure_ms=exposure_ms,
        )  # fmt: skip
        return DarkFrame(label, camera.record(signal, housekeeping, exposure_ms, code, rng))

    return record


@pytest.fixture
def write(tmp_path, frame):
    def write_frame(name, number=None, **about):
        made = frame(product=name, **about)
        path = tmp_path / f"{name}.IMG"
        path.write_bytes(edr_bytes(made.number if number is None else number, made.label))
        return path

    return write_frame


def test_a_library_keeps_numbers_housekeeping_and_order(frame):
    late, early = frame(day=9, product="M2RE"), frame(day=2, product="M1RE")
    library = darks_dataset([late, early], LINES)
    assert library["product_id"].values.tolist() == ["M1RE", "M2RE"]
    assert np.array_equal(library["number"][1], late.number)
    assert housekeeping_of(library, 1) == late.label.housekeeping
    assert library_layout(library) == draw_camera("right", 2, 1).layout
    assert np.allclose(library["column_mean_dn"][0], early.number.mean(axis=0), atol=1e-4)


def test_a_short_frame_is_repeated_in_the_library(frame):
    library = darks_dataset([frame()], LINES + 10)
    assert np.array_equal(library["number"][0, LINES:], library["number"][0, :10])


def test_two_modes_do_not_mix(frame, make_label):
    other = DarkFrame(make_label(camera="left", summing=2, lines=2), np.zeros((2, 2532), np.uint8))
    with pytest.raises(ValueError, match="these are of: left summing 2, right summing 2"):
        darks_dataset([frame(), other], 8)


def test_dark_passes_and_sunlight_is_refused_by_name(frame):
    refuse_lit(frame().number, frame().label, 12.0)
    refuse_lit(frame(code=0).number, frame(code=0).label, 12.0)
    lit = frame(level=60.0, product="M7RE")
    with pytest.raises(
        BadImage, match=r"M7RE: its scene lies \d+ DN above its masked pixels, so that it is sunlit"
    ):
        refuse_lit(lit.number, lit.label, 12.0)


def test_a_sunlit_corner_is_enough_to_refuse(frame):
    dark = frame(code=0)
    number = dark.number.copy()
    number[:8, 1000:1050] = 80
    with pytest.raises(BadImage, match=r"of its pixels are sunlit"):
        refuse_lit(number, dark.label, 12.0)


@pytest.mark.parametrize(
    ("value", "message"), [(255, "100% of its pixels are saturated"), (0, "all of its pixels are 0")]
)
def test_saturated_and_empty_images_are_refused(frame, value, message):
    with pytest.raises(BadImage, match=message):
        refuse_lit(np.full((LINES, 2532), value, np.uint8), frame().label, 12.0)


def test_a_mean_dark_has_the_offset_of_its_masked_samples_taken_off(frame):
    made = frame()
    library = darks_dataset([made], LINES)
    dn = made.number.astype(float)
    expected = (dn - masked_offset(dn, library_layout(library))).mean(axis=0)
    assert np.allclose(dark_lines(library)[0], expected, atol=1e-4)


def test_darks_are_averaged_by_month_and_class_of_exposure(frame):
    frames = [frame(day=day, product=f"M{day}RE") for day in (0, 10, 40)]
    frames.append(frame(day=5, product="M5RE", exposure_ms=12.0))
    library = darks_dataset(frames, LINES)
    time, lines, text = averaged_darks(library, 30.0, exposure_ms=0.3376)
    assert time.astype("datetime64[D]").astype(str).tolist() == ["2010-03-06", "2010-04-10"]
    alone = dark_lines(library)
    assert np.allclose(lines[0], (alone[0] + alone[2]) / 2)
    assert text == "2 averages of 3 frames of the library, of the same class of exposure"
    assert averaged_darks(library, 30.0, exposure_ms=24.2)[1].shape[0] == 1


def test_gathering_sets_sunlit_images_aside_and_passes_others_over(write):
    paths = [write("M1RE"), write("M2RE", day=3), write("M3RE", level=90.0)]
    found = gather(paths, "right", 2, Options())
    assert [frame.label.product_id for frame in found.frames] == ["M1RE", "M2RE"]
    assert list(found.set_aside) == ["M3RE.IMG"]
    with pytest.raises(
        ValueError, match=r"no dark frame of the left camera with summing 2 among 3 images, 3 of them"
    ):
        gather(paths, "left", 2, Options())


def test_a_dark_frame_that_has_lost_its_housekeeping_is_set_aside(tmp_path, write, frame):
    made = frame(product="M5RE")
    lost = replace(made.label, housekeeping=replace(made.label.housekeeping, temperature_fpa_c=np.nan))
    path = tmp_path / "M5RE.IMG"
    path.write_bytes(edr_bytes(made.number, lost))
    found = gather([write("M1RE"), path], "right", 2, Options())
    assert [frame.label.product_id for frame in found.frames] == ["M1RE"]
    assert "M5RE: its label has lost its temperature_fpa_c" in found.set_aside["M5RE.IMG"]


def test_a_run_in_which_every_image_is_sunlit_fails_with_the_reason(write):
    with pytest.raises(ValueError, match=r"M3RE: its scene lies"):
        gather([write("M3RE", level=90.0)], "right", 2, Options())


def test_a_library_calibrates_an_image_and_says_what_stands_in(tmp_path, write, frame, settings):
    path = tmp_path / "darks_right_2.zarr"
    frames = [frame(day=day, product=f"M{day}RE") for day in (0, 1, 20, 21)]
    write_store(darks_dataset(frames, LINES), path, kind=KIND, settings=settings)
    image = edr_dataset(open_file(write("M9RE", day=10, level=300.0, code=0)))
    made = calibration_for(label_of(image), Options(dark_average_days=5), path)
    calibrated = CalibratedImage(numbers_of(image), label_of(image), made)
    found = calibrated.dataset({"line": slice(0, LINES)}, image.attrs)
    scene = slice(made.layout.scene[0] + 5, made.layout.scene[1] - 5)
    assert float(found["signal"][:, scene].mean()) == pytest.approx(300, rel=0.04)
    assert found.attrs["calibration_dark"].startswith("2 averages of 4 frames")
    assert "stand-in" in found.attrs["calibration_linearity"]
    assert found.attrs["i_over_f_per_dn"] == pytest.approx(1 / (15058 * 0.3376), rel=0.05)


def test_the_library_of_another_mode_and_no_library_are_refused(tmp_path, frame, make_label, settings):
    path = tmp_path / "darks_right_2.zarr"
    write_store(darks_dataset([frame()], LINES), path, kind=KIND, settings=settings)
    label = make_label(camera="left", summing=1, product_id="M5LE")
    with pytest.raises(
        ValueError, match=r"holds darks of the right camera with summing 2, M5LE is of the left"
    ):
        calibration_for(label, Options(), path)
    with pytest.raises(ValueError, match="M5LE: there is no dark to calibrate it with; give a library"):
        calibration_for(label, Options(), None)
    with pytest.raises(NotFinished, match="does not exist"):
        calibration_for(label, Options(), tmp_path / "absent.zarr")


def test_a_dead_image_is_not_calibrated(tmp_path, write, frame, settings):
    path = tmp_path / "darks.zarr"
    write_store(darks_dataset([frame()], LINES), path, kind=KIND, settings=settings)
    image = edr_dataset(open_file(write("M9RE", number=np.full((LINES, 2532), 255, np.uint8))))
    with pytest.raises(BadImage, match=r"M9RE: 100% of its pixels are saturated"):
        CalibratedImage(numbers_of(image), label_of(image), calibration_for(label_of(image), Options(), path))


@pytest.mark.parametrize("bright_line", [None, 17])
def test_an_image_calibrated_in_bands_is_the_whole_to_the_last_bit(
    tmp_path, write, frame, settings, bright_line
):
    path = tmp_path / "darks.zarr"
    write_store(darks_dataset([frame()], LINES), path, kind=KIND, settings=settings)
    image = edr_dataset(open_file(write("M9RE", level=20.0, code=0)))
    if bright_line is not None:  # its light decides how every line is corrected
        image["number"][bright_line, 900] = 250
    label = label_of(image)
    calibration = calibration_for(label, Options(), path)
    calibrated = CalibratedImage(numbers_of(image), label, calibration)
    bands = [calibrated.lines(first, min(first + 7, LINES)) for first in range(0, LINES, 7)]
    dn = decompand(image["number"].to_numpy(), label.compand_code)
    whole = calibrate(
        dn, calibration, time=np.datetime64(label.start_time), exposure_ms=1.0, sun_distance_au=1.0
    )
    assert calibrated.bright == (bright_line is not None)
    np.testing.assert_array_equal(np.concatenate(bands), whole.dn)


def test_a_flat_field_is_fitted_to_sunlit_images(tmp_path, write, frame, settings):
    darks, lit = tmp_path / "darks.zarr", tmp_path / "lit.zarr"
    write_store(darks_dataset([frame()], LINES), darks, kind=KIND, settings=settings)
    image = edr_dataset(open_file(write("M9RE", level=900.0, code=0)))
    write_store(image, lit, kind="nac_edr", settings=settings)
    made = calibration_for(label_of(image), Options(), darks, [lit])
    assert made.provenance["flat"].startswith("stand-in: columns of 1 sunlit image")
    own = draw_camera("right", 2, 1).flat
    scene = slice(made.layout.scene[0] + 100, made.layout.scene[1] - 100)
    assert np.corrcoef(np.diff(made.flat[scene]), np.diff(own[scene]))[0, 1] > 0.7


def test_the_summary_shows_bias_stripes_and_pattern_of_every_frame(frame):
    library = darks_dataset([frame(day=day, product=f"M{day}RE") for day in range(4)], LINES)
    found = summaries(library)
    assert found["bias"] == pytest.approx(library["column_mean_dn"].values.mean(axis=1), abs=3)
    assert all(values.shape == (4,) and (values >= 0).all() for values in found.values())
    assert len(summary_figure(library).axes) == 9


def test_the_verbs_make_a_library_and_a_calibrated_image(tmp_path, write, frame, settings):
    config, darks, edr, out = (tmp_path / n for n in ("c.yaml", "darks.zarr", "M9RE.zarr", "cal.zarr"))
    config.write_text(settings.to_yaml())
    images = [write("M1RE"), write("M3RE", level=90.0)]
    write_store(edr_dataset(open_file(write("M9RE", level=20.0))), edr, kind="nac_edr", settings=settings)
    common = ["--config", str(config)]
    listed = [part for path in images for part in ("--edr", str(path))]
    verb = ["optical", "darks", *common, *listed, "--camera", "right", "--summing", "2", "--out", str(darks)]
    result = CliRunner().invoke(app, [*verb, "--figure", str(tmp_path / "darks.png")], catch_exceptions=False)
    assert result.exit_code == 0
    assert "set aside M3RE.IMG" in result.output
    assert (tmp_path / "darks.png").stat().st_size > 10_000
    assert list(read_manifest(darks)["details"]["set_aside"]) == ["M3RE.IMG"]
    verb = ["optical", "calibrate", *common, "--edr", str(edr), "--darks", str(darks), "--out", str(out)]
    assert CliRunner().invoke(app, verb, catch_exceptions=False).exit_code == 0
    signal = open_store(out, kind="nac_calibrated")["signal"]
    assert signal.shape == (LINES, 2532)
    assert label_of(open_store(out)).product_id == "M9RE"


def test_a_dark_frame_whose_housekeeping_the_archive_calls_bad_is_set_aside(tmp_path, write, frame):
    made = frame(product="M5RE")
    path = tmp_path / "M5RE.IMG"
    path.write_bytes(edr_bytes(made.number, replace(made.label, raw={"DATA_QUALITY_ID": 32})))
    found = gather([write("M1RE"), path], "right", 2, Options())
    assert [frame.label.product_id for frame in found.frames] == ["M1RE"]
    assert "M5RE: DATA_QUALITY_ID says that observation or housekeeping" in found.set_aside["M5RE.IMG"]
