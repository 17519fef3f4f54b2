"""Relief from LOLA's own bytes, against the image read without any library."""

import numpy as np
import pytest

from nightside.config import load
from nightside.store import grid_of
from nightside.synthetic.topography import relief_m
from nightside.synthetic.truth import make_truth

pytestmark = pytest.mark.real


def settings_at(longitude, latitude, pixels_per_degree=16, **synthetic):
    return load(
        {
            "name": "test",
            "region": {
                "longitude_deg": longitude,
                "latitude_deg": latitude,
                "width_km": 30,
                "pixels_per_degree": pixels_per_degree,
            },
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": synthetic,
        }
    )


def test_the_highest_and_lowest_pixels_lie_where_the_image_has_them(shared_data):
    label = shared_data / "lola/LDEM_4.LBL"
    image = np.fromfile(label.with_suffix(".IMG"), "<i2").reshape(720, 1440) * 0.5
    for at, reach in ((image.argmax(), np.max), (image.argmin(), np.min)):
        row, column = np.unravel_index(at, image.shape)
        # At the image's own resolution the cells are its pixels.
        grid = grid_of(settings_at((column + 0.5) / 4, 90 - (row + 0.5) / 4, pixels_per_degree=4).region)
        assert reach(relief_m(label, grid)) == pytest.approx(image[row, column], abs=2)


def test_real_relief_slopes_the_ground(shared_data):
    label = shared_data / "lola/LDEM_4.LBL"
    # The eastern wall of Tycho's depression looks west: sunlight is late.
    flat = make_truth(settings_at(349.4, -43.3, slope_rms_deg=0.0, hot_craters=0, topography=str(label)))
    assert 1.0 < np.abs(flat.slope_east_deg.values).max() < 25.0
    late, facing_east = flat.onset_delay_h.values, flat.slope_east_deg.values
    assert np.corrcoef(late.ravel(), facing_east.ravel())[0, 1] < -0.9
