"""A latent that does not follow its factor in places of the library that training did not see loses its name."""

import numpy as np
import pytest

from nightside.thermal import named_latents
from nightside.thermal.library import FACTORS, Library
from nightside.thermal.library_observation import Sampling
from nightside.thermal.model import ProfileModel, Reconstruction
from nightside.thermal.named_latents import FactorNotFollowed, followed_factors, not_followed


class Encoder(ProfileModel):
    """Knows onset and flux, and takes noise for conductivity."""

    def reconstruct(self, temperature, std):
        latents = temperature[:, :4].copy()
        latents[:, 2] = np.random.default_rng(0).standard_normal(temperature.shape[0])
        return Reconstruction(latents, latents, temperature, latents[:, 0], latents[0])


def test_only_followed_factors_give_their_names(settings, monkeypatch):
    factors = np.random.default_rng(1).standard_normal((200, 3))
    temperature = np.pad(factors, ((0, 0), (0, 117)))
    monkeypatch.setattr(named_latents, "observe", lambda t, *_: (t.astype(np.float32), np.ones_like(t)))
    model = Encoder(120, 4, 8, 0.5, True)
    sampling = Sampling(np.ones((1, 240), np.int32), 1.0)
    found = followed_factors(model, Library(temperature, factors, np.zeros(200)), sampling, settings)
    assert [found[name]["followed"] for name in FACTORS] == [True, True, False]
    with pytest.warns(FactorNotFollowed, match="latent 3 is not conductivity alone"):
        assert len(not_followed(found)) == 1
    model.name_only([name for name in FACTORS if found[name]["followed"]])
    described = model.describe_latents()
    assert [latent["name"] for latent in described] == [
        "onset",
        "absorbed_flux",
        "unsure_conductivity",
        "free_1",
    ]
    assert described[2]["units"] == "1"
