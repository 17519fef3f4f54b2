"""The configuration: one strict pydantic model, read from YAML, that every step and the workflow share."""

from nightside.config.areas import AreaOfInterest, areas_of_interest
from nightside.config.base import ConfigError
from nightside.config.diviner import DivinerSource, RowFilter
from nightside.config.physics import Inversion, Physics, Prior
from nightside.config.region import Region
from nightside.config.settings import Settings, load
from nightside.config.synthetic import SyntheticMoon
from nightside.config.thermal import Bins, Maps, Profiles, Thermal, Training, Vae

__all__ = [
    "AreaOfInterest",
    "Bins",
    "ConfigError",
    "DivinerSource",
    "Inversion",
    "Maps",
    "Physics",
    "Prior",
    "Profiles",
    "Region",
    "RowFilter",
    "Settings",
    "SyntheticMoon",
    "Thermal",
    "Training",
    "Vae",
    "areas_of_interest",
    "load",
]
