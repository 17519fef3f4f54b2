"""Latents beside inverted physics: ranks, and only the cells that have both."""

import numpy as np
import pytest
import xarray as xr

from nightside.thermal.beside_physics import compare, compared_cells, write_physics_figures

NY, NX = 12, 15
PLANE = ("y", "x")


@pytest.fixture
def pieces():
    rng = np.random.default_rng(4)
    onset, log_h = rng.normal(size=(2, NY, NX))
    inversion = xr.Dataset(
        {
            "onset_delay": (PLANE, onset),
            "onset_delay_std": (PLANE, np.full((NY, NX), 0.02)),
            "h_parameter": (PLANE, 0.07 * np.exp(log_h)),
            "h_parameter_std": (PLANE, np.full((NY, NX), 0.003)),
            "chi_square": (PLANE, np.ones((NY, NX))),
            "quality": (PLANE, np.zeros((NY, NX), np.uint8)),
        }
    )
    inversion["quality"][0, :3] = 5
    inversion["h_parameter"][0, :3] = np.nan
    maps = xr.Dataset({"latent_mean": (("latent", *PLANE), np.stack([-log_h, onset**3]))})
    maps["latent_mean"][:, 1, 1] = np.nan
    lat, lon = np.meshgrid(np.linspace(1, 0, NY), np.linspace(0, 1, NX), indexing="ij")
    return maps, inversion, xr.Dataset(coords={"latitude": (PLANE, lat), "longitude": (PLANE, lon)})


def test_ranks_are_those_of_cells_with_latents_and_a_good_inversion(pieces):
    maps, inversion, _ = pieces
    found = compare(maps, inversion, {"places": 8})
    assert compared_cells(maps, inversion).sum() == found["cells"] == NY * NX - 4
    assert found["quantities"] == ["onset_delay", "h_parameter"]
    rho = np.array(found["spearman"])
    assert rho[1, 0] == pytest.approx(1.0)
    assert rho[0, 1] == pytest.approx(-1.0)
    assert np.abs(np.diag(rho)).max() < 0.3
    assert found["verification"] == {"places": 8}


def test_too_few_cells_compare_nothing(pieces):
    maps, inversion, _ = pieces
    inversion["quality"][1:] = 1
    inversion["quality"][0] = 1
    assert compare(maps, inversion, None) is None


def test_figures_are_drawn(pieces, tmp_path):
    maps, inversion, profiles = pieces
    physics = compare(maps, inversion, None)
    evaluation = {"physics": physics, "latent_names": ["conductivity", "onset"], "factors": None}
    write_physics_figures(tmp_path, profiles, maps, inversion, evaluation)
    assert {p.name for p in tmp_path.iterdir()} == {"inversion.png", "latents_physics.png"}
