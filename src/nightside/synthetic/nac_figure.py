"""A picture of the synthetic camera's ground: lit by the Sun, by a rim's scattered light, and as an EDR has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nightside import store
from nightside.camera.companding import decompand
from nightside.camera.spice import kernel_pool, line_scan
from nightside.config import Settings
from nightside.style import STYLE
from nightside.synthetic.nac_plan import cameras, plan_images
from nightside.synthetic.nac_shading import radiance, sunlight
from nightside.synthetic.nac_view import ground_grid, see
from nightside.synthetic.nac_write import nac_section

_SIZE = 500
_SIGNAL_DN = 5.0
_SUN_ELEVATION_DEG = 20.0


def write_figure(path: Path, settings: Settings, folder: Path) -> None:
    """Draw the left image nearest to 5 DN of a folder that ``nac_write.write_nac`` has written for the settings."""
    section = nac_section(settings)
    noise = cameras(section, settings.seed)
    images = plan_images(section, noise, settings.seed)
    with kernel_pool([folder / "kernels"]):
        scans = [line_scan(planned.label) for planned in images]
    left = [k for k, planned in enumerate(images) if planned.label.camera == "left"]
    chosen = min(left, key=lambda k: abs(images[k].signal_dn - _SIGNAL_DN))
    planned, label = images[chosen], images[chosen].label
    grid = ground_grid(scans, section.terrain.cell_m)
    ground = store.open_store(folder / "truth" / "ground.zarr", "nac_ground")
    sun = radiance(
        ground["height"].values,
        ground["albedo"].values,
        section.terrain.cell_m,
        sunlight(section.light.azimuth_deg, _SUN_ELEVATION_DEG),
    )
    signal = store.open_store(folder / "truth" / f"{label.product_id}.zarr", "nac_truth")["signal"].values
    data = np.frombuffer((folder / "images" / f"{label.product_id}.IMG").read_bytes(), np.uint8)
    number = data[data.size - signal.size :].reshape(signal.shape)
    panels = (
        (
            f"Lit by the Sun, {_SUN_ELEVATION_DEG:.0f}° high",
            see(scans[chosen], sun, grid, noise["left"].layout),
        ),
        (f"Lit by a rim, {section.light.width_deg:.0f}° wide", signal),
        (f"As the EDR has it, at {planned.signal_dn:g} DN", decompand(number, label.compand_code)),
    )
    _draw(path, [(title, _middle(image)) for title, image in panels])


def _middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    first = [max((n - _SIZE) // 2, 0) for n in image.shape]
    return image[first[0] : first[0] + _SIZE, first[1] : first[1] + _SIZE]


def _draw(path: Path, panels: list[tuple[str, NDArray[np.float32]]]) -> None:
    with rc_context(STYLE):
        figure = Figure(figsize=(12, 4.45), layout="constrained")
        for axes, (title, image) in zip(figure.subplots(1, len(panels)), panels, strict=True):
            low, high = np.percentile(image, [0.5, 99.7])
            axes.imshow(image, cmap="gray", vmin=low, vmax=high)
            axes.set_title(title)
            axes.set_axis_off()
        with store.atomic_file(path) as partial:
            figure.savefig(partial, dpi=110)
