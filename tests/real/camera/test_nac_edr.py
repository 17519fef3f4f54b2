"""The real EDRs M114145549LE and RE (ten lines each, from ISIS's tests) and the real label of M103595705LE.

ISIS's expected values hold for its own reading of these files, whose ^IMAGE lies 13 bytes before the pixels.
"""

import dataclasses
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nightside.camera.companding import decompand
from nightside.camera.layout import layout
from nightside.formats import BadImage
from nightside.formats.nac import IMAGE_OBJECT, LABEL
from nightside.optical.edr import edr_dataset, open_file
from nightside.optical.edr_label import parse_label
from nightside.synthetic.edr_writer import edr_bytes, label_bytes

pytestmark = pytest.mark.real

ISIS = {
    "nacl.img": (3637, 156.4874802527646, 7_924_526.0, 36.50010125715575),
    "nacr.img": (3639, 148.00383096366508, 7_494_914.0, 24.745522995633699),
}
"""Byte where the label says the pixels begin, then mean, sum and sd of isis/tests/FunctionalTestsLronac2isis.cpp."""


@pytest.mark.parametrize("name", ISIS)
def test_decompanding_gives_the_values_of_isis_where_its_label_points(shared_data, name):
    offset, mean, total, sd = ISIS[name]
    content = (shared_data / "nac" / name).read_bytes()
    number = np.frombuffer(content, np.uint8, 50_640, offset)
    dn = decompand(number, 0).astype(np.float64)
    assert dn.sum() == total
    assert abs(dn.mean() - mean) < 1e-9
    assert abs(dn.std(ddof=1) - sd) < 1e-9


@pytest.mark.parametrize("name", ISIS)
def test_the_true_pixels_are_found_13_bytes_after_the_pointer(shared_data, name):
    path = shared_data / "nac" / name
    edr = open_file(path, check_md5=False)
    assert edr.offset == ISIS[name][0] + 13
    assert "holds nothing else after the label's END" in edr.warnings[0]
    assert_array_equal(edr.numbers().ravel(), np.frombuffer(path.read_bytes()[-50_640:], np.uint8))
    assert path.read_bytes()[ISIS[name][0] : edr.offset].endswith(b"END\n")


@pytest.mark.parametrize("name", ISIS)
def test_ten_lines_of_a_longer_image_do_not_have_its_md5(shared_data, name):
    pointer = ISIS[name][0] + 1
    told = (
        rf"MD5_CHECKSUM .* \^IMAGE points to byte {pointer}, the pixels begin at byte {pointer + 13}: .*"
        rf"\(images\.check_md5: false reads it as it is, from byte {pointer + 13}\)"
    )
    with pytest.raises(BadImage, match=told):
        open_file(shared_data / "nac" / name)


@pytest.mark.parametrize("name", ISIS)
def test_masked_samples_are_dark_and_the_scene_is_not(shared_data, name):
    """RIGHT of version 1.3 is not mirrored: turned, its scene would lie on masked samples."""
    edr = open_file(shared_data / "nac" / name, check_md5=False)
    assert not edr.mirrored
    where = layout(edr.label.camera, edr.label.summing)
    dn = decompand(edr.numbers(), edr.label.compand_code).mean(0)
    assert np.all((dn[where.masked] > 30) & (dn[where.masked] < 60))
    assert np.all(dn[list(where.bright)] > 80)
    assert np.mean(dn[slice(*where.scene)] > 60) > 0.98  # some of the Moon lies in shadow
    turned = dn[::-1]
    assert np.count_nonzero(turned[where.masked] > 60) >= 15


def test_left_and_right_are_of_one_moment(shared_data):
    left, right = (open_file(shared_data / "nac" / n, check_md5=False).label for n in ISIS)
    assert (left.camera, right.camera) == ("left", "right")
    assert left.preroll_clock == right.preroll_clock == "1/281199081:26214"
    assert left.housekeeping.temperature_fpa_c == 17.73
    assert right.housekeeping.channel_b_offset == 108
    assert (left.version, right.version) == ("v1.2", "v1.3")


def test_masked_pixels_are_in_the_dataset(shared_data):
    dataset = edr_dataset(open_file(shared_data / "nac" / "nacl.img", check_md5=False))
    assert abs(float(dataset["masked_dn"].mean()) - 43) < 1.5


def test_a_written_label_is_the_real_one_byte_for_byte(shared_data):
    """But for FILE_RECORDS, which in this cut image still counts the lines of the whole one."""
    path = shared_data / "spice" / "M103595705LE_pds3.lbl"
    real = path.read_text(encoding="ascii")
    label = parse_label(path.read_bytes(), path).label
    written = label_bytes(label, label.md5).decode("ascii")
    assert len(written) == 5064
    assert "\n" not in written.replace("\r\n", "")
    text = written.rstrip(" ").replace("\r\n", "\n")
    assert text == real.replace(
        "FILE_RECORDS                       = 52225", "FILE_RECORDS                       = 401"
    )


def test_a_written_label_has_the_real_keywords_in_their_order(shared_data):
    real = (shared_data / "spice" / "M103595705LE_pds3.lbl").read_text(encoding="ascii")
    found = re.findall(r"^ *([\^A-Z][A-Z0-9_:]+) +=", real, re.MULTILINE)
    declared = [k.name for _, section in LABEL for k in section]
    assert found == [*declared, "OBJECT", *(k.name for k in IMAGE_OBJECT), "END_OBJECT"]


def test_a_real_image_survives_writing_and_reading(shared_data, tmp_path):
    real = open_file(shared_data / "nac" / "nacr.img", check_md5=False)
    path = tmp_path / "M114145549RE.IMG"
    path.write_bytes(edr_bytes(real.numbers(), real.label))
    again = open_file(path)
    assert_array_equal(again.numbers(), real.numbers())
    same = {"md5": "", "raw": {}}
    assert dataclasses.replace(again.label, **same) == dataclasses.replace(real.label, **same)
    kept = {k: v for k, v in real.label.raw.items() if k not in ("FILE_RECORDS", "^IMAGE")}
    assert {k: again.label.raw[k] for k in kept} == kept
