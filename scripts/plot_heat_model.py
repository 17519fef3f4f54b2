"""Draw docs/heat_model_diviner.png, the heat model beside Diviner, and print the figures of docs/heat_model.md.

Run from the repository: ``python scripts/plot_heat_model.py``. The measured points are drawn where
``../shared/data/thermal`` is beside the repository, and left out elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nightside import physics
from nightside.style import ACCENT, BLUE, GREY, INK, STYLE

ROOT = Path(__file__).resolve().parents[1]
THERMAL = ROOT.parent / "shared" / "data" / "thermal"
PICTURE = ROOT / "docs" / "heat_model_diviner.png"
HOURS = np.linspace(0.0, 24.0, 481)
ALBEDO, H_PARAMETER_M = 0.12, 0.07


def night_curve(latitude_deg: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (hours after noon, K) of Diviner's night temperatures at a latitude; empty without the data."""
    path = THERMAL / f"diviner_regtemp_lat{latitude_deg:02d}.csv"
    if not path.exists():
        return np.empty(0), np.empty(0)
    hours, kelvin = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
    return hours, kelvin


def day_curve() -> tuple[np.ndarray, np.ndarray]:
    """Return (local time in h, K) of the diurnal curve at 30 degrees; empty without the data."""
    path = THERMAL / "lunarTemperature30degDiviner.txt"
    if not path.exists():
        return np.empty(0), np.empty(0)
    hours, kelvin = np.loadtxt(path, delimiter=",", unpack=True)
    return hours, kelvin


def rms(values: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt((values**2).mean()))


def legend_below(axes: Axes) -> None:
    """Put the legend where it covers nothing."""
    axes.legend(fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


def draw_night(axes: Axes) -> None:
    """Draw the night at 0 and 30 degrees."""
    for latitude, colour in ((0, ACCENT), (30, BLUE)):
        after_noon = np.linspace(7.5, 17.5, 200)
        for h_parameter, style in ((0.06, ":"), (H_PARAMETER_M, "-")):
            modelled = physics.diurnal_temperatures(
                latitude, ALBEDO, h_parameter, local_time_h=np.mod(after_noon + 12.0, 24.0)
            )[0]
            axes.plot(after_noon, modelled, style, color=colour, label=f"{latitude}°, H = {h_parameter:g} m")
            hours, measured = night_curve(latitude)
            if hours.size:
                at_points = physics.diurnal_temperatures(
                    latitude, ALBEDO, h_parameter, local_time_h=np.mod(hours + 12.0, 24.0)
                )[0]
                error = at_points - measured
                print(
                    f"night {latitude:2d} deg H {h_parameter}: rms {rms(error):.2f} K, mean {error.mean():+.2f} K"
                )
        if hours.size:
            axes.plot(hours, measured, "o", color=colour, mfc="white", label=f"Diviner, {latitude}°")
    axes.set(xlabel="hours after noon", ylabel="temperature (K)", title="Night")
    legend_below(axes)


def draw_day(axes: Axes) -> None:
    """Draw the whole day at 30 degrees, with the difference below."""
    modelled = physics.diurnal_temperatures(30.0, ALBEDO, H_PARAMETER_M, local_time_h=HOURS)[0]
    axes.plot(HOURS, modelled, color=BLUE, label="model, 30°, H = 0.07 m")
    hours, measured = day_curve()
    if hours.size:
        error = physics.diurnal_temperatures(30.0, ALBEDO, H_PARAMETER_M, local_time_h=hours)[0] - measured
        axes.plot(hours, measured, "o", color=INK, mfc="white", ms=4, label="Diviner, 30° (41 points)")
        axes.plot(hours, error, "-", color=ACCENT, lw=1, label="model − measured")
        axes.axhline(0.0, color=GREY, lw=0.5)
        parts = {
            "all": np.isfinite(hours),
            "within 2.5 h of noon": np.abs(hours - 12.0) < 2.5,
            "night, 19.5 to 4.5 h": (hours < 4.5) | (hours > 19.5),
            "within 2 h of sunrise or sunset": np.minimum(np.abs(hours - 6.0), np.abs(hours - 18.0)) < 2.0,
        }
        for name, part in parts.items():
            print(
                f"day 30 deg, {name} ({part.sum()}): rms {rms(error[part]):.1f} K, mean {error[part].mean():+.1f} K"
            )
    axes.set(xlabel="local time (h)", ylabel="temperature (K)", title="A day at 30°", xticks=range(0, 25, 6))
    legend_below(axes)


def draw_places(axes: Axes) -> None:
    """Draw what slope, rock and H do to a day at Tycho's latitude."""
    latitude = -43.3
    flat = physics.diurnal_temperatures(latitude, local_time_h=HOURS)[0]
    rock = physics.diurnal_temperatures(latitude, local_time_h=HOURS, material=physics.ROCK)[0]
    curves = {
        "level regolith": flat,
        "faces east, 15°": physics.diurnal_temperatures(latitude, slope_east_deg=15.0, local_time_h=HOURS)[0],
        "faces west, 15°": physics.diurnal_temperatures(latitude, slope_east_deg=-15.0, local_time_h=HOURS)[
            0
        ],
        "H = 0.02 m": physics.diurnal_temperatures(latitude, h_parameter_m=0.02, local_time_h=HOURS)[0],
        "10 % rock, channel 7": physics.mixed_brightness_temperature(flat, rock, 0.1),
        "bare rock": rock,
    }
    looks = ((INK, "-"), (BLUE, "-"), (BLUE, ":"), (GREY, "-"), (ACCENT, "-"), (ACCENT, ":"))
    for (name, curve), (colour, line) in zip(curves.items(), looks, strict=True):
        axes.plot(HOURS, curve, line, color=colour, lw=1.4, label=name)
    axes.set(
        xlabel="local time (h)", ylabel="temperature (K)", title="A day at 43.3° S", xticks=range(0, 25, 6)
    )
    legend_below(axes)


def main() -> None:
    """Draw the picture."""
    with rc_context(STYLE):
        figure = Figure(figsize=(11.0, 4.2), layout="constrained")
        night, day, places = figure.subplots(1, 3)
        draw_night(night)
        draw_day(day)
        draw_places(places)
        figure.savefig(PICTURE, dpi=110)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
