"""The web map in Chromium: what it draws is what the files hold, where it is."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from matplotlib import colormaps
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

import nightside
from nightside import moon
from nightside.query.places import cell_of
from nightside.store import Band, write_cog
from nightside.store.grid import cell_index, crs_of, from_lonlat
from nightside.viewer.page import export, page_files
from nightside.viewer.projections import MAPS

from .conftest import DEGREE_M, POLAR, SIZE, THERMAL, Truth, picture

pytestmark = pytest.mark.browser

SOUTH = crs_of(POLAR)
EQUIRECTANGULAR = crs_of(THERMAL)
RIGHT = 0.72
"""Where, of the window's width, the middle of the map is laid in these tests: right of the panel."""


def address(
    site: str, key: str, middle: tuple[float, float], resolution: float, layers: str, rest: str = ""
) -> str:
    """Return the link to a view in which a place (m) lies right of the panel."""
    x = middle[0] - (RIGHT - 0.5) * SIZE[0] * resolution
    return f"{site}?{time.monotonic_ns()}#map={key}&at={x:.9g},{middle[1]:.9g},{resolution:.9g}&layers={layers}{rest}"


def pixel(middle: tuple[float, float], resolution: float, place: tuple[float, float]) -> tuple[int, int]:
    """Return row and column of the window where a place (m) lies."""
    return (
        int(SIZE[1] / 2 - (place[1] - middle[1]) / resolution),
        int(RIGHT * SIZE[0] + (place[0] - middle[0]) / resolution),
    )


def colour(value: float, scale: str, low: float, high: float) -> np.ndarray:
    """Return the colour that a value should have, as bytes."""
    index = int(np.clip((value - low) / (high - low) * 256, 0, 255))
    return np.round(np.array(colormaps[scale](index)[:3]) * 255).astype(int)


def centre(grid: GeoBox, row: int, column: int) -> tuple[float, float]:
    return (
        grid.affine @ (column + 0.5, row + 0.5)
        if hasattr(grid.affine, "__matmul__")
        else grid.affine * (column + 0.5, row + 0.5)
    )


def shows(browser, where: tuple[int, int], expected: np.ndarray, within_s: float = 20.0) -> None:
    """Wait until a pixel has a colour, to 2 of 255."""
    until = time.monotonic() + within_s
    while True:
        found = picture(browser)[where].astype(int)
        if np.abs(found - expected).max() <= 2:
            return
        assert time.monotonic() < until, f"pixel {where} has {found}, not {expected}"
        time.sleep(0.2)


def read(browser, layer: str) -> str:
    """Wait for the value of a layer in the list of the place."""
    return str(wait(browser, f'tr[data-layer="{layer}"] td').get_attribute("textContent"))


def wait(browser, selector: str):
    until = time.monotonic() + 20.0
    while not (found := browser.find_elements("css selector", selector)):
        assert time.monotonic() < until, f"nothing matches {selector}"
        time.sleep(0.1)
    return found[0]


def click(browser, where: tuple[int, int]) -> None:
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    actions = ActionBuilder(browser)
    actions.pointer_action.move_to_location(where[1], where[0]).click()
    actions.perform()


@pytest.mark.parametrize(
    ("layer", "scale", "low", "high"),
    [
        ("thermal/anomaly_score", "inferno", 0.0, 3.0),
        ("thermal/latent_mean_onset", "berlin", 11.0, 13.0),
        ("physics/quality", "viridis", 0.0, 2.5),
    ],
)
def test_pixels_have_the_colours_of_the_files_values(
    browser, site: str, truth: Truth, layer: str, scale: str, low: float, high: float
) -> None:
    middle, resolution = centre(THERMAL, 10, 14), 150.0
    browser.get(
        address(
            site, "equirectangular", middle, resolution, f"{layer}~{scale}~{low}~{high}~1", "&anomalies=no"
        )
    )
    values = truth.values[layer]
    for row, column in ((10, 14), (8, 21), (2, 12), (17, 19), (9, 25)):
        where = pixel(middle, resolution, centre(THERMAL, row, column))
        shows(browser, where, colour(float(values[row, column]), scale, low, high))


def test_ground_without_data_is_transparent(browser, site: str, truth: Truth) -> None:
    middle, resolution = centre(THERMAL, 3, 4), 150.0
    assert np.isnan(truth.values["thermal/anomaly_score"][3, 4])
    browser.get(address(site, "equirectangular", middle, resolution, "thermal/anomaly_score~viridis~0~3~1"))
    neighbour = pixel(middle, resolution, centre(THERMAL, 3, 5))
    shows(browser, neighbour, colour(float(truth.values["thermal/anomaly_score"][3, 5]), "viridis", 0.0, 3.0))
    assert picture(browser)[pixel(middle, resolution, middle)].max() < 50


def test_a_polar_view_shows_each_place_where_it_is(browser, site: str, truth: Truth) -> None:
    """An equirectangular layer in the polar projection: longitude and latitude decide, by another library."""
    lonlat = (0.85, -79.95)
    to_map = from_lonlat(SOUTH)
    middle, resolution = to_map.transform(*lonlat), 100.0
    browser.get(
        address(site, "south", middle, resolution, "thermal/anomaly_score~viridis~0~3~1", "&anomalies=no")
    )
    values = truth.values["thermal/anomaly_score"].ravel()
    for place in (lonlat, (0.25, -79.45), (-1.47, -80.25), (1.47, -80.97), (-1.47, -79.03)):
        value = float(values[cell_index(THERMAL, *place)])
        shows(
            browser, pixel(middle, resolution, to_map.transform(*place)), colour(value, "viridis", 0.0, 3.0)
        )


def test_a_click_gives_the_values_the_profile_and_its_reconstruction(
    browser, site: str, truth: Truth
) -> None:
    middle, resolution = centre(THERMAL, 9, 22), 150.0
    browser.get(address(site, "equirectangular", middle, resolution, "thermal/anomaly_score~viridis~0~3~1"))
    shows(
        browser,
        pixel(middle, resolution, centre(THERMAL, 9, 18)),
        colour(float(truth.values["thermal/anomaly_score"][9, 18]), "viridis", 0.0, 3.0),
    )
    click(browser, pixel(middle, resolution, middle))
    assert read(browser, "thermal/anomaly_score") == "9"
    onset = float(read(browser, "thermal/latent_mean_onset"))
    assert onset == pytest.approx(float(truth.values["thermal/latent_mean_onset"][9, 22]), rel=1e-4)
    assert int(read(browser, "physics/quality")) == truth.values["physics/quality"][9, 22]
    text = browser.find_element("id", "page-place").text
    assert "79.95" in text
    assert "0.75" in text
    wait(browser, ".curve.rebuilt")
    rms = float(browser.find_element("css selector", ".day").get_attribute("data-rms"))
    assert rms == pytest.approx(float(truth.values["reconstruction_error"][9, 22]), rel=1e-3)
    assert len(browser.find_elements("css selector", ".part")) == 2


def test_the_values_of_a_click_are_those_of_a_query(browser, site: str, truth: Truth) -> None:
    """To the last digit, which the table tells under the pointer; a named latent in hours everywhere."""
    lon, lat = 0.75, -79.95
    tree = nightside.open(truth.folder)
    asked = tree.nightside.point(lon, lat).set_index("layer")["value"]
    browser.get(f"{site}?{time.monotonic_ns()}#place={lon},{lat}")
    for layer, name in (
        ("thermal/latent_mean_onset", "latent_mean[onset]"),
        ("thermal/latent_std_onset", "latent_std[onset]"),
        ("thermal/latent_mean_free_1", "latent_mean[free_1]"),
        ("thermal/reconstruction_error", "reconstruction_error"),
    ):
        cell = wait(browser, f'tr[data-layer="{layer}"] td')
        assert float(cell.get_attribute("title")) == asked[name], layer
    assert asked["latent_mean[onset]"] == float(tree["thermal/maps"].latent_mean.sel(latent="onset")[9, 22])
    assert asked["latent_mean[onset]"] == pytest.approx(truth.values["thermal/latent_mean_onset"][9, 22])
    wait(browser, ".part")
    browser.find_element("id", "tab-place").click()
    part = browser.find_element("css selector", ".part").text
    assert part.startswith(f"onset\n{asked['latent_mean[onset]']:.3g} h")


def test_both_conventions_of_longitude_are_given(browser, site: str) -> None:
    browser.get(f"{site}?{time.monotonic_ns()}#place=-0.75,-80.25")
    read(browser, "thermal/anomaly_score")
    browser.find_element("id", "tab-place").click()
    text = browser.find_element("css selector", ".coordinates").text
    assert "0.750000° W" in text
    assert "359.250000° E" in text


def test_the_parting_moves_by_mouse_and_keys(browser, site: str, truth: Truth) -> None:
    from selenium.webdriver.common.actions.action_builder import ActionBuilder
    from selenium.webdriver.common.keys import Keys

    middle, resolution = centre(POLAR, 3, 12), 25.0
    before, after = (
        colour(float(truth.values[name][3, 12]), "gray", 1.0, 5.0)
        for name in ("optical/standard/signal", "optical/signal")
    )
    assert np.abs(before - after).max() > 60
    rest = "&anomalies=no&swipe=optical/standard/signal~optical/signal~0.5"
    browser.get(address(site, "south", middle, resolution, "optical/signal~gray~1~5~1", rest))
    where = pixel(middle, resolution, middle)
    shows(browser, where, after)
    bar = browser.find_element("id", "swipe")
    actions = ActionBuilder(browser)
    actions.pointer_action.move_to_location(SIZE[0] // 2, 600).pointer_down().move_to_location(
        int(0.9 * SIZE[0]), 600
    ).pointer_up()
    actions.perform()
    shows(browser, where, before)
    assert bar.get_attribute("aria-valuenow") == "90"
    bar.send_keys(Keys.HOME)
    shows(browser, where, after)
    bar.send_keys(Keys.END)
    shows(browser, where, before)
    assert "~optical/signal~1&" in browser.current_url


def published(folder: Path, truth: Truth, *layers: str) -> Path:
    """Return a results folder with these GeoTIFFs alone."""
    for layer in layers:
        (folder / layer).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(truth.folder / layer, folder / layer)
    return folder


def test_the_first_pair_to_compare_shares_ground(
    browser, truth: Truth, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    """Without a mosaic of the standard calibration: the polar mosaic, and maps 10 degrees away."""
    folder = published(
        tmp_path / "run",
        truth,
        "optical/cog/signal.tif",
        "thermal/cog/anomaly_score.tif",
        "physics/cog/quality.tif",
    )
    browser.get(serve(folder))
    wait(browser, ".card")
    browser.find_element("id", "tab-compare").click()
    chosen = [
        select.get_attribute("value") for select in browser.find_elements("css selector", ".field select")
    ]
    assert set(chosen) == {"thermal/anomaly_score", "physics/quality"}
    browser.find_element("id", "compare").click()
    assert browser.find_element("id", "swipe").is_displayed()
    left = browser.find_element("css selector", ".field select")
    left.find_element("css selector", 'option[value="optical/signal"]').click()
    assert not browser.find_element("id", "swipe").is_displayed()
    assert "do not overlap" in browser.find_element("id", "page-compare").text
    assert not browser.find_element("id", "compare").is_enabled()
    assert "swipe=" not in browser.current_url


def test_where_no_two_layers_overlap_there_is_a_word_and_no_bar(
    browser, truth: Truth, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    folder = published(tmp_path / "run", truth, "optical/cog/signal.tif", "thermal/cog/anomaly_score.tif")
    url = serve(folder)
    browser.get(f"{url}#swipe=optical/signal~thermal/anomaly_score~0.5")
    wait(browser, ".card")
    assert not browser.find_element("id", "swipe").is_displayed()
    browser.find_element("id", "tab-compare").click()
    assert "nothing to compare" in browser.find_element("id", "page-compare").text
    assert not browser.find_elements("id", "compare")


LABELS = """
const pen = document.createElement('canvas').getContext('2d');
return viewer.graticule.getSource().getFeatures().filter((f) => f.get('label')).map((f) => {
  const text = f.get('label').getText();
  pen.font = text.getFont();
  const { width } = pen.measureText(text.getText());
  const [x, y] = viewer.map.getPixelFromCoordinate(f.getGeometry().getCoordinates());
  const left = x + text.getOffsetX() - (text.getTextAlign() === 'right' ? width : 0);
  return { text: text.getText(), left, right: left + width, top: y + text.getOffsetY() - 5, bottom: y + text.getOffsetY() + 5 };
});
"""
OVER_THE_MAP = """
return ['panel', 'globe', 'pointer'].map((id) => document.getElementById(id)).concat(
  [...document.querySelectorAll('.ol-zoom, .ol-scale-line')]).map((e) => e.getBoundingClientRect().toJSON());
"""


@pytest.mark.parametrize("size", [SIZE, (390, 844)])
@pytest.mark.parametrize(
    "view", ["equirectangular&at=0,-2425796,60", "equirectangular&at=0,0,9000", "south&at=0,0,900"]
)
def test_no_label_of_the_grid_lies_under_anything(sized, site: str, size: tuple[int, int], view: str) -> None:
    browser = sized
    browser.get(f"{site}?{time.monotonic_ns()}#map={view}")
    wait(browser, ".card")
    wait(browser, ".ol-scale-line-inner")
    for folded in (False, True):
        if folded:
            browser.find_element("id", "fold").click()
        time.sleep(1.0)
        labels, others = browser.execute_script(LABELS), browser.execute_script(OVER_THE_MAP)
        assert len({label["text"][-1] for label in labels} & set("NSEW°")) >= 2, labels
        assert len(labels) >= 4
        for k, label in enumerate(labels):
            assert min(label["left"], label["top"]) >= 0
            assert label["right"] <= size[0]
            assert label["bottom"] <= size[1]
            for other in [*others, *labels[:k]]:
                assert (
                    label["right"] <= other["left"]
                    or label["left"] >= other["right"]
                    or label["bottom"] <= other["top"]
                    or label["top"] >= other["bottom"]
                ), (label, other)


@pytest.mark.parametrize("size", [SIZE, (390, 844)])
@pytest.mark.parametrize("at", ["&at=22742,-2425796,150", "&at=-60000,-2425796,100&window=1800,900", ""])
def test_the_place_of_a_link_is_in_sight_and_told(sized, site: str, size: tuple[int, int], at: str) -> None:
    """Also where the window is smaller than the one that the link was made in."""
    browser = sized
    browser.get(f"{site}?{time.monotonic_ns()}#map=equirectangular{at}&place=0.75,-79.95")
    assert read(browser, "thermal/anomaly_score") == "9"
    assert browser.find_element("id", "page-place").is_displayed()
    x, y = browser.execute_script(
        "return viewer.map.getPixelFromCoordinate(viewer.marker.getFeatures()[0].getGeometry().getCoordinates())"
    )
    panel = browser.find_element("id", "panel").rect
    assert 0 < x < size[0]
    assert 0 < y < size[1]
    beside, above = panel["x"] + panel["width"] < x, panel["y"] > y
    assert beside or above


@pytest.mark.parametrize(
    ("at", "rest"),
    [
        # Beyond its own window, in a window that would hold it, and beyond one that the link does not tell.
        ("-60000,-2425796,100", "&window=1000,900"),
        ("-300000,-2300000,100", ""),
        # Under the bar, and under the panel.
        ("68742,-2425796,100", "&swipe=thermal/anomaly_score~physics/quality~0.5"),
    ],
)
def test_a_link_stays_where_it_was_made_without_its_place(browser, site: str, at: str, rest: str) -> None:
    link = f"{site}?{time.monotonic_ns()}#map=equirectangular&at={at}{rest}&place=0.75,-79.95"
    browser.get(link)
    assert read(browser, "thermal/anomaly_score") == "9"
    assert browser.execute_script("return viewer.map.getView().getCenter()") == [
        float(value) for value in at.split(",")[:2]
    ]
    assert f"at={at}&" in browser.current_url


def test_a_link_restores_a_comparison_made_far_from_the_place(browser, site: str) -> None:
    """The place of a thermal map, then the mosaics before and after at the pole."""
    browser.get(f"{site}?{time.monotonic_ns()}#place=0.75,-79.95")
    read(browser, "thermal/anomaly_score")
    browser.find_element("id", "tab-compare").click()
    browser.find_element("id", "compare").click()
    time.sleep(2.0)
    first, link = picture(browser), browser.current_url
    assert "&swipe=" in link
    assert "&place=" in link
    browser.get("about:blank")
    browser.get(link)
    read(browser, "thermal/anomaly_score")
    assert browser.find_element("id", "swipe").is_displayed()
    browser.find_element("id", "tab-compare").click()
    time.sleep(2.0)
    assert browser.current_url == link
    beside_panel = np.s_[:, 450:]
    assert np.abs(picture(browser).astype(int) - first)[beside_panel].max() <= 2


@pytest.mark.parametrize("key", ["equirectangular", "farside"])
@pytest.mark.parametrize("latitude", [92.34, -92.34])
def test_off_the_moon_nothing_is_asked_or_told(browser, site: str, key: str, latitude: float) -> None:
    """Beyond a pole of an equirectangular view; the ground before it answers."""
    from selenium.webdriver.common.keys import Keys

    middle, resolution = (0.0, latitude * DEGREE_M), 500.0
    ground = pixel(middle, resolution, (0.0, np.sign(latitude) * 89.5 * DEGREE_M))
    beyond = pixel(middle, resolution, middle)
    browser.get(address(site, key, middle, resolution, "physics/quality~viridis~0~2~1"))
    wait(browser, ".card")
    click(browser, beyond)
    browser.find_element("id", "map").send_keys(Keys.ENTER)
    time.sleep(1.0)
    assert browser.find_element("id", "pointer").text == ""
    assert "place=" not in browser.current_url
    assert not browser.find_elements("css selector", ".coordinates")
    click(browser, ground)
    wait(browser, ".coordinates")
    asked = float(browser.current_url.rpartition("place=")[2].split(",")[1])
    assert asked == pytest.approx(np.sign(latitude) * 89.5, abs=resolution / DEGREE_M)
    assert f"{abs(asked):.3f}° {'N' if latitude > 0 else 'S'}" in browser.find_element("id", "pointer").text


@pytest.mark.parametrize("latitude", [-90.0, 90.0])
def test_a_pole_is_one_pixel_that_of_a_query(
    browser, serve: Callable[[Path], str], tmp_path: Path, latitude: float
) -> None:
    """From any longitude, though the pole lies on the corner of four cells of the polar map."""
    code = moon.NORTH_POLAR_CODE if latitude > 0 else moon.SOUTH_POLAR_CODE
    polar = GeoBox((16, 24), Affine(500.0, 0, -6000.0, 0, -500.0, 4000.0), moon.crs(code).to_wkt())
    turn = Affine(2 * DEGREE_M, 0, -180 * DEGREE_M, 0, -2 * DEGREE_M, 90 * DEGREE_M)
    whole = GeoBox((90, 180), turn, moon.crs(moon.EQUIRECTANGULAR_CODE).to_wkt())
    values = {}
    for name, grid in (("polar", polar), ("whole", whole)):
        values[name] = np.arange(grid.shape[0] * grid.shape[1], dtype=np.float32).reshape(grid.shape)
        write_cog(values[name], grid, tmp_path / f"run/thermal/cog/{name}.tif", Band(name, name, "1"))
    url = serve(tmp_path / "run")
    for longitude in (0.0, 90.0, 180.0, -90.0):
        browser.get(f"{url}?{time.monotonic_ns()}#place={longitude},{latitude}")
        for name, grid in (("polar", polar), ("whole", whole)):
            cell = cell_of(grid, longitude, latitude)
            assert cell is not None
            told = wait(browser, f'tr[data-layer="thermal/{name}"] td').get_attribute("title")
            assert float(told) == values[name][cell], (name, longitude)


def test_a_link_restores_the_view(browser, site: str, truth: Truth) -> None:
    middle, resolution = centre(THERMAL, 9, 18), 120.0
    browser.get(
        address(
            site,
            "equirectangular",
            middle,
            resolution,
            "thermal/anomaly_score~cividis~0.25~2.5~0.6;physics/quality~viridis~0~2~1",
            "&place=0.75,-79.95",
        )
    )
    read(browser, "thermal/anomaly_score")
    time.sleep(2.0)
    first, link = picture(browser), browser.current_url
    browser.get("about:blank")
    browser.get(link)
    read(browser, "thermal/anomaly_score")
    time.sleep(2.0)
    assert browser.current_url == link
    assert np.abs(picture(browser).astype(int) - first).max() <= 2


def test_an_anomaly_is_listed_and_flown_to(browser, site: str) -> None:
    browser.get(f"{site}?{time.monotonic_ns()}")
    wait(browser, ".card")
    browser.find_element("id", "tab-anomalies").click()
    listed = browser.find_elements("css selector", ".anomaly")
    assert len(listed) == 1
    assert "9" in listed[0].text
    listed[0].click()
    time.sleep(2.0)
    x, y = browser.execute_script("return viewer.map.getView().getCenter()")
    width = browser.execute_script("return viewer.map.getSize()[0] * viewer.map.getView().getResolution()")
    at = centre(THERMAL, 9, 22)
    assert abs(x - at[0]) < width / 2
    assert abs(y - at[1]) < 3000
    assert width < 30 * 0.1 * 30_322


def test_the_scale_bar_knows_the_moon(browser, site: str) -> None:
    """At 80 S a metre of the equirectangular map is cos(80) of a metre along the parallel."""
    middle, resolution = centre(THERMAL, 10, 14), 150.0
    browser.get(address(site, "equirectangular", middle, resolution, "physics/quality~viridis~0~2~1"))
    bar = wait(browser, ".ol-scale-line-inner")
    until = time.monotonic() + 20.0
    while not bar.text and time.monotonic() < until:
        time.sleep(0.1)
    number, unit = bar.text.split()
    metres = float(number) * {"km": 1000.0, "m": 1.0}[unit]
    pixels = float(bar.value_of_css_property("width").removesuffix("px"))
    assert metres / pixels == pytest.approx(150.0 * np.cos(np.deg2rad(80.05)), rel=0.03)


def test_keys_move_the_map_and_ask_for_its_middle(browser, site: str) -> None:
    from selenium.webdriver.common.keys import Keys

    middle, resolution = centre(THERMAL, 10, 14), 150.0
    browser.get(address(site, "equirectangular", middle, resolution, "physics/quality~viridis~0~2~1"))
    wait(browser, ".card")
    before = browser.execute_script("return viewer.map.getView().getCenter()")
    area = browser.find_element("id", "map")
    area.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    after = browser.execute_script("return viewer.map.getView().getCenter()")
    assert after[0] - before[0] == pytest.approx(2 * 90 * resolution)
    area.send_keys(Keys.ENTER)
    wait(browser, ".coordinates")


@pytest.mark.parametrize("size", [(390, 844)])
def test_a_small_screen_has_map_and_panel_without_sideways_scrolling(sized, site: str) -> None:
    phone = sized
    phone.get(f"{site}?{time.monotonic_ns()}")
    wait(phone, ".card")
    assert phone.execute_script("return document.documentElement.scrollWidth") <= 390
    panel = phone.find_element("id", "panel").rect
    assert panel["y"] > 300
    phone.find_element("id", "fold").click()
    assert phone.find_element("id", "panel").rect["height"] < 100


def test_without_webgl2_a_clear_word_stands_there(chromium: Callable, site: str) -> None:
    old = chromium(SIZE, "--disable-3d-apis")
    old.get(site)
    assert "WebGL2" in wait(old, ".fault").text


def test_the_exported_folder_works_on_a_server_without_ranges(
    browser, truth: Truth, site: str, tmp_path: Path
) -> None:
    folder = tmp_path / "page"
    export(truth.folder, page_files(truth.folder, 5.0, 0.0), folder)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        middle, resolution = centre(THERMAL, 9, 22), 150.0
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        browser.get(
            address(
                url,
                "equirectangular",
                middle,
                resolution,
                "thermal/anomaly_score~viridis~0~12~1",
                "&anomalies=no&place=0.75,-79.95",
            )
        )
        shows(browser, pixel(middle, resolution, centre(THERMAL, 9, 21)), colour(9.0, "viridis", 0.0, 12.0))
        assert read(browser, "thermal/anomaly_score") == "9"
        wait(browser, ".curve.rebuilt")
        browser.get("about:blank")
        server.shutdown()
        thread.join()


def test_half_a_store_is_said_on_the_page(
    browser, truth: Truth, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    folder = tmp_path / "half"
    shutil.copytree(truth.folder, folder)
    shutil.rmtree(folder / "thermal/profiles.zarr/temperature/c")
    browser.get(serve(folder))
    assert "profiles.zarr has another digest than its manifest says" in wait(browser, ".warning").text


def test_a_chunk_of_codes_that_is_missing_makes_no_profile_good(
    browser, truth: Truth, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(truth.folder, folder)
    site = serve(folder)
    shutil.rmtree(folder / "thermal/profiles.zarr/quality/c")  # after its digest was compared
    browser.get(f"{site}#place=0.75,-79.95")
    assert wait(browser, ".day .hint").get_attribute("textContent") == "No profile: no data here."
    browser.get_log("browser")  # names it


@pytest.mark.parametrize("key", ["equirectangular", "farside"])
def test_a_map_that_goes_while_the_page_is_open_is_told(
    browser, serve: Callable[[Path], str], tmp_path: Path, key: str
) -> None:
    """In its own projection and in another."""
    grid = GeoBox((2000, 2000), Affine(240.0, 0, 2e6, 0, -240.0, 0), EQUIRECTANGULAR.to_wkt())
    values = np.random.default_rng(2).normal(size=grid.shape).astype(np.float32)
    file = tmp_path / "run/thermal/cog/noise.tif"
    write_cog(values, grid, file, Band("noise", "noise", "1"))
    west = 2e6 - (0 if key == "equirectangular" else 180.0 * DEGREE_M)
    browser.get(f"{serve(tmp_path / 'run')}#map={key}&at={west + 30e3},-30e3,240")
    wait(browser, ".card")
    time.sleep(2.0)
    assert not browser.find_element("id", "notice").is_displayed()
    file.unlink()
    browser.execute_script(f"viewer.map.getView().setCenter([{west} + 450e3, -450e3])")
    until = time.monotonic() + 20.0
    while "thermal/cog/noise.tif cannot be read" not in browser.find_element("id", "notice").text:
        assert time.monotonic() < until
        time.sleep(0.1)
    browser.get_log("browser")  # names it too


GLOBE = GeoBox(
    (360, 720),
    Affine(0.5 * DEGREE_M, 0, -180.0 * DEGREE_M, 0, -0.5 * DEGREE_M, 90.0 * DEGREE_M),
    moon.crs(moon.EQUIRECTANGULAR_CODE).to_wkt(),
)
GRAYS = np.random.default_rng(3).integers(60, 256, GLOBE.shape).astype(np.float32)
"""A map of the whole Moon whose values are the grays that they are drawn in, none as dark as the page."""
for rows in (GRAYS[:20], GRAYS[-20:]):
    rows[:] = rows[:, ::16].repeat(16, axis=1)  # wider than pixels, to 8 pixels from a pole at 1000 m each


@pytest.fixture(scope="module")
def globe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("globe")
    write_cog(GRAYS, GLOBE, folder / "thermal/cog/code.tif", Band("code", "code", "1"))
    return folder


@pytest.mark.parametrize(
    ("key", "at", "resolution"),
    [
        ("south", (0.0, 0.0), 1000.0),
        ("south", (0.0, -900e3), 1000.0),
        ("north", (0.0, 0.0), 300.0),
        ("farside", (0.0, 80.0 * DEGREE_M), 1500.0),
    ],
)
def test_every_pixel_of_another_projection_is_that_of_its_cell(
    browser, serve: Callable[[Path], str], globe: Path, key: str, at: tuple[float, float], resolution: float
) -> None:
    """At poles and along the meridian where the map meets itself, too; borders of cells to a pixel."""
    view = f"map={key}&at={at[0]},{at[1]},{resolution}&layers=thermal/code~gray~0~256~1"
    browser.get(f"{serve(globe)}?{time.monotonic_ns()}#{view}")
    wait(browser, ".card")
    browser.execute_script("document.getElementById('fold').click(); viewer.graticule.setVisible(false)")
    x, y = middles(at, resolution)
    near = [
        grays_at(MAPS[key][1], x + across * resolution, y + down * resolution)
        for across in NEAR
        for down in NEAR
    ]
    beside = np.hypot(x, y) > 1.5 * resolution  # the four pixels round a pole show too many cells to tell
    until = time.monotonic() + 30.0
    while (wrong := beside & mistaken(picture(browser)[BARE][..., 0], near)).any():
        assert time.monotonic() < until, f"{wrong.sum()} of {wrong.size} pixels"
        time.sleep(0.3)


NEAR = np.linspace(-0.9, 0.9, 5)
"""Parts of a pixel to both sides of its middle."""

BARE = np.s_[150:700, 250:1000]
"""The part of the window with nothing over the map, if the panel is folded."""


def middles(at: tuple[float, float], resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y (m) of the middles of the pixels of ``BARE``."""
    x = at[0] + (np.arange(*BARE[1].indices(SIZE[0])) + 0.5 - SIZE[0] / 2) * resolution
    y = at[1] - (np.arange(*BARE[0].indices(SIZE[1])) + 0.5 - SIZE[1] / 2) * resolution
    return tuple(np.meshgrid(x, y))


def grays_at(code: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the gray of the cell at places (m) of a projection, by another library; 0 off the Moon."""
    longitude, latitude = from_lonlat(moon.crs(code)).transform(x, y, direction="INVERSE")
    ground = np.isfinite(longitude)
    if not code.endswith(("30", "35")):
        ground &= np.abs(y) <= 90.0 * DEGREE_M
    row = np.clip((90.0 - latitude[ground]) / 0.5, 0, GLOBE.shape[0] - 1).astype(int)
    column = ((longitude[ground] + 180.0) / 0.5).astype(int) % GLOBE.shape[1]
    grays = np.zeros(x.shape)
    grays[ground] = GRAYS[row, column]
    return grays


def mistaken(found: np.ndarray, near: list[np.ndarray]) -> np.ndarray:
    """Return where a pixel has the gray of no cell near it; what is darker than all of them is the page."""
    found = np.where(found < 40, 0.0, found)
    return ~np.any([np.abs(found - grays) <= 1 for grays in near], axis=0)


def plain(path: Path, values: np.ndarray, grid: GeoBox, **options: object) -> None:
    """Write a GeoTIFF as another program might: no tags, no overviews."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=values.dtype,
        count=1,
        height=grid.shape[0],
        width=grid.shape[1],
        crs=grid.crs.to_wkt(),
        transform=grid.affine,
        tiled=True,
        **options,
    ) as raster:
        # At the lower right end: of a large file the rest stays a hole.
        window = Window(grid.shape[1] - columns, grid.shape[0] - rows, columns, rows)
        raster.write(values, 1, window=window)


FINE = GeoBox(
    (46_080, 92_160),
    Affine(DEGREE_M / 256, 0, -180.0 * DEGREE_M, 0, -DEGREE_M / 256, 90.0 * DEGREE_M),
    GLOBE.crs,
)
"""The whole Moon at 256 pixels a degree: 4.2e9 cells, more than 32 bits count."""

EASTWARD = GeoBox((90, 180), Affine(2 * DEGREE_M, 0, 0, 0, -2 * DEGREE_M, 90.0 * DEGREE_M), GLOBE.crs)
"""The whole Moon from 0 to 360 degrees."""


def test_a_map_of_more_cells_than_32_bits_count_is_drawn_in_another_projection(
    browser, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    values = np.full((512, 512), 120, np.uint8)  # to 180 E, 90 S
    plain(
        tmp_path / "fine/thermal/cog/fine.tif", values, FINE, compress="zstd", sparse_ok=True, bigtiff="yes"
    )
    at = from_lonlat(SOUTH).transform(179.5, -88.5)
    view = f"map=south&at={at[0]},{at[1]},60&layers=thermal/fine~gray~0~256~1"
    browser.get(f"{serve(tmp_path / 'fine')}?{time.monotonic_ns()}#{view}")
    wait(browser, ".card")
    browser.execute_script("document.getElementById('fold').click(); viewer.graticule.setVisible(false)")
    shows(browser, (SIZE[1] // 2, SIZE[0] // 2), np.array([120, 120, 120]))


@pytest.mark.parametrize("key", ["equirectangular", "south"])
def test_foreign_files_have_gaps_where_theirs_are_and_reach_round_the_moon(
    browser, serve: Callable[[Path], str], tmp_path: Path, key: str
) -> None:
    """A NaN that no tag names, and longitudes beyond 180 degrees."""
    values = np.full(EASTWARD.shape, 200.0, np.float32)
    values[80:, 130:] = np.nan  # 260 to 360 E, from 70 S
    plain(tmp_path / "run/thermal/cog/east.tif", values, EASTWARD)
    to_map = from_lonlat(moon.crs(MAPS[key][1]))
    at = to_map.transform(-100.0, -70.0)
    view = f"map={key}&at={at[0]},{at[1]},1000&layers=thermal/east~gray~0~256~1"
    browser.get(f"{serve(tmp_path / 'run')}?{time.monotonic_ns()}#{view}&place=-90,-75")
    assert read(browser, "thermal/east") == "—"
    browser.execute_script("document.getElementById('fold').click(); viewer.graticule.setVisible(false)")
    for place, gray in (((-104.0, -68.0), 200), ((-97.0, -68.0), 200), ((-104.0, -72.0), 200)):
        x, y = to_map.transform(*place)
        where = (int(SIZE[1] / 2 - (y - at[1]) / 1000), int(SIZE[0] / 2 + (x - at[0]) / 1000))
        shows(browser, where, np.full(3, gray))
    x, y = to_map.transform(-97.0, -72.0)
    assert (
        picture(browser)[int(SIZE[1] / 2 - (y - at[1]) / 1000), int(SIZE[0] / 2 + (x - at[0]) / 1000)].max()
        < 50
    )


def test_a_code_of_no_data_is_no_value(browser, serve: Callable[[Path], str], tmp_path: Path) -> None:
    values = np.full(EASTWARD.shape, 7, np.int16)
    values[40:50] = -9999
    plain(tmp_path / "run/thermal/cog/holes.tif", values, EASTWARD, nodata=-9999)
    url = serve(tmp_path / "run")
    for latitude, told in ((0.5, "—"), (60.5, "7")):
        browser.get(f"{url}?{time.monotonic_ns()}#place=5,{latitude}")
        assert read(browser, "thermal/holes") == told


def test_a_polar_view_of_the_other_hemisphere_is_that_of_its_pole(browser, site: str) -> None:
    browser.get(f"{site}?{time.monotonic_ns()}")
    wait(browser, ".card")
    browser.execute_script("viewer.project('north')")
    assert browser.execute_script("return viewer.map.getView().getCenter()") == [0, 0]
    assert "the other hemisphere" in browser.find_element("id", "notice").text
    # Beyond the equator ground is drawn ever larger, and the scale bar follows.
    far = from_lonlat(moon.crs(moon.NORTH_POLAR_CODE)).transform([0.0, 0.0], [-43.0, -43.01])
    drawn = abs(far[1][1] - far[1][0])
    of_ground = browser.execute_script(
        f"const p = viewer.map.getView().getProjection(); return p.getPointResolutionFunc()(1, [{far[0][0]}, {far[1][0]}])"
    )
    assert drawn * of_ground == pytest.approx(0.01 * DEGREE_M, rel=1e-3)


def test_flying_to_an_anomaly_ends_a_comparison_and_shows_the_score(browser, site: str) -> None:
    browser.get(
        f"{site}?{time.monotonic_ns()}#layers=optical/signal~gray~1~5~1&swipe=optical/standard/signal~optical/signal~0.5"
    )
    wait(browser, ".card")
    browser.find_element("id", "tab-anomalies").click()
    wait(browser, "#page-anomalies button.anomaly").click()
    assert not browser.find_element("id", "swipe").is_displayed()
    shown = browser.execute_script("return viewer.state.shown.map((s) => s.id)")
    assert shown == ["thermal/anomaly_score", "optical/signal"]


@pytest.mark.parametrize(
    "fragment",
    [
        "map=constructor",
        "layers=thermal/anomaly_score~constructor~0~1~1",
        "at=1e300,0,100",
        "place=1e9,45",
        "swipe=optical/signal~optical/signal~0.5",
        "layers=thermal/anomaly_score~gray~0~1~1;thermal/anomaly_score~gray~0~1~1",
        "map=south&place=0,90",
    ],
)
def test_what_a_link_cannot_mean_is_left_out(browser, site: str, fragment: str) -> None:
    browser.get(f"{site}?{time.monotonic_ns()}#{fragment}")
    wait(browser, ".ol-scale-line-inner")
    state = browser.execute_script(
        "const {state, view, map} = viewer; return {known: Object.hasOwn(view.projections, state.projection),"
        " ids: state.shown.map((s) => s.id), compare: state.compare, middle: map.getView().getCenter()}"
    )
    assert state["known"]
    assert len(set(state["ids"])) == len(state["ids"])
    assert state["compare"] is None
    assert max(map(abs, state["middle"])) < 1e7
