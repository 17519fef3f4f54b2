import numpy as np
import pytest

from nightside.camera.layout import layout
from nightside.camera.linearity import Linearity
from nightside.camera.noise import draw_camera
from nightside.optical.calibrate import Calibration
from nightside.optical.calibration_files import (
    column_response,
    read_calibration,
    read_line,
    write_calibration,
    write_line,
)

TIMES = np.array(["2010-03-01T00:00:00", "2010-03-31T00:00:00"], "datetime64[ns]")


def write(folder, camera, summing):
    """Write a plausible camera's files; returns what they hold and the coefficients."""
    full = draw_camera(camera, 1, 3).linearity
    coefficients = np.stack([full.a[0], full.b[0], full.c[0]], axis=1)
    where = layout(camera, summing)
    flat = np.ones(where.samples)
    flat[: where.scene[0]] = np.nan
    rng = np.random.default_rng(5)
    made = Calibration(
        where, TIMES, rng.standard_normal((2, where.samples)), flat, draw_camera(camera, summing, 3).linearity
    )
    write_calibration(folder, made, coefficients)
    return made, coefficients


@pytest.mark.parametrize(("camera", "summing"), [("left", 1), ("right", 2)])
def test_a_calibration_written_as_the_archives_files_reads_back(tmp_path, camera, summing):
    made, coefficients = write(tmp_path, camera, summing)
    found = read_calibration(tmp_path, layout(camera, summing), exposure_code=81)
    assert np.allclose(found.dark_dn, made.dark_dn, atol=1e-6)
    assert (abs(found.dark_time - made.dark_time) < np.timedelta64(1, "s")).all()
    assert np.array_equal(np.isnan(found.flat), np.isnan(made.flat))
    assert np.allclose(found.linearity.a, coefficients[:, 0].reshape(-1, summing).T)
    assert np.allclose(found.linearity.offset, made.linearity.offset, rtol=1e-6)
    assert found.provenance["dark"] == "2 average darks of the archive"
    assert "LinearizationCoefficients.0007.txt" in found.provenance["linearity"]


def test_through_zero_is_as_horus_does_it(tmp_path):
    write(tmp_path, "left", 1)
    found = read_calibration(tmp_path, layout("left", 1), exposure_code=81, through_zero=True)
    assert found.linearity.inverse(np.zeros((1, 1)))[0, 0] == pytest.approx(0, abs=1e-9)
    assert "forced through zero" in found.provenance["linearity"]


def test_the_shortest_exposure_has_darks_of_its_own_and_the_highest_version_counts(tmp_path):
    made, _ = write(tmp_path, "left", 1)
    seconds = 320_000_000
    for version, value in (("0001", 1.0), ("0002", 2.0)):
        write_line(tmp_path / f"NACL_AverageDarks_{seconds}T_exp0.{version}.cub", np.full(5064, value))
    own = read_calibration(tmp_path, layout("left", 1), exposure_code=0)
    assert own.dark_dn.shape[0] == 1
    assert (own.dark_dn == 2).all()
    other = read_calibration(tmp_path, layout("left", 1), exposure_code=81)
    assert np.allclose(other.dark_dn, made.dark_dn, atol=1e-6)


@pytest.mark.parametrize(
    "missing", ["AverageDarks", "Flatfield", "LinearizationOffsets", "LinearizationCoefficients"]
)
def test_a_missing_kind_of_file_is_named(tmp_path, missing):
    write(tmp_path, "left", 1)
    for path in tmp_path.glob(f"*{missing}*"):
        path.unlink()
    with pytest.raises(ValueError, match=rf"holds no NACL_{missing}.*copy"):
        read_calibration(tmp_path, layout("left", 1), exposure_code=1)


def test_a_file_of_the_other_mode_and_a_damaged_one_are_named(tmp_path):
    write_line(tmp_path / "x.cub", np.zeros(2532))
    with pytest.raises(ValueError, match=r"x\.cub: has 2532 samples, expected 5064"):
        read_line(tmp_path / "x.cub", 5064)
    (tmp_path / "y.cub").write_bytes(b"no cube")
    with pytest.raises(ValueError, match=r"y\.cub: is no ISIS cube"):
        read_line(tmp_path / "y.cub", 5064)


def test_a_flat_field_is_found_in_sunlit_images_up_to_what_is_smooth():
    where = layout("left", 1)
    rng = np.random.default_rng(7)
    across = np.arange(where.samples)
    own = np.ones(where.samples)
    own[slice(*where.scene)] += 0.01 * rng.standard_normal(5000)
    images = [
        500
        * (1 + 0.2 * np.sin(across / 700 + k))
        * own
        * (1 + 0.1 * rng.standard_normal((400, where.samples)))
        for k in range(3)
    ]
    found = column_response(images, where)
    scene = slice(where.scene[0] + 60, where.scene[1] - 60)
    assert np.corrcoef(found[scene], own[scene])[0, 1] > 0.9
    assert (found[: where.scene[0]] == 1).all()
    with pytest.raises(ValueError, match="columns without light"):
        column_response([np.zeros((4, where.samples))], where)


def test_dead_columns_in_the_table_do_no_harm(tmp_path):
    made, coefficients = write(tmp_path, "left", 1)
    coefficients[:12] = 0.0
    write_calibration(tmp_path, made, coefficients)
    found = read_calibration(tmp_path, layout("left", 1), exposure_code=1).linearity
    assert isinstance(found, Linearity)
    assert np.isfinite(found.inverse(np.zeros((1, 5064)))).all()
