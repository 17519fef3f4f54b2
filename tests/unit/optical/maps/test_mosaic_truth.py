"""The brightness of a mosaic beside the truth, which is laid on the map as its images are."""

import numpy as np
import pytest
from nac_strips import flight, ground, kernels, on_map, settings, strip

from nightside.optical.map_grid import grid_for
from nightside.optical.mosaic_truth import brightness_figures, middle, truth_on_map
from nightside.store import lonlat

PLANNED = [flight(0), flight(1, roll_deg=0.3, longitude_deg=90.6)]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = kernels(tmp_path_factory.mktemp("kernels"), *PLANNED)
    return [strip(planned, folder) for planned in PLANNED]


def test_the_truth_of_any_image_is_that_of_the_reference(images):
    grid = grid_for(settings(pixel_m=4.0).optical.mosaic, [image.camera for image in images])
    # The second was taken in twice the light.
    truths = {
        image.name: (image.image["signal"] * factor).assign_attrs(mean_signal_dn=100.0 * factor)
        for image, factor in zip(images, (1.0, 2.0), strict=True)
    }
    for reference, factor in ((images[0].name, 1.0), (images[1].name, 2.0)):
        window = middle(grid)
        truth = truth_on_map(images, truths, reference, grid, window)
        seen = np.isfinite(truth)
        alone = np.isfinite(truth_on_map(images[:1], truths, images[0].name, grid, window))
        assert alone.sum() < seen.sum()
        expected = factor * ground(*on_map(*lonlat(grid, window)))
        assert np.abs(truth - expected)[seen].mean() < 0.02 * factor * 100


def test_a_dull_mosaic_is_told_by_its_slope_and_too_small_errors_by_their_spread():
    rng = np.random.default_rng(3)
    truth = 20.0 + 5.0 * rng.standard_normal((100, 200))
    signal = 0.7 * truth + 2.0 + rng.standard_normal(truth.shape)
    signal[:10] = np.nan
    figures = brightness_figures(signal, np.full(truth.shape, 1.0), truth)
    assert figures["slope"] == pytest.approx(0.7, abs=0.01)
    assert figures["offset_dn"] == pytest.approx(2.0, abs=0.2)
    assert figures["bias_dn"] == pytest.approx(-4.0, abs=0.1)
    assert figures["z_spread"] == pytest.approx(np.hypot(0.3 * 5.0, 1.0), rel=0.03)
    with pytest.raises(ValueError, match="all are masked"):
        brightness_figures(np.full_like(signal, np.nan), np.ones_like(signal), truth)
