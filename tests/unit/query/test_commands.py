"""The command line says what Python does, as a table, JSON, CSV or a file."""

import errno
import json
import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import nightside
from nightside.cli import app, main
from nightside.config import Region
from nightside.query.places import cell_of
from nightside.query.provenance import origin
from nightside.query.sites import read_sites
from nightside.query.tables import Format, text
from nightside.store import NotFinished, grid_of
from nightside.store.grid import lonlat_at

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


def test_capitals_make_no_difference(demo, tmp_path):
    expected = json.loads(run("query", "point", demo, *PLACE, "--format", "json"))
    assert json.loads(run("query", "point", demo, *PLACE, "--format", "JSON")) == expected
    run("query", "point", demo, *PLACE, "--out", tmp_path / "a.JSON")
    assert json.loads((tmp_path / "a.JSON").read_text()) == expected
    run("query", "anomalies", demo, "--threshold", 2, "--out", tmp_path / "a.GPKG")
    assert len(gpd.read_file(tmp_path / "a.GPKG")) > 0
    run("query", "region", demo, *BOX, "--out", tmp_path / "a.NC")
    with xr.open_datatree(tmp_path / "a.NC", engine="h5netcdf") as written:
        assert "anomaly_score" in written["thermal/maps"]
    assert json.loads(run("provenance", demo / "thermal/maps.zarr", "--format", "Json"))["kind"] == "maps"


@pytest.mark.parametrize(
    ("name", "form", "remedy"),
    [
        ("b.csv", "json", ".json"),
        ("b.JSON", "CSV", ".csv"),
        ("b.csv", "table", ".txt"),
        ("b.gpkg", "csv", ".csv"),
    ],
)
def test_a_name_and_a_format_that_do_not_agree_are_refused(demo, tmp_path, name, form, remedy):
    said = rf"{name} ends in {name[1:].lower()}, but --format is {form.lower()}; .* ends in {remedy}"
    with pytest.raises(ValueError, match=said):
        run("query", "anomalies", demo, "--out", tmp_path / name, "--format", form)
    assert not (tmp_path / name).exists()


def test_a_text_file_may_be_of_any_format(demo, tmp_path):
    for form in ("json", "csv", "table"):
        run("query", "point", demo, *PLACE, "--out", tmp_path / "a.txt", "--format", form)
        assert (tmp_path / "a.txt").read_text() == run("query", "point", demo, *PLACE, "--format", form)


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("pole", [False, True])
def test_a_place_that_was_printed_is_in_the_same_pixel_of_a_metre(form, pole):
    place = {"longitude_deg": 203.7, "latitude_deg": -89.4 if pole else 61.3, "width_km": 4.0}
    projection = (
        {"projection": "polar_stereographic", "pixel_m": 1.0} if pole else {"pixels_per_degree": 30_323}
    )
    grid = grid_of(Region(**place, **projection))
    rng = np.random.default_rng(7)
    rows, columns = (rng.integers(0, n, 300) for n in grid.shape)
    lon, lat = lonlat_at(grid, rows, columns)
    printed = text(pd.DataFrame({"longitude": (lon + 180) % 360 - 180, "latitude": lat}), Format(form))
    read = {
        "csv": lambda: pd.read_csv(StringIO(printed)),
        "json": lambda: pd.DataFrame(json.loads(printed)),
        "table": lambda: pd.read_csv(StringIO(printed), sep=r"\s+"),
    }[form]()
    assert [cell_of(grid, *place) for place in read.itertuples(index=False)] == list(
        zip(rows.tolist(), columns.tolist(), strict=True)
    )


def test_anomalies_have_places_of_six_decimals_in_every_format(demo):
    words = ["query", "anomalies", demo, "--threshold", 2, "--format"]
    (row, *_) = json.loads(run(*words, "json"))
    place = (row["longitude"], row["latitude"])
    assert place == tuple(round(v, 6) for v in place)
    for form in ("csv", "table"):
        for degrees in place:
            assert f"{degrees:.6f}".rstrip("0") in run(*words, form)
    found = pd.DataFrame(
        json.loads(run("query", "point", demo, "--lon", place[0], "--lat", place[1], "--format", "json"))
    )
    assert float(found.loc[found["layer"] == "anomaly_score", "value"].iloc[0]) > 2


def test_a_table_of_places_is_asked_at_once(demo, tmp_path):
    table = tmp_path / "sites.csv"
    table.write_text("Name, Longitude, Latitude\nTycho, -11.33, -43.29\nnowhere, 12, 5\npole, 0, -90\n")
    done = CliRunner().invoke(app, ["query", "point", str(demo), "--places", str(table), "--format", "csv"])
    assert done.stderr == "warning: no map reaches nowhere\n"
    found = pd.read_csv(StringIO(done.stdout))
    assert found["place"].unique().tolist() == ["Tycho", "pole"]
    alone = nightside.open(demo).nightside.point(-11.33, -43.29)
    np.testing.assert_allclose(found.loc[found["place"] == "Tycho", "value"], alone["value"])
    table.write_text("lon,lat\n12,5\n-11.33,-43.29\n")
    done = CliRunner().invoke(app, ["query", "profile", str(demo), "--places", str(table), "--format", "csv"])
    assert done.stderr == "warning: the profiles do not reach 0\n"
    days = pd.read_csv(StringIO(done.stdout))
    assert set(days["place"]) == {1}
    day = nightside.open(demo).nightside.profile(-11.33, -43.29)
    np.testing.assert_allclose(days["reconstruction_k"], day["reconstruction"], rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x,y\n1,2\n", "sites.csv has the columns x, y; give lon and lat"),
        ("lon,lat\n1,2\n1,91\n", "sites.csv: place 1: latitude 91 is no latitude"),
        ("lon,lat\n1,2\n\n1,here\n", "sites.csv, line 4: lat 'here' is no number; give degrees"),
        ("lon,lat,name\n1,2,A\n3,,B\n", "sites.csv, line 3: lat '' is no number"),
        ("lon,lat,name\n1,2,Tycho, the rim\n", "line 2: 4 fields, but 3 columns; .* into quotes"),
        ("lon;lat\n-11,33;-43,29\n", "sites.csv is separated by semicolons; .* by commas, with points"),
        ("lon\tlat\n1\t2\n", "sites.csv is separated by tabs"),
        ("lon,lat\n", "sites.csv has no line below its columns"),
        ('lon,lat\n"1,2\n', "sites.csv is no CSV"),
        ("\n", "sites.csv is empty"),
    ],
)
def test_what_is_no_table_of_places_is_said(demo, tmp_path, content, said):
    (tmp_path / "sites.csv").write_text(content)
    with pytest.raises(ValueError, match=said):
        run("query", "point", demo, "--places", tmp_path / "sites.csv")


def test_a_comma_at_the_end_of_a_line_moves_no_column(tmp_path):
    table = tmp_path / "sites.csv"
    for content in (
        "lat,lon,elev\n-43.29,-11.33,-2.5,\n",
        "lat,lon,elev,\n-43.29,-11.33,-2.5,\n",
        "\ufefflat,lon,elev\n\n-43.29,-11.33\n",
    ):
        table.write_text(content, encoding="utf-8")
        places = read_sites(table).places
        assert (places.lon.tolist(), places.lat.tolist()) == ([-11.33], [-43.29])


def test_names_of_places_are_kept_as_they_are_written(demo, tmp_path):
    table = tmp_path / "sites.csv"
    names = ["001", "NA", "1e3", "Tycho, the rim"]
    table.write_text("name,lon,lat\n" + "".join(f'"{name}",-11.33,-43.29\n' for name in [*names, ""]))
    found = run("query", "point", demo, "--places", table, "--format", "csv")
    told = pd.read_csv(StringIO(found), dtype=str, keep_default_na=False)
    assert told["place"].unique().tolist() == [*names, "4"]  # without a name its number


@pytest.mark.parametrize("words", [[], ["--lon", "1"], [*PLACE, "--places", "sites.csv"]])
def test_a_place_or_a_table_is_asked_for_not_both(demo, words):
    with pytest.raises(ValueError, match="give a place by --lon and --lat, or a CSV of several by --places"):
        run("query", "profile", demo, *words)


def test_one_bad_store_stops_no_query_but_a_verified_one(copy):
    (copy / "physics").mkdir()
    shutil.copytree(copy / "thermal/cube.zarr", copy / "physics/inversion.zarr")
    told = f"warning: left out: {copy}/physics/inversion.zarr is not finished"
    for verb in (["point", copy, *PLACE], ["region", copy, *BOX], ["anomalies", copy, "--threshold", 2]):
        done = CliRunner().invoke(app, ["query", *map(str, verb), "--format", "json"])
        assert done.exit_code == 0
        assert json.loads(done.stdout)
        assert done.stderr.startswith(told)
        with pytest.raises(NotFinished, match=r"inversion\.zarr is not finished"):
            run("query", *verb, "--verify")


def test_a_fault_is_told_once(copy):
    for store in ("maps", "cube"):
        (copy / f"thermal/{store}.zarr.json").unlink()
    done = CliRunner().invoke(app, ["query", "anomalies", str(copy)])
    assert done.stderr.startswith(f"warning: left out: {copy}/thermal/cube.zarr is not finished")
    assert len(done.stderr.splitlines()) == 1  # of the maps the error tells, which ends the command
    assert f"{copy}/thermal/maps.zarr is not finished" in str(done.exception)
    done = CliRunner().invoke(app, ["query", "profile", str(copy), *PLACE])
    assert done.exit_code == 0
    assert [line.split("/")[-1].split()[0] for line in done.stderr.splitlines()] == ["cube.zarr", "maps.zarr"]


def test_a_region_with_a_torn_chunk_tells_the_rest(copy):
    tear(copy / "thermal/profiles.zarr/quality")
    done = CliRunner().invoke(app, ["query", "region", str(copy), *BOX, "--format", "json"])
    assert {row["product"] for row in json.loads(done.stdout)} == {"thermal/cube", "thermal/maps"}
    assert f"left out: {copy}/thermal/profiles.zarr has a chunk that cannot be decoded" in done.stderr


@pytest.mark.parametrize("name", ["a.zarr", "a.nc"])
def test_a_region_with_a_torn_chunk_is_written_without_its_product(copy, tmp_path, name):
    out = tmp_path / name
    tear(copy / "thermal/profiles.zarr/quality")
    done = CliRunner().invoke(app, ["query", "region", str(copy), *BOX, "--out", str(out)])
    assert done.exit_code == 0
    assert f"left out: {copy}/thermal/profiles.zarr has a chunk that cannot be decoded" in done.stderr
    assert done.stderr.endswith(f"wrote {out}: 2 products\n")
    engine = "zarr" if name == "a.zarr" else "h5netcdf"
    with xr.open_datatree(out, engine=engine) as written:
        assert {node.path for node in written.leaves} == {"/thermal/cube", "/thermal/maps"}
    for array in ("cube.zarr/brightness_temperature", "maps.zarr/latent_mean"):
        tear(copy / "thermal" / array)
    with pytest.raises(NotFinished, match=r"cube\.zarr has a chunk .*\n.*maps\.zarr has a chunk"):
        run("query", "region", copy, *BOX, "--out", tmp_path / f"b{name}")
    assert [path.name for path in tmp_path.iterdir() if path != copy] == [name]  # nothing half-written


def tear(array):
    for chunk in (array / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(chunk.read_bytes()[:10])


def test_faults_are_one_line_without_a_traceback(demo):
    words = ["query", "point", str(demo), "--lon", "0", "--lat", "91"]
    code = "import sys; from nightside.cli import main; sys.argv[1:] = sys.argv[1:]; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr == "nightside: latitude 91 is no latitude; give degrees north, -90 to 90\n"


@pytest.mark.parametrize("name", ["a.gpkg", "a.parquet", "a.csv"])
def test_a_place_that_cannot_be_written_is_one_line(demo, tmp_path, capsys, monkeypatch, name):
    (tmp_path / "file").touch()
    for folder, said in (
        ("file", "File exists; a file is where a folder should be"),
        ("file/sub", "Not a dir"),
    ):
        out = tmp_path / folder / name
        monkeypatch.setattr(sys, "argv", ["nightside", "query", "anomalies", str(demo), "--out", str(out)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"nightside: {out.parent}: {said}")


@pytest.mark.parametrize("name", ["a.gpkg", "a.parquet"])
def test_a_disk_that_is_full_is_named_by_any_format(demo, tmp_path, monkeypatch, name):
    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=rf"no space left for {tmp_path / name}; free some disk"):
        run("query", "anomalies", demo, "--out", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["foo://bar", "ftp://127.0.0.1:9/x"])
def test_an_address_that_nothing_answers_is_one_line(url):
    with pytest.raises(ValueError, match=f"{url}/zarr.json cannot be read .*; check the address"):
        run("query", "point", url, *PLACE)


def test_verify_of_a_url_is_refused_as_one():
    with pytest.raises(ValueError, match=r"^http://127\.0\.0\.1:9/demo is a URL; a server lists no files"):
        run("verify", "http://127.0.0.1:9/demo/")


def test_verify_says_that_all_is_whole(demo):
    assert run("verify", demo).startswith("all 6 stores are whole")
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
