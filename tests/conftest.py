"""What every test may use."""

from pathlib import Path

import pytest

from nightside.config import Settings, load

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real instrument bytes, where this checkout has them beside it."""
    if not SHARED.is_dir():
        pytest.skip("real instrument data (../shared/data) are not beside this checkout")
    return SHARED


@pytest.fixture
def settings() -> Settings:
    """A small synthetic region at Tycho's latitude."""
    return load(
        {
            "name": "test",
            "region": {
                "longitude_deg": 348.67,
                "latitude_deg": -43.29,
                "width_km": 4,
                "pixels_per_degree": 128,
            },
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
        }
    )
