"""What every test may use."""

from pathlib import Path

import pytest

from nightside.config import Settings, load

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


LONGEST_FIRST = ("slurm", "slow", "browser", "workflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that take long first: of two processes that share out the files, none is left with a long one."""

    def rank(item: pytest.Item) -> int:
        marks = {mark.name for mark in item.iter_markers()}
        return next((k for k, name in enumerate(LONGEST_FIRST) if name in marks), len(LONGEST_FIRST))

    of_file: dict[Path, int] = {}
    for item in items:
        of_file[item.path] = min(rank(item), of_file.get(item.path, len(LONGEST_FIRST)))
    items.sort(key=lambda item: of_file[item.path])


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
