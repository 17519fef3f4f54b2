"""Draw docs/inversion.png, H from Diviner's night curves and what temperatures can tell apart, and print its figures.

Run from the repository: ``python scripts/plot_inversion.py``. The measured points are drawn where
``../shared/data/thermal`` is beside the repository, and left out elsewhere.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib
import numpy as np

from nightside import physics

matplotlib.use("Agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
THERMAL = ROOT.parent / "shared" / "data" / "thermal"
PICTURE = ROOT / "docs" / "inversion.png"
ALBEDO = 0.12
AFTER_NOON = np.linspace(7.5, 17.5, 200)
ONLY_H = physics.Priors(albedo=(ALBEDO, 0.0), onset_delay=(0.0, 0.0), slope_north=(0.0, 0.0))


def draw_nights(axes: plt.Axes) -> None:
    """Fit H to the night curves, with 1 K of noise and everything else from Table A1, and draw it."""
    surrogate = physics.make_surrogate(physics.Domain(amplitude=(0.8, 1.0), onset_max_h=0.5))
    for latitude, colour in ((0, "tab:red"), (30, "tab:blue")):
        path = THERMAL / f"diviner_regtemp_lat{latitude:02d}.csv"
        if not path.exists():
            continue
        hours, measured = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
        times = np.mod(hours + 12.0, 24.0)
        found = physics.invert(surrogate, [latitude], measured, np.ones(hours.size), times, ONLY_H)
        h, std = found.h_parameter_m[0], found.h_parameter_m[0] * found.std[0, 1]
        at_points, low, best, high = (
            physics.diurnal_temperatures(latitude, ALBEDO, value, local_time_h=np.mod(when + 12.0, 24.0))[0]
            for value, when in ((h, hours), (h - std, AFTER_NOON), (h, AFTER_NOON), (h + std, AFTER_NOON))
        )
        error = at_points - measured
        rms = np.sqrt((error**2).mean())
        label = f"{latitude}°: H = {1000 * h:.1f} ± {1000 * std:.1f} mm, rms {rms:.2f} K"
        print(label)
        axes.fill_between(AFTER_NOON, low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(AFTER_NOON, best, color=colour, lw=1.2, label=label)
        axes.plot(hours, measured, "o", color=colour, mfc="white", ms=5)
    axes.set(xlabel="hours after noon", ylabel="K", title="Diviner's nights, and H fitted")
    axes.legend(fontsize=7.5, frameon=False)


def draw_truth(axes: plt.Axes) -> None:
    """Invert places made by the solver, with 1 K of noise at 48 local times, and draw H against the truth."""
    rng = np.random.default_rng(1)
    n, hours = 4000, (np.arange(48) + 0.5) * 0.5
    latitude, slope = rng.uniform(-60.0, 60.0, n), rng.normal(0.0, 5.0, n)
    albedo = rng.normal(0.12, 0.02, n).clip(0.03, 0.3)
    h = 0.07 * np.exp(0.4 * rng.standard_normal(n))
    seen = physics.diurnal_temperatures(latitude, albedo, h, slope, local_time_h=hours)
    seen += rng.normal(0.0, 1.0, seen.shape)
    surrogate = physics.make_surrogate(physics.Domain(amplitude=(0.45, 1.0)))
    priors = physics.Priors(slope_north=(0.0, 0.0))
    found = physics.invert(surrogate, latitude, seen, np.ones_like(seen), hours, priors, timing_std_h=0.0)
    ratio = found.h_parameter_m / h
    inside = np.abs(np.log(ratio)) < 1.96 * found.std[:, 1]
    print(
        f"H of {n} places: bias {ratio.mean() - 1:+.4f}, rms {np.sqrt(((ratio - 1) ** 2).mean()):.4f}, coverage {inside.mean():.3f}"
    )
    for color, part, label in (
        ("tab:blue", inside, "truth in the 95 % interval"),
        ("tab:red", ~inside, "outside"),
    ):
        share = f"{label}: {100 * part.mean():.1f} %"
        axes.plot(h[part] * 1000, 100 * (ratio[part] - 1), ".", ms=2, color=color, alpha=0.5, label=share)
    axes.axhline(0.0, color="0.5", lw=0.6)
    axes.set(
        xlabel="true H (mm)",
        ylabel="error of H (%)",
        xscale="log",
        title="H from 48 times, 1 K noise",
        ylim=(-20, 20),
    )
    axes.set_xticks([20, 50, 100, 200], ["20", "50", "100", "200"])
    axes.minorticks_off()
    axes.legend(fontsize=7.5, frameon=False, markerscale=5)


def draw_alike(axes: plt.Axes) -> None:
    """Draw what each constant does to a day, scaled to one kelvin at midnight: what is alike cannot be told apart."""
    after_noon = np.linspace(0.0, 23.95, 480)
    hours = np.mod(after_noon + 12.0, 24.0)
    latitude, step = -43.3, 0.02

    def day(h: float = 0.07, **constants: float) -> np.ndarray:
        material = dataclasses.replace(physics.REGOLITH, **constants)
        return physics.diurnal_temperatures(latitude, ALBEDO, h, local_time_h=hours, material=material)[0]

    base = day()
    up = 1.0 + step
    rock = physics.diurnal_temperatures(latitude, ALBEDO, local_time_h=hours, material=physics.ROCK)[0]
    curves = {
        "H": day(h=0.07 * up) - base,
        "surface conductivity": day(surface_conductivity=physics.REGOLITH.surface_conductivity * up) - base,
        "deep conductivity": day(deep_conductivity=physics.REGOLITH.deep_conductivity * up) - base,
        "radiative conductivity (χ)": day(radiative_conductivity=physics.REGOLITH.radiative_conductivity * up)
        - base,
        "rocks": physics.mixed_brightness_temperature(base, rock, 0.001) - base,
    }
    for name, change in curves.items():
        axes.plot(after_noon, change / change[240], lw=1.3, label=name)
    axes.set(
        xlabel="hours after noon",
        ylabel="K for 1 K at midnight",
        title="What acts alike, 43.3° S",
        xlim=(0, 24),
        ylim=(-0.5, 2.5),
        xticks=range(0, 25, 6),
    )
    axes.legend(fontsize=7.5, frameon=False)


def main() -> None:
    """Draw the picture."""
    figure, panels = plt.subplots(1, 3, figsize=(11.0, 3.7), layout="constrained")
    for draw, axes in zip((draw_nights, draw_truth, draw_alike), panels, strict=True):
        draw(axes)
    figure.savefig(PICTURE, dpi=100)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
