"""The command line says what Python does, as a table, JSON, CSV or a file."""

import json
import shutil
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import nightside
from nightside.cli import app
from nightside.query.provenance import origin
from nightside.store import NotFinished

PLACE = ["--lon", "-11.33", "--lat", "-43.29"]
BOX = ["--lon-min", "-11.36", "--lon-max", "-11.3", "--lat-min", "-43.3", "--lat-max", "-43.28"]


def run(*words):
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_a_point_is_the_same_in_every_format(demo, tmp_path):
    expected = nightside.open(demo).nightside.point(348.67, -43.29)
    rows = json.loads(run("query", "point", demo, *PLACE, "--format", "json"))
    assert [row["layer"] for row in rows] == list(expected["layer"])
    np.testing.assert_allclose([row["value"] for row in rows], expected["value"])
    for name in ("a.csv", "a.json"):
        run("query", "point", demo, *PLACE, "--out", tmp_path / name)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "a.csv")["value"], expected["value"])
    assert json.loads((tmp_path / "a.json").read_text()) == rows
    table = run("query", "point", demo, *PLACE).splitlines()
    assert len(table) == 1 + len(expected)
    assert len({len(line) for line in table}) == 1  # aligned, and no escape codes in a pipe


def test_a_profile_has_its_units_in_its_columns(demo):
    rows = json.loads(run("query", "profile", demo, *PLACE, "--format", "json"))
    expected = nightside.open(demo).nightside.profile(348.67, -43.29)
    assert set(rows[0]) == {"local_time_h", "temperature_k", "temperature_std_k", "reconstruction_k"}
    np.testing.assert_allclose([row["temperature_k"] for row in rows], expected.temperature)


def test_a_region_is_written_with_its_grid(demo, tmp_path):
    expected = nightside.open(demo).nightside.region(-11.36, -11.3, -43.3, -43.28)
    for name, engine in (("a.zarr", "zarr"), ("a.nc", "h5netcdf")):
        run("query", "region", demo, *BOX, "--out", tmp_path / name)
        with xr.open_datatree(tmp_path / name, engine=engine, decode_coords="all") as written:
            for product in ("thermal/maps", "thermal/profiles"):
                for layer, values in expected[product].data_vars.items():
                    np.testing.assert_array_equal(written[product][layer], values)
            assert list(written["thermal/maps"].latent.values) == list(expected["thermal/maps"].latent.values)
            assert "spatial_ref" in written["thermal/maps"].anomaly_score.coords
    with pytest.raises(ValueError, match="exists"):
        run("query", "region", demo, *BOX, "--out", tmp_path / "a.nc")
    summary = json.loads(run("query", "region", demo, *BOX, "--format", "json"))
    score = expected["thermal/maps/anomaly_score"]
    (row,) = [row for row in summary if row["layer"] == "anomaly_score"]
    assert row["cells"] == score.size
    assert row["max"] == pytest.approx(float(score.max()))


def test_a_region_larger_than_a_chunk_is_written_whole(tmp_path):
    from nightside.query.files import write_region

    values = xr.DataArray(np.arange(300 * 300.0).reshape(300, 300), dims=("y", "x"), name="v")
    whole = xr.Dataset({"v": values}).chunk({"y": 128, "x": 128}).isel(y=slice(50, 290), x=slice(100, 299))
    write_region(xr.DataTree.from_dict({"thermal/maps": whole}), tmp_path / "a.zarr")
    read = xr.open_datatree(tmp_path / "a.zarr", engine="zarr")
    np.testing.assert_array_equal(read["thermal/maps/v"], values[50:290, 100:299])


@pytest.mark.parametrize("name", ["a.gpkg", "a.parquet", "a.csv"])
def test_anomalies_are_written_as_files(demo, tmp_path, name):
    run("query", "anomalies", demo, "--threshold", 2, "--out", tmp_path / name)
    read = {"gpkg": gpd.read_file, "parquet": gpd.read_parquet, "csv": pd.read_csv}[name[2:]](tmp_path / name)
    expected = nightside.open(demo).nightside.anomalies(2.0)
    assert len(expected) > 0
    np.testing.assert_allclose(read["peak_score"], expected["peak_score"])


def test_what_was_written_is_said_on_stderr(demo, tmp_path):
    threshold = float(nightside.open(demo)["thermal/maps"].anomaly_score.quantile(0.8))
    count = len(nightside.open(demo).nightside.anomalies(threshold))
    assert count > 1
    for name in ("a.gpkg", "a.parquet", "a.csv"):
        words = ["query", "anomalies", demo, "--threshold", threshold, "--out", tmp_path / name]
        assert written(*words) == f"wrote {tmp_path / name}: {count} anomalies\n"
    one = ["query", "anomalies", demo, "--threshold", 1e9, "--out", tmp_path / "none.gpkg"]
    assert written(*one) == f"wrote {tmp_path / 'none.gpkg'}: 0 anomalies\n"
    point = ["query", "point", demo, *PLACE, "--out", tmp_path / "a.json"]
    values = json.loads(run("query", "point", demo, *PLACE, "--format", "json"))
    assert written(*point) == f"wrote {tmp_path / 'a.json'}: {len(values)} values\n"
    region = ["query", "region", demo, *BOX, "--out", tmp_path / "a.nc"]
    assert written(*region) == f"wrote {tmp_path / 'a.nc'}: 3 products\n"


def written(*words):
    """Return what is said of a file; stdout, which is for answers, stays empty."""
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.stdout == ""
    return done.stderr


def test_nothing_found_is_said(demo):
    assert run("query", "anomalies", demo, "--threshold", 1e9) == "nothing found\n"
    assert json.loads(run("query", "anomalies", demo, "--threshold", 1e9, "--format", "json")) == []


def test_a_name_of_another_format_is_refused(demo, tmp_path):
    for verb in (["point", demo, *PLACE], ["anomalies", demo], ["region", demo, *BOX]):
        with pytest.raises(ValueError, match=r"'\.shp' is no format"):
            run("query", *verb, "--out", tmp_path / "a.shp")


def test_faults_are_one_line_without_a_traceback(demo):
    words = ["query", "point", str(demo), "--lon", "0", "--lat", "91"]
    code = "import sys; from nightside.cli import main; sys.argv[1:] = sys.argv[1:]; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr == "nightside: latitude 91 is no latitude; give degrees north, -90 to 90\n"


def test_verify_says_that_all_is_whole(demo):
    assert run("verify", demo).startswith("all 5 stores are whole")
    assert "anomaly_score" in run("query", "point", demo, *PLACE, "--verify")


def test_provenance_leads_back_to_the_archive(demo):
    found = json.loads(run("provenance", demo / "thermal/maps.zarr", "--format", "json"))
    profiles, model = found["inputs"]
    assert (found["kind"], found["seed"]) == ("maps", 1)
    assert model["kind"] == "profile-vae"
    (cube,) = profiles["inputs"]
    (bins,) = cube["inputs"]
    (inventory,) = bins["inputs"]
    assert [each["name"] for each in (cube, bins, inventory)] == [
        "thermal/cube.zarr",
        "thermal/bins/201001.zarr",
        "inventory/201001.json",
    ]
    assert inventory["inputs"] == [{"name": "201001050000_RDR", "digest": "ab12"}]
    assert len(found["config_digest"]) == 64
    drawn = run("provenance", demo / "thermal/maps.zarr")
    assert "201001050000_RDR ab12" in drawn
    assert "seed 1" in drawn


def test_reports_pictures_models_and_geotiffs_have_a_provenance(demo, tmp_path):
    root = shutil.copytree(demo, tmp_path / "demo")
    for name in ("report.html", "thermal/figures/anomaly.png"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x")
        assert [each.name for each in origin(root / name).inputs] == [
            "thermal/maps.zarr",
            "thermal/profiles.zarr",
        ]
    optical = root / "optical"
    shutil.copytree(optical / "mosaic.zarr", optical / "mosaic_standard.zarr")
    shutil.copy(optical / "mosaic.zarr.json", optical / "mosaic_standard.zarr.json")
    for folder, store in (("cog", "mosaic"), ("cog_standard", "mosaic_standard")):
        file = optical / folder / "about.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text("x")
        assert [each.name for each in origin(file).inputs] == [f"optical/{store}.zarr"]
    assert origin(root / "thermal/model/model.safetensors").about["kind"] == "profile-vae"
    assert origin(root / "thermal/model").name == "thermal/model/model.json"


def test_an_input_that_was_made_again_is_said(demo, tmp_path):
    root = shutil.copytree(demo, tmp_path / "demo")
    path = root / "thermal/profiles.zarr.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "0" * 64}))
    profiles = origin(root / "thermal/maps.zarr").inputs[0]
    assert "made again since" in profiles.note
    assert profiles.inputs == []


def test_what_has_no_provenance_is_said(demo, tmp_path):
    stray = tmp_path / "a.png"
    stray.write_text("x")
    with pytest.raises(NotFinished, match="lies in no results folder"):
        origin(stray)
    with pytest.raises(NotFinished, match="does not exist"):
        origin(demo / "thermal/cog/absent.tif")
    with pytest.raises(ValueError, match="has no known origin"):
        origin(demo / "config.yaml")
