"""Blocks of bins add up, in any order and on one grid only."""

import numpy as np
import pytest

from nightside.thermal.datasets import add_blocks, bins_dataset, local_time_centres, profile_local_times


def block(seed, shape=(3, 4, 8)):
    rng = np.random.default_rng(seed)
    return bins_dataset(rng.integers(0, 5, shape).astype(np.int32), rng.random(shape), rng.random(shape))


def test_blocks_add_up_in_any_order():
    blocks = [block(seed) for seed in range(3)]
    for forth, back in zip(add_blocks(blocks), add_blocks(blocks[::-1]), strict=True):
        np.testing.assert_allclose(forth, back, rtol=1e-14)
    np.testing.assert_array_equal(add_blocks(blocks)[0], sum(b["n"].to_numpy() for b in blocks))


def test_blocks_of_different_grids_are_refused():
    with pytest.raises(ValueError, match=r"block 1 has shape \(2, 4, 8\)"):
        add_blocks([block(0), block(1, (2, 4, 8))])


def test_no_block_is_an_error_with_a_remedy():
    with pytest.raises(ValueError, match="nightside thermal ingest"):
        add_blocks([])


def test_bins_are_centred_and_profiles_start_at_midnight():
    assert local_time_centres(96)[0] == 0.125
    assert local_time_centres(96)[-1] == 23.875
    assert profile_local_times(120)[0] == 0.0
    assert profile_local_times(120)[1] == pytest.approx(0.2)
