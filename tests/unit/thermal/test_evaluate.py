"""Figures of a region with a known answer: profiles that are linear in three factors."""

import json

import numpy as np
import pytest
import xarray as xr

from nightside.config import Vae
from nightside.learning import save_model
from nightside.thermal.evaluate import evaluate, reconstruct, traverse
from nightside.thermal.library import Library
from nightside.thermal.model import ProfileModel

NY, NX, M = 16, 20, 120
PLANE, CUBE = ("y", "x"), ("y", "x", "local_time")


@pytest.fixture
def region():
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(3, NY, NX))
    hours = np.arange(M) * 0.2
    angle = 2 * np.pi * hours / 24
    shapes = np.stack([20 * np.sin(angle), 30 * np.cos(angle), 5 * np.cos(2 * angle)])
    clean = 200 + np.einsum("kyx,kt->yxt", factors, shapes)
    hot = np.zeros((NY, NX), np.uint8)
    hot[2, 3:6] = 1
    coords = {"local_time": hours}
    profiles = xr.Dataset(
        {
            "temperature": (CUBE, clean + rng.normal(0, 2.0, clean.shape)),
            "temperature_std": (CUBE, np.full(clean.shape, 2.0)),
            "quality": (PLANE, np.zeros((NY, NX), np.uint8)),
        },
        coords=coords,
    )
    truth = xr.Dataset(
        {
            "temperature": (CUBE, clean),
            "onset_delay_h": (PLANE, factors[0]),
            "absorbed_flux": (PLANE, -factors[1]),
            "h_parameter": (PLANE, factors[2]),
            "hot_crater": (PLANE, hot),
        },
        coords=coords,
    )
    collapsed = np.zeros((1, NY, NX))
    maps = xr.Dataset(
        {
            "latent_mean": (("latent", *PLANE), np.concatenate([factors, collapsed])),
            "latent_std": (("latent", *PLANE), np.stack([np.full((NY, NX), s) for s in (0.1, 0.1, 0.1, 1)])),
            "anomaly_score": (PLANE, hot + rng.uniform(0, 0.5, (NY, NX))),
        }
    )
    return profiles, maps, clean, truth


def test_a_perfect_model_has_perfect_figures(region):
    profiles, maps, clean, truth = region
    found = evaluate(profiles, maps, clean, truth, {})
    assert found["rmse_against"] == "truth"
    assert found["rmse_k"] < 1e-4
    assert found["profiles"] == NY * NX
    assert found["active_latents"] == 3
    assert found["anomaly_auc"] == 1.0
    assert found["factors"]["absorbed_flux"]["latent"] == 1
    assert found["factors"]["absorbed_flux"]["spearman"] == pytest.approx(-1.0)
    assert 0.3 < found["mig"] <= 1.0


def test_without_truth_errors_are_against_the_observed(region):
    profiles, maps, clean, _ = region
    found = evaluate(profiles, maps, clean, None, {"metrics": {"loss": float("nan")}})
    assert found["rmse_against"] == "observed"
    assert found["rmse_k"] == pytest.approx(2.0, rel=0.02)
    assert found["factors"] is found["mig"] is found["anomaly_auc"] is None
    json.dumps(found, allow_nan=False)
    assert found["training"]["metrics"]["loss"] is None


def test_masked_profiles_do_not_count(region):
    profiles, maps, clean, truth = region
    profiles["quality"][0, :4] = 2
    broken = clean.copy()
    broken[0, :4] = 1000.0
    found = evaluate(profiles, maps, broken, truth, {})
    assert found["profiles"] == NY * NX - 4
    assert found["masked_profiles"] == 4
    assert found["rmse_k"] < 1e-4


def test_no_good_profile_is_an_error_with_a_remedy(region):
    profiles, maps, clean, truth = region
    profiles["quality"][:] = 1
    with pytest.raises(ValueError, match="widen the period"):
        evaluate(profiles, maps, clean, truth, {})


def test_a_truth_of_another_grid_is_refused(region):
    profiles, maps, clean, truth = region
    with pytest.raises(ValueError, match="grid of the profiles"):
        evaluate(profiles, maps, clean, truth.isel(y=slice(3)), {})


def test_a_peer_that_knows_the_physics_stands_beside(region):
    profiles, maps, clean, truth = region
    library = Library(clean.reshape(-1, M), np.zeros((NY * NX, 3)), np.zeros(NY * NX))
    found = evaluate(profiles, maps, clean, truth, {}, library)
    assert found["library_pca_rmse_k"] < found["pca_rmse_k"]


@pytest.fixture
def model_folder(region, tmp_path):
    temperature = region[0]["temperature"].to_numpy().reshape(-1, M).astype(np.float32)
    model = ProfileModel.for_profiles(temperature, np.ones_like(temperature), Vae(), None).eval()
    save_model(tmp_path, model, {"kind": "profile-vae", "network": model.shape()})
    return tmp_path


def test_masked_cells_are_not_reconstructed(region, model_folder):
    profiles = region[0]
    profiles["quality"][0, :4] = 2
    rebuilt = reconstruct(profiles, model_folder)
    assert rebuilt.dims == CUBE
    assert (np.isnan(rebuilt).all("local_time") == (profiles["quality"] != 0)).all()


def test_a_traversal_passes_through_the_middle_of_the_region(region, model_folder):
    profiles, maps, _, _ = region
    moved = traverse(maps, profiles["local_time"], model_folder)
    assert moved.dims == ("latent", "sigma", "local_time")
    middle = moved.sel(sigma=0.0)
    assert (abs(middle - middle[0]) < 1e-3).all()
    assert float(abs(moved.isel(latent=0, sigma=0) - middle[0]).max()) > 0
    assert float(abs(moved.isel(latent=3, sigma=0) - middle[0]).max()) < 1e-3
