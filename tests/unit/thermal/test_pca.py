"""Principal components of examples fit a profile where it was observed well."""

import numpy as np
import pytest

from nightside.thermal.pca import pca_reconstruction, weighted_pca_reconstruction


def test_weights_keep_a_bad_hour_from_spoiling_the_others():
    rng = np.random.default_rng(2)
    shapes = rng.standard_normal((3, 40))
    examples = 200 + (30 * rng.standard_normal((500, 3))) @ shapes
    clean = 200 + (30 * rng.standard_normal((100, 3))) @ shapes
    std = np.full(clean.shape, 1.0)
    std[:, 10:14] = 60.0
    observed = clean + std * rng.standard_normal(clean.shape)
    rebuilt = weighted_pca_reconstruction(observed, std, examples, 3)
    assert np.sqrt(np.mean((rebuilt - clean) ** 2)) < 0.5
    unweighted = pca_reconstruction(observed, 3)
    assert np.sqrt(np.mean((unweighted - clean) ** 2)) > 5.0


def test_as_many_components_as_factors_are_exact():
    rng = np.random.default_rng(3)
    examples = 200 + rng.standard_normal((300, 2)) @ rng.standard_normal((2, 30)) * 20
    fitted = weighted_pca_reconstruction(examples, np.full(examples.shape, 0.5), examples, 2)
    assert fitted == pytest.approx(examples, abs=0.05)
