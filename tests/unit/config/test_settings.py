"""A configuration is right before any work begins, or it says what is wrong."""

from pathlib import Path

import pytest
import yaml

from nightside.config import ConfigError, areas_of_interest, load

CONFIGS = sorted((Path(__file__).resolve().parents[3] / "config").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_the_shipped_configurations_are_valid_and_survive_a_round_trip(path):
    settings = load(path)
    assert load(yaml.safe_load(settings.to_yaml())) == settings


def test_a_misspelt_key_names_the_nearest_valid_one(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(CONFIGS[0].read_text() + "\nfilter: {emision_max_deg: 10}\n")
    with pytest.raises(
        ConfigError, match=r"c\.yaml.*\n.*filter\.emision_max_deg.*did you mean 'emission_max_deg'"
    ):
        load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"region": {"longitude_deg": 0, "latitude_deg": 91, "width_km": 1}}, "region.latitude_deg"),
        ({"region": {"area": "Tyco", "pixels_per_degree": 128}}, "Tycho Crater"),
        ({"region": {"pixels_per_degree": 128}}, "exactly one of"),
        ({"diviner": {"source": "local"}}, "needs 'folder'"),
        ({"diviner": {"source": "pds"}}, "needs 'start' and 'end'"),
        ({"name": "Has Blank"}, "name"),
        ({"diviner": None}, "belong together, 'diviner' is missing"),
        ({"diviner": None, "region": None, "optical": None}, "'optical' for images, or all three"),
    ],
)
def test_a_wrong_value_names_its_key_and_the_remedy(change, message):
    raw = yaml.safe_load(CONFIGS[0].read_text())
    with pytest.raises(ConfigError, match=message):
        load({**raw, **change})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "expected a mapping"),
        ("a: [", "is not YAML"),
        ("a: 2010-13-45", "is not YAML: month"),
        ("", "expected a mapping"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load(path)


def test_an_unknown_area_names_the_nearest_whatever_the_region_holds():
    for region in ({"pixels_per_degree": 128}, "Tycho", None):
        with pytest.raises(
            ConfigError, match="no area of interest is called 'tyco'; nearest: 'Tycho Crater'"
        ):
            load({"region": region}, area="tyco")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read"):
        load(tmp_path / "absent.yaml")


def test_all_48_areas_can_be_mapped_by_name():
    raw = {
        "name": "x",
        "region": {"longitude_deg": 0, "latitude_deg": 0, "width_km": 9, "pixels_per_degree": 128},
        "diviner": {"source": "pds", "start": "2010-01-01", "end": "2010-01-31"},
    }
    assert len(areas_of_interest()) == 48
    for name, place in areas_of_interest().items():
        settings = load(raw, area=name)
        assert settings.region.centre == (place.longitude_deg, place.latitude_deg)
        assert settings.region.pixels_per_degree == 128
        assert settings.name.endswith("-x")  # runs of one area with two configurations lie apart


def test_a_run_of_images_alone_needs_no_region_and_says_so_where_temperatures_are_asked_for():
    settings = load({"name": "dark", "optical": {"images": {"source": "local", "folder": "."}}})
    assert load(yaml.safe_load(settings.to_yaml())) == settings
    for section in ("mapped_region", "diviner_tables"):
        with pytest.raises(ConfigError, match=r"'dark' has no section .*, only images; add 'region'"):
            getattr(settings, section)


def test_the_digest_changes_with_any_value():
    raw = yaml.safe_load(CONFIGS[0].read_text())
    assert load(raw).digest() == load(raw).digest()
    assert load(raw).digest() != load({**raw, "seed": 99}).digest()
