"""Print what a day of temperatures can tell apart: the identifiability table of docs/heat_model.md.

Run from the repository: ``python scripts/heat_model_identifiability.py``. 48 local times with independent noise of
1 K, level ground of Table A1; deviations are relative to the values there (Cramer-Rao).
"""

from __future__ import annotations

import numpy as np

from nightside import physics

LATITUDES = (0.0, 60.0)
TIMES_H = np.arange(48) * 0.5
NOISE_K = 1.0
VALUES = {
    "albedo": 0.12,
    "h_parameter_m": 0.07,
    "surface_conductivity": 7.4e-4,
    "deep_conductivity": 3.4e-3,
    "radiative_conductivity": 2.7,
    "emissivity": 0.95,
}
SETS = (
    ("albedo", "h_parameter_m"),
    ("albedo", "h_parameter_m", "surface_conductivity"),
    ("albedo", "h_parameter_m", "radiative_conductivity"),
    ("albedo", "h_parameter_m", "surface_conductivity", "deep_conductivity", "radiative_conductivity"),
    ("albedo", "emissivity"),
    ("albedo", "h_parameter_m", "slope_east_deg"),
)


def main() -> None:
    """Print the sensitivities at noon and midnight and the table."""
    ground = physics.diurnal_sensitivities(LATITUDES, local_time_h=TIMES_H)
    print("change by +10 % at 0 degrees, K: midnight, noon")
    for name, value in VALUES.items():
        by = ground.by(name)[0]
        print(f"  {name:24} {0.1 * value * by[0]:+6.2f} {0.1 * value * by[24]:+6.2f}")
    for k, latitude in enumerate(LATITUDES):
        print(f"{latitude:g} degrees: deviation (% of the value; degrees for a slope), largest correlation")
        for names in SETS:
            derivative = np.stack([ground.by(name)[k] for name in names], axis=-1)
            covariance = physics.parameter_covariance(derivative, NOISE_K)
            deviation = np.sqrt(np.diag(covariance))
            correlation = covariance / np.outer(deviation, deviation)
            largest = np.abs(correlation - np.eye(len(names))).max()
            figures = ", ".join(
                f"{name} {100.0 * s / VALUES[name]:.1f} %" if name in VALUES else f"{name} {s:.2f}"
                for name, s in zip(names, deviation, strict=True)
            )
            print(f"  {figures}; {largest:.3f}")


if __name__ == "__main__":
    main()
