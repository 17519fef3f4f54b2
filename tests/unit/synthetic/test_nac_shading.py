"""Light on the ground, and what pixels and scenes take from it."""

import numpy as np
import pytest

from nightside.synthetic.nac_ground import make_ground
from nightside.synthetic.nac_sampling import sample_pixels
from nightside.synthetic.nac_scene import draw_scene
from nightside.synthetic.nac_shading import Light, horizon_share, radiance, rim_light, sunlight

FLAT = np.zeros((128, 128), np.float32)
ONES = np.ones((128, 128), np.float32)


def wall(height_m: float = 10.0) -> np.ndarray:
    """A wall of one column in the middle."""
    relief = FLAT.copy()
    relief[:, 64] = height_m
    return relief


def test_flat_ground_is_evenly_bright():
    for light in (sunlight(33.0, 20.0), rim_light(120.0, 10.0, 60.0)):
        assert radiance(FLAT, ONES, 1.0, light) == pytest.approx(np.ones((128, 128)), abs=1e-5)


@pytest.mark.parametrize("elevation_deg", [20.0, 40.0])
def test_a_shadow_is_as_long_as_the_sun_is_low(elevation_deg):
    lit = horizon_share(wall(), 1.0, 90.0, sunlight(90.0, elevation_deg))
    dark = (lit[64, :64] < 0.5).sum()  # the Sun is in the east, so shadow falls on the west
    assert dark == pytest.approx(10.0 / np.tan(np.deg2rad(elevation_deg)), abs=1.0)
    assert (lit[64, 70:120] == 1.0).all()


@pytest.mark.parametrize(
    ("azimuth_deg", "shift"),
    [
        (0.0, (10, 0)),
        (90.0, (0, -10)),
        (180.0, (-10, 0)),
        (270.0, (0, 10)),
        (135.0, (-7, -7)),
        (300.0, (5, 9)),
    ],
)
def test_shadows_fall_away_from_the_light(azimuth_deg, shift):
    pillar = FLAT.copy()
    pillar[60:64, 60:64] = 20.0
    lit = horizon_share(pillar, 1.0, azimuth_deg, sunlight(azimuth_deg, 30.0))
    assert lit[61 + shift[0], 61 + shift[1]] < 0.2
    assert lit[61 - shift[0], 61 - shift[1]] == 1.0


def test_a_shadow_crosses_the_edge_of_the_torus_only_if_asked():
    edge = np.roll(wall(), -62, axis=1)  # the wall stands in column 2
    light = sunlight(90.0, 20.0)
    assert horizon_share(edge, 1.0, 90.0, light)[10, 120] == 0.0
    assert horizon_share(edge, 1.0, 90.0, light, wrap=False)[10, 120] == 1.0


def test_the_sun_cuts_shadows_hard_and_a_rim_softly():
    hard, soft = (
        radiance(wall(), ONES, 1.0, light)[64, 20:60] for light in (sunlight(90, 15), rim_light(90, 15, 50))
    )
    assert np.abs(np.diff(hard)).max() > 3 * np.abs(np.diff(soft)).max()
    assert hard.min() < 0.05 < soft.min()


def test_slopes_towards_the_light_are_brighter():
    x = np.arange(128)
    ridge = np.tile(4.0 * np.sin(2 * np.pi * x / 128), (128, 1)).astype(np.float32)
    east = radiance(ridge, ONES, 1.0, sunlight(90.0, 40.0))[64]
    west = radiance(ridge, ONES, 1.0, sunlight(270.0, 40.0))[64]
    assert east[64] > 1.1 > 0.9 > east[0]  # falls to the east at 64, rises to the east at 0
    assert west[0] > 1.1 > 0.9 > west[64]


def test_a_tilted_plane_is_the_same_as_tilted_heights():
    ground = make_ground(3, (128, 128))
    slope = np.tan(np.deg2rad(8.0))
    plane = (slope * np.arange(128))[:, None].astype(np.float32)
    light = rim_light(200.0, 25.0, 40.0)
    tilted = radiance(ground.height_m, ground.albedo, 1.0, light, (slope, 0.0), wrap=False)
    heights = radiance(ground.height_m + plane, ground.albedo, 1.0, light, wrap=False)
    inner = (slice(2, -2), slice(2, -2))
    ratio = tilted[inner] / heights[inner]
    assert ratio == pytest.approx(np.full(ratio.shape, ratio.mean()), rel=2e-3)


def test_ground_out_of_all_light_is_refused():
    light = Light(90.0, 10.0)
    with pytest.raises(ValueError, match="no light reaches"):
        radiance(FLAT, 0 * ONES, 1.0, light)
    with pytest.raises(ValueError, match="elevation between"):
        Light(0.0, -3.0)


def test_a_pixel_is_the_mean_of_its_footprint():
    field = np.arange(64.0 * 64.0).reshape(64, 64).astype(np.float32)
    corners = (np.array([[3.5, 3.5], [43.5, 43.5]]), np.array([[7.5, 47.5], [7.5, 47.5]]))
    seen = sample_pixels(field, *corners, (20, 20), (20, 20))
    assert seen == pytest.approx(field[4:44, 8:48].reshape(20, 2, 20, 2).mean(axis=(1, 3)), rel=1e-6)


def test_pixels_as_wide_as_cells_pass_a_quarter_of_the_finest_contrast():
    finest = np.tile([1.0, -1.0], (64, 32)).astype(np.float32)
    row, column = np.array([[-0.5, -0.5], [63.5, 63.5]]), np.array([[-0.5, 63.5], [-0.5, 63.5]])
    seen = sample_pixels(finest, row, column, (64, 64), (64, 64), (8, 8))
    assert 0.2 < np.abs(seen).max() < 0.55


def test_pixels_off_the_ground_are_nan():
    row, column = np.array([[0.0, 0.0], [np.nan, 10.0], [20.0, 20.0]]), np.tile([0.0, 9.0], (3, 1))
    seen = sample_pixels(ONES, row, column, (5, 10), (10, 10))
    assert np.isnan(seen).any()
    with pytest.raises(ValueError, match="does not cover"):
        sample_pixels(ONES, row, column, (4, 10), (10, 10))


@pytest.fixture(scope="module")
def scenes() -> list:
    return [draw_scene(np.random.default_rng(seed), 96) for seed in range(8)]


def test_scenes_have_mean_one_and_are_all_different(scenes):
    images = np.stack([image for image, _ in scenes])
    assert images.shape == (8, 96, 96)
    assert images.min() >= 0.0
    assert images.mean(axis=(1, 2)) == pytest.approx(np.ones(8), abs=1e-4)
    correlation = np.corrcoef(images.reshape(8, -1)) - np.eye(8)
    assert np.abs(correlation).max() < 0.9


def test_a_scene_depends_on_its_generator_alone(scenes):
    image, craters = draw_scene(np.random.default_rng(3), 96)
    assert np.array_equal(image, scenes[3][0])
    assert np.array_equal(craters, scenes[3][1])


def test_labelled_craters_lie_where_the_scene_shows_them():
    """A deep crater has a bright and a dark side, so its place varies more than a place chosen at random."""
    rng = np.random.default_rng(8)
    there, elsewhere = [], []
    for _ in range(8):
        image, craters = draw_scene(rng, 128, sunlit_share=0.0)
        deep = craters[
            (craters["diameter_px"] > 6) & (craters["diameter_px"] < 30) & (craters["freshness"] > 0.6)
        ]
        for one in deep:
            half = max(int(one["diameter_px"] / 2), 3)
            i, j = round(float(one["line"])), round(float(one["sample"]))
            if half <= min(i, j) and max(i, j) < 128 - half:
                there.append(image[i - half : i + half + 1, j - half : j + half + 1].std())
                p, q = rng.integers(half, 128 - half, 2)
                elsewhere.append(image[p - half : p + half + 1, q - half : q + half + 1].std())
    assert len(there) > 15
    assert np.median(there) > 1.8 * np.median(elsewhere)
