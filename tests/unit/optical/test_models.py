from dataclasses import replace

import numpy as np
import pytest
import torch

from nightside.camera.layout import layout
from nightside.camera.linearity import Linearity
from nightside.learning import ModelError, load_model, save_model
from nightside.optical.calibrate import Calibration
from nightside.optical.destripe_net import DestripeNet
from nightside.optical.models import SHIPPED, CalibratedDark, housekeeping_of, models_for
from nightside.optical.photon_net import PhotonNet


def test_without_a_destripe_net_a_slope_between_the_masked_ends_is_taken_off():
    where = layout("right", 1)
    dark = np.random.default_rng(0).normal(40, 1, where.samples).astype(np.float32)
    line = dark + 3 + 2 * np.linspace(-1, 1, where.samples, dtype=np.float32)
    found = CalibratedDark(where, dark)(np.stack([line, line - 1]))
    scene = slice(*where.scene)
    np.testing.assert_allclose(found[0, scene], line[scene], atol=0.05)
    np.testing.assert_allclose(found[1, scene], line[scene] - 1, atol=0.05)


@pytest.mark.parametrize("mode", [("left", 1), ("right", 1), ("left", 2)])
def test_a_pattern_of_phases_that_the_dark_does_not_have_is_not_taken_for_a_level(mode):
    where = layout(*mode)
    pattern = np.random.default_rng(1).normal(0, 2, where.phases)
    pattern -= pattern.mean()
    dark = np.full(where.samples, 40, np.float32)
    line = dark + np.resize(pattern, where.samples).astype(np.float32)
    np.testing.assert_allclose(CalibratedDark(where, dark)(line[None])[0], dark, atol=1e-4)


def test_the_network_in_the_package_can_be_loaded_and_says_how_it_was_made():
    network, card = load_model(SHIPPED, PhotonNet.from_card)
    assert card["kind"] == "photon-net"
    assert set(card["training"]["leave_out"]) == {"115143943", "1229577647", "1275410097"}
    assert not [s for s in card["scenes"] if any(left in s for left in card["training"]["leave_out"])]
    assert card["check"]["z_spread"] == pytest.approx(1, abs=0.1)
    assert sum(p.numel() for p in network.parameters()) * 2 < 10e6


def test_of_lost_housekeeping_destripe_net_takes_the_mean_of_its_dark_frames(tmp_path, make_label):
    label = make_label()
    network = DestripeNet(layout("left", 1), 2, 8)
    housekeeping = torch.from_numpy(np.repeat(housekeeping_of(label), 3, axis=0))
    housekeeping[:, 2] += torch.tensor([-3.0, 0.0, 9.0])
    columns = torch.randn(3, 5064, generator=torch.Generator().manual_seed(1))
    network.start_from(columns, housekeeping)
    save_model(tmp_path, network, {"kind": "destripe-net", "network": network.shape()})
    where = layout("left", 1)
    calibration = Calibration(
        where,
        np.array(["2009-07-30"], "datetime64[ns]"),
        np.zeros((1, 5064)),
        np.ones(5064),
        Linearity.none(),
    )
    lost, mean = (
        replace(label, housekeeping=replace(label.housekeeping, temperature_fpa_c=value))
        for value in (np.nan, label.housekeeping.temperature_fpa_c + 2.0)
    )
    dn = np.full((2, 5064), 40, np.float32)
    expected, found = (models_for(one, calibration, destripe=tmp_path).dark(dn) for one in (mean, lost))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    other = models_for(label, calibration, destripe=tmp_path).dark(dn)
    assert np.abs(other - expected).max() > 1e-3
    # A sentinel, or a counter that no dark frame came near, is no reason to extrapolate.
    spread = float(housekeeping[:, 2].std(correction=0))
    limit, garbage = (
        models_for(
            replace(label, housekeeping=replace(label.housekeeping, temperature_fpa_c=value)),
            calibration,
            destripe=tmp_path,
        ).dark
        for value in (label.housekeeping.temperature_fpa_c + 2.0 + 4.999 * spread, 999.0)
    )
    np.testing.assert_allclose(garbage(dn), limit(dn), atol=0.05)
    assert (limit.beyond, garbage.beyond) == ((), ("temperature_fpa_c",))


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="run the training step"):
        load_model(tmp_path, PhotonNet.from_card)
