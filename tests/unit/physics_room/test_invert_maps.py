"""Maps of inverted physics: from a cube and from profiles, with a reason where there is no value."""

import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from typer.testing import CliRunner

from nightside import physics
from nightside.cli import app
from nightside.config import Inversion, load
from nightside.config.physics import MOST_RADIATIVE
from nightside.config.thermal import Profiles
from nightside.physics import inversion_kernel as codes
from nightside.physics_room.invert_cells import tables_for, without_sunrise
from nightside.physics_room.invert_commands import _say_quality
from nightside.physics_room.invert_maps import free_parameters, inversion_maps
from nightside.physics_room.invert_observations import observations
from nightside.store import TIMINGS, grid_of, lonlat, read_json, read_manifest, write_store
from nightside.thermal.profiles import interpolate_profiles

PLANE, CUBE = ("y", "x"), ("y", "x", "local_time")
BINS = 240
OPTIONS = Inversion(verify=16)


@pytest.fixture(scope="module")
def settings():
    return load(
        {
            "name": "small",
            "region": {"longitude_deg": 10.0, "latitude_deg": 20.0, "width_km": 4, "pixels_per_degree": 128},
            "diviner": {"source": "synthetic", "start": "2010-01-01", "end": "2010-12-31"},
            "synthetic": {},
        }
    )


@pytest.fixture(scope="module")
def latitude(settings):
    return lonlat(grid_of(settings.region))[1]


@pytest.fixture(scope="module")
def tables(latitude):
    return tables_for(latitude, OPTIONS)


@pytest.fixture(scope="module")
def truth(latitude):
    rng = np.random.default_rng(0)
    return {
        "albedo": rng.normal(0.12, 0.02, latitude.shape).clip(0.05),
        "h_parameter": 0.07 * np.exp(0.3 * rng.standard_normal(latitude.shape)),
        "slope_east": rng.normal(0.0, 4.0, latitude.shape),
    }


@pytest.fixture(scope="module")
def cube(latitude, truth):
    """A third of the bins seen once or twice with 1.5 K noise; four cells are odd."""
    rng = np.random.default_rng(1)
    hours = (np.arange(BINS) + 0.5) * 24.0 / BINS
    solved = physics.diurnal_temperatures(
        latitude.ravel(), truth["albedo"].ravel(), truth["h_parameter"].ravel(), truth["slope_east"].ravel(),
        local_time_h=hours,
    ).reshape(*latitude.shape, BINS)  # fmt: skip
    count = np.where(rng.random(solved.shape) < 0.33, rng.integers(1, 3, solved.shape), 0)
    mean = solved + rng.normal(0.0, 1.5, solved.shape) / np.sqrt(np.maximum(count, 1))
    count[0, 0] = 0
    count[0, 1, 4:] = 0
    count[0, 2, 100] = -1
    count[0, 3, 100], mean[0, 3, 100] = 1, np.nan
    return xr.Dataset(
        {
            "brightness_temperature": (CUBE, np.where(count != 0, mean, np.nan).astype(np.float32)),
            "brightness_temperature_std": (CUBE, np.zeros_like(mean, np.float32)),
            "count": (CUBE, count.astype(np.int32)),
        },
        coords={"local_time": hours},
    )


def test_maps_of_a_cube_have_the_truth_within_their_errors_and_reasons_elsewhere(
    cube, latitude, truth, tables
):
    maps = inversion_maps(cube, latitude, OPTIONS, BINS, tables)
    names = dict(
        zip(maps["quality"].attrs["flag_values"], maps["quality"].attrs["flag_meanings"].split(), strict=True)
    )
    quality = maps["quality"].to_numpy()
    assert [names[int(quality[0, k])] for k in range(4)] == [
        "no_observations",
        "too_few_observations",
        "bad_input",
        "good",
    ]
    assert (quality[1:] == 0).mean() > 0.95
    good = quality == 0
    for name in maps.data_vars:
        if name not in ("quality", "rock_fraction_std") and "rock_fraction" not in str(name):
            np.testing.assert_array_equal(
                np.isfinite(maps[name].to_numpy()), quality % 7 == 0, err_msg=str(name)
            )
        assert {"units", "long_name"} <= set(maps[name].attrs)
    for name in ("albedo", "h_parameter", "h_parameter_with_unseen_rocks"):
        of = name.removesuffix("_with_unseen_rocks")
        z = (maps[name].to_numpy() - truth[of])[good] / maps[f"{name}_std"].to_numpy()[good]
        assert 0.9 < (np.abs(z) < 1.96).mean() <= 1.0, name
    assert "rocks that nobody sees" in maps["h_parameter"].attrs["comment"]
    assert "mean over a prior of rocks" in maps["h_parameter_with_unseen_rocks"].attrs["comment"]
    bare = good & (maps["rock_fraction"].to_numpy() == 0.0)
    assert bare.mean() > 0.95
    assert np.isnan(maps["rock_fraction_std"].to_numpy()[bare]).all()
    unseen = maps["rock_fraction_with_unseen_rocks"].to_numpy()[bare]
    assert ((unseen > 0.0) & (unseen < 0.01)).all()
    assert (maps["rock_fraction_with_unseen_rocks_std"].to_numpy()[bare] > 0.0).all()
    ratio = maps["h_parameter"].to_numpy()[good] / truth["h_parameter"][good]
    assert abs(np.mean(ratio) - 1.0) < 0.03
    assert np.nanmax(np.abs(maps["correlation_albedo_h_parameter"].to_numpy())) <= 1.0


def test_a_map_does_not_depend_on_the_window_it_is_made_in(cube, latitude, tables):
    whole = inversion_maps(cube, latitude, OPTIONS, BINS, tables)
    rows = slice(5, 9)
    part = inversion_maps(cube.isel(y=rows), latitude[rows], OPTIONS, BINS, tables)
    xr.testing.assert_identical(part, whole.isel(y=rows))


def test_profiles_are_moments_with_wider_errors_and_gaps_are_named(latitude, tables):
    hours = np.arange(120) * 0.2
    shape = (*latitude.shape, 120)
    temperature = np.broadcast_to(physics.diurnal_temperatures(20.0)[0], shape).astype(np.float32).copy()
    std, quality = np.full(shape, 1.0, np.float32), np.zeros(latitude.shape, np.uint8)
    for k, code in ((0, 1), (1, 2)):
        quality[0, k] = code
        temperature[0, k] = std[0, k] = np.nan
    profiles = xr.Dataset(
        {"temperature": (CUBE, temperature), "temperature_std": (CUBE, std), "quality": (PLANE, quality)},
        coords={"local_time": hours},
    )
    seen = observations(profiles, OPTIONS, BINS)
    assert seen.bin_width_h == 0.0
    np.testing.assert_allclose(seen.std_k[5], OPTIONS.profile_std_factor)
    maps = inversion_maps(profiles, latitude, OPTIONS, BINS, tables)
    code = maps["quality"].to_numpy()
    assert [physics.QUALITY[int(code[0, k])] for k in range(3)] == [
        "no_observations",
        "too_few_observations",
        "good",
    ]
    assert float(maps["h_parameter"][3, 3]) == pytest.approx(0.07, rel=0.03)
    of = "h_parameter_with_unseen_rocks"
    assert abs(float(maps[of][3, 3]) - 0.07) < 1.96 * float(maps[f"{of}_std"][3, 3])


@pytest.fixture(scope="module")
def profiles(cube, latitude):
    """As the thermal room makes them from a sparser cube: they follow no corner at sunrise and sunset."""
    rng = np.random.default_rng(8)
    count = np.where(rng.random(cube["count"].shape) < 0.45, cube["count"].to_numpy(), 0)
    count[0] = cube["count"][1]  # the odd cells are another test's
    mean = cube["brightness_temperature"].to_numpy().copy()
    mean[0] = mean[1]
    made = interpolate_profiles(mean.reshape(-1, BINS), count.reshape(-1, BINS), Profiles())
    shape = (*latitude.shape, -1)
    return xr.Dataset(
        {
            "temperature": (CUBE, made.temperature_k.reshape(shape)),
            "temperature_std": (CUBE, made.temperature_std_k.reshape(shape)),
            "quality": (PLANE, made.quality.reshape(latitude.shape)),
        },
        coords={"local_time": np.arange(120) * 0.2},
    )


def test_interpolated_profiles_give_honest_onsets_because_sunrise_is_left_out(
    profiles, latitude, truth, tables
):
    onset = physics.onset_delay_h(latitude, truth["slope_east"])

    def errors(options):
        maps = inversion_maps(profiles, latitude, options, BINS, tables).isel(y=slice(1, None))
        good = maps["quality"].to_numpy() == 0
        assert good.mean() > 0.5
        z = (maps["onset_delay"].to_numpy() - onset[1:]) / maps["onset_delay_std"].to_numpy()
        ratio = maps["h_parameter"].to_numpy() / truth["h_parameter"][1:]
        return (np.abs(z[good]) < 1.96).mean(), np.nanmean(ratio[good]) - 1.0

    covered, bias = errors(OPTIONS)
    assert covered > 0.9
    assert abs(bias) < 0.05
    covered, bias = errors(OPTIONS.model_copy(update={"profile_sunrise_h": 0.0}))
    assert covered < 0.88
    assert bias < -0.03


def test_times_near_a_cells_own_sunrise_and_sunset_are_left_out(profiles, latitude, truth, tables):
    onset = physics.onset_delay_h(latitude, truth["slope_east"]).reshape(-1, 1)
    seen = observations(profiles, OPTIONS, BINS)
    used = without_sunrise(seen, latitude.ravel(), OPTIONS, tables.surrogate)
    hours = seen.local_time_h
    gone = np.isfinite(seen.std_k) & ~np.isfinite(used.std_k)
    some = np.isfinite(seen.std_k).all(axis=1)
    rise, fall = np.maximum(6.0 + onset, 6.0), np.minimum(18.0 + onset, 18.0)
    distance = np.minimum(np.abs(hours - rise), np.abs(hours - fall))
    near = some[:, None] & (distance < 0.6)
    assert gone[near].mean() > 0.99
    assert gone[distance > 1.4].mean() < 0.002
    assert used.sunrise_h == 0.0


def test_what_is_fixed_has_no_map(cube, latitude):
    fixed = {"slope_north_deg": {"mean": 0.0, "std": 0.0}, "h_parameter_spread": 0.0, "rocks": "never"}
    fixed["unseen_rocks"] = None
    options = Inversion.model_validate({**OPTIONS.model_dump(), **fixed})
    assert free_parameters(options) == ("albedo", "onset_delay")
    maps = inversion_maps(
        cube.isel(y=slice(1, 3)), latitude[1:3], options, BINS, tables_for(latitude, options)
    )
    assert "h_parameter" not in maps
    assert "correlation_albedo_onset_delay" in maps


def test_cells_beyond_the_latitude_of_the_table_are_masked(cube):
    high = np.full((1, cube.sizes["x"]), 84.0)
    maps = inversion_maps(cube.isel(y=slice(1, 2)), high, OPTIONS, BINS, tables_for(high, OPTIONS))
    assert set(maps["quality"].to_numpy().ravel()) == {codes.OUTSIDE_TABLE}
    assert np.isnan(maps["albedo"].to_numpy()).all()


@pytest.mark.parametrize("latitude_max_deg", [60.0, 80.0, 87.0])
def test_steep_poleward_slopes_are_in_the_table_of_a_middle_latitude(latitude_max_deg):
    options = Inversion(latitude_max_deg=latitude_max_deg, verify=0)
    north = np.array([[-15.0, -8.0, 0.0, 8.0, 15.0]])
    south = np.full_like(north, -43.0)
    hours = (np.arange(BINS) + 0.5) * 24.0 / BINS
    solved = physics.diurnal_temperatures(south.ravel(), 0.12, 0.07, 0.0, north.ravel(), local_time_h=hours)
    seen = {"units": "K", "long_name": "t"}
    cube = xr.Dataset(
        {
            "brightness_temperature": (CUBE, solved[None], seen),
            "count": (CUBE, np.ones((*north.shape, BINS), np.int32)),
        },
        coords={"local_time": hours},
    )
    maps = inversion_maps(cube, south, options, BINS, tables_for(south, options))
    assert (maps["quality"] == codes.GOOD).all()
    assert maps["h_parameter"].to_numpy() == pytest.approx(0.07, rel=0.1)


@pytest.fixture
def stored(tmp_path, settings, cube):
    config = tmp_path / "config.yaml"
    config.write_text(settings.to_yaml())
    named = cube.copy()
    for name in named.data_vars:
        named[name].attrs = {"units": "1", "long_name": str(name)}
    write_store(
        named, tmp_path / "cube.zarr", kind="cube", settings=settings, geobox=grid_of(settings.region)
    )
    return tmp_path


def test_invert_and_cog_write_what_was_verified(stored):
    run = CliRunner()
    at = ["--config", str(stored / "config.yaml")]
    out = ["--out", str(stored / "inversion.zarr"), "--verify", "12"]
    done = run.invoke(app, ["physics", "invert", *at, "--cube", str(stored / "cube.zarr"), *out])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("tabulating the heat model")
    details = read_manifest(stored / "inversion.zarr")["details"]
    assert 8 <= details["verification"]["places"] <= 12
    assert details["verification"]["rms_away_from_sunrise_k"] < 0.05
    assert details["verification"]["largest_shift_sigma"] < 0.3
    assert read_json(stored / TIMINGS, "profiles_per_s")["profiles_per_s"] > 0
    done = run.invoke(
        app,
        ["physics", "cog", *at, "--inversion", str(stored / "inversion.zarr"), "--folder", str(stored / "cog"),
         "--out", str(stored / "cog.json")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    files = json.loads((stored / "cog.json").read_text())["files"]
    assert {"h_parameter.tif", "h_parameter_std.tif", "quality.tif"} <= set(files)
    with rasterio.open(stored / "cog" / "h_parameter.tif") as raster:
        assert "what the literature calls H" in raster.tags()["comment"]
    with rasterio.open(stored / "cog" / "quality.tif") as raster:
        assert raster.dtypes == ("uint8",)
        assert raster.nodata is None
        codes_, meanings = raster.tags()["flag_values"].split(), raster.tags()["flag_meanings"].split()
        assert dict(zip(map(int, codes_), meanings, strict=True)) == physics.QUALITY
        assert "0 good, 1 no_observations" in raster.tags()["TIFFTAG_IMAGEDESCRIPTION"]
        written = xr.open_zarr(stored / "inversion.zarr")["quality"].to_numpy()
        np.testing.assert_array_equal(raster.read(1), written)


def test_every_place_can_be_verified(stored):
    arguments = ["--cube", str(stored / "cube.zarr"), "--out", str(stored / "i.zarr"), "--verify", "100000"]
    done = CliRunner().invoke(app, ["physics", "invert", "--config", str(stored / "config.yaml"), *arguments])
    assert done.exit_code == 0, done.output
    rows, columns = grid_of(load(stored / "config.yaml").region).shape
    places = read_manifest(stored / "i.zarr")["details"]["verification"]["places"]
    assert rows * columns - 10 < places <= rows * columns - 3


def test_a_negative_number_of_places_is_refused(stored):
    arguments = ["--cube", str(stored / "cube.zarr"), "--out", str(stored / "i.zarr"), "--verify", "-1"]
    done = CliRunner().invoke(app, ["physics", "invert", "--config", str(stored / "config.yaml"), *arguments])
    assert isinstance(done.exception, ValueError)
    assert "--verify is -1" in str(done.exception)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--part", "9/8"], "'9/8' is no part"),
        (["--part", "0/8"], "'0/8' is no part"),
        (["--part", "1/2", "--verify", "8"], "--verify has no effect together with --part"),
        (["--out", "cube.zarr"], "cube.zarr is an input of this step"),
        (["--out", "."], "would be replaced, but it holds"),
        (["--cube", "config.yaml"], "config.yaml is not a Zarr store, but a file"),
        (["--cube", "nothing"], "nothing is not a Zarr store, but a folder without zarr.json"),
    ],
)
def test_arguments_are_refused_before_the_table_is_made(stored, monkeypatch, given, message):
    monkeypatch.chdir(stored)
    (stored / "nothing").mkdir()
    monkeypatch.setattr("nightside.physics_room.invert_cells.tables_for", pytest.fail)
    arguments = ["--config", "config.yaml", "--cube", "cube.zarr", "--out", "i.zarr", *given]
    done = CliRunner().invoke(app, ["physics", "invert", *arguments])
    assert isinstance(done.exception, ValueError)
    assert message in str(done.exception)


def test_a_map_of_bad_input_alone_is_an_error_that_asks_about_degrees_celsius(cube, capsys):
    celsius = cube.assign(brightness_temperature=cube["brightness_temperature"] - 273.15)

    def say(code: int, observed: xr.Dataset) -> None:
        quality = np.full((2, 2), code, np.uint8)
        quality[0, 0] = codes.NO_OBSERVATIONS
        _say_quality(xr.Dataset({"quality": (PLANE, quality)}), observed)

    with pytest.raises(ValueError, match=r"of every cell are unphysical.*in degrees Celsius\?"):
        say(codes.BAD_INPUT, celsius)
    with pytest.raises(ValueError, match=r"counts of 0 or more; mend"):
        say(codes.BAD_INPUT, cube)
    for masked in (codes.NO_OBSERVATIONS, codes.OUTSIDE_TABLE, codes.POOR_FIT):
        say(masked, cube)
        assert "no cell could be inverted well; check" in capsys.readouterr().err


@pytest.mark.parametrize("chi", [0.5, 2.7])
def test_conductivities_are_refused_where_the_heat_model_refuses_them(chi):
    most = MOST_RADIATIVE / chi
    for factor in (0.998, 1.002):
        ground = {"radiative_conductivity": {"value": chi}, "surface_conductivity": {"value": factor * most}}
        material = {"radiative_conductivity": chi, "surface_conductivity": factor * most}
        if factor < 1.0:
            physics.Material(**material)
            Inversion.model_validate({"ground": ground})
        else:
            with pytest.raises(ValueError, match="pores"):
                physics.Material(**material)
            with pytest.raises(ValueError, match="is it in mW"):
                Inversion.model_validate({"ground": ground})


@pytest.mark.parametrize("given", [[], ["--cube", "c.zarr", "--profiles", "p.zarr"]])
def test_one_source_has_to_be_given(stored, given):
    arguments = ["physics", "invert", "--config", str(stored / "config.yaml"), "--out", "i.zarr", *given]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, ValueError)
    assert "one of --cube and --profiles" in str(done.exception)


@pytest.mark.parametrize(
    "wrong",
    [
        {"h_parameter_m": 0.9},
        {"albedo": {"mean": 0.5, "std": 0.1}},
        {"h_parameter_range_m": (0.1, 0.05)},
        {"onset_delay_h": {"mean": 4.0, "std": 1.0}},
        {"slope_north_deg": {"mean": 60.0, "std": 1.0}},
        {"rocks": "sometimes"},
        {"unseen_rocks": {"rocky_mean": 0.002}},
        {"unseen_rocks": {"mean": -0.01}},
        {"ground": {"surface_conductivity": {"value": 0.74, "std": 0.5}}},
        {"ground": {"surface_conductivity": {"value": 0.74}}},
        {"ground": {"deep_conductivity": {"value": 3.4}}},
        {"h_parameter_range_m": (0.01, 6.0)},
        {"ground": {"emissivity": {"value": 95.0}}},
        {"noise_k": 0.0},
    ],
)
def test_options_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Inversion.model_validate(wrong)


def test_unseen_rocks_add_maps_and_change_no_other(cube, latitude, tables):
    some = {"observed": cube.isel(y=slice(1, 5)), "latitude_deg": latitude[1:5], "bins": BINS}
    options = Inversion(unseen_rocks=None)
    plain = inversion_maps(options=options, tables=tables_for(latitude, options), **some)
    both = inversion_maps(options=OPTIONS, tables=tables, **some)
    added = {
        f"{name}_with_unseen_rocks{end}" for name in ("h_parameter", "rock_fraction") for end in ("", "_std")
    }
    assert set(both.data_vars) - set(plain.data_vars) == added
    xr.testing.assert_identical(both.drop_vars(added), plain)
    assert (both["h_parameter_with_unseen_rocks"] > both["h_parameter"]).all()
    assert (both["h_parameter_with_unseen_rocks_std"] > both["h_parameter_std"]).all()


def test_constants_of_the_ground_are_those_of_the_heat_model_and_reach_the_table():
    ground = Inversion().ground
    for name, value in ground.values().items():
        expected = physics.DEFAULT_EMISSIVITY if name == "emissivity" else getattr(physics.REGOLITH, name)
        assert value == expected, name
    assert set(ground.values()) == set(physics.CONSTANTS)
    options = Inversion.model_validate(
        {
            "ground": {"radiative_conductivity": {"value": 3.0}, "emissivity": {"value": 0.98}},
            "rocks": "never",
        }
    )
    made = tables_for(np.array([20.0]), options)
    assert made.surrogate.material.radiative_conductivity == 3.0
    assert made.surrogate.emissivity == 0.98
    assert made.moved == ()


def test_an_uncertain_constant_adds_maps_of_systematic_deviations(cube, latitude, tables):
    options = Inversion.model_validate(
        {**OPTIONS.model_dump(), "ground": {"radiative_conductivity": {"value": 2.7, "std": 0.27}}}
    )
    some = {"observed": cube.isel(y=slice(1, 3)), "latitude_deg": latitude[1:3], "bins": BINS}
    maps = inversion_maps(options=options, tables=tables_for(latitude, options), **some)
    plain = inversion_maps(options=OPTIONS, tables=tables, **some)
    added = set(maps.data_vars) - set(plain.data_vars)
    assert added == {f"{name}_systematic_std" for name in free_parameters(options)}
    xr.testing.assert_identical(maps.drop_vars(added), plain)
    part = (maps["h_parameter_systematic_std"] / maps["h_parameter"]).to_numpy()
    assert ((part > 0.05) & (part < 0.2)).all()


def test_nothing_free_and_no_good_cell_are_said(stored):
    """Everything is fixed at the wrong values: no estimate to verify, and no cell that fits."""
    fixed = {
        "albedo": {"mean": 0.3, "std": 0},
        "onset_delay_h": {"mean": 0, "std": 0},
        "h_parameter_spread": 0,
    }
    fixed |= {"slope_north_deg": {"mean": 0, "std": 0}, "rocks": "never", "unseen_rocks": None}
    config = stored / "fixed.yaml"
    raw = load(stored / "config.yaml").model_dump(mode="json", exclude_none=True)
    raw["physics"]["inversion"] |= fixed
    config.write_text(json.dumps(raw))
    arguments = ["--cube", str(stored / "cube.zarr"), "--out", str(stored / "i.zarr"), "--verify", "8"]
    done = CliRunner().invoke(app, ["physics", "invert", "--config", str(config), *arguments])
    assert done.exit_code == 0, done.output
    assert "no cell could be inverted well" in done.output
