import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nightside.config import Settings
from nightside.thermal.mapping import map_profiles
from nightside.thermal.training import LatentCollapsed, collapsed, train

# Two epochs are too few for a latent to wake, or to follow a factor.
pytestmark = [
    pytest.mark.filterwarnings("ignore::nightside.thermal.training.LatentCollapsed"),
    pytest.mark.filterwarnings("ignore::nightside.thermal.named_latents.FactorNotFollowed"),
]


def small(settings: Settings, vae: dict[str, object], **training: object) -> Settings:
    thermal = settings.thermal.model_copy(
        update={
            "vae": settings.thermal.vae.model_copy(update={"width": 8, "library_profiles": 64, **vae}),
            "training": settings.thermal.training.model_copy(
                update={"epochs": 2, "batch_size": 50, "devices": 1, "steps_min": 0, **training}
            ),
        }
    )
    return settings.model_copy(update={"thermal": thermal})


@pytest.fixture(scope="module")
def profiles() -> xr.Dataset:
    rng = np.random.default_rng(0)
    hours = np.arange(120) * 0.2
    swing = 150 + 10 * rng.standard_normal((12, 14, 1))
    temperature = (
        100 + swing * np.maximum(np.sin((hours - 6) / 12 * np.pi), 0) + rng.standard_normal((12, 14, 120))
    )
    quality = np.zeros((12, 14), np.uint8)
    quality[0, 0] = 2
    temperature[0, 0] = np.nan
    dims = ("y", "x", "local_time")
    return xr.Dataset(
        {
            "temperature": (dims, temperature.astype(np.float32)),
            "temperature_std": (dims, np.full(temperature.shape, 2.0, np.float32)),
            "quality": (("y", "x"), quality),
        },
        coords={"latitude": (("y", "x"), np.full((12, 14), -43.0))},
    )


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    dims = ("y", "x", "local_time")
    return xr.Dataset(
        {
            "count": (dims, np.full((12, 14, 48), 2, np.int32)),
            "brightness_temperature_std": (dims, np.full((12, 14, 48), 1.5, np.float32)),
        }
    )


@pytest.mark.parametrize("objective", ["beta_vae", "beta_tcvae", "guided"])
def test_every_objective_trains_and_maps(
    objective: str, profiles: xr.Dataset, cube: xr.Dataset, settings: Settings, tmp_path: Path
) -> None:
    read_from = tmp_path / "profiles.nc"
    read_from.write_bytes(b"profiles")
    plan = small(settings, {"objective": objective})
    card = train(profiles, cube, plan, tmp_path / "model", tmp_path / "ckpt", inputs=[read_from])
    assert card == json.loads((tmp_path / "model" / "model.json").read_text())
    assert not list((tmp_path / "ckpt").glob("*.ckpt"))  # newer code must not take it for its own
    assert card["inputs"] == {"profiles.nc": hashlib.sha256(b"profiles").hexdigest()}
    assert card["profiles"] == 12 * 14 - 1
    assert len(card["metrics"]["mae_k_per_local_time"]) == 120
    names = ["unsure_onset", "unsure_absorbed_flux", "unsure_conductivity", "free_1"]
    assert [latent["name"] for latent in card["latents"]] == (
        names if objective == "guided" else ["free_1", "free_2", "free_3", "free_4"]
    )
    maps = map_profiles(profiles, tmp_path / "model", tile=5)
    assert maps["latent_mean"].shape == (4, 12, 14)
    assert maps["latent"].to_numpy().tolist() == [latent["name"] for latent in card["latents"]]
    assert np.isnan(maps["anomaly_score"][0, 0])
    assert np.isfinite(maps["anomaly_score"]).sum() == 12 * 14 - 1
    whole = map_profiles(profiles, tmp_path / "model", tile=100)
    xr.testing.assert_allclose(maps, whole, atol=1e-3)


def test_the_same_seed_gives_the_same_weights(
    profiles: xr.Dataset, cube: xr.Dataset, settings: Settings, tmp_path: Path
) -> None:
    plan = small(settings, {"objective": "guided"}, epochs=1)
    for name in ("a", "b"):
        train(profiles, cube, plan, tmp_path / name, tmp_path / f"{name}.ckpt")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b")]
    assert weights[0] == weights[1]


def test_a_small_region_is_trained_for_more_epochs(
    profiles: xr.Dataset, settings: Settings, tmp_path: Path
) -> None:
    plan = small(settings, {"objective": "beta_vae"}, steps_min=11)  # three batches of 50 an epoch
    card = train(profiles, None, plan, tmp_path / "m", tmp_path / "c")
    assert card["epochs"] == 4


def test_a_collapsed_latent_is_told() -> None:
    with pytest.warns(LatentCollapsed, match="latent 2 has collapsed"):
        assert len(collapsed([0.5, 0.001, 2.0])) == 1


def test_guidance_needs_latitudes_and_the_cube(
    profiles: xr.Dataset, cube: xr.Dataset, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="latitude"):
        train(profiles.drop_vars("latitude"), cube, small(settings, {}), tmp_path / "m", tmp_path / "c")
    with pytest.raises(ValueError, match="the cube that the profiles were made of"):
        train(profiles, None, small(settings, {}), tmp_path / "m", tmp_path / "c")


def test_a_region_without_profiles_is_refused(
    profiles: xr.Dataset, settings: Settings, tmp_path: Path
) -> None:
    masked = profiles.assign(quality=profiles["quality"] + 1)
    with pytest.raises(ValueError, match="0 of 168 cells"):
        train(masked, None, small(settings, {}), tmp_path / "m", tmp_path / "c")
