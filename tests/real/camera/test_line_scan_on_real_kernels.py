"""The camera model on the kernels of M103595705LE, against the Image Support Data that ALE made of them.

ALE rotates the Moon by a kernel that is not here (MOON_PA), so places and directions are compared in J2000.
"""

import json
import types
from dataclasses import replace

import numpy as np
import pytest
import spiceypy
from scipy.spatial.transform import Rotation

from nightside.camera.spice import MissingKernel, kernel_pool, line_scan

pytestmark = pytest.mark.real

LABEL = types.SimpleNamespace(
    product_id="M103595705LE",
    camera="left",
    summing=1,
    lines=400,
    samples=5064,
    exposure_ms=1.0288,
    preroll_clock="1/270649237:07208",
)


@pytest.fixture(scope="module")
def kernels(shared_data):
    return shared_data / "spice"


@pytest.fixture(scope="module")
def isd(kernels):
    return json.loads((kernels / "lrolroc_isd.json").read_text())


@pytest.fixture(scope="module")
def camera(kernels):
    with kernel_pool([kernels]):
        return line_scan(LABEL)


@pytest.fixture(scope="module")
def to_inertial(kernels, camera):
    with kernel_pool([kernels]):
        return Rotation.from_matrix([spiceypy.pxform("IAU_MOON", "J2000", t) for t in camera.time_s])


def at_centres(camera, isd, what):
    """Return a table of ALE's, which it gives at the edges of lines, interpolated to their centres."""
    table = isd[what]
    values = np.array(table[{"instrument_position": "positions", "instrument_pointing": "quaternions"}[what]])
    time_s = np.array(table["ephemeris_times"])
    from scipy.interpolate import CubicSpline

    return CubicSpline(time_s, values)(camera.time_s)


def test_lines_begin_when_ale_says(camera, isd):
    assert camera.time_s[0] - 0.5 * 1.0334296e-3 == pytest.approx(isd["starting_ephemeris_time"], abs=1e-7)
    assert np.diff(camera.time_s) == pytest.approx(isd["line_scan_rate"][0][2], abs=1e-7)


def test_positions_agree_to_a_millionth_of_a_km(camera, isd, to_inertial):
    expected = at_centres(camera, isd, "instrument_position")
    np.testing.assert_allclose(to_inertial.apply(camera.position_m) / 1000, expected, atol=1e-6)


@pytest.mark.parametrize("sample", [0, 1000, 2547, 5063])
def test_look_vectors_agree_to_a_ten_millionth_of_a_radian(camera, isd, to_inertial, sample):
    quaternion = at_centres(camera, isd, "instrument_pointing")
    # ALE's quaternions, scalar first, take J2000 to the camera.
    ale = Rotation.from_quat(quaternion, scalar_first=True).inv()
    offset = 0.007 * (sample + 0.5 - isd["detector_center"]["sample"])
    y = offset / (1 + isd["optical_distortion"]["lrolrocnac"]["coefficients"][0] * offset**2)
    f = isd["focal_length_model"]["focal_length"]
    expected = ale.apply(np.array([0, y, f]) / np.hypot(y, f))
    found = (to_inertial * camera.attitude).apply(camera.optics.look(sample))
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_pixels_return_from_the_sphere_to_themselves(camera):
    line, sample = np.meshgrid(np.linspace(0, 399, 58), np.linspace(0, 5063, 67), indexing="ij")
    back = camera.image(*camera.ground(line, sample))
    np.testing.assert_allclose(back[0], line, atol=1e-6)
    np.testing.assert_allclose(back[1], sample, atol=1e-6)


def test_pixels_return_from_the_real_terrain_to_themselves(camera, shared_data):
    from nightside.optical.dem import read_terrain

    rough = replace(camera, terrain=read_terrain(shared_data / "lola" / "LDEM_4.LBL", camera.outline()))
    line, sample = np.meshgrid(np.linspace(0, 399, 58), np.linspace(0, 5063, 67), indexing="ij")
    lon, lat = rough.ground(line, sample)
    back = rough.image(lon, lat)
    np.testing.assert_allclose(back[0], line, atol=0.01)
    np.testing.assert_allclose(back[1], sample, atol=0.01)
    # The terrain matters: a kilometre below the sphere, seen 27 degrees off nadir.
    shift = np.linalg.norm(rough.ground_m(line, sample) - camera.ground_m(line, sample), axis=-1)
    assert shift.min() > 100


def test_ground_between_lines_is_that_of_the_kernels_to_a_thousandth_of_a_pixel(camera, kernels):
    half_s = camera.time_s[:-1] + 0.5 * np.diff(camera.time_s)
    with kernel_pool([kernels]):
        place = [spiceypy.spkezr("-85", t, "IAU_MOON", "NONE", "301")[0][:3] for t in half_s]
        turn = [spiceypy.pxform("LRO_LROCNACL", "IAU_MOON", t) for t in half_s]
    true = replace(
        camera,
        lines=399,
        time_s=half_s,
        position_m=1000 * np.array(place),
        velocity_m_s=camera.velocity_m_s[:-1],
        attitude=Rotation.from_matrix(turn),
    )
    line, sample = np.meshgrid(np.arange(399), [0, 2500, 5063], indexing="ij")
    error_m = np.linalg.norm(true.ground_m(line, sample) - camera.ground_m(line + 0.5, sample), axis=-1)
    assert error_m.max() < 1e-3 * min(camera.pixel_size_m())


def test_the_image_lies_where_the_sub_spacecraft_point_and_the_slew_put_it(camera):
    lon, lat = camera.ground(200, 2531)
    assert (lon, lat) == pytest.approx((140.31, 33.95), abs=0.01)


@pytest.mark.parametrize(
    ("left_out", "kind"),
    [
        (".tls", "LSK"),
        (".tsc", "SCLK"),
        (".tf", "FK"),
        (".tpc", "PCK"),
        (".bsp", "SPK"),
        (".bc", "CK"),
    ],
)
def test_a_missing_kernel_is_named_by_its_type(kernels, left_out, kind):
    suffixes = {".tls", ".tsc", ".tpc", ".tf", ".ti", ".bsp", ".bc"} - {left_out}
    files = [p for p in sorted(kernels.iterdir()) if p.suffix in suffixes]
    with kernel_pool(files), pytest.raises(MissingKernel, match=rf"no (loaded )?{kind} kernel") as error:
        line_scan(LABEL)
    assert "2009-07-30T12:20:3" in str(error.value) or LABEL.preroll_clock in str(error.value)


def test_an_image_after_the_kernels_names_its_time(kernels):
    later = types.SimpleNamespace(**{**vars(LABEL), "preroll_clock": "1/270659237:07208"})
    with kernel_pool([kernels]), pytest.raises(MissingKernel, match="SPK.*2009-07-30T15:07"):
        line_scan(later)


def test_without_an_instrument_kernel_the_built_in_constants_are_used(kernels, camera):
    files = [p for p in sorted(kernels.iterdir()) if p.suffix in {".tls", ".tsc", ".tpc", ".tf", ".bsp", ".bc"}]
    with kernel_pool(files):
        found = line_scan(LABEL)
    assert "built in" in found.provenance["instrument_constants"]
    assert found.optics == camera.optics


def test_the_pool_is_left_as_it_was_found(kernels):
    spiceypy.kclear()
    spiceypy.furnsh(str(kernels / "naif0012.tls"))
    try:
        with kernel_pool([kernels / "pck00009.tpc"]):
            assert spiceypy.ktotal("ALL") == 1
        assert [spiceypy.kdata(k, "ALL")[0] for k in range(spiceypy.ktotal("ALL"))] == [
            str(kernels / "naif0012.tls")
        ]
    finally:
        spiceypy.kclear()
