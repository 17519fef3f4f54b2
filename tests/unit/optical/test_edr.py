import dataclasses
import hashlib
import json

import numpy as np
import pytest
import rasterio
from numpy.testing import assert_array_equal
from rasterio.errors import NotGeoreferencedWarning

from nightside.camera.companding import TABLES, decompand
from nightside.camera.layout import layout
from nightside.formats import BadImage
from nightside.optical.edr import edr_dataset, label_of, open_file
from nightside.optical.edr_label import parse_label
from nightside.synthetic.edr_writer import edr_bytes

MODES = [(camera, summing) for camera in ("left", "right") for summing in (1, 2)]


def edit(old, new):
    """Return a change of bytes that keeps every offset."""
    old, new = old.encode(), new.encode()

    def change(content):
        assert old in content
        head, tail = content.split(old, 1)
        return (
            head + new + tail[max(len(new) - len(old), 0) :]
            if len(new) > len(old)
            else head + new.ljust(len(old)) + tail
        )

    return change


@pytest.mark.parametrize(("camera", "summing"), MODES)
@pytest.mark.parametrize("code", sorted(TABLES))
def test_what_is_written_is_read_back(write_edr, camera, summing, code):
    path, number, label = write_edr(camera=camera, summing=summing, code=code)
    edr = open_file(path)
    assert_array_equal(edr.numbers(), number)
    assert_array_equal(edr.numbers(2, 5), number[2:5])
    assert edr.warnings == ()
    read = dataclasses.replace(edr.label, raw={}, md5="")
    assert read == label
    assert edr.label.md5 == hashlib.md5(number.tobytes()).hexdigest()


@pytest.mark.parametrize("summing", [1, 2])
def test_a_file_is_whole_records_of_one_line(write_edr, summing):
    path, number, label = write_edr(summing=summing)
    raw = open_file(path).label.raw
    assert raw["RECORD_BYTES"] == label.samples
    assert path.stat().st_size == raw["FILE_RECORDS"] * raw["RECORD_BYTES"]
    assert raw["^IMAGE"] == raw["LABEL_RECORDS"] + 1
    assert path.read_bytes()[raw["LABEL_RECORDS"] * raw["RECORD_BYTES"] :] == number.tobytes()


def test_an_early_right_product_is_mirrored_and_no_other(write_edr):
    for camera, version, mirrored in [
        ("right", "v1.2", True),
        ("right", "v1.29", True),
        ("right", "v1.3", False),
        ("right", "v1.8", False),
        ("left", "v1.2", False),
    ]:
        path, number, _ = write_edr(camera=camera, version=version)
        edr = open_file(path)
        assert edr.mirrored is mirrored
        assert_array_equal(edr.numbers(), number)
        in_file = np.frombuffer(path.read_bytes()[-number.size :], np.uint8).reshape(number.shape)
        assert_array_equal(in_file, number[:, ::-1] if mirrored else number)


@pytest.mark.parametrize(("camera", "summing"), MODES)
def test_gdal_reads_the_same_numbers(write_edr, camera, summing):
    path, number, _ = write_edr(camera=camera, summing=summing)
    with pytest.warns(NotGeoreferencedWarning):
        opened = rasterio.open(path)
    with opened:
        assert opened.driver == "PDS"
        assert_array_equal(opened.read(1), number)


@pytest.mark.parametrize(("camera", "summing"), MODES)
def test_a_dataset_has_the_numbers_the_masked_pixels_and_the_label(write_edr, camera, summing):
    path, number, _ = write_edr(camera=camera, summing=summing, code=3)
    edr = open_file(path)
    dataset = edr_dataset(edr, 1, 5)
    assert_array_equal(dataset["number"], number[1:5])
    masked = layout(camera, summing).masked
    assert_array_equal(dataset["masked"], masked)
    assert_array_equal(dataset["masked_dn"], decompand(number[1:5, masked], 3))
    assert label_of(dataset) == edr.label


def test_a_wrong_type_or_shape_is_not_written(make_label):
    with pytest.raises(ValueError, match=r"numbers are int64 \(6, 5064\), the label says uint8 \(6, 5064\)"):
        edr_bytes(np.zeros((6, 5064), np.int64), make_label())
    with pytest.raises(ValueError, match=r"numbers are uint8 \(5, 5064\)"):
        edr_bytes(np.zeros((5, 5064), np.uint8), make_label())


def test_the_same_image_gives_the_same_bytes(make_label):
    number = np.zeros((6, 5064), np.uint8)
    assert edr_bytes(number, make_label()) == edr_bytes(number, make_label())


REFUSED = {
    "not a label": (lambda c: b"\x89PNG" + c[4:], "has no PDS3 label .* give a NAC EDR"),
    "empty": (lambda c: b"", "has no PDS3 label"),
    "an ISIS cube": (lambda c: b"Object = IsisCube\n" + c, "is an ISIS cube, not an EDR"),
    "cut off in the label": (lambda c: c[:2000], "no line END; .* acquire it again"),
    "label with other bytes": (
        lambda c: c[:300] + b"\xff\xfe" + c[302:],
        "byte 300 of its label is not ASCII",
    ),
    "no image object": (
        edit("OBJECT                             = IMAGE\r\n", "OBJECT = X "),
        "cannot be read|IMAGE",
    ),
    "another instrument": (edit("= LROC\r\n", "= DLRE\r\n"), "INSTRUMENT_ID is DLRE, another instrument"),
    "wide angle camera": (edit("= LEFT\r\n", "= MONO\r\n"), "FRAME_ID is MONO, .* Wide Angle Camera"),
    "a CDR": (edit("LROC-2-EDR", "LROC-3-CDR"), r"DATA_SET_ID is LRO-L-LROC-3-CDR-V1\.0, .* acquire the EDR"),
    "an RDR": (edit("LROC-2-EDR", "LROC-5-RDR"), "which is no EDR"),
    "unknown table": (
        edit("LRO:COMPAND_CODE                   = 0", "LRO:COMPAND_CODE                   = 6"),
        "LRO:COMPAND_CODE is 6, the camera's tables are 0 to 5",
    ),
    "another table's terms": (
        edit("(0,32,136,543,2207)", "(0,64,424,536,800)"),
        r"LRO:XTERM is \(0, 64, 424, 536, 800\), but LRO:COMPAND_CODE is 0",
    ),
    "a crop": (
        edit("= 5064\r\n    SAMPLE_BITS", "= 5000\r\n    SAMPLE_BITS"),
        "LINE_SAMPLES is 5000 .* not a crop",
    ),
    "summing disagrees": (
        edit("CROSSTRACK_SUMMING                 = 1", "CROSSTRACK_SUMMING                 = 2"),
        "LINE_SAMPLES is 5064 and CROSSTRACK_SUMMING 2",
    ),
    "16 bits": (
        edit("SAMPLE_BITS                    = 8 ".rstrip(), "SAMPLE_BITS                   = 16"),
        "SAMPLE_BITS is 16",
    ),
    "a keyword lacks": (
        edit("ORBIT_NUMBER", "ORBIT_NUMBEX"),
        "has no ORBIT_NUMBER; acquire the product again",
    ),
    "a word for a number": (
        edit("= 198", "= HIGH"),
        "LRO:DAC_RESET_LEVEL is 'HIGH', expected a whole number",
    ),
    "no time": (
        edit("START_TIME                         = 2009-07-30T12:20:38.185", "START_TIME = UNK"),
        "START_TIME is 'UNK', expected a date and time",
    ),
    "no version": (edit('"v1.8"', '"late"'), "PRODUCT_VERSION_ID is 'late', .* mirrored"),
    "detached": (edit("= 2\r\n", '= "A"\r\n'), r"\^IMAGE is .*label attached"),
    "a stray equals sign": (
        edit("WAVELENGTH           = 600 <nm>\r\n", "WAVELENGTH           = 600 +=>\r\n"),
        "cannot be read",
    ),
    "no exposure": (
        edit("0.337600 <ms>", "0.000000 <ms>"),
        "LINE_EXPOSURE_DURATION is 0.0, expected a time above 0",
    ),
    "wrong MD5": (
        lambda c: c[:-1] + bytes([c[-1] ^ 1]),
        "MD5_CHECKSUM is .*, that of its pixels is .* acquire the product again",
    ),
    "truncated": (lambda c: c[: 5064 * 4 + 100], "3 of 6 lines are whole; .* images.keep_truncated: true"),
    "only the label": (lambda c: c[:5064], "0 of 6 lines are whole; acquire the product again$"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_bad_file_is_refused_with_file_keyword_and_remedy(write_edr, why):
    change, message = REFUSED[why]
    path, _, _ = write_edr(change)
    with pytest.raises(BadImage, match=message) as refusal:
        open_file(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("word", ["UNK", '"N/A"', "NULL"])
def test_lost_housekeeping_is_survived_and_named(write_edr, word):
    def lose(content):
        level = f"LRO:DAC_RESET_LEVEL{'':16}= 198"
        return edit("= 16.89 <degC>", f"= {word}")(edit(level, f"LRO:DAC_RESET_LEVEL = {word}")(content))

    path, number, described = write_edr(lose)
    edr = open_file(path)
    assert edr.label.housekeeping.lost == ("temperature_fpa_c", "dac_reset_level")
    assert edr.label.housekeeping.temperature_fpga_c == described.housekeeping.temperature_fpga_c
    assert "has lost its temperature_fpa_c, dac_reset_level" in edr.warnings[0]
    dataset = edr_dataset(edr)
    assert_array_equal(dataset["number"], number)
    json.dumps(dataset.attrs, allow_nan=False)
    again = label_of(dataset)
    assert again.housekeeping.lost == edr.label.housekeeping.lost
    assert edr_bytes(number, again) == edr_bytes(number, edr.label)


def test_a_wrong_md5_is_read_where_the_user_insists(write_edr):
    path, number, _ = write_edr(lambda c: c[:-1] + bytes([c[-1] ^ 1]))
    read = open_file(path, check_md5=False).numbers()
    assert np.count_nonzero(read != number) == 1


def test_the_whole_lines_of_a_truncated_file_can_be_kept(write_edr):
    path, number, _ = write_edr(lambda c: c[: 5064 * 4 + 100])
    edr = open_file(path, keep_truncated=True)
    assert edr.lines_whole == 3
    assert "lines from 3 on are missing" in edr.warnings[0]
    dataset = edr_dataset(edr)
    assert_array_equal(dataset["number"][:3], number[:3])
    assert not dataset["number"][3:].any()
    assert_array_equal(np.isnan(dataset["masked_dn"]).all("masked"), [False] * 3 + [True] * 3)
    assert dataset.attrs["lines_whole"] == 3
    assert_array_equal(edr_dataset(edr, 2, 5)["number"][0], number[2])


def test_a_pointer_into_the_label_is_mended_where_the_md5_proves_the_pixels(write_edr):
    path, number, _ = write_edr(edit("= 2\r\n", "= 1\r\n"))
    edr = open_file(path)
    assert_array_equal(edr.numbers(), number)
    assert (
        "points to byte 1, the pixels begin at byte 5065: their MD5 is that of the label" in edr.warnings[0]
    )
    assert edr_dataset(edr).attrs["warnings"] == list(edr.warnings)


def test_a_pointer_beyond_the_file_is_mended_where_the_md5_proves_the_pixels(write_edr):
    path, number, _ = write_edr(edit("= 2\r\n", "= 9\r\n"))
    assert_array_equal(open_file(path).numbers(), number)


def test_a_wrong_pointer_without_proof_is_refused(write_edr):
    path, _, _ = write_edr(lambda c: edit("= 2\r\n", "= 1\r\n")(c[:-1] + bytes([c[-1] ^ 1])))
    with pytest.raises(BadImage, match=r"\^IMAGE points to byte 1, which lies in the label .* acquire"):
        open_file(path)


def test_a_pointer_to_a_wrong_place_that_could_be_right_is_mended_where_the_md5_proves_the_pixels(write_edr):
    path, number, _ = write_edr(lambda c: edit("= 2\r\n", "= 3\r\n")(c) + bytes(5064))
    edr = open_file(path)
    assert_array_equal(edr.numbers(), number)
    assert "the pixels begin at byte 5065: their MD5 is that of the label" in edr.warnings[0]


def test_pixels_of_another_md5_that_are_read_all_the_same_are_told(write_edr):
    path, number, _ = write_edr(lambda c: c[:-1] + bytes([c[-1] ^ 1]))
    edr = open_file(path, check_md5=False)
    assert (edr.numbers() != number).sum() == 1
    assert "they are not those of the archive" in edr.warnings[0]


def test_a_label_with_damaged_bytes_is_read_or_refused_and_never_more(write_edr):
    path, _, _ = write_edr()
    content, rng = path.read_bytes(), np.random.default_rng(3)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(content[:4200])
        for at in rng.integers(20, 3900, 2):
            damaged[at : at + int(rng.integers(0, 20))] = bytes(
                rng.choice(list(b'"()<>=,;/*\r\nA7'), int(rng.integers(1, 3))).tolist()
            )
        try:
            parse_label(bytes(damaged), path)
            outcomes.add("read")
        except BadImage:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
