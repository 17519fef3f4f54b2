"""Bins carry their place in the lunar day."""

import numpy as np

from nightside.thermal.datasets import bins_dataset


def test_bins_are_centred_and_name_their_units():
    shape = (3, 4, 96)
    bins = bins_dataset(np.ones(shape, np.int32), np.ones(shape), np.ones(shape))
    assert bins["local_time"].to_numpy()[[0, -1]].tolist() == [0.125, 23.875]
    assert {name: bins[name].attrs["units"] for name in bins} == {"n": "1", "sum_k": "K", "sum_k2": "K2"}
