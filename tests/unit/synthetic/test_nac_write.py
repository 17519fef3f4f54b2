"""The synthetic camera's archive: bytes, labels, geometry and truth agree with each other."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nightside import moon, store
from nightside.camera.companding import decompand
from nightside.camera.layout import layout
from nightside.camera.spice import kernel_pool, line_scan
from nightside.cli import app
from nightside.config import ConfigError, Settings, load
from nightside.store.grid import from_lonlat
from nightside.synthetic.nac_figure import write_figure
from nightside.synthetic.nac_plan import cameras, exposure, plan_darks, plan_images
from nightside.synthetic.nac_view import ground_grid, see
from nightside.synthetic.nac_write import nac_section, record, write_nac

# Of pyproj, when ``store`` asks a polar CRS for its latitude of origin.
pytestmark = pytest.mark.filterwarnings("ignore:You will likely lose important projection:UserWarning")

SMALL = {
    "lines": 200,
    "signals_dn": [5.0, 20.0],
    "dark_frames": 3,
    "dark_lines": 64,
    "terrain": {"cell_m": 2.0},
}


def configuration(settings: Settings, **changes) -> dict:
    optical = {"images": {"source": "synthetic"}, "synthetic": {**SMALL, **changes}}
    return {**settings.model_dump(mode="json", exclude_none=True), "optical": optical}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[Settings, Path]:
    folder = tmp_path_factory.mktemp("nac")
    raw = configuration(load(_BASE))
    (folder / "config.yaml").write_text(json.dumps(raw))
    arguments = [
        "synthetic",
        "nac",
        "--config",
        str(folder / "config.yaml"),
        "--out-dir",
        str(folder / "out"),
    ]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return load(raw), folder / "out"


_BASE = {
    "name": "test",
    "region": {"longitude_deg": 348.67, "latitude_deg": -43.29, "width_km": 4, "pixels_per_degree": 128},
    "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
    "synthetic": {},
}


def pixels(path: Path, lines: int, samples: int) -> np.ndarray:
    """The last bytes of an EDR are its image."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    return data[data.size - lines * samples :].reshape(lines, samples)


@pytest.fixture(scope="module")
def planned(written):
    settings, folder = written
    section = nac_section(settings)
    images = plan_images(section, cameras(section, settings.seed), settings.seed)
    with kernel_pool([folder / "kernels"]):
        return images, [line_scan(one.label) for one in images]


def test_there_is_a_pair_for_each_signal_and_the_dark_frames(written):
    _, folder = written
    inventory = json.loads((folder / "inventory.json").read_text())
    images = inventory["images"]
    assert [entry["signal_dn"] for entry in images] == [5.0, 5.0, 20.0, 20.0]
    assert [entry["camera"] for entry in images] == ["left", "right"] * 2
    assert len(inventory["darks"]) == 2 * (3 + 2 * 2), "two more beside each pair of images"
    for group in ("images", "darks"):
        assert all((folder / entry["path"]).is_file() for entry in inventory[group])
    assert all((folder / name).is_file() for name in inventory["kernels"])
    assert len({entry["product_id"] for group in ("images", "darks") for entry in inventory[group]}) == 18


def test_the_numbers_hold_the_signal_above_the_dark(written):
    """Columns of an image less those of the dark model have the image's mean signal."""
    settings, folder = written
    section = nac_section(settings)
    noise = cameras(section, settings.seed)
    for one in plan_images(section, noise, settings.seed):
        label = one.label
        number = pixels(folder / "images" / f"{label.product_id}.IMG", label.lines, label.samples)
        scene = slice(*noise[label.camera].layout.scene)
        dark = noise[label.camera].dark.mean(label.housekeeping, label.exposure_ms)
        signal = store.open_store(folder / "truth" / f"{label.product_id}.zarr", "nac_truth")["signal"].values
        assert signal[:, scene].mean() == pytest.approx(one.signal_dn, rel=0.2)
        expected = noise[label.camera].respond(signal)[:, scene].mean() + dark[scene].mean()
        assert decompand(number, label.compand_code)[:, scene].mean() == pytest.approx(expected, abs=0.6)


def test_masked_samples_see_nothing(written):
    _, folder = written
    for path in sorted((folder / "truth").glob("M*.zarr")):
        truth = store.open_store(path, "nac_truth")
        where = layout(truth.attrs["camera"], truth.attrs["summing"])
        assert (truth["signal"].values[:, where.masked] == 0.0).all()
        assert (truth["signal"].values[:, slice(*where.scene)] > 0.0).all()


def test_dark_frames_differ_by_temperature_and_age_but_not_by_ground(written):
    settings, folder = written
    section = nac_section(settings)
    darks = plan_darks(section, cameras(section, settings.seed), settings.seed)
    orbits = [one.label.housekeeping.orbit_number for one in darks[::2]]
    assert orbits == sorted(orbits)
    assert orbits[-1] - orbits[0] > 20_000
    assert np.ptp([one.label.housekeeping.temperature_fpga_c for one in darks]) > 1.0
    for one in darks:
        number = pixels(folder / "darks" / f"{one.label.product_id}.IMG", 64, one.label.samples)
        dn = decompand(number, one.label.compand_code)
        scene = slice(*layout(one.label.camera, 2).scene)
        # No scene, so that a column varies by noise alone.
        assert np.median(dn[:, scene].std(axis=0)) < 3.0
        assert 5.0 < np.median(dn[:, scene]) < 120.0


def test_both_cameras_of_a_pass_are_equally_warm(planned):
    left, right = (one.label.housekeeping for one in planned[0][:2])
    assert left.temperature_fpa_c == right.temperature_fpa_c
    assert left.orbit_number == right.orbit_number


def test_a_piece_of_ground_lies_where_the_geometry_of_the_image_says(written, planned):
    """The radiance of cells, looked up where their longitude and latitude fall in the image, is its signal."""
    _, folder = written
    ground = store.open_store(folder / "truth" / "ground.zarr", "nac_ground")
    for one, scan in zip(*planned, strict=True):
        signal = store.open_store(folder / "truth" / f"{one.label.product_id}.zarr", "nac_truth")[
            "signal"
        ].values
        rng = np.random.default_rng(1)
        row, column = (rng.integers(0, n, 12_000) for n in ground["radiance"].shape)
        lon, lat = _lonlat(ground, row, column)
        line, sample = scan.image(lon, lat)
        first, last = layout(one.label.camera, 2).scene
        seen = (
            np.isfinite(line)
            & (sample > first + 2)
            & (sample < last - 3)
            & (line > 1)
            & (line < scan.lines - 2)
        )
        assert seen.sum() > 1_000
        at = signal[np.round(line[seen]).astype(int), np.round(sample[seen]).astype(int)]
        cells = ground["radiance"].values[row[seen], column[seen]] * one.signal_dn
        assert np.corrcoef(at, cells)[0, 1] > 0.97
        elsewhere = signal[np.round(line[seen]).astype(int), np.round(sample[seen]).astype(int) - 5]
        assert np.corrcoef(elsewhere, cells)[0, 1] < 0.93


def _lonlat(ground, row, column):
    x, y = ground["x"].values[column], ground["y"].values[row]
    return from_lonlat(moon.crs(moon.SOUTH_POLAR_CODE)).transform(x, y, direction="INVERSE")


def test_craters_are_listed_where_they_are(written):
    """The floor of a fresh crater lies below its surroundings."""
    _, folder = written
    ground = store.open_store(folder / "truth" / "ground.zarr", "nac_ground")
    assert ground["crater_diameter_m"].min() >= 4.0
    height, x, y = ground["height"].values, ground["x"].values, ground["y"].values
    deep = (ground["crater_freshness"].values > 0.6) & (ground["crater_diameter_m"].values > 24.0)
    lon, lat = (ground[f"crater_{name}"].values[deep] for name in ("longitude", "latitude"))
    east, north = from_lonlat(moon.crs(moon.SOUTH_POLAR_CODE)).transform(lon, lat)
    below = []
    for e, n, d in zip(east, north, ground["crater_diameter_m"].values[deep], strict=True):
        r = round(float(d) / 2 / 2.0) + 1
        j, i = round((e - x[0]) / 2.0), round((y[0] - n) / 2.0)
        if r <= min(i, j) and i < y.size - r and j < x.size - r:
            below.append(
                (height[i - r, j] + height[i + r, j] + height[i, j - r] + height[i, j + r]) / 4 - height[i, j]
            )
    assert len(below) > 20
    assert np.mean(np.array(below) > 1.0) > 0.95


def test_interpolated_geometry_is_exact_to_a_thousandth_of_a_pixel(planned):
    """A field that is its own column number, seen through the lattice, against the rays themselves."""
    one, scan = planned[0][0], planned[1][0]
    grid = ground_grid([scan], 2.0)
    ramp = np.tile(np.arange(grid.shape[1], dtype=np.float32), (grid.shape[0], 1))
    seen = see(scan, ramp, grid, layout(one.label.camera, 2))
    line, sample = np.array([0, 7, 100, 199]), np.array([30, 777, 1300, 2500])
    lon, lat = scan.ground(line, sample)
    x, _ = from_lonlat(moon.crs(moon.SOUTH_POLAR_CODE)).transform(lon, lat)
    exact = (x - grid.affine.c) / grid.affine.a - 0.5
    assert seen[line, sample] == pytest.approx(exact, abs=2e-3 * scan.pixel_size_m()[1])


def test_the_same_seed_takes_the_same_images(written):
    settings, folder = written
    section = nac_section(settings)
    noise = cameras(section, settings.seed)
    one = plan_images(section, noise, settings.seed)[1]
    signal = store.open_store(folder / "truth" / f"{one.label.product_id}.zarr", "nac_truth")["signal"].values
    number = pixels(folder / "images" / f"{one.label.product_id}.IMG", one.label.lines, one.label.samples)
    assert np.array_equal(record(one, signal, noise, settings.seed), number)
    assert not np.array_equal(record(one, signal, noise, settings.seed + 1), number)


@pytest.mark.parametrize(
    ("asked_ms", "code", "said_ms"), [(0.3376, 0, 0.3376), (1.03, 81, 1.0288), (24.2, 2796, 24.1968)]
)
def test_exposures_are_those_of_real_labels(asked_ms, code, said_ms):
    assert exposure(asked_ms) == (code, pytest.approx(said_ms, abs=1e-4))


def test_the_picture_shows_what_was_written(written, tmp_path):
    settings, folder = written
    write_figure(tmp_path / "scenes.png", settings, folder)
    assert (tmp_path / "scenes.png").read_bytes()[:4] == b"\x89PNG"


def test_ground_away_from_the_poles_is_refused(settings):
    with pytest.raises(ConfigError, match="near the poles"):
        load(configuration(settings, latitude_deg=10.0))


def test_too_much_ground_is_refused_with_the_remedy(planned):
    with pytest.raises(ValueError, match=r"raise terrain\.cell_m"):
        ground_grid(planned[1], 0.11)


def test_a_folder_with_other_files_is_not_replaced(settings, tmp_path):
    for name in ("images", "truth"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("mine")
        with pytest.raises(ValueError, match=r"thesis\.txt"):
            write_nac(load(configuration(settings)), tmp_path)
        (tmp_path / name / "thesis.txt").unlink()
