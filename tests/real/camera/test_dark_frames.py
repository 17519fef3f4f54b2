"""The noise model, and the standard calibration, against real frames of the NAC.

M1333276014R.default.crop.cub is what ISIS made of a dark frame: samples 79 to 158, 80 lines, NAC right, 0.3376 ms, as
I/F. Simulated are dark frames of right cameras, through this package's calibration with darks of two weeks before and
after, in the same place of the line.
"""

import warnings

import numpy as np
import pytest
import rasterio

from nightside.camera.companding import decompand
from nightside.camera.linearity import Linearity
from nightside.camera.noise import draw_camera
from nightside.camera.pattern_statistics import pattern_statistics
from nightside.camera.plausible import draw_housekeeping
from nightside.optical.calibrate import Calibration, calibrate, i_over_f_per_dn, masked_offset

pytestmark = pytest.mark.real

LINES, FIRST, LAST = 80, 80, 159  # from the first whole pair on
EXPOSURE_MS, SUN_AU, ORBIT = 0.3376, 0.98579534482679998, 47_486
CAMERAS = 20


@pytest.fixture(scope="module")
def real(shared_data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(shared_data / "nac" / "M1333276014R.default.crop.cub") as cube:
            image = cube.read(1).astype(np.float64)
    return image[:, 1:] / i_over_f_per_dn(draw_camera("right", 1, 0).layout, EXPOSURE_MS, SUN_AU)


@pytest.fixture(scope="module")
def simulated():
    return [calibrated_dark(seed) for seed in range(CAMERAS)]


def calibrated_dark(seed):
    camera, rng = draw_camera("right", 1, seed), np.random.default_rng(seed)
    nothing = np.zeros((LINES, camera.layout.samples), np.float32)

    def frame(orbit):
        housekeeping = draw_housekeeping(camera.dark, rng, orbit)
        return decompand(camera.record(nothing, housekeeping, EXPOSURE_MS, 1, rng), 1)

    means = [
        np.mean([frame(orbit).mean(axis=0) for _ in range(3)], axis=0) for orbit in (ORBIT - 180, ORBIT + 180)
    ]
    lines = np.stack(means)
    darks = Calibration(
        camera.layout,
        np.array(["2019-12-26", "2020-01-25"], "datetime64[ns]"),
        lines - masked_offset(lines, camera.layout),
        camera.flat,
        camera.linearity,
    )
    made = calibrate(
        frame(ORBIT),
        darks,
        time=np.datetime64("2020-01-10"),
        exposure_ms=EXPOSURE_MS,
        sun_distance_au=SUN_AU,
        echo=False,
    )
    return made.dn[:, FIRST:LAST]


def values(image):
    found = pattern_statistics(image)
    lags = dict(zip(("lag 1", "lag 4", "lag 8"), found.lags, strict=True))
    return {
        "columns": found.column_std,
        "temporal": found.temporal_std,
        "white": found.white_std,
        "pattern": found.pattern_std,
        "line": found.line_std,
        **lags,
        "pairs": found.pairs,
    }


def test_the_notes_figures_of_the_real_frame_hold(real):
    found = values(real)
    assert real.mean() == pytest.approx(7.2, abs=0.1)
    assert found["columns"] == pytest.approx(2.46, abs=0.06)
    assert found["white"] == pytest.approx(3.24, abs=0.03)
    assert found["line"] == pytest.approx(1.1, abs=0.03)


def test_integer_dn_come_out_two_apart_as_the_nominal_response_says(real):
    """The masked offset moves a column by halves of a DN; the steps between its values show the response's slope."""
    slopes, curvatures = [], []
    for column in range(real.shape[1]):
        ordered = np.sort(real[:, column])
        levels = np.array(
            [group.mean() for group in np.split(ordered, np.flatnonzero(np.diff(ordered) > 0.35) + 1)]
        )
        single = (np.diff(levels) > 0.6) & (np.diff(levels) < 1.35)
        runs = np.split(np.arange(levels.size), np.flatnonzero(~single) + 1)
        run = levels[max(runs, key=len)]
        if run.size < 8:
            continue
        step = 0.5 * (5040 - FIRST - column) / 5030  # the narrow side's share of the offset
        dn = (np.arange(run.size) - (run.size - 1) / 2) * step
        curvature, slope, _ = np.polyfit(dn, run, 2)
        slopes.append(slope)
        curvatures.append(2 * curvature)
    nominal = Linearity.nominal()
    dn = np.array([[-0.5, 0.5]])
    assert len(slopes) > 60
    assert np.mean(slopes) == pytest.approx(nominal.slope(np.zeros((1, 1)))[0, 0], abs=0.03)
    assert np.mean(curvatures) == pytest.approx(np.diff(nominal.slope(dn))[0, 0], abs=0.004)


@pytest.mark.parametrize(
    "name", ["temporal", "white", "pattern", "line", "lag 1", "lag 4", "lag 8", "pairs", "columns"]
)
def test_the_real_frame_is_one_that_the_model_could_have_drawn(real, simulated, name):
    drawn = np.array([values(image)[name] for image in simulated])
    print(f"{name}: real {values(real)[name]:.2f}, simulated {drawn.mean():.2f} +- {drawn.std():.2f}")
    assert abs(values(real)[name] - drawn.mean()) < 2.5 * drawn.std() + 0.02 * abs(drawn.mean())
    # A model of arbitrary spread would pass that.
    assert abs(values(real)[name] - drawn.mean()) < 0.45 * abs(values(real)[name])


@pytest.mark.parametrize(
    ("name", "camera", "side"), [("nacl", "left", (9, 40)), ("nacr", "right", (5029, 5057))]
)
def test_masked_samples_scatter_as_those_of_2009(shared_data, name, camera, side):
    content = (shared_data / "nac" / f"{name}.img").read_bytes()
    number = np.frombuffer(content[-50_640:], np.uint8).reshape(10, 5064)
    real = decompand(number, 0)[:, slice(*side)]
    scatter, levels = [], []
    for seed in range(CAMERAS):
        model, rng = draw_camera(camera, 1, seed), np.random.default_rng(seed)
        nothing = np.zeros((10, 5064), np.float32)
        frame = decompand(model.record(nothing, draw_housekeeping(model.dark, rng, 433), 0.3376, 0, rng), 0)
        scatter.append(frame[:, slice(*side)].std(axis=0, ddof=1).mean())
        levels.append(frame[:, slice(*side)].mean())
    found = real.std(axis=0, ddof=1).mean()
    print(f"{name}: scatter real {found:.2f}, simulated {np.mean(scatter):.2f} +- {np.std(scatter):.2f}")
    assert abs(found - np.mean(scatter)) < 2.5 * np.std(scatter)
    assert abs(found - np.mean(scatter)) < 0.3
    assert abs(real.mean() - np.mean(levels)) < 2.5 * np.std(levels) + 0.5
    if camera == "right":
        channels = np.diff([real[:, 1::2].mean(), real[:, 0::2].mean()])[0]
        assert abs(channels) == pytest.approx(3.6, abs=0.4)
