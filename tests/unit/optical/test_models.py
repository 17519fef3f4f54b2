import numpy as np
import pytest

from nightside.camera.layout import layout
from nightside.learning import ModelError, load_model
from nightside.optical.models import SHIPPED, CalibratedDark
from nightside.optical.photon_net import PhotonNet


def test_without_a_destripe_net_a_slope_between_the_masked_ends_is_taken_off():
    where = layout("right", 1)
    dark = np.random.default_rng(0).normal(40, 1, where.samples).astype(np.float32)
    line = dark + 3 + 2 * np.linspace(-1, 1, where.samples, dtype=np.float32)
    found = CalibratedDark(where, dark)(np.stack([line, line - 1]))
    scene = slice(*where.scene)
    np.testing.assert_allclose(found[0, scene], line[scene], atol=0.05)
    np.testing.assert_allclose(found[1, scene], line[scene] - 1, atol=0.05)


def test_the_network_in_the_package_can_be_loaded_and_says_how_it_was_made():
    network, card = load_model(SHIPPED, PhotonNet.from_card)
    assert card["kind"] == "photon-net"
    assert set(card["training"]["leave_out"]) == {"115143943", "1229577647", "1275410097"}
    assert not [s for s in card["scenes"] if any(left in s for left in card["training"]["leave_out"])]
    assert card["check"]["z_spread"] == pytest.approx(1, abs=0.1)
    assert sum(p.numel() for p in network.parameters()) * 2 < 10e6


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="run the training step"):
        load_model(tmp_path, PhotonNet.from_card)
