"""The rendered ground: what is in it, and that it is the same for the same seed."""

import numpy as np
import pytest

from nightside.synthetic.nac_boulders import BOULDER, draw_boulders, stamp_boulders
from nightside.synthetic.nac_craters import CRATER, draw_craters, profiles, stamp_craters
from nightside.synthetic.nac_ground import GroundStyle, fractal, make_ground


def crater(
    diameter_m: float, x_m: float, y_m: float, wear: float = 0.0, freshness: float = 1.0
) -> np.ndarray:
    one = np.zeros(1, CRATER)
    one["x_m"], one["y_m"], one["diameter_m"] = x_m, y_m, diameter_m
    one["wear"], one["freshness"] = wear, freshness
    return one


def stamped(craters: np.ndarray, cells: int = 256) -> tuple[np.ndarray, np.ndarray]:
    height, albedo = np.zeros((cells, cells), np.float32), np.ones((cells, cells), np.float32)
    stamp_craters(height, albedo, 1.0, craters)
    return height, albedo


def test_a_seed_gives_one_ground_and_another_seed_another():
    first, again, other = (make_ground(seed, (128, 192)) for seed in (1, 1, 2))
    assert np.array_equal(first.height_m, again.height_m)
    assert np.array_equal(first.albedo, again.albedo)
    assert np.array_equal(first.craters, again.craters)
    assert not np.allclose(first.height_m, other.height_m)


def test_craters_above_a_diameter_fall_as_its_square_in_equilibrium_and_as_its_cube_above():
    craters = draw_craters(
        np.random.default_rng(5), (12_000.0, 12_000.0), 10.0, 1_000.0, density=0.08, equilibrium_m=60.0
    )
    above = np.array([(craters["diameter_m"] > d).sum() for d in (10.0, 20.0, 120.0, 240.0)])
    expected = 0.08 * 12_000.0**2 / 100.0
    assert above[0] == pytest.approx(expected, rel=0.03)
    assert np.log2(above[0] / above[1]) == pytest.approx(2.0, abs=0.06)
    assert np.log2(above[2] / above[3]) == pytest.approx(3.0, abs=0.35)


def test_small_craters_are_of_all_ages_and_soft_ones_are_the_most():
    craters = draw_craters(np.random.default_rng(5), (2_000.0, 2_000.0), 5.0, 50.0)
    depth = craters["depth_to_diameter"]
    assert depth.min() == pytest.approx(0.02, abs=0.002)
    assert depth.max() == pytest.approx(0.2, abs=0.005)
    assert 0.03 < np.median(depth) < 0.08
    assert (depth < 0.06).sum() > 3 * (depth > 0.16).sum()


def test_large_craters_are_younger_than_their_lifetime_and_so_less_worn():
    craters = draw_craters(
        np.random.default_rng(5), (40_000.0, 40_000.0), 100.0, 2_000.0, equilibrium_m=100.0
    )
    freshness = craters["freshness"]
    large = craters["diameter_m"] > 400.0
    assert large.sum() > 50
    assert np.median(freshness[large]) > np.median(freshness[~large]) + 0.2


def test_wear_fills_the_bowl_and_lowers_the_rim_without_moving_soil_away():
    relief, wears, depths = profiles()
    assert depths[0] == pytest.approx(0.2, abs=1e-6)
    assert depths[-1] == pytest.approx(0.02, abs=1e-3)
    assert (np.diff(depths) < 0).all()
    assert (np.diff(relief.max(axis=1)[:16]) < 0).all()
    # Diffusion keeps the volume, the integral of relief over the area, until it reaches the end of the ejecta.
    radius = np.arange(relief.shape[1]) / 20
    volume = (relief * radius).sum(axis=1)
    early = wears < 0.05
    assert early.sum() > 4
    assert volume[early] == pytest.approx(volume[0], rel=0.04)


def test_a_fresh_crater_is_a_fifth_as_deep_as_wide():
    height, albedo = stamped(crater(60.0, 128.5, 128.5))
    assert height.max() - height[128, 128] == pytest.approx(0.2 * 60.0, rel=0.04)
    assert albedo[128, 128] > 1.1
    assert albedo[0, 0] == 1.0


def test_a_crater_over_the_edge_comes_back_on_the_other_side():
    middle, _ = stamped(crater(40.0, 128.5, 128.5))
    corner, _ = stamped(crater(40.0, 0.5, 0.5))
    assert np.allclose(np.roll(corner, (128, 128), (0, 1)), middle, atol=1e-4)


def test_a_new_crater_erases_the_old_one_on_its_place():
    both = np.concatenate([crater(12.0, 132.5, 128.5), crater(60.0, 128.5, 128.5)])
    alone, _ = stamped(crater(60.0, 128.5, 128.5))
    assert np.abs(stamped(both)[0] - alone)[120:137, 120:140].max() < 0.1


def test_boulders_gather_around_fresh_craters_and_are_mostly_small():
    ring = crater(100.0, 500.0, 500.0)
    boulders = draw_boulders(np.random.default_rng(1), (1_000.0, 1_000.0), ring, 0.3)
    distance = np.hypot(boulders["x_m"] - 500.0, boulders["y_m"] - 500.0)
    assert (distance < 150.0).sum() > 3 * (distance >= 150.0).sum()
    size = boulders["diameter_m"]
    assert 1.0 <= size.min() < size.max() <= 10.0
    assert np.log2((size > 1.0).sum() / (size > 2.0).sum()) == pytest.approx(3.5, abs=0.5)


def test_worn_craters_have_no_boulders():
    worn = crater(100.0, 500.0, 500.0, freshness=0.2)
    boulders = draw_boulders(np.random.default_rng(1), (1_000.0, 1_000.0), worn, 1.0)
    distance = np.hypot(boulders["x_m"] - 500.0, boulders["y_m"] - 500.0)
    lone = 1e-3 * 1_000.0**2
    assert boulders.size < 1.2 * lone
    assert (distance < 100.0).sum() < 0.06 * boulders.size


def test_a_boulder_stands_as_high_as_it_says():
    one = np.zeros(1, BOULDER)
    one["x_m"], one["y_m"], one["diameter_m"], one["height_m"] = 32.5, 32.5, 8.0, 5.0
    height, albedo = np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32)
    stamp_boulders(height, albedo, 1.0, one, np.random.default_rng(1))
    assert height.max() == pytest.approx(5.0, rel=0.02)
    assert (height > 0).sum() == pytest.approx(np.pi * 16, rel=0.3)
    assert albedo.max() > 1.05


def test_relief_has_the_slope_and_the_spectrum_asked_for():
    relief = fractal(np.random.default_rng(2), (512, 512), 2.0, (8.0, 500.0), 2.9, 5.0)
    power = (np.abs(np.fft.fft(relief, axis=1)) ** 2).mean(axis=0)
    # Wavelengths of 170 m and 28 m, both well within the ends.
    slope = np.log(power[4:8].mean() / power[24:48].mean()) / np.log(6.0)
    assert slope == pytest.approx(2.9, abs=0.4)
    k = 2 * np.pi * np.fft.fftfreq(512, 2.0)
    spectrum = np.fft.fft2(relief)
    east, south = (np.fft.ifft2(1j * s * spectrum).real for s in (k[None, :], k[:, None]))
    rms = np.sqrt((east**2 + south**2).mean())
    assert np.rad2deg(np.arctan(rms)) == pytest.approx(5.0, rel=0.15)


def test_rougher_style_has_steeper_ground():
    smooth, rough = (
        GroundStyle(crater_density=1e-6, boulder_abundance=0.0, texture_slope_deg=slope)
        for slope in (1.0, 8.0)
    )
    slopes = [np.abs(np.diff(make_ground(3, (256, 256), style=s).height_m)).mean() for s in (smooth, rough)]
    assert slopes[1] > 2 * slopes[0]


def test_albedo_is_relative_with_mean_one():
    ground = make_ground(4, (256, 128), cell_m=2.0)
    assert ground.albedo.mean() == pytest.approx(1.0, abs=1e-4)
    assert ground.extent_m == (512.0, 256.0)
    assert 0.3 < ground.albedo.min() < ground.albedo.max() < 3.0


def test_a_tiny_ground_is_refused():
    with pytest.raises(ValueError, match="at least 64"):
        make_ground(1, (32, 500))
