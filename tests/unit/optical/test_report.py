"""The report is one page that works from a file, by mouse, touch and keys, and says what was reached."""

import base64
import io
import re

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from nightside.optical.crater_recall import binned
from nightside.optical.figures import draw_mosaic, draw_quality, draw_recall, draw_spectra
from nightside.optical.report import write_report
from nightside.optical.report_commands import pair_of
from nightside.optical.slider import Pair, embedded, slider


def row(signal, gain, z=1.0, ratio=20.0, mode="normal"):
    return {
        "product_id": "M1<LE>",
        "signal_dn": signal,
        "mode": mode,
        "table": 3,
        "psnr_db": {"standard": 15.0, "nightside": 15.0 + gain},
        "ssim": {"standard": 0.2, "nightside": 0.7},
        "l1_dn": {"standard": 2.0, "nightside": 0.4},
        "z_spread": z,
        "z_mean_by_signal": [0.1, *[0.0] * 8, -0.2],
        "stripes": {"column_ratio": ratio, "period_ratio": 2 * ratio},
    }


@pytest.fixture
def pair():
    rng = np.random.default_rng(1)
    ground = 5.0 + np.add.outer(np.linspace(0, 3, 60), np.zeros(80))
    return Pair("M1LE & co", "what <it> shows", ground + rng.normal(0, 3, ground.shape), ground)


@pytest.fixture
def write(tmp_path, pair):
    def page(**other):
        figures = tmp_path / "figures"
        figures.mkdir(exist_ok=True)
        options = {"title": "A <title>", "place": "a place", "pairs": [pair], "figures": figures} | other
        write_report(tmp_path / "report.html", **options)
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return page


def test_the_page_needs_nothing_beside_it(write, tmp_path, pair):
    draw_spectra_of_noise(tmp_path)
    html = write()
    sources = re.findall(r'src="([^"]{0,30})', html)
    assert len(sources) == 3
    assert all(re.match(r"data:image/(webp|png);base64,", source) for source in sources)
    assert not re.search(r'(href|src)="(?!data:)|@import|url\(|https?:', html)


def draw_spectra_of_noise(tmp_path):
    (tmp_path / "figures").mkdir()
    rng = np.random.default_rng(2)
    noise = {name: rng.normal(0, s, (40, 80)) for name, s in (("standard", 2), ("nightside", 0.2))}
    draw_spectra(tmp_path / "figures" / "spectra.png", noise, 8)


def test_the_slider_is_a_range_that_keys_and_readers_know(pair):
    html = slider(pair)
    assert re.search(r'<input type="range" min="0" max="100"[^>]*aria-label="M1LE &amp; co: [^"]+"', html)
    assert len(re.findall(r'<img [^>]*alt="[^"]+"', html)) == 2
    assert "what &lt;it&gt; shows" in html
    # The input comes before the handle, which shows the focus.
    assert html.index("<input") < html.index('class="bar"')


def test_both_sides_have_one_scale_of_grey(pair):
    same = Pair("a", "b", pair.after, pair.after)
    sources = re.findall(r'src="([^"]+)"', slider(same))
    assert sources[0] == sources[1]
    picture = embedded(np.array([[0.0, 5.0, 10.0, np.nan, 99.0]] * 16), 0.0, 10.0)
    decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1]))).convert("L"))
    assert decoded.shape == (16, 5)
    assert decoded[8, 4] > 240
    assert decoded[8, 0] < 25


def test_a_pair_that_cannot_be_shown_is_refused(pair, write):
    with pytest.raises(ValueError, match="M1LE & co: before is"):
        slider(Pair(pair.title, "", pair.before[1:], pair.after))
    with pytest.raises(ValueError, match="all are masked"):
        slider(Pair(pair.title, "", pair.before, np.full_like(pair.after, np.nan)))
    with pytest.raises(ValueError, match="denoise an image first"):
        write(pairs=[])


def test_figures_stand_beside_their_goals(write):
    evaluation = {
        "by_signal": [row(5.1, 12.0), row(60.0, 2.0, z=1.3)],
        "mosaic": {
            "position_error_px": 0.2,
            "position_error_m": 0.3,
            "brightness": {
                "slope": 0.95,
                "offset_dn": 1.4,
                "bias_dn": 0.4,
                "mean_signal_dn": 20.0,
                "z_spread": 0.93,
            },
        },
    }
    html = write(evaluation=evaluation)
    assert re.search(
        r"at 5\.1 DN</td><td>\+12\.0 dB</td><td>≥ 10 dB at 5 DN</td><td><span class=\"yes\">", html
    )
    assert re.search(r"1\.00 to 1\.30</td><td>0\.9 to 1\.1</td><td><span class=\"no\">", html)
    assert "0.20 pixels" in html
    assert "0.95 times +1.40 DN; on average +0.40 of 20.0 DN" in html
    assert "+0.10 to -0.20" in html
    evaluation["mosaic"] = {"position_error_px": 0.003, "position_error_m": 0.006}
    assert "below 0.05 pixels, 0.10 m" in write(evaluation=evaluation)
    assert "M1&lt;LE&gt;" in html


def test_without_truth_nothing_is_claimed_of_it(write):
    html = write()
    assert "goals" not in html
    assert "By signal" not in html
    assert "A &lt;title&gt;" in html


def test_a_gain_far_from_5_dn_is_not_judged(write):
    html = write(evaluation={"by_signal": [row(60.0, 2.0)], "mosaic": None})
    assert re.search(r"at 60\.0 DN</td><td>\+2\.0 dB</td><td>[^<]*</td><td></td>", html)


def test_pictures_are_drawn(tmp_path):
    rows = [row(s, 5.0, mode=m) for s in (1, 5, 20) for m in ("normal", "summed")]
    draw_quality(tmp_path / "quality.png", rows)
    curve = binned(np.geomspace(7, 60, 200), np.geomspace(7, 60, 200) > 15)
    draw_recall(tmp_path / "recall.png", {"clean": curve, "nightside": curve})
    y, x = np.mgrid[-60:61, -80:81] * 100.0
    mosaic = np.where(np.hypot(x, y) < 5500, x, np.nan)
    longitude = np.rad2deg(np.arctan2(x, -y)) % 360
    draw_mosaic(tmp_path / "mosaic.png", mosaic, longitude, -90 + np.hypot(x, y) / 30_323.0, 100.0)
    for name in ("quality", "recall", "mosaic"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.size[0] > 400


def test_the_window_with_most_relief_is_shown():
    lines, samples = 1600, 2532
    signal = np.full((lines, samples), 5.0, np.float32)
    signal[500:, 1520:] += np.indices((1100, 1012)).sum(axis=0) // 40 % 2
    attrs = {"camera": "left", "summing": 2, "compand_code": 3, "product_id": "M1LE"}
    data = xr.Dataset({"signal": (("line", "sample"), signal)}, attrs=attrs)
    pair = pair_of(data, data)
    assert pair.after.shape == (640, 1000)
    assert pair.after.std() > 0.45
    assert "Mean signal 5.5 DN" in pair.caption
