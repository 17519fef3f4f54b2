"""Figures and the report of a small region that looks like the real one."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from nightside.thermal.evaluate import evaluate
from nightside.thermal.figures import latent_titles, write_figures
from nightside.thermal.map_panel import draw_map, frame_of

M = 120
PLANE, CUBE = ("y", "x"), ("y", "x", "local_time")


def make_region(ny=30, nx=36, seed=1):
    """Smooth factors, a warm crater, a masked corner, and a model that is almost right."""
    rng = np.random.default_rng(seed)

    def field(smooth=4.0):
        spectrum = np.fft.rfft2(rng.normal(size=(ny, nx)))
        wave = np.hypot(np.fft.fftfreq(ny)[:, None], np.fft.rfftfreq(nx)[None])
        smoothed = np.fft.irfft2(spectrum * np.exp(-((wave * smooth * 2) ** 2)), s=(ny, nx))
        return (smoothed - smoothed.mean()) / smoothed.std()

    onset, flux, h = field(), field(), field(6.0)
    hot = np.zeros((ny, nx), np.uint8)
    hot[8:11, 20:23] = 1
    hours = np.arange(M) * 0.2
    sun = np.clip(np.cos((hours - 12 - 0.4 * onset[..., None]) * np.pi / 12), 0, None)
    night = 95 + 4 * h + 20 * hot
    clean = np.maximum((330 + 12 * flux)[..., None] * sun**0.25, night[..., None])
    noise = rng.normal(0, 1.5, clean.shape)
    quality = np.zeros((ny, nx), np.uint8)
    quality[:4, :5] = 2
    lat, lon = np.meshgrid(-42 - np.arange(ny) / 128, 348 + np.arange(nx) / 128, indexing="ij")
    profiles = xr.Dataset(
        {
            "temperature": (CUBE, np.where(quality[..., None] == 0, clean + noise, np.nan)),
            "temperature_std": (CUBE, np.full(clean.shape, 1.5)),
            "quality": (PLANE, quality),
        },
        coords={"local_time": hours, "latitude": (PLANE, lat), "longitude": (PLANE, lon)},
    )
    truth = xr.Dataset(
        {
            "temperature": (CUBE, clean),
            "onset_delay_h": (PLANE, onset),
            "absorbed_flux": (PLANE, 200 + 10 * flux),
            "h_parameter": (PLANE, 0.07 - 0.01 * h),
            "hot_crater": (PLANE, hot),
        }
    )
    masked = np.where(quality == 0, 1.0, np.nan)
    latents = np.stack([onset, -flux, h, hot * 5 + 0.2 * rng.normal(size=(ny, nx))]) * masked
    rebuilt = (clean + rng.normal(0, 0.4, clean.shape)) * masked[..., None]
    maps = xr.Dataset(
        {
            "latent_mean": (("latent", *PLANE), latents),
            "latent_std": (("latent", *PLANE), 0.1 * np.ones_like(latents)),
            "reconstruction_error": (PLANE, np.abs(rng.normal(1.5, 0.1, (ny, nx))) * masked),
            "anomaly_score": (PLANE, (np.abs(rng.normal(1, 0.5, (ny, nx))) + 6 * hot) * masked),
        }
    )
    sigma = np.linspace(-2, 2, 9)
    shape = np.stack([np.gradient(clean[5, 10]) * 5, sun[5, 10] * 12, (sun[5, 10] == 0) * 4.0, sun[5, 10]])
    traversals = xr.DataArray(
        clean[5, 10] + sigma[None, :, None] * shape[:, None, :],
        dims=("latent", "sigma", "local_time"),
        coords={"sigma": sigma, "local_time": hours},
    )
    return profiles, maps, rebuilt, traversals, truth


@pytest.fixture(scope="module")
def region():
    return make_region()


@pytest.mark.parametrize("with_truth", [True, False])
def test_every_figure_is_written(region, tmp_path, with_truth):
    profiles, maps, rebuilt, traversals, truth = region
    known = truth if with_truth else None
    evaluation = evaluate(profiles, maps, rebuilt, known, {})
    write_figures(tmp_path, profiles, maps, rebuilt, traversals, evaluation, known)
    latents = [f"latent_{k}_{what}.png" for k in (1, 2, 3, 4) for what in ("map", "traversal")]
    expected = {*latents, "profiles.png", "error.png", "anomaly.png", "overview.png"}
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert (tmp_path / "overview.png").stat().st_size < 400_000


def test_a_latent_is_called_by_the_factor_it_follows(region):
    profiles, maps, rebuilt, _, truth = region
    titles = latent_titles(4, evaluate(profiles, maps, rebuilt, truth, {}))
    assert titles[0].endswith("onset of sunlight")
    assert titles[3] == "Latent 4"


def test_a_map_lies_at_its_longitude_and_latitude(region):
    frame = frame_of(region[0])
    assert frame.extent[0] == pytest.approx(348 - 0.5 / 128)
    assert frame.extent[3] == pytest.approx(-42 + 0.5 / 128)
    assert frame.aspect == pytest.approx(1 / np.cos(np.deg2rad(42.113)), rel=1e-3)


def test_a_map_across_the_seam_is_one_piece(region):
    profiles = region[0].copy()
    profiles["longitude"] = (PLANE, (profiles["longitude"].to_numpy() + 11.9) % 360)
    left, right = frame_of(profiles).extent[:2]
    assert right - left == pytest.approx(36 / 128)


def test_masked_cells_are_grey(region):
    figure = Figure()
    axes = figure.subplots()
    draw_map(figure, axes, np.full((30, 36), np.nan), frame_of(region[0]), title="", units="K")
    colours = axes.images[0].cmap(np.ma.masked_invalid([np.nan]))[0]
    assert colours[0] == colours[1] == colours[2]
