"""A named latent's file gives its factor, in its units, to whoever applies scale and offset."""

import json

import numpy as np
import rasterio
import xarray as xr

from nightside.store import grid_of, write_cogs, write_store
from nightside.thermal.layers import layers


def test_a_gis_reads_the_factor_of_a_named_latent(settings, tmp_path):
    grid = grid_of(settings.region)
    shape = (2, *grid.shape)
    latents = np.linspace(-2, 2, np.prod(shape)).reshape(shape).astype(np.float32)
    described = {
        "latent_units": ["h", "1"],
        "latent_centre": [0.1, 0.0],
        "latent_scale": [0.5, 1.0],
    }
    dims = ("latent", "y", "x")
    maps = xr.Dataset(
        {
            "latent_mean": (dims, latents, {"units": "1", "long_name": "mean", **described}),
            "latent_std": (dims, np.full_like(latents, 0.2), {"units": "1", "long_name": "deviation"}),
            "anomaly_score": (("y", "x"), latents[0], {"units": "1", "long_name": "score"}),
        },
        coords={"latent": ("latent", np.array(["onset", "free_1"], object))},
    )
    files = {}
    store = tmp_path / "maps.zarr"
    write_store(maps, store, kind="maps", settings=settings, geobox=grid)
    write_cogs(layers(maps), grid, tmp_path / "cog", tmp_path / "cog.json", store)
    for file in json.loads((tmp_path / "cog.json").read_text())["files"]:
        with rasterio.open(tmp_path / "cog" / file) as cog:
            files[file.removesuffix(".tif")] = (cog.read(1) * cog.scales[0] + cog.offsets[0], cog.units[0])
    assert list(files) == [
        "latent_mean_onset",
        "latent_mean_free_1",
        "latent_std_onset",
        "latent_std_free_1",
        "anomaly_score",
    ]
    onset, units = files["latent_mean_onset"]
    assert units == "h"
    np.testing.assert_allclose(onset, 0.1 + 0.5 * latents[0], rtol=1e-6)
    deviation, units = files["latent_std_onset"]
    assert units == "h"
    np.testing.assert_allclose(deviation, 0.1, rtol=1e-6)
    np.testing.assert_array_equal(files["latent_mean_free_1"][0], latents[1])
    np.testing.assert_array_equal(files["anomaly_score"][0], latents[0])
