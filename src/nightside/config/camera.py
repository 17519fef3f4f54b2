"""The NAC's noise and its calibration."""

from __future__ import annotations

from nightside.config.base import Section


class CameraNoise(Section):
    """What the forward model of the camera's noise assumes."""


class Calibration(Section):
    """Where the standard calibration takes its darks, flat field and linearity from."""
