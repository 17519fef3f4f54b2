"""Links among results are followed, and known where they lead out or nowhere."""

import pytest

from nightside.store.links import broken_links, way_out


@pytest.fixture
def root(tmp_path):
    for folder in ("disk/thermal/cog", "disk/maps.zarr", "demo/optical", "demo/physics/cog"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "demo/thermal").symlink_to(tmp_path / "disk/thermal")
    (tmp_path / "demo/optical/maps.zarr").symlink_to("../../disk/maps.zarr")
    (tmp_path / "demo/optical/cog").symlink_to("../physics/cog")
    (tmp_path / "demo/gone").symlink_to(tmp_path / "disk/gone")
    return tmp_path / "demo"


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("thermal/cog/a.tif", "thermal"),
        ("optical/maps.zarr/t/c/0", "optical/maps.zarr"),
        ("optical/cog/a.tif", None),
        ("physics/cog/a.tif", None),
        ("gone/a.tif", "gone"),
    ],
)
def test_the_first_link_that_leads_out_is_found(root, name, link):
    assert way_out(root, name) == (None if link is None else root / link)


def test_a_folder_that_is_a_link_itself_holds_what_lies_in_it(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert way_out(tmp_path / "link", "physics/cog/a.tif") is None
    assert way_out(tmp_path / "link", "thermal/cog") == tmp_path / "link/thermal"


def test_only_links_that_lead_nowhere_are_broken(root):
    told = broken_links(root, ["thermal", "optical", "gone", "absent"])
    assert list(told) == ["gone"]
    assert (
        f"{root / 'gone'} is a link to {root.parent / 'disk/gone'}, which is not there: mount" in told["gone"]
    )
