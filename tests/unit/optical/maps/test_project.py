"""An image lands on the map where its ground is, with the errors that averaging leaves."""

import numpy as np
import pytest
from nac_strips import flight, ground, kernels, on_map, settings, strip
from scipy.signal import lfilter

from nightside.config.geometry import Geometry, Mosaic
from nightside.optical.map_grid import NothingToMap, TooFarApart, grid_for
from nightside.optical.open_strips import geometry_warnings
from nightside.optical.project import meets, project
from nightside.optical.resample import INDEPENDENT, ErrorCorrelation
from nightside.store import lonlat


def whole(grid):
    return {d: slice(0, int(n)) for d, n in zip(("y", "x"), grid.shape, strict=True)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return kernels(
        tmp_path_factory.mktemp("kernels"),
        flight(0, aim="left"),
        flight(1, aim="left", heading_deg=37.0),
        flight(2, aim="left", latitude_deg=5.0, longitude_deg=359.99),
        flight(3, aim="left", lines=300, exposure_ms=3.0),
    )


@pytest.fixture(scope="module")
def image(folder):
    return strip(flight(0, aim="left"), folder)


def shift_pixels(found, truth):
    """Return by how many pixels of the map, in rows and columns, an image is displaced from the truth."""
    down, across = np.gradient(truth)
    good = np.isfinite(found)
    slopes = np.stack([down[good], across[good]], axis=1)
    return np.linalg.lstsq(slopes, (truth - found)[good], rcond=None)[0]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("pixel_m", [1.0, 2.5])
def test_a_checkerboard_lands_where_it_lies(folder, number, pixel_m):
    planned = flight(number, aim="left", heading_deg=37.0 if number else 0.0)
    image = strip(planned, folder)
    grid = grid_for(Mosaic(pixel_m=pixel_m), [image.camera])
    found = project(image, grid, whole(grid))
    truth = ground(*on_map(*lonlat(grid)))
    down, across = image.camera.pixel_size_m()
    area_m2 = image.label.lines * down * (image.scene[1] - image.scene[0]) * across
    assert np.isfinite(found.signal).sum() * pixel_m**2 == pytest.approx(area_m2, rel=0.02)
    assert np.abs(shift_pixels(found.signal, truth)).max() < 0.02
    good = np.isfinite(found.signal) & (found.edge_m > 10)
    # The error is of the kernel's making, a few per cent of the contrast of 30 DN.
    assert np.std((found.signal - truth)[good]) < 2.5


def test_a_displaced_scene_is_seen_as_displaced(folder):
    image = strip(flight(0, aim="left"), folder, scene=lambda x, y: ground(x - 0.3, y + 0.2))
    grid = grid_for(Mosaic(pixel_m=1.0), [image.camera])
    found = project(image, grid, whole(grid))
    shift = shift_pixels(found.signal, ground(*on_map(*lonlat(grid))))
    np.testing.assert_allclose(shift, [0.2, 0.3], atol=0.02)


def test_an_equatorial_image_lands_on_both_sides_of_the_prime_meridian(folder):
    planned = flight(2, aim="left", latitude_deg=5.0, longitude_deg=359.99)
    image = strip(planned, folder, scene=lambda x, y: x)
    grid = grid_for(Mosaic(pixel_m=2.0), [image.camera])
    lon, lat = lonlat(grid)
    found = project(image, grid, whole(grid))
    assert (lon[0] > 359).any()
    assert (lon[0] < 1).any()
    good = np.isfinite(found.signal)
    assert good.mean() > 0.5
    x = on_map(lon, lat)[0]
    np.testing.assert_allclose(found.signal[good], x[good], rtol=0, atol=2.0)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 1.0])
def test_the_standard_deviation_is_that_of_the_noise_after_averaging(folder, correlation):
    planned = flight(0, aim="left")
    image = strip(planned, folder, noise_dn=5.0, scene=lambda x, y: 0 * x)
    if correlation:
        rng = np.random.default_rng(1)
        common = [5.0 * np.sqrt(correlation) * rng.standard_normal(), 5.0 * np.sqrt(1 - correlation)]
        shape = image.image["signal"].shape
        image.image["signal"][:] = common[0] + common[1] * rng.standard_normal(shape)
    grid = grid_for(Mosaic(pixel_m=4.0), [image.camera])
    found = project(image, grid, whole(grid), ErrorCorrelation(far=correlation))
    good = (found.mask == 0) & (found.edge_m > 20)
    spread = np.std(found.signal[good])
    within = np.sqrt(max(found.std[good].mean() ** 2 - correlation * 25.0, 0.0))
    assert spread == pytest.approx(within, rel=0.03, abs=1e-3)
    if correlation == 0:
        # Some eighteen pixels are averaged, less the loss of the kernel's negative lobes.
        assert 0.2 < spread / 5.0 < 0.35


@pytest.mark.parametrize("pixel_m", [1.0, 1.7, 4.0])
def test_errors_that_neighbours_share_are_not_averaged_away(folder, pixel_m):
    image = strip(flight(0, aim="left"), folder, noise_dn=5.0, scene=lambda x, y: 0 * x)
    # An autoregression along lines and samples: errors k pixels apart are correlated 0.7^k.
    noise = image.image["signal"].to_numpy().astype(float)
    for axis in (0, 1):
        noise = lfilter([np.sqrt(1 - 0.7**2)], [1.0, -0.7], noise, axis=axis)
    image.image["signal"][:] = noise
    grid = grid_for(Mosaic(pixel_m=pixel_m), [image.camera])
    stated = {}
    for errors in (ErrorCorrelation(near=0.7), INDEPENDENT):
        found = project(image, grid, whole(grid), errors)
        good = (found.mask == 0) & (found.edge_m > 30)
        stated[errors] = np.std(found.signal[good]) / found.std[good].mean()
    assert stated[ErrorCorrelation(near=0.7)] == pytest.approx(1.0, abs=0.05)
    assert stated[INDEPENDENT] > 1.1


def test_long_pixels_are_averaged_across_the_track_only(folder):
    # At 3 ms a pixel is 1 m wide and 4.8 m long; on a map of 2.5 m it is interpolated along the track.
    image = strip(
        flight(3, aim="left", lines=300, exposure_ms=3.0), folder, noise_dn=1.0, scene=lambda x, y: 0 * x
    )
    grid = grid_for(Mosaic(pixel_m=2.5), [image.camera])
    found = project(image, grid, whole(grid))
    good = found.mask == 0
    assert np.std(found.signal[good]) == pytest.approx(np.sqrt((found.std[good] ** 2).mean()), rel=0.03)
    assert 0.4 < found.std[good].mean() < 0.75


def test_bad_pixels_are_masked_and_leave_no_trace_beside_them(image, folder):
    spoilt = strip(flight(0, aim="left"), folder, scene=lambda x, y: 50.0 + 0 * x)
    spoilt.image["mask"][200:204, 1000:1006] = 1
    spoilt.image["signal"][200:204, 1000:1006] = 4e3
    spoilt.image["signal"][220, 1200] = np.nan
    grid = grid_for(Mosaic(pixel_m=1.0), [spoilt.camera])
    found = project(spoilt, grid, whole(grid))
    np.testing.assert_allclose(found.signal[found.mask == 0], 50.0, rtol=1e-5)
    assert (found.mask == 1).sum() >= 10
    assert set(np.unique(found.mask)) == {0, 1, 4}
    assert np.isnan(found.signal[found.mask != 0]).all()
    lon, lat = spoilt.camera.ground(220.0, 1200.0)
    line, sample = spoilt.camera.image(*lonlat(grid))
    hole = (np.abs(line - 220) < 0.4) & (np.abs(sample - 1200) < 0.4)
    assert (found.mask[hole] == 4).all()
    assert np.isfinite([lon, lat]).all()


def test_masked_samples_of_the_camera_see_nothing(image):
    grid = grid_for(Mosaic(pixel_m=1.0), [image.camera])
    found = project(image, grid, whole(grid))
    _, sample = image.camera.image(*lonlat(grid))
    outside = (sample < image.scene[0] - 0.5) | (sample > image.scene[1] - 0.5)
    assert outside.any()
    assert (found.mask[outside] == 4).all()


def test_a_pixel_is_the_same_to_the_last_bit_in_any_window(image):
    grid = grid_for(Mosaic(pixel_m=1.5), [image.camera])
    found = project(image, grid, whole(grid))
    for y, x in ((slice(100, 228), slice(30, 158)), (slice(101, 150), slice(3, 100))):
        part = project(image, grid, {"y": y, "x": x})
        for name in ("signal", "std", "mask", "edge_m"):
            np.testing.assert_array_equal(getattr(part, name), getattr(found, name)[y, x])


def test_windows_without_the_image_are_skipped_and_others_are_not(folder):
    image = strip(flight(1, aim="left", heading_deg=37.0), folder)
    grid = grid_for(Mosaic(pixel_m=1.5), [image.camera])
    found = project(image, grid, whole(grid))
    rows, columns = (int(n) for n in grid.shape)
    skipped = 0
    for top in range(0, rows, 100):
        for left in range(0, columns, 100):
            window = {"y": slice(top, min(top + 100, rows)), "x": slice(left, min(left + 100, columns))}
            if not meets(image, grid, window):
                skipped += 1
                assert not (found.mask[window["y"], window["x"]] == 0).any()
    assert skipped > 5


def test_a_region_that_meets_no_image_is_refused_and_says_where_the_images_are(image):
    extent = {
        "projection": "polar_stereographic",
        "longitude_deg": 10.0,
        "latitude_deg": -80.0,
        "width_km": 3,
        "pixel_m": 2.0,
    }
    options = settings(extent=extent).optical.mosaic
    with pytest.raises(NothingToMap, match=r"meets no image \(M0203LE at \d+\.\d+ E, -8\d\.\d+ N\)"):
        grid_for(options, [image.camera])


def test_a_region_smaller_than_the_image_is_met(image):
    extent = {
        "projection": "polar_stereographic",
        "longitude_deg": 90.0,
        "latitude_deg": -86.0,
        "width_km": 0.1,
        "pixel_m": 2.0,
    }
    grid = grid_for(settings(extent=extent).optical.mosaic, [image.camera])
    assert np.isfinite(project(image, grid, whole(grid)).signal).all()


@pytest.fixture(scope="module")
def far_apart(tmp_path_factory):
    """Two images of one place, one 200 km away, one at the other pole, one near the equator."""
    flights = [
        flight(0, aim="left"),
        flight(1, aim="left"),
        flight(2, aim="left", latitude_deg=-82.0, longitude_deg=130.0),
        flight(3, aim="left", latitude_deg=86.0),
        flight(4, aim="left", latitude_deg=10.0),
    ]
    folder = kernels(tmp_path_factory.mktemp("far_apart"), *flights)
    return [strip(each, folder, scene=lambda x, y: x).camera for each in flights]


def test_images_that_lie_far_apart_are_refused_with_the_grid_and_their_places(far_apart):
    with pytest.raises(TooFarApart) as caught:
        grid_for(Mosaic(pixel_m=0.5), far_apart[:3])
    told = str(caught.value)
    assert "pixels of 0.5 m, " in told
    assert " GB, of which they cover one in " in told
    for camera in far_apart[:3]:
        assert camera.name in told
    assert "129.9" in told or "130.0" in told
    for remedy in ("a mosaic of each place", "'optical.mosaic.extent'", "'optical.mosaic.pixel_m' to "):
        assert remedy in told
    coarser_m = float(told.split("'optical.mosaic.pixel_m' to ")[1].split()[0])
    assert grid_for(Mosaic(pixel_m=coarser_m), far_apart[:3]).shape.x > 1000


def test_images_of_one_place_are_never_too_far_apart(far_apart):
    for pixel_m in (0.21, 1.0, 50.0):
        grid_for(Mosaic(pixel_m=pixel_m), far_apart[:2])


@pytest.mark.parametrize("projection", ["auto", "polar_stereographic"])
def test_images_of_both_poles_are_refused_as_such(far_apart, projection):
    with pytest.raises(TooFarApart, match=r"lie at both poles.* mosaic of those of each pole"):
        grid_for(Mosaic(projection=projection), [far_apart[0], far_apart[3]])


def test_an_image_of_the_equator_beside_one_of_a_pole_is_refused(far_apart):
    with pytest.raises(TooFarApart, match=r"so far apart .* 10\.\d+ N"):
        grid_for(Mosaic(), [far_apart[0], far_apart[4]])


def test_constants_and_frames_that_no_kernel_gives_are_told(tmp_path):
    own = Geometry(frame="IAU_MOON")  # the synthetic kernels have no other
    folder = kernels(tmp_path, flight(0, aim="left"))
    whole = strip(flight(0, aim="left"), folder)
    assert geometry_warnings([whole], own) == []
    assert "IAU_MOON is used, which may be 100 m off" in geometry_warnings([whole], Geometry())[0]
    for file in folder.glob("*.ti"):
        file.unlink()
    (told,) = geometry_warnings([strip(flight(0, aim="left"), folder)], own)
    assert "no instrument kernel (IK)" in told
