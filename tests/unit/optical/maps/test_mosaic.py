"""Several images make one map without seams."""

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from nac_strips import flight, ground, kernels, on_map, settings, strip
from typer.testing import CliRunner

from nightside.cli import app
from nightside.optical.map_grid import grid_for
from nightside.optical.mosaic import match_images, mosaic, shared_ground, warnings_of
from nightside.store import lonlat, open_store, read_manifest, write_store


def whole(grid):
    return {d: slice(0, int(n)) for d, n in zip(("y", "x"), grid.shape, strict=True)}


# Noise that nothing has smoothed is independent from pixel to pixel and from image to image.
OPTIONS = settings(
    pixel_m=4.0, error_correlation=0.0, error_correlation_far=0.0, error_correlation_images=0.0
).optical.mosaic
PLANNED = [flight(0), flight(1, roll_deg=0.3, longitude_deg=90.6), flight(2, latitude_deg=-85.0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return kernels(tmp_path_factory.mktemp("kernels"), *PLANNED)


@pytest.fixture(scope="module")
def images(folder):
    """Left, right and left again: one ground through cameras of different gain and offset."""
    return [
        strip(PLANNED[0], folder, "left", noise_dn=0.5),
        strip(PLANNED[0], folder, "right", gain=0.7, offset=5.0, noise_dn=0.5),
        strip(PLANNED[1], folder, "left", gain=1.6, offset=-4.0, noise_dn=2.0),
    ]


@pytest.fixture(scope="module")
def grid(images):
    return grid_for(OPTIONS, [image.camera for image in images])


@pytest.fixture(scope="module")
def options():
    return OPTIONS.model_copy(update={"reference": "M0203LE"})


@pytest.fixture(scope="module")
def brightness(images, grid, options):
    return match_images(images, grid, options)


@pytest.fixture(scope="module")
def made(images, brightness, grid, options):
    return mosaic(images, brightness, grid, whole(grid), options)


def test_gains_and_offsets_of_the_cameras_are_undone(brightness):
    gains, offsets = np.array([1.0, 0.7, 1.6]), np.array([0.0, 5.0, -4.0])
    np.testing.assert_allclose(brightness.gain * gains, 1.0, atol=0.01)
    np.testing.assert_allclose(brightness.gain * offsets + brightness.offset_dn, 0.0, atol=0.7)


def test_there_is_no_step_between_images(made, images, grid):
    truth = ground(*on_map(*lonlat(grid)))
    error = made["signal"].to_numpy() - truth
    image = made["image"].to_numpy()
    levels = [float(np.mean(error[image == number])) for number in range(3)]
    assert max(levels) - min(levels) < 0.2
    # Without the match the steps are of tens of DN.
    options = OPTIONS.model_copy(update={"match_brightness": False})
    raw = mosaic(images, match_images(images, grid, options), grid, whole(grid), options)
    error = raw["signal"].to_numpy() - truth
    levels = [float(np.mean(error[raw["image"].to_numpy() == number])) for number in range(3)]
    assert max(levels) - min(levels) > 20


def test_errors_of_the_mosaic_are_those_that_it_states(images, grid, folder):
    flat = [
        replace(image, image=image.image.copy(deep=True), _kept=type(image._kept)()) for image in images[::2]
    ]
    rng = np.random.default_rng(3)
    for image, noise in zip(flat, (0.5, 2.0), strict=True):
        image.image["signal"][:] = 100.0 + noise * rng.standard_normal(image.image["signal"].shape)
    options = OPTIONS.model_copy(update={"match_brightness": False})
    made = mosaic(flat, match_images(flat, grid, options), grid, whole(grid), options)
    z = (made["signal"].to_numpy() - 100.0) / made["signal_std"].to_numpy()
    for count in (1, 2):
        assert np.std(z[made["count"].to_numpy() == count]) == pytest.approx(1.0, abs=0.03)


def test_weights_are_inverse_variances_inside_and_fade_at_the_edge(images, brightness, grid, options):
    pair = [images[0], images[2]]
    both = replace(brightness, gain=np.ones(2), offset_dn=np.zeros(2), reference=np.zeros(2, int))
    sharp = options.model_copy(update={"feather_m": 0.0, "reference": None})
    one, two = (mosaic([image], both, grid, whole(grid), sharp)["signal_std"].to_numpy() for image in pair)
    made = mosaic(pair, both, grid, whole(grid), sharp)["signal_std"].to_numpy()
    shared = np.isfinite(one) & np.isfinite(two)
    np.testing.assert_allclose(made[shared], (one**-2.0 + two**-2.0)[shared] ** -0.5, rtol=1e-4)
    soft = mosaic(pair, both, grid, whole(grid), options)
    assert (soft["signal_std"].to_numpy()[shared] >= made[shared] * 0.9999).all()
    assert {0, 1} <= set(np.unique(soft["image"].to_numpy()[shared]))


def test_count_and_image_say_who_was_there(made):
    count, image = made["count"].to_numpy(), made["image"].to_numpy()
    assert set(np.unique(count)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(image == -1, count == 0)
    np.testing.assert_array_equal(np.isnan(made["signal"].to_numpy()), count == 0)
    assert made.attrs["reference"] == ["M0203LE"] * 3


def test_images_that_do_not_overlap_are_mapped_with_a_warning(folder, images):
    far = strip(PLANNED[2], folder, "left")
    options = OPTIONS.model_copy(update={"pixel_m": 20.0})
    pair = [images[0], far]
    grid = grid_for(options, [image.camera for image in pair])
    assert shared_ground(pair, grid) == []
    found = match_images(pair, grid, options)
    (said,) = warnings_of(found, pair, grid, options)
    assert "could not be matched in brightness: M0203LE | M0205LE" in said
    made = mosaic(pair, found, grid, whole(grid), options)
    assert {-1, 0, 1} == set(np.unique(made["image"].to_numpy()))


def test_an_image_without_contrast_of_its_own_is_warned_of(images, grid, options, brightness):
    assert warnings_of(brightness, images, grid, options) == []
    unsure = replace(brightness, gain_std=np.array([0.0, 0.03, 0.09]))
    (said,) = warnings_of(unsure, images, grid, options)
    assert said.startswith(f"{images[2].name} has hardly any contrast of its own")
    assert "known to 9% only" in said


def test_a_reference_that_is_no_image_is_refused(images, grid):
    with pytest.raises(ValueError, match="is M1LE, which is none of the images: M0203LE"):
        match_images(images, grid, OPTIONS.model_copy(update={"reference": "M1LE"}))


def test_the_mosaic_does_not_depend_on_its_windows(images, brightness, grid, options, made):
    for window in (
        {"y": slice(128, 256), "x": slice(0, 50)},
        {"y": slice(77, 300), "x": slice(11, 40)},
    ):
        part = mosaic(images, brightness, grid, window, options)
        for name in part.data_vars:
            np.testing.assert_array_equal(part[name], made[name][window["y"], window["x"]])


def run(*arguments):
    result = CliRunner().invoke(app, ["optical", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def stored(tmp_path_factory, images, folder):
    """Denoised images as stores, and a configuration that knows the kernels."""
    place = tmp_path_factory.mktemp("stored")
    of = settings(pixel_m=4.0)
    paths = []
    for image in images[:2]:
        paths.append(place / f"{image.name}.zarr")
        write_store(image.image, paths[-1], kind="nac_denoised", settings=of)
    config = place / "config.yaml"
    text = of.to_yaml().replace("kernels: []", f"kernels: [{folder}]")
    config.write_text(text)
    return place, config, paths


def test_the_verbs_write_a_mosaic_and_geotiffs(stored):
    place, config, paths = stored
    given = [f"--images={path}" for path in paths]
    run("mosaic", "--config", config, *given, "--out", place / "mosaic.zarr")
    manifest = read_manifest(place / "mosaic.zarr")
    assert manifest["kind"] == "nac_mosaic"
    assert [image["product_id"] for image in manifest["details"]["images"]] == ["M0203LE", "M0203RE"]
    assert manifest["details"]["images"][0]["geometry"]["body_frame"] == "IAU_MOON"
    # The synthetic kernels have no other frame.
    (warned,) = manifest["details"]["warnings"]
    assert "IAU_MOON is used, which may be 100 m off" in warned
    assert {"M0203LE.zarr", "synthetic_orbit.bsp", "synthetic.tsc"} <= set(manifest["inputs"])
    assert len(manifest["details"]["overlaps"]) == 1
    run("cog", "--mosaic", place / "mosaic.zarr", "--folder", place / "cogs", "--out", place / "cogs.json")
    listed = json.loads((place / "cogs.json").read_text())["files"]
    assert sorted(listed) == ["count.tif", "image.tif", "signal.tif", "signal_std.tif"]
    dataset = open_store(place / "mosaic.zarr", kind="nac_mosaic")
    with rasterio.open(place / "cogs" / "signal.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), dataset["signal"].to_numpy())
        assert raster.transform.a == 4.0


@pytest.fixture
def standard(stored, images, tmp_path):
    """The stored images as another calibration leaves them, 10 DN brighter."""
    paths = []
    for image in images[:2]:
        paths.append(tmp_path / f"{image.name}.zarr")
        brighter = image.image[["signal"]] + 10.0
        brighter["signal"].attrs = image.image["signal"].attrs
        brighter.attrs = image.image.attrs
        write_store(brighter, paths[-1], kind="nac_calibrated", settings=settings())
    return paths


def test_the_standard_calibration_is_laid_out_as_the_denoised_images_are(stored, standard, tmp_path):
    _, config, paths = stored
    given = [f"--images={path}" for path in paths]
    made = []
    for name, more in (("denoised", []), ("standard", [f"--standard={path}" for path in standard])):
        run("mosaic", "--config", config, *given, *more, "--out", tmp_path / f"{name}.zarr")
        made.append(open_store(tmp_path / f"{name}.zarr", kind="nac_mosaic").compute())
    denoised, shown = made
    assert list(shown.data_vars) == ["signal"]
    assert shown["signal"].attrs["long_name"].endswith("as the standard calibration leaves it")
    added = (shown["signal"] - denoised["signal"]).to_numpy()
    np.testing.assert_array_equal(np.isfinite(added), denoised["count"].to_numpy() > 0)
    # The denoised images' corrections hold for both: what was added is multiplied by the gain of its image.
    alone, image = denoised["count"].to_numpy() == 1, denoised["image"].to_numpy()
    for number, about in enumerate(read_manifest(tmp_path / "standard.zarr")["details"]["images"]):
        np.testing.assert_allclose(added[alone & (image == number)], 10.0 * about["gain"], rtol=1e-4)


def test_an_image_without_its_standard_calibration_is_named(stored, standard):
    place, config, paths = stored
    given = [*(f"--images={path}" for path in paths), f"--standard={standard[0]}"]
    with pytest.raises(ValueError, match="M0203RE: is either denoised or calibrated, not both"):
        run("mosaic", "--config", config, *given, "--out", place / "z.zarr")


def test_the_digest_is_the_same_however_the_mosaic_is_cut(stored):
    place, config, paths = stored
    given = [f"--images={path}" for path in paths]
    digests = []
    for name, tile in (("a", 128), ("b", 512)):
        other = place / f"{name}.yaml"
        other.write_text(config.read_text().replace("tile: 512", f"tile: {tile}"))
        run("mosaic", "--config", other, *given, "--out", place / f"{name}.zarr")
        digests.append(read_manifest(place / f"{name}.zarr")["digest"])
    assert digests[0] == digests[1]


def test_the_verb_project_maps_one_image(stored):
    place, config, paths = stored
    run("project", "--config", config, "--image", paths[1], "--out", place / "one.zarr")
    dataset = open_store(place / "one.zarr", kind="nac_projected")
    good = dataset["mask"].to_numpy() == 0
    np.testing.assert_array_equal(np.isfinite(dataset["signal"].to_numpy()), good)
    assert good.any()
    assert dataset.attrs["product_id"] == "M0203RE"


def test_an_image_given_twice_is_refused(stored):
    place, config, paths = stored
    with pytest.raises(ValueError, match="M0203LE is given twice"):
        run(
            "mosaic",
            "--config",
            config,
            f"--images={paths[0]}",
            f"--images={paths[0]}",
            "--out",
            place / "x.zarr",
        )


def test_missing_kernels_are_named(stored, tmp_path):
    place, config, paths = stored
    text = config.read_text()
    start = text.index("kernels: [")
    (tmp_path / "c.yaml").write_text(text[:start] + "kernels: []" + text[text.index("]", start) + 1 :])
    with pytest.raises(ValueError, match=r"set 'optical\.geometry\.kernels'"):
        run("project", "--config", tmp_path / "c.yaml", "--image", paths[0], "--out", place / "y.zarr")
