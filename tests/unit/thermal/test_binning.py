from pathlib import Path

import numpy as np
import pytest

from nightside.config import ConfigError, Region, areas_of_interest, load
from nightside.store import grid_of
from nightside.thermal.bin_memory import check_bins
from nightside.thermal.binning import (
    Observations,
    add_observations,
    empty_bins,
    local_time_bin,
    without_repeats,
)


def observations(lon, lat, time, kelvin, key=()):
    return Observations(*(np.array(v, float) for v in (lon, lat, time, kelvin)), np.array(key, np.int64))


def test_midnight_is_the_first_bin_however_it_is_written():
    assert local_time_bin(np.array([0.0, 24.0, 23.99999, 0.25]), 96).tolist() == [0, 0, 95, 1]


def test_edges_of_every_bin_belong_to_the_later_bin():
    for bins in (96, 120, 240):
        edges = np.round(np.arange(bins) * 24 / bins, 5)
        assert local_time_bin(edges, bins).tolist() == list(range(bins))


def test_sums_equal_those_of_a_plain_loop():
    grid = grid_of(Region(longitude_deg=0.0, latitude_deg=0.0, width_km=300, pixels_per_degree=2))
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(-6, 6, 500) % 360, rng.uniform(-6, 6, 500)
    seen = observations(lon, lat, rng.uniform(0, 24, 500), rng.uniform(50, 400, 500))
    bins = empty_bins(grid, 8, 1.0)
    added = add_observations(bins, grid, seen)
    rows, columns = grid.shape
    west, north = -columns / 4, rows / 4
    total, n = np.zeros((*grid.shape, 8)), 0
    for x, y, t, k in zip(lon, lat, seen.local_time_h, seen.temperature_k, strict=True):
        column, row = int(np.floor(((x + 180) % 360 - 180 - west) * 2)), int(np.floor((north - y) * 2))
        if 0 <= column < columns and 0 <= row < rows:
            total[row, column, int(t // 3)] += k
            n += 1
    assert added == n == bins.n.sum()
    np.testing.assert_allclose(bins.sum_k, total)
    np.testing.assert_allclose(bins.sum_k2.sum(), bins.sum_k2[bins.n > 0].sum())


def test_both_sides_of_the_prime_meridian_share_a_grid():
    grid = grid_of(Region(longitude_deg=0.0, latitude_deg=0.0, width_km=60, pixels_per_degree=1))
    bins = empty_bins(grid, 8, 1.0)
    assert add_observations(bins, grid, observations([359.9, 0.1, 360.0], [0.5] * 3, [1] * 3, [9] * 3)) == 3
    assert (bins.n[0, :, 0] > 0).sum() == 2


def test_a_polar_grid_takes_its_pole():
    region = Region(
        projection="polar_stereographic", longitude_deg=0, latitude_deg=-90, width_km=20, pixel_m=1000
    )
    grid = grid_of(region)
    bins = empty_bins(grid, 8, 1.0)
    assert add_observations(bins, grid, observations([0, 200], [-89.99, -80.0], [1, 1], [50, 50])) == 1


def test_too_large_a_region_is_refused_with_the_remedy():
    grid = grid_of(Region(whole_moon=True, pixels_per_degree=4))
    with pytest.raises(ConfigError, match=r"memory_limit_gb.*smaller region"):
        empty_bins(grid, 96, 0.5)


def test_only_repeated_observations_are_dropped():
    seen = observations([1, 2, 3], [0] * 3, [0] * 3, [1, 2, 3], [10, 11, 12])
    kept, repeated = without_repeats(seen, np.array([8, 9, 10, 12]))
    assert repeated == 2
    assert kept.temperature_k.tolist() == [2.0]
    assert without_repeats(seen, np.array([1, 2]))[1] == 0


@pytest.mark.parametrize("area", areas_of_interest())
def test_every_area_of_interest_fits_the_memory_of_the_shipped_configuration(area):
    settings = load(Path(__file__).parents[3] / "config/tycho.yaml", area=area)
    bins = settings.thermal.bins
    rows, columns = (int(n) for n in grid_of(settings.region).shape)
    assert check_bins((rows, columns), bins.local_time_bins, bins.memory_limit_gb) > 0.0
