"""The validation of a run by published schemas finds faults, and says what it could not validate."""

import json
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest
import yaml

SCRIPT = Path(__file__).parents[3] / "scripts/check_schemas"
SPATIAL, FILE, RASTER = "https://s/schema.json", "https://f/schema.json", "https://r/schema.json"


@pytest.fixture
def script():
    loader = SourceFileLoader("check_schemas", str(SCRIPT))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def check(script, tmp_path, monkeypatch, capsys):
    """Run the script on a store and an item, with schemas that want an attribute and a size."""
    attributes = {"required": ["attributes"], "properties": {"attributes": {"required": ["spatial:shape"]}}}
    known = {SPATIAL: attributes, FILE: {"required": ["size"]}}
    monkeypatch.setattr(script, "published", lambda _: known)
    monkeypatch.setattr(sys, "argv", ["check_schemas", str(tmp_path)])

    def run(store, item):
        for name, content in (("maps.zarr/zarr.json", store), ("stac/a.json", item)):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(json.dumps(content))
        return script.main(), capsys.readouterr().out

    return run


STORE = {"attributes": {"zarr_conventions": [{"schema_url": SPATIAL}], "spatial:shape": [1, 1]}}
ITEM = {"stac_extensions": [FILE, RASTER], "size": 3}


def test_what_is_valid_is_counted_and_what_has_no_schema_is_said(check):
    status, said = check(STORE, ITEM)
    assert status == 0
    assert f"1 documents are valid by {SPATIAL}" in said
    assert f"1 documents are valid by {FILE}" in said
    assert f"1 documents NOT VALIDATED, for there is no copy of {RASTER}" in said


@pytest.mark.parametrize("broken", ["store", "item"])
def test_a_fault_is_named_with_its_file(check, broken):
    store = {"attributes": {"zarr_conventions": [{"schema_url": SPATIAL}]}}
    status, said = check(store, ITEM) if broken == "store" else check(STORE, {"stac_extensions": [FILE]})
    assert status == 1
    assert ("maps.zarr/zarr.json" if broken == "store" else "stac/a.json: $: 'size' is a required") in said


def test_schemas_are_found_as_json_and_in_recorded_answers(script):
    schema = {"$id": SPATIAL + "#", "type": "object"}
    assert script.schemas_in("a.json", json.dumps(schema).encode()) == {SPATIAL: schema}
    assert script.schemas_in("a.json", b"[1]") == {}
    answers = [
        {
            "request": {"uri": uri},
            "response": {"status": {"code": code}, "body": {"string": json.dumps({"type": "object"})}},
        }
        for uri, code in ((FILE, 200), (RASTER, 404), ("https://f/item.json", 200))
    ]
    recorded = yaml.safe_dump({"interactions": answers}).encode()
    assert script.schemas_in("a.yaml", recorded) == {FILE: {"type": "object"}}
